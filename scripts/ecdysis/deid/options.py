"""The options of PS3.15, section E.3, by their names in the configuration."""

from collections.abc import Iterable
from difflib import get_close_matches

from ecdysis.errors import InputError

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
