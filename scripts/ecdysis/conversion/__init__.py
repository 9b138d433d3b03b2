"""From de-identified DICOM series to the files of a BIDS dataset."""
