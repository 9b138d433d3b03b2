"""Text in the character sets of DICOM (PS3.5, section 6.1), read without trust.

Bytes that are not what Specific Character Set promises are read as UTF-8, then as Latin-1,
so that there is no text the search for the person does not see.
"""

import warnings
from functools import lru_cache

ESCAPE = b"\x1b"
DEFAULT = ("iso8859",)
"""What pydicom reads the default repertoire by; other bytes than ASCII have no meaning in it."""

CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""Kinds of text that Specific Character Set rules; others are plain ASCII (PS3.5, 6.1.2.2)."""


@lru_cache(maxsize=256)
def codecs_of(charset: bytes) -> tuple[str, ...]:
    """Return the Python codecs for the value of Specific Character Set."""
    from pydicom.charset import convert_encodings

    terms = charset.decode("latin-1").strip("\0 ").split("\\")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(convert_encodings(terms)) or DEFAULT
        except LookupError:
            return DEFAULT


def decode(raw: bytes, vr: str, codecs: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the text in `raw` and the codecs by which it was read."""
    if raw.isascii() and ESCAPE not in raw:
        return raw.decode("ascii"), ("ascii",)
    declared = [codecs] if vr in CHARSET_VRS and codecs != DEFAULT else []
    for attempt in (*declared, ("utf-8",), ("latin-1",)):
        try:
            return _decode(raw, vr, attempt), attempt
        except (UnicodeError, LookupError, ValueError):
            continue
    return raw.decode("latin-1"), ("latin-1",)


def encode(text: str, codecs: tuple[str, ...]) -> bytes:
    """Return `text` in the character set it was read in; unwritable characters are left out."""
    from pydicom.charset import encode_string

    if text.isascii():
        return text.encode("ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return bytes(encode_string(text, list(codecs)))
        except (UnicodeError, LookupError, ValueError, UserWarning):
            return text.encode("ascii", "ignore")


def _decode(raw: bytes, vr: str, codecs: tuple[str, ...]) -> str:
    if len(codecs) == 1 and ESCAPE not in raw:
        return raw.decode(codecs[0])
    from pydicom.charset import decode_bytes

    delimiters = {0x0D, 0x0A, 0x09, 0x0C} if vr in ("LT", "ST", "UT") else {0x5C}
    delimiters |= {0x5E, 0x3D} if vr == "PN" else set()
    with warnings.catch_warnings():
        # The library only warns of bytes that do not fit; here that is a reason to try others.
        warnings.simplefilter("error")
        try:
            return str(decode_bytes(raw, list(codecs), delimiters))
        except UserWarning as warning:
            raise ValueError from warning
