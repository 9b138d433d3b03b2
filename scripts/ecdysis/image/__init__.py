"""NIfTI images: what may be read, on which grid, turned, cropped and resampled."""
