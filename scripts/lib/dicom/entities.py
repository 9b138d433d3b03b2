"""What tells apart the images of one kind in a session, as BIDS entities.

An entity is given only where the images of the session differ in what it says: ``ce`` (with
or without contrast agent), ``acq`` (dimension, plane, sequence or voxel size) and ``rec``
(one acquisition reconstructed several times). Images that differ in none of these are
repeats, which get ``run`` (see `lib.dicom.names`). BIDS 1.10, Appendix: Entities.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lib.dicom.series import Series, facts
from lib.errors import InputError

ORDER = ("acq", "ce", "rec", "run")
"""Entities of an anatomical image after subject and session, in the order of BIDS."""

RECONSTRUCTIONS = ("NORM", "DIS2D", "DIS3D", "MOCO", "SWI")
"""Terms of ImageType that tell one reconstruction of an acquisition from another."""


def distinguish(several: Sequence[Series]) -> dict[str, str]:
    """Return for each series (identifier) the entities by which it differs from the others.

    They are joined as in a file name, ``acq-2Dtra_ce-agent``; an empty text when there are
    none. Labels are made of fixed words and numbers, never of a text of the header.
    """
    told = {one.id: facts(one) for one in several}
    acquisitions = _acquisitions(told)
    agents = {name: "agent" if fact["contrast_agent"] else "" for name, fact in told.items()}
    labels = {
        one.id: {
            "acq": acquisitions[one.id],
            "ce": _if_different(agents)[one.id],
            "rec": _reconstruction(one, several, told, acquisitions),
        }
        for one in several
    }
    return {name: join(given) for name, given in labels.items()}


def join(labels: Mapping[str, str]) -> str:
    """Join entities in the order of BIDS, leaving out empty ones."""
    return "_".join(f"{key}-{labels[key]}" for key in ORDER if labels.get(key))


def parse(name: str, where: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """Split a name that a person wrote, as ``acq-x_run-2_T1w``, into entities and suffix.

    Raises
    ------
    InputError
        It is no name of an anatomical image of BIDS; `where` says which line it stands in.
    """
    *parts, suffix = name.split("_")
    pairs = [re.fullmatch(r"([a-z]+)-([0-9A-Za-z]+)", part) for part in parts]
    keys = [pair[1] for pair in pairs if pair]
    known = [key for key in ORDER if key in keys]
    numbered = all(pair[2].isdecimal() for pair in pairs if pair and pair[1] == "run")
    if suffix in suffixes and all(pairs) and keys == known and numbered:
        return "_".join(parts), suffix
    raise InputError(
        where,
        f"the name must be entities of {', '.join(ORDER)} in this order, with labels of letters "
        f"and digits (run: digits), and one of {', '.join(suffixes)}, as in acq-x_run-1_T1w",
        "Correct it, or write n/a to leave the series out",
    )


def _acquisitions(told: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the properties in which the acquisitions differ, joined to a label."""
    properties = (
        {name: str(fact["dimension"] or "") for name, fact in told.items()},
        {name: str(fact["plane"] or "") for name, fact in told.items()},
        {name: "".join(sorted(fact["sequence"])).lower() for name, fact in told.items()},
        {name: _voxel(fact) for name, fact in told.items()},
    )
    different = [_if_different(values) for values in properties]
    return {name: "".join(values[name] for values in different) for name in told}


def _if_different(values: Mapping[str, str]) -> dict[str, str]:
    same = len(set(values.values())) <= 1
    return {name: "" if same else value for name, value in values.items()}


def _voxel(fact: Mapping[str, Any]) -> str:
    """Return the voxel size as a label: 1 x 1 x 4.5 mm is ``1x1x4p5mm``."""
    sizes = (fact["pixel_mm"], fact["pixel_mm"], fact["slice_mm"])
    if None in sizes:
        return ""
    return "x".join(f"{round(size, 1):g}".replace(".", "p") for size in sizes) + "mm"


def _reconstruction(
    one: Series,
    several: Sequence[Series],
    told: Mapping[str, Mapping[str, Any]],
    acquisitions: Mapping[str, str],
) -> str:
    time = one.acquired()
    same = [
        set(told[other.id]["image_type"]).intersection(RECONSTRUCTIONS)
        for other in several
        if time and other.acquired() == time and acquisitions[other.id] == acquisitions[one.id]
    ]
    if not same:
        return ""
    own = set(told[one.id]["image_type"]) - set.intersection(*same)
    return "".join(term.lower() for term in RECONSTRUCTIONS if term in own)
