"""Labels that the description of a series names itself, as far as they may be told.

A description may hold the name of a person. So a label is taken only when it is a word of a
task that people use (`TASKS`), or stands in the form of a BIDS entity, as ``task-faces`` or
``acq-highres``, and is no part of the patient's name or number.
"""

import re

from ecdysis.dicom.header import Header

TASKS = {
    "rest": r"rest(ing)?( ?state)?|rs ?fmri|rsf?mri",
    "nback": r"n ?back|[0-3] ?back",
    "workingmemory": r"working ?memory|wm(?= ?task)|wm",
    "motor": r"motor|finger ?tap(ping)?|tapping",
    "faces": r"faces?|hariri",
    "emotion": r"emotions?|emotional|affect",
    "language": r"language|lang|verb ?gen(eration)?|word ?gen(eration)?",
    "stroop": r"stroop",
    "flanker": r"flanker",
    "gonogo": r"go ?no ?go|gng",
    "stopsignal": r"stop ?signal|sst",
    "gambling": r"gambling",
    "reward": r"reward|mid(?= ?task)",
    "social": r"social|theory of mind|tom",
    "relational": r"relational",
    "movie": r"movie|film|video|naturalistic",
    "memory": r"memory|encoding|retrieval|recall",
    "visual": r"visual|checker ?board|flicker",
    "retinotopy": r"retinotopy|retino|prf",
    "auditory": r"auditory|audio|sounds?|tones?|listening",
    "pain": r"pain|heat|thermal",
    "imagery": r"imagery",
    "reading": r"reading|story",
    "attention": r"attention|ant(?= ?task)",
    "localizer": r"functional ?locali[sz]er|floc|locali[sz]er",
    "breathhold": r"breath ?hold(ing)?",
}
"""Label -> how a description says it: lower case, spaces between words. The first fits."""

EXPLICIT = re.compile(r"(?<![A-Za-z0-9])(task|acq|dir|ce|rec)-([A-Za-z0-9]{1,24})(?![A-Za-z0-9])")
"""Entities in a description, as in the naming convention ReproIn."""

NUMBER = re.compile(r"\d{5}")
"""So many digits are a date or the number of a person."""

SHORTEST = 3
"""A part of a name below so many letters stands in ordinary words too."""


def explicit(header: Header) -> dict[str, str]:
    """Return the entities that a description gives in their own form."""
    return {
        entity: label
        for keyword in ("ProtocolName", "SeriesDescription")
        for entity, label in EXPLICIT.findall(str(header[keyword] or ""))
        if not NUMBER.search(label) and not _of_the_patient(label, header)
    }


def task(header: Header) -> str | None:
    """Return the task that the description or the protocol names."""
    if label := explicit(header).get("task"):
        return label
    for keyword in ("SeriesDescription", "ProtocolName"):
        text = re.sub(r"[^a-z0-9]+", " ", str(header[keyword] or "").lower())
        for label, pattern in TASKS.items():
            if re.search(rf"\b({pattern})\d*\b", text):
                return label
    return None


def _of_the_patient(label: str, header: Header) -> bool:
    known = f"{header['PatientName'] or ''} {header['PatientID'] or ''}".lower()
    parts = [part for part in re.findall(r"[^\W_]+", known) if len(part) >= SHORTEST]
    return any(part in label.lower() or label.lower() in part for part in parts)
