"""The audit of de-identified data: its own reading of the files, its own rules.

Nothing here is shared with `ecdysis.deid`, so that a fault there cannot hide itself: files are
read by pydicom, and what identifies is recognised by kind, not by a table of attributes.
"""
