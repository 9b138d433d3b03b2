"""Heads whose true brain mask is known, as BIDS images or as scanner DICOM."""
