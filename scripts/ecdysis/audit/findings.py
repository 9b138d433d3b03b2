"""Findings of the audit, and messages about them that do not contain the value."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydicom.datadict import keyword_for_tag

from ecdysis.audit.secrets import Secret
from ecdysis.errors import InputError

SHOWN = 6


class AuditError(InputError):
    """The audit found something; `files` are the results and records that contain it."""

    def __init__(self, where: str, problem: str, remedy: str, files: Iterable[Path] = ()) -> None:
        super().__init__(where, problem, remedy)
        self.files = tuple(files)


WHAT = {
    "UIDs": "a UID", "dates": "a date", "birth dates": "a birth date", "times": "a time of day",
    "names": "a word of a person's name", "identifiers": "an identifier or address",
    "places": "an institution", "devices": "the name or number of a device",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One fault of one file."""

    file: str
    """Its pseudonymous name."""
    element: str
    """Keyword, tag or field; an empty string for the file as a whole."""
    problem: str
    """What is wrong, without any value."""


def element_name(tag: int, creator: str = "") -> str:
    """Return how an element is named in messages and in `deid.accept`.

    Examples
    --------
    >>> element_name(0x00080080), element_name(0x001910A2, "GEMS_ACQU_01")
    ('InstitutionName', '(0019,GEMS_ACQU_01,A2)')
    """
    if creator:
        return f"({tag >> 16:04X},{creator},{tag & 0xFF:02X})"
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def identifying(file: str, element: str, secret: Secret) -> Finding:
    """Return the finding that an element holds a secret."""
    if not secret.tag:
        return Finding(file, element, f"holds a number that reads as {WHAT[secret.kind]}")
    source = element_name(secret.tag)
    return Finding(file, element, f"holds {WHAT[secret.kind]} ({source} of the originals)")


def in_name(file: str, secret: Secret) -> Finding:
    """Return the finding that the name of a file holds a secret."""
    source = element_name(secret.tag)
    return Finding(file, "", f"has {WHAT[secret.kind]} in its name ({source} of the originals)")


def split_accepted(
    findings: Iterable[Finding], accept: Iterable[str]
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that matter, and those in elements that the settings accept."""
    patterns = [pattern.lower() for pattern in accept]
    kept: tuple[list[Finding], list[Finding]] = ([], [])
    for finding in dict.fromkeys(findings):
        name = finding.element.lower()
        accepted = name and any(fnmatchcase(name, pattern) for pattern in patterns)
        kept[bool(accepted)].append(finding)
    return kept


def failure(
    label: str, findings: Collection[Finding], in_results: Mapping[Path, Iterable[Finding]]
) -> AuditError:
    """Return the error that describes a session's findings, with the remedy.

    Findings of the same kind in several files are one line.

    `findings` are those that are not accepted, and `in_results` maps a result or record to
    everything that was found in it.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.element, finding.problem), []).append(finding)
    lines = [_line(*key, files) for key, files in groups.items()]
    more = f"; and {len(lines) - SHOWN} more kinds of fault" if len(lines) > SHOWN else ""
    elements = [element for element, _ in groups if element]
    remedy = "Nothing of this session is passed on; other sessions go on"
    if elements:
        remedy = (
            f"{remedy}. To remove an element, add {{select: {elements[0]}, action: remove}} to"
            f" deid.edits; where its value identifies nobody, add {elements[0]} to deid.accept"
        )
    problem = f"the audit found: {'; '.join(lines[:SHOWN])}{more}"
    faulty = (path for path, found in in_results.items() if not set(findings).isdisjoint(found))
    return AuditError(label, problem, remedy, faulty)


def _line(element: str, problem: str, findings: list[Finding]) -> str:
    files = list(dict.fromkeys(finding.file for finding in findings))
    where = files[0] + (f" and {len(files) - 1} more files" if len(files) > 1 else "")
    return f"{element or 'the file'} {problem} (in {where})"
