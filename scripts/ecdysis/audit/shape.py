"""What a de-identified file looks like, whatever it was made from."""

import re
from collections.abc import Iterator
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_has_tag, repeater_has_tag

from ecdysis.audit import walk

NAMES = re.compile(r"[0-9a-f]{16}\.dcm")
SENDERS = (0x00020016, 0x00020017, 0x00020018, 0x00020026, 0x00020027, 0x00020028,
           0x00020100, 0x00020102)  # fmt: skip
"""File meta attributes that name a sender or hold something private."""

PATIENT = {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientSexNeutered"}
CHARACTERISTICS = {"PatientAge", "PatientSize", "PatientWeight", "SmokingStatus",
                   "PregnancyStatus", "EthnicGroup"}  # fmt: skip
SCANNERS = re.compile(r"SIEMENS (MR|CSA) |GEMS_|Philips (MR )?Imaging DD |Image Private Header")


def faults(name: str, ds: Dataset, label: str, options: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with an output, naming tags and never values.

    Parameters
    ----------
    name : str
        Its file name.
    ds : Dataset
        The output, as pydicom reads it.
    label : str
        The subject's label, which must be its Patient ID and Name.
    options : frozenset of str
        The options of the profile that were used.
    """
    if not NAMES.fullmatch(name):
        yield "the file name is no pseudonym"
    if any(getattr(ds, "preamble", None) or b""):
        yield "the preamble is not empty"
    yield from (f"file meta has {tag:08x}" for tag in SENDERS if tag in ds.file_meta)
    if ds.file_meta.get("MediaStorageSOPInstanceUID") != ds.get("SOPInstanceUID"):
        yield "file meta and data set differ in the SOP Instance UID"
    if (str(ds.get("PatientID")), str(ds.get("PatientName"))) != (label, label):
        yield "Patient ID or Name is not the label"
    if ds.get("PatientIdentityRemoved") != "YES":
        yield "Patient Identity Removed is not YES"
    if str(ds.get("BurnedInAnnotation", "NO")).upper() == "YES":
        yield "text is burned into the pixels"
    yield from _elements(ds, options)


def _elements(ds: Dataset, options: frozenset[str]) -> Iterator[str]:
    allowed = PATIENT | (CHARACTERISTICS if "retain_patient" in options else set())
    for element in walk.elements(ds):
        tag = element.tag
        if tag.is_private:
            if "retain_safe_private" not in options or (
                tag.is_private_creator and not SCANNERS.match(str(element.value))
            ):
                yield f"private {tag}"
        elif not dictionary_has_tag(tag) and not repeater_has_tag(tag):
            yield f"unknown {tag}"
        elif tag.group & 0xFF00 == 0x5000:
            yield f"curve {tag}"
        elif tag.group & 0xFF00 == 0x6000 and "clean_graphics" not in options:
            yield f"overlay {tag}"
        elif tag.group == 0x0010 and element.value and element.keyword not in allowed:
            if "clean_descriptors" not in options:
                yield f"patient {tag}"
        elif element.VR == "PN" and element.keyword != "PatientName" and _text(element.value):
            yield f"person {tag}"
    if ds.get("PatientBirthDate"):
        yield "(0010,0030) is not empty"


def _text(value: Any) -> str:
    return str(value).replace("Removed", "").strip()
