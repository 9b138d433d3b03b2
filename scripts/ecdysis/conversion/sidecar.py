"""Fields of a sidecar: which fields of dcm2niix are left out, and which ones are added."""

import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.files import atomic, table_rows
from ecdysis.image.gzip_files import reader, writing

_FIELDS = table_rows(Path(__file__).with_name("sidecar_fields.tsv"))
DROPPED = {field: reason for kind, field, reason in _FIELDS if kind == "dropped"}
"""Fields that are left out of the sidecar (regular expressions of the full name) -> the reason."""
LOST = {field: reason for kind, field, reason in _FIELDS if kind == "lost"}
"""Fields that a sidecar lacks because of the de-identification -> the reason."""
LONGEST_REPETITION_S = 100.0
"""A greater number is a repetition time in ms."""
REQUIRED = {
    "bold": (("RepetitionTime", "VolumeTiming"),),
    "epi": (("PhaseEncodingDirection",), ("TotalReadoutTime", "EffectiveEchoSpacing")),
    "phasediff": (("EchoTime1",), ("EchoTime2",)),
    "phase1": (("EchoTime",),),
    "phase2": (("EchoTime",),),
    "fieldmap": (("Units",),),
}
"""Suffix -> groups of fields; BIDS 1.10 requires one field of each group."""
NEEDED_FILES = {"dwi": (".bval", ".bvec")}
"""Suffix -> endings of the files that BIDS requires for an image."""
RECOMMENDED = {
    "MP2RAGE": (
        *("InversionTime", "FlipAngle", "RepetitionTimeExcitation", "RepetitionTimePreparation"),
        *("NumberShots", "MagneticFieldStrength"),
    ),
    "MEGRE": ("EchoTime",),
}
"""Suffix -> fields that quantitative maps are computed from.

BIDS 1.10, Appendix: Quantitative MRI. An image without one of them is converted with a warning.
"""
SAFE_PRIVATE = "retain_safe_private"


def remedy(absent: Sequence[str], options: Sequence[str]) -> str:
    """Return what the user can do about missing fields, or files such as ``.bval``.

    `options` are those of the de-identification.
    """
    ways = []
    if SAFE_PRIVATE not in options:
        ways.append(
            f"De-identify with the option {SAFE_PRIVATE}, which keeps private elements that may "
            "contain it"
        )
    if not any(field.startswith(".") for field in absent):
        ways.append("give it as metadata in study_rules")
    ways.append("write n/a as the name in plan.tsv to leave the series out")
    text = "; or ".join(ways)
    return text[0].upper() + text[1:]


def without_dropped(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sidecar without the fields in `DROPPED` and without empty fields.

    dcm2niix writes the word None for some texts that are not in the header.
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
    """Return a sidecar with the fields that follow from the name and from the rules of the study.

    `sidecar` is the result of `without_dropped`, `direction` that of phase encoding in the plan,
    such as ``AP``, and `axes` are the positive ends of the voxel axes, such as ``("L", "A", "S")``.
    The `metadata` from the rules of the study override the header.
    """
    fields = dict(sidecar)
    if "task" in labels:
        fields["TaskName"] = labels["task"]
    times, repetition = fields.get("SliceTiming"), fields.get("RepetitionTime")
    if isinstance(times, list) and isinstance(repetition, int | float) and max(times) > repetition:
        # In interoperability exports of Siemens XA these times are from another clock.
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


def missing_fields(sidecar: Mapping[str, Any], suffix: str) -> list[str]:
    """Return the required fields that are not in a sidecar."""
    return [
        " or ".join(fields)
        for fields in REQUIRED.get(suffix, ())
        if not sidecar.keys() & set(fields)
    ]


PIXDIM_4 = 76 + 4 * 4
"""Offset (bytes) of pixdim[4], the repetition time, in a NIfTI-1 header."""
DIFFERENCE_S = 1e-3
"""Smaller differences are rounding."""


def set_repetition_time(image: Path, seconds: float) -> bool:
    """Write the repetition time to the header of a 4-D ``.nii.gz``; return whether it changed.

    BIDS requires the value of the sidecar. dcm2niix corrects it only in the sidecar for some gated
    and delayed acquisitions.
    """
    with image.open("rb") as packed, reader(packed) as stream:
        start = stream.read(348)
        order = "<" if struct.unpack_from("<i", start)[0] == 348 else ">"
        (before,) = struct.unpack_from(f"{order}f", start, PIXDIM_4)
        if abs(before - seconds) <= DIFFERENCE_S:
            return False
        content = bytearray(start + stream.read())
    struct.pack_into(f"{order}f", content, PIXDIM_4, seconds)
    with atomic(image) as partial, writing(partial) as stream:
        stream.write(content)
    return True
