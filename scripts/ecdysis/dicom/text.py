"""Text in DICOM: its character sets (PS3.5, section 6.1), and technical forms without names.

Bytes that do not fit Specific Character Set are read as UTF-8, then as Latin-1, so that the
search for the person sees all text.
"""

import re
import warnings
from functools import lru_cache

from ecdysis.dicom.tables import device_words, vocabulary

ESCAPE = b"\x1b"
DEFAULT = ("iso8859",)
"""What pydicom reads the default repertoire by; other bytes than ASCII have no meaning in it."""

CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""Kinds of text that Specific Character Set rules; others are plain ASCII (PS3.5, 6.1.2.2)."""

AXIS = r"(Tra|Sag|Cor)"
COIL = r"[A-Z]{1,3}\d{0,2}"
COILS = re.compile(rf"([A-Z]:)?{COIL}([;,-]({COIL}|\d{{1,2}}))*")
"""Names of coil elements: ``HE1-4;NE1,2``, ``T:HEA;HEP``."""
CODE_OF_COIL = re.compile(r"[A-Z]{3}")
HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of a text without spaces, as in `FieldMap`."""

SINGLE_LETTERS = re.compile(r"[A-Z]([;,-][A-Z]){3}")
FORM = re.compile(
    rf"""
      [+-]?\d{{1,7}}(\.\d{{1,7}})?(e[+-]?\d{{1,2}})?   # a number
    | X(_\d{{1,5}})+                                   # ICE dimensions
    | \d{{1,4}}[a-z]?\*\d{{1,4}}[a-z]?                 # matrix: 64p*64
    | FoV\ \d{{1,4}}\*\d{{1,4}}                        # field of view, mm
    | SL\ \d{{1,3}}(\.\d{{1,3}})?                      # slice thickness, mm
    | {AXIS}(>{AXIS}(\(-?\d{{1,2}}\.\d{{1,2}}\))?)*    # orientation: Tra>Cor(-1.6)>Sag(0.5)
    | [APLRIHFS]{{1,2}}->[APLRIHFS]{{1,2}}             # direction: A->P
    | [+-][APLRHF]{{3}}                                # positive directions: +LPH
    | ([a-z]\d(\.\d)?\ ?)+                             # acceleration: p2 s3
    | [A-Z]:\d{{1,2}}[A-Z]?                            # acceleration: F:2S
    | [A-Za-z]{{2,4}}/s\d(,[A-Za-z]{{2,4}}/s\d)*       # prescan: TG/s3,RN/s1
    """,
    re.VERBOSE,
)
"""Forms of short technical texts in vendors' elements that cannot contain a name."""

LONGEST = 512
"""Characters of a technical text; a longer one has none of the forms."""


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


def is_code(text: str) -> bool:
    """Return whether a text has one of the technical forms or is a defined term."""
    if len(text) > LONGEST:
        return False
    return not text or bool(FORM.fullmatch(text)) or is_coil(text) or text in vocabulary("term")


def is_coil(text: str) -> bool:
    """Return whether a text names coil elements.

    One name of three letters may be unknown; several of them, or single letters in a row, may be
    a person's name.
    """
    if len(text) > LONGEST or not COILS.fullmatch(text) or SINGLE_LETTERS.search(text):
        return False
    codes = set(CODE_OF_COIL.findall(text))
    return len({code for code in codes if code.lower() not in device_words()}) <= 1
