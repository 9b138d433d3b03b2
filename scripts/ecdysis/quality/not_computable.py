"""The answer of a measure that an image cannot give."""


class NotComputableError(Exception):
    """A measure has no value for this image; the message is the reason, for the report."""
