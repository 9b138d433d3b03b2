"""The action for each attribute (PS3.15 Annex E), and the elements that state the profile.

The standard lists what must go and keeps the rest. Here the rest is kept only when it is a
known public attribute outside the groups and kinds of value below, which hold persons,
places or narrative, or cannot be looked into.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from ecdysis.deid.scrub import Scrubber
from ecdysis.deid.words import Words
from ecdysis.dicom.elements import Buffer, Encoding, element, sequence
from ecdysis.dicom.part10 import SOP_CLASS
from ecdysis.dicom.tables import (
    EDITION,
    attributes,
    keyword_of,
    sop_classes,
    types,
    vocabulary,
    vr_of,
)
from ecdysis.errors import InputError
from ecdysis.version import __version__

BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
CODES = {
    "clean_pixel_data": ("113101", "Clean Pixel Data Option"),
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_structured_content": ("113104", "Clean Structured Content Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_dates_full": (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    "retain_dates_modified": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain_patient": ("113108", "Retain Patient Characteristics Option"),
    "retain_device": ("113109", "Retain Device Identity Option"),
    "retain_uids": ("113110", "Retain UIDs Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
    "retain_institution": ("113112", "Retain Institution Identity Option"),
}
"""Option -> its code and meaning in DICOM PS3.16, CID 7050; scheme DCM."""

DENIED_GROUPS = {
    0x0010: "patient",
    0x0012: "clinical trial",
    0x0014: "non-destructive testing",
    0x0032: "study request",
    0x0038: "visit",
    0x0072: "hanging protocol",
    0x0088: "storage, topic",
    0x0100: "authorisation",
    0x0400: "signature, encryption, former values",
    0x4000: "free text",
    0x4008: "results",
    0x4010: "luggage screening",
}
"""Groups whose elements stay only if Table E.1-1 names them and an option keeps them."""

ALLOWED = {
    "PatientSpeciesCodeSequence",
    "AnatomicalOrientationType",
    "LongCodeValue",
    "URNCodeValue",
}
"""Attributes of a denied group or kind that describe the object, not a person."""

DENIED_VRS = {"PN", "UR", "UT", "LT", "ST", "UC", "OB", "UN"}
"""Kinds of value that Table E.1-1 does not clear and that can have any content."""

ALLOWED_TEXT = {
    "CodeMeaning",
    "CodeValue",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "AttenuationCorrectionMethod",
    "ConvolutionKernel",
    "DimensionDescriptionLabel",
    "ImagedNucleus",
    "Manufacturer",
    "ManufacturerModelName",
    "MultiCoilConfiguration",
    "MultiCoilElementName",
    "PulseSequenceName",
    "Radiopharmaceutical",
    "RandomsCorrectionMethod",
    "ReceiveCoilManufacturerName",
    "ReceiveCoilName",
    "ReconstructionMethod",
    "RescaleType",
    "ScatterCorrectionMethod",
    "SequenceName",
    "SoftwareVersions",
    "StackID",
    "TransmitCoilManufacturerName",
    "TransmitCoilName",
    "WindowCenterWidthExplanation",
}
"""Texts (AE, LO, SH) outside Table E.1-1 that stay word by word; all others are removed."""

WORDED = {
    "CodeMeaning",
    "DimensionDescriptionLabel",
    "ProtocolName",
    "PulseSequenceName",
    "Radiopharmaceutical",
    "SequenceName",
    "SeriesDescription",
    "WindowCenterWidthExplanation",
}
"""Texts that keep known words only, see `ecdysis.deid.words`."""

FORMED = {"ImagedNucleus", "RescaleType"}
"""Texts whose value has a form, see `ecdysis.deid.actions.TAG_FORMS`."""

CODES_OF_SCHEMES = {
    "CodeValue",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "LongCodeValue",
    "StackID",
    "URNCodeValue",
}
"""Codes, which stay if they hold no word but names of coding schemes and known words."""

ALLOWED_BINARY = {
    "PixelData",
    "WaveformData",
    "WaveformPaddingValue",
    "ChannelMinimumValue",
    "ChannelMaximumValue",
}
"""Binary attributes whose content the object describes."""

LABELS = {0x00100010, 0x00100020}
"""Patient's Name and Patient ID, which become the subject's label."""

OWN = {0x00120062, 0x00120063, 0x00120064, 0x00280303}
"""What de-identification itself writes; the values of an earlier one are left out."""

OVERLAY, CURVE = 0x6000, 0x5000
TIMEZONE, IMAGE_COMMENTS = 0x00080201, 0x00204000

METHOD = 0x00120063
LONGEST_METHOD = 64
OWN_METHOD = re.compile(
    r"Ecdysis \d{1,2}(\.\d{1,3}){1,3}((a|b|rc|\.dev|\.post)\d{1,3})?, "
    r"PS3\.15 20\d\d[a-e] Basic Profile(, with exceptions)?"
)
"""What an earlier version of this program wrote; it holds nothing of a patient."""


class Profile:
    """The action for each attribute, for one choice of options.

    The `name` is ``basic``, or ``none``, which keeps everything; `options` are those of PS3.15.

    Raises
    ------
    InputError
        The options are unknown or contradictory.
    """

    def __init__(self, name: str = "basic", options: Iterable[str] = ()) -> None:
        self.name, self.options = name, checked_options(options)
        self._known: dict[tuple[int, str, str], str] = {}

    def action(self, tag: int, vr: str, objects: str = "") -> str:
        """Return what happens to a value.

        `vr` is the VR by which the value is treated, see `ecdysis.dicom.tables.settled_vr`, and
        `objects` the group of objects in iod_types.tsv; unknown when empty. The action is
        ``remove``, ``empty``, ``dummy``, ``uid``, ``label``, ``shift`` (dates), ``title`` (an AE
        title), ``age``, ``words`` and ``device`` (only known words of a description or of a text
        about the scanner stay), ``code`` (kept if it holds no unknown word), ``gradient`` (a
        b-value and its direction), ``items`` (look inside), ``private``, ``keep`` (text is still
        searched for the person), or ``verbatim``.
        """
        key = tag, vr, objects
        if key not in self._known:
            self._known[key] = self._decide(tag, vr, objects)
        return self._known[key]

    def _decide(self, tag: int, vr: str, objects: str) -> str:
        group = tag >> 16
        if not tag & 0xFFFF or group < 8 or tag in OWN:
            return "remove"
        if self.name == "none":
            return "items" if vr == "SQ" else "verbatim"
        if group & 1:
            return "private" if "retain_safe_private" in self.options else "remove"
        if tag in LABELS:
            return "label"
        if row := attributes().get(tag):
            return self._listed(tag, vr, objects, row.actions, row.options)
        return self._unlisted(tag, vr)

    def _listed(
        self, tag: int, vr: str, objects: str, actions: tuple[str, ...], options: dict[str, str]
    ) -> str:
        names = self.options & options.keys()
        if tag == IMAGE_COMMENTS and "clean_descriptors" in names:
            return "gradient"
        if keyword_of(tag) not in WORDED:
            # Other descriptions, comments and narratives go as in the basic profile.
            names -= {"clean_descriptors"}
        chosen = {options[name] for name in names}
        if tag == TIMEZONE and chosen != {"keep"}:
            return "remove"
        if chosen:
            return self._retained(vr, "clean" if "clean" in chosen else "keep")
        if len(actions) == 1:
            # A pseudonym is a dummy by which references still hold.
            return "uid" if vr == "UI" and actions[0] == "dummy" else actions[0]
        if "uid" in actions:
            return "items"
        known = objects in {entry.objects for entry in sop_classes().values()} - {"-"}
        kind = types().get((objects, tag), 3) if known else 1
        wanted = {1: ("dummy", "empty"), 2: ("empty", "dummy"), 3: ("remove", "empty", "dummy")}
        return next(action for action in wanted[kind] if action in actions)

    def _retained(self, vr: str, how: str) -> str:
        if vr == "SQ":
            return "items"
        if vr == "AS":
            return "age"
        if vr in ("OB", "UN"):
            return "remove"
        if how == "keep":
            return "keep"
        if vr in ("DA", "DT"):
            return "shift"
        if vr == "AE":
            return "title"
        return "keep" if vr == "TM" else "words"

    def _unlisted(self, tag: int, vr: str) -> str:
        keyword, group = keyword_of(tag), tag >> 16
        if vr_of(tag) is None:
            return "remove"
        if group & 0xFF00 == CURVE:
            return "remove"
        if group & 0xFF00 == OVERLAY:
            return "keep" if "clean_graphics" in self.options and vr != "LT" else "remove"
        if keyword not in ALLOWED and (group in DENIED_GROUPS or 0x2000 <= group < 0x3000):
            return "remove"
        if vr == "SQ":
            return "items"
        if vr == "UI":
            return "keep" if tag == SOP_CLASS or "retain_uids" in self.options else "uid"
        if vr in ("DA", "DT", "TM"):
            return self._unlisted_date(vr)
        if {vr, vr_of(tag)} & DENIED_VRS and keyword not in ALLOWED | ALLOWED_BINARY:
            return "remove"
        is_text = bool({vr, vr_of(tag)} & {"AE", "LO", "SH"})
        if is_text and keyword not in ALLOWED_TEXT:
            return "remove"
        if keyword in CODES_OF_SCHEMES:
            return "code"
        if keyword in WORDED:
            return "words"
        return "device" if is_text and keyword not in FORMED else "keep"

    def _unlisted_date(self, vr: str) -> str:
        if "retain_dates_full" in self.options:
            return "keep"
        if "retain_dates_modified" in self.options:
            return "keep" if vr == "TM" else "shift"
        return "remove"


def checked_options(names: Iterable[str]) -> frozenset[str]:
    """Return the options as a set.

    Raises
    ------
    InputError
        An option is unknown, or two of them contradict each other.
    """
    options = frozenset(names)
    for name in sorted(options - CODES.keys()):
        near = ", ".join(get_close_matches(name, CODES, n=3)) or ", ".join(CODES)
        raise InputError("deid.options", f"unknown option {name!r}", f"Use one of: {near}")
    if {"retain_dates_full", "retain_dates_modified"} <= options:
        raise InputError(
            "deid.options",
            "retain_dates_full and retain_dates_modified exclude each other",
            "Keep one of them",
        )
    return options


class Claims:
    """Writes the claims about de-identification; each only when it is true for the file.

    The `profile` says what happens to each attribute; `label` is the subject's.
    """

    def __init__(self, profile: Profile, label: str) -> None:
        self._profile, self._label = profile, label
        self._words = Words(vocabulary("method"))
        self.elements = lru_cache(maxsize=256)(self._elements)

    def _elements(
        self,
        encoding: Encoding,
        earlier: str,
        scrub: Scrubber,
        *,
        exceptions: bool,
        blanked: bool,
    ) -> list[tuple[int, Buffer]]:
        """Return the tags and bytes of the elements.

        `earlier` is the Deidentification Method of an earlier de-identification, from which `scrub`
        removes the person's tokens. With `exceptions`, an edit with ``override`` or an admitted
        kind of file may leave identity in the file; with `blanked`, its pixels were blanked.
        """
        options = set(self._profile.options) - ({"clean_pixel_data"} if not blanked else set())
        times = "REMOVED"
        times = "MODIFIED" if "retain_dates_modified" in options else times
        times = "UNMODIFIED" if "retain_dates_full" in options else times
        basic = [] if exceptions else [BASIC_CODE]
        codes = [*basic, *sorted(CODES[option] for option in options)]
        items = [code_item(encoding, code, "DCM", meaning) for code, meaning in codes]
        label = self._label.encode("ascii")
        method = self._method(earlier, scrub, exceptions)
        written = [
            element(encoding, 0x00100010, "PN", label),
            element(encoding, 0x00100020, "LO", label),
            element(encoding, METHOD, "LO", method.encode("ascii")),
            sequence(encoding, 0x00120064, items),
            element(encoding, 0x00280303, "CS", times.encode("ascii")),
        ]
        tags = [0x00100010, 0x00100020, METHOD, 0x00120064, 0x00280303]
        if not exceptions:
            tags.append(0x00120062)
            written.append(element(encoding, 0x00120062, "CS", b"YES"))
        return list(zip(tags, written, strict=True))

    def _method(self, earlier: str, scrub: Scrubber, exceptions: bool) -> str:  # noqa: FBT001
        """Return the method of de-identification, after the known words of an earlier method."""
        suffix = ", with exceptions" if exceptions else ""
        own = f"Ecdysis {__version__}, PS3.15 {EDITION} Basic Profile{suffix}"[:LONGEST_METHOD]
        before = [
            part if OWN_METHOD.fullmatch(part) else self._words.kept(scrub(part))
            for part in map(str.strip, earlier.split("\\"))
        ]
        return "\\".join([*(part for part in before if part and part not in own), own])


def code_item(encoding: Encoding, value: str, scheme: str, meaning: str) -> bytes:
    """Return the content of an item of a code sequence (PS3.3, table 8.8-1)."""
    return b"".join(
        [
            element(encoding, 0x00080100, "SH", value.encode()),
            element(encoding, 0x00080102, "SH", scheme.encode()),
            element(encoding, 0x00080104, "LO", meaning.encode()),
        ]
    )
