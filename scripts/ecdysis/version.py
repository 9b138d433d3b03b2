"""The version of the workflow, and of the standard that its datasets follow."""

__version__ = "0.1.0"

BIDS_VERSION = "1.10.1"
"""Brain Imaging Data Structure Specification, https://bids-specification.readthedocs.io."""
