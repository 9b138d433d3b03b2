"""Figures, viewers and statistical maps, drawn with nilearn and Pillow."""
