"""How good an image is: measures, their dictionary, outliers, and the table of the study."""
