"""The version of the workflow."""

__version__ = "0.1.0"
