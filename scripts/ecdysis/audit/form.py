"""What every de-identified file must look like."""

import re
from collections.abc import Iterator
from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag

from ecdysis.audit.findings import Finding, element_name
from ecdysis.audit.instance import META, Chunk, Instance, PerChunk, Value
from ecdysis.audit.kept import rule_of
from ecdysis.audit.secrets import CLASS_LIKE, is_standard_uid
from ecdysis.audit.vendor import READERS, is_readable

NAMES = re.compile(r"[0-9a-f]{16}\.dcm")
PSEUDONYM = re.compile(r"2\.25\.\d{30,39}")
SENDERS = {0x00020016, 0x00020017, 0x00020018, 0x00020026, 0x00020027, 0x00020028, 0x00020100,
           0x00020102}  # fmt: skip
"""File meta attributes that name a sender or hold something private."""

PATIENT = {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientSexNeutered",
           "AnatomicalOrientationType"}  # fmt: skip
CHARACTERISTICS = {"PatientAge", "PatientSize", "PatientWeight", "SmokingStatus",
                   "PregnancyStatus", "EthnicGroup"}  # fmt: skip
SCANNERS = re.compile(r"SIEMENS (MR|CSA) |GEMS_|Philips (MR )?Imaging DD |Image Private Header")
NEWER = {0x00081301, 0x00081302, 0x00081303, 0x00081304, 0x00100016, 0x00100042, 0x00100045,
         0x0040A034, 0x0040A035, 0x0040B034, 0x0040B036, 0x0040B03B, 0x0040B03F}  # fmt: skip
"""Attributes of PS3.6, edition 2026c, that the dictionary of pydicom 3.0.2 does not have."""

Problem = tuple[str, str]
"""What is wrong, and the name of the element."""

DUMMY = re.compile(r"\s*(removed|anonymous|none)?\s*", re.IGNORECASE)


def faults(
    name: str,
    instance: Instance,
    label: str,
    problems: PerChunk[list[Problem]],
) -> Iterator[Finding]:
    """Yield the faults in the form of an output.

    `name` is its file name with its folder. `label` is the subject's label, which must be its
    Patient ID and Name, and `problems` gives what `problems_in` returns for its elements.
    """

    def finding(problem: str, element: str = "") -> Finding:
        return Finding(name, element, problem)

    if not NAMES.fullmatch(name.rpartition("/")[2]):
        yield finding("has a name that is no pseudonym")
    if any(instance.preamble):
        yield finding("has a preamble that is not empty")
    if not instance.is_complete:
        yield finding("has bytes behind its last element")
    if 0 < instance.native_size < len(instance.pixels) - 1:
        yield finding("has bytes behind the pixels", "PixelData")
    if instance.text(0x00020003) != instance.text(0x00080018):
        yield finding("differs between file meta information and data set", "SOPInstanceUID")
    for tag in (0x00100020, 0x00100010):
        if instance.text(tag) != label:
            yield finding("is not the subject's label", element_name(tag))
    if instance.text(0x00120062) != "YES":
        yield finding("is not YES", "PatientIdentityRemoved")
    if instance.text(0x00280301).upper() == "YES":
        yield finding("says that text is burned into the pixels", "BurnedInAnnotation")
    for of_chunk in problems.of(instance):
        yield from (finding(*problem) for problem in of_chunk)


def problems_in(chunk: Chunk, options: frozenset[str]) -> list[Problem]:
    """Return what is wrong with an element of an output, under the options that were used."""
    if chunk.tag >> 16 == META:
        is_wrong = chunk.tag in SENDERS
        return [("stands in the file meta information", element_name(chunk.tag))] * is_wrong
    allowed = PATIENT | (CHARACTERISTICS if "retain_patient" in options else set())
    problems = [("stands in a sequence", "PixelData")] if chunk.nested_pixels else []
    return problems + [
        (problem, element_name(value.tag, value.creator))
        for value in chunk.values
        if (problem := _problem(value, allowed, options))
    ]


def _is_harmless_uid(value: Value) -> bool:
    """Whether UIDs of a class or a coding scheme are those of a standard, or pseudonyms.

    An admitted file may have a class of its own at the top level.
    """
    if not CLASS_LIKE.search(value.keyword) or value.place == "00080016":
        return True
    return all(is_standard_uid(text) or PSEUDONYM.fullmatch(text) for text in value.texts())


@lru_cache(maxsize=4096)
def _vrs(tag: int) -> str:
    """Return the VRs of a public element, such as ``US or SS``."""
    return dictionary_VR(tag)


def _problem(value: Value, allowed: set[str], options: frozenset[str]) -> str:
    tag, group = value.tag, value.tag >> 16
    if group & 1:
        is_creator = 0x10 <= tag & 0xFFFF <= 0xFF
        known = not is_creator or SCANNERS.match(value.raw.decode("latin-1"))
        if "retain_safe_private" not in options or not known:
            return "is a private element"
        rule = rule_of(value)
        unread = (
            rule and rule.rule in READERS and value.raw and not is_readable(rule.rule, value.raw)
        )
        return "cannot be read as the structure that it is" if unread else ""
    if group & 0xFF00 == 0x5000:
        return "is part of a curve"
    if group & 0xFF00 == 0x6000:
        return "" if "clean_graphics" in options else "is part of an overlay"
    if tag not in NEWER and not dictionary_has_tag(tag) and not repeater_has_tag(tag):
        return "is not in the dictionary of DICOM"
    if not value.raw.strip(b"\0 "):
        return ""
    if tag not in NEWER and value.vr not in _vrs(tag):
        return "has a VR that is not its own"
    if value.vr == "SQ":
        return "is no sequence, though it should be one"
    if value.vr == "UI" and "retain_uids" not in options and not _is_harmless_uid(value):
        return "has a UID that no standard defines"
    if value.keyword == "PatientBirthDate":
        return "is not empty"
    if group == 0x0010 and value.keyword not in allowed and "clean_descriptors" not in options:
        return "describes the patient"
    if value.vr == "PN" and value.keyword != "PatientName":
        return "" if all(map(DUMMY.fullmatch, value.texts())) else "names a person"
    return ""
