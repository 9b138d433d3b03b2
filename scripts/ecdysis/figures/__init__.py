"""What a person looks at: figures, viewers and statistical maps, drawn with nilearn."""
