"""De-identification of DICOM: default-deny, keyed, and the same in every process."""
