"""Reasons to set a file aside: it cannot be read, or its pixels or texts may identify a person."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from pydicom.uid import UID

from ecdysis.dicom.tables import SopClass

NOT_DICOM = "not DICOM"
TRUNCATED = "truncated"
MALFORMED = "malformed"
UNIDENTIFIED = "no SOP class or instance UID"
DUPLICATE = "duplicate SOP instance UID"
UNREADABLE = "unreadable"
UNKNOWN_SYNTAX = "unknown transfer syntax"
BURNED_IN = "burned-in annotation"
OVERLAY_BITS = "overlay in the pixel data"
NOT_BLANKED = "pixels that blank_pixels cannot change"
BY_EDIT = "set aside by an edit"
PRIVATE_CLASS = "private object class"
SCREEN_SAVE = "screen save"
FEATURES = "recognizable visual features"

IMAGE_TYPE, CONVERSION_TYPE, RECOGNIZABLE = 0x00080008, 0x00080064, 0x00280302
SCREEN = {"SCREEN SAVE", "SCREENSAVE", "CSA RESULT"}
"""Values of Image Type by which scanners mark pictures of their screen."""

DIGITISED = {"DV", "DI", "DF", "WSD", "SD", "SI", "DRW"}
"""Conversion Types of pictures of a screen, a film, a paper or a video (PS3.3, C.8.6.1)."""


class RefusedError(Exception):
    """A file that must not pass; `reason` is one of a fixed set and does not identify anyone.

    Parameters
    ----------
    reason : str
        The kind of fault, the same for all files that have it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def verdict(sop_class: str, classes: Mapping[str, SopClass]) -> str | None:
    """Return why objects of `sop_class` are set aside, or None when they may pass.

    Only the classes that the table lets pass do; another one is named by PS3.6.
    """
    if entry := classes.get(sop_class):
        return None if entry.verdict == "pass" else entry.verdict
    for pattern, entry in classes.items():
        if "*" in pattern and fnmatchcase(sop_class, pattern):
            return entry.verdict
    name = UID(sop_class).name
    return PRIVATE_CLASS if name == sop_class else name.lower()


def drawn(head: Mapping[int, bytes]) -> str | None:
    """Return why, by its header, the pixels of an object may show text or a face."""
    image_type = [part.strip() for part in _text(head, IMAGE_TYPE).split("\\")]
    if SCREEN & set(image_type) or _text(head, CONVERSION_TYPE) in DIGITISED:
        return SCREEN_SAVE
    return FEATURES if _text(head, RECOGNIZABLE) == "YES" else None


def _text(head: Mapping[int, bytes], tag: int) -> str:
    return head.get(tag, b"").decode("latin-1").strip("\0 ").upper()
