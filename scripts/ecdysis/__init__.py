"""Code that more than one script uses; each module has one subject."""
