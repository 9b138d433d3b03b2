"""Measures of image quality, and what stands out among them."""
