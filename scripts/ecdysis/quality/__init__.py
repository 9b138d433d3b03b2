"""Quality measures of images: formulas, data dictionary, norms and outliers."""
