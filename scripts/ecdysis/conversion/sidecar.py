"""The fields of a sidecar: what is left out of the converter's, and what BIDS wants besides."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

DROPPED = {
    r"Patient(?!Position$).*": "of the person; sex and age belong in participants.tsv",
    r".*InstanceUID|AccessionNumber|StudyID": "numbers that lead back to the scanner's archive",
    r".*(Physician|Operator).*": "names of people",
    r"ImageComments": "free text",
    r"BidsGuess": "a guess of the converter; the plan has decided",
}
"""Fields of the sidecar that are left out (patterns of the whole name) and why."""

LOST = {
    **dict.fromkeys(
        ("SeriesDescription", "ProtocolName", "StudyDescription", "ProcedureStepDescription"),
        "free text, which may name a person; clean_descriptors keeps known words",
    ),
    **dict.fromkeys(
        ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"),
        "says where the person lives; retain_institution keeps it",
    ),
    **dict.fromkeys(
        ("DeviceSerialNumber", "StationName"),
        "leads to the scanner and its logs; retain_device keeps it",
    ),
    "AcquisitionTime": "with the archive's log it names the person; retain_dates_modified keeps it",
}
"""Fields of a sidecar that de-identification takes away before conversion, and why."""

LONGEST_REPETITION_S = 100.0
"""A longer repetition time is in ms."""

REQUIRED = {
    "bold": (("RepetitionTime", "VolumeTiming"),),
    "epi": (("PhaseEncodingDirection",), ("TotalReadoutTime", "EffectiveEchoSpacing")),
    "phasediff": (("EchoTime1",), ("EchoTime2",)),
    "phase1": (("EchoTime",),),
    "phase2": (("EchoTime",),),
    "fieldmap": (("Units",),),
}
"""Suffix -> what BIDS 1.10 requires and a header may lack: one field of each group."""

NEEDED_FILES = {"dwi": (".bval", ".bvec")}
"""Suffix -> the files that BIDS requires beside the image."""

RECOMMENDED = {
    "MP2RAGE": (
        *("InversionTime", "FlipAngle", "RepetitionTimeExcitation", "RepetitionTimePreparation"),
        *("NumberShots", "MagneticFieldStrength"),
    ),
    "MEGRE": ("EchoTime",),
}
"""Suffix -> fields without which its quantitative maps cannot be computed (BIDS 1.10, Appendix:
Quantitative MRI); an image that lacks one is converted with a warning."""

SAFE_PRIVATE = "retain_safe_private"


def remedy(absent: Sequence[str], options: Sequence[str]) -> str:
    """Return what to do about fields or files that a header does not hold.

    Parameters
    ----------
    absent : sequence of str
        Fields, or endings of files, as ``.bval``.
    options : sequence of str
        Those of the de-identification.
    """
    ways = []
    if SAFE_PRIVATE not in options:
        ways.append(
            f"De-identify with the option {SAFE_PRIVATE}, which keeps the private elements that "
            "may hold it"
        )
    if not any(field.startswith(".") for field in absent):
        ways.append("give it as metadata in study_rules")
    ways.append("write n/a as the name in plan.tsv to leave the series out")
    text = "; or ".join(ways)
    return text[0].upper() + text[1:]


def without_dropped(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a sidecar that no pattern of `DROPPED` names and that say something.

    dcm2niix writes the word None for some texts that the header does not have.
    """
    return {
        field: value
        for field, value in sidecar.items()
        if value != "None" and not any(re.fullmatch(pattern, field) for pattern in DROPPED)
    }


def completed(
    sidecar: Mapping[str, Any],
    labels: Mapping[str, str],
    direction: str | None,
    axes: tuple[str, ...],
    metadata: Mapping[str, Any],
    suffix: str = "",
) -> dict[str, Any]:
    """Return a sidecar with what the name and the study add.

    Parameters
    ----------
    sidecar : dict
        From the converter, without what is dropped.
    labels : dict
        The entities of the image.
    direction : str or None
        The direction of phase encoding that the plan found, as ``AP``.
    axes : tuple of str
        The positive ends of the voxel axes, as ``("L", "A", "S")``.
    metadata : dict
        What the study's rules give; it overrides the header.
    suffix : str
        Of the image.
    """
    fields = dict(sidecar)
    if "task" in labels:
        fields["TaskName"] = labels["task"]
    times, repetition = fields.get("SliceTiming"), fields.get("RepetitionTime")
    if isinstance(times, list) and isinstance(repetition, int | float) and max(times) > repetition:
        # In interoperability exports of Siemens XA the times are those of another clock.
        del fields["SliceTiming"]
    if suffix == "fieldmap":
        fields.setdefault("Units", "Hz")
    preparation = fields.get("RepetitionTimePreparation")
    if isinstance(preparation, int | float) and preparation > LONGEST_REPETITION_S:
        # dcm2niix writes milliseconds for some arterial spin labelling.
        fields["RepetitionTimePreparation"] = preparation / 1000
    if suffix in ("MP2RAGE", "m0scan", "asl") and "RepetitionTime" in fields:
        fields.setdefault("RepetitionTimePreparation", fields["RepetitionTime"])
    if labels.get("part") == "phase":
        fields.setdefault("Units", "arbitrary")
    axis = fields.get("PhaseEncodingAxis")
    if "PhaseEncodingDirection" not in fields and axis and direction:
        end = axes["ijk".index(axis)]
        if end in direction:
            fields["PhaseEncodingDirection"] = axis if direction[1] == end else f"{axis}-"
    if "TotalReadoutTime" not in fields and "EstimatedTotalReadoutTime" in fields:
        fields["TotalReadoutTime"] = fields["EstimatedTotalReadoutTime"]
    return fields | dict(metadata)


def lacking(sidecar: Mapping[str, Any], suffix: str) -> list[str]:
    """Return the required fields that a sidecar does not have."""
    return [
        " or ".join(fields)
        for fields in REQUIRED.get(suffix, ())
        if not sidecar.keys() & set(fields)
    ]
