"""Audit the de-identified files of one session against their originals.

Collects what identifies in every original and searches every output for it, value by value;
checks the form of each output, and that nothing was lost that a converter needs. A fault stops the
session, and names file and element, never the value. See ``docs/deidentification.md``.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import partial
from pathlib import Path
from typing import Any

from ecdysis.audit import form, kept, results
from ecdysis.audit.findings import (
    Finding,
    element_name,
    failure,
    identifying,
    in_name,
    split_accepted,
)
from ecdysis.audit.instance import Chunk, PerChunk
from ecdysis.audit.reading import UNREADABLE, InstanceReader
from ecdysis.audit.search import Searcher
from ecdysis.audit.secrets import Secret, kinds_searched, secrets_of
from ecdysis.audit.spelling import day_of
from ecdysis.files import read_json
from ecdysis.yaml_files import read_yaml

MODELS = (0x00080070, 0x00081090, 0x00181020)
"""Manufacturer, model and software of the scanner."""


DEFAULTS = {"profile": "basic", "options": (), "edits": (), "accept": ()}
"""Settings that count when they are not given."""

MOVED = ("dates", "birth dates")
"""Kinds of date with which a moved date of a scan can agree by chance."""


class Originals:
    """What is known of the originals of a session.

    `listed` maps series to the paths of their files, `kinds` are the kinds of value that must be
    gone, and `related` other files of the same patient, whose values must be gone as well. It
    collects the `secrets`, the `facts` that must be kept of each file, the `models` (makers, models
    and software of the scanners), and counts as `unread` the files of the session that pydicom
    cannot read. The `reader` has read them, and `compared` holds what is compared of their
    elements.
    """

    def __init__(
        self,
        listed: Mapping[str, Iterable[str]],
        kinds: frozenset[str],
        related: Iterable[str] = (),
    ) -> None:
        self.secrets: set[Secret] = set()
        self.facts: list[kept.Facts] = []
        self.models: set[str] = set()
        self.unread = 0
        self.reader = InstanceReader()
        self.compared = PerChunk(kept.of_chunk)
        seen: set[Chunk] = set()
        own = {path: series for series, paths in listed.items() for path in paths}
        for path in sorted({*own, *related}):
            try:
                instance = self.reader.read(Path(path))
                for chunk in instance.chunks:
                    if chunk not in seen:
                        found = secrets_of(chunk.values)
                        self.secrets |= {secret for secret in found if secret.kind in kinds}
                        seen.add(chunk)
                facts = kept.facts_of(instance, "", own.get(path, ""), self.compared)
            except UNREADABLE:
                self.unread += path in own
                continue
            self.facts += [facts] if path in own else []
            self.models |= {instance.text(tag) for tag in MODELS}


def audit(
    listing: Path,
    dicom: Path | None,
    converted: Iterable[Path],
    settings: Mapping[str, Any],
    *,
    ours: Iterable[Path] = (),
    related: Iterable[str] = (),
) -> dict[str, Any]:
    """Search the outputs of a session for identifying values of its originals.

    `listing` is a JSON file with ``subject`` and ``series``, which maps series to the originals'
    paths. `dicom` has the de-identified files, a folder for each series; `converted` are files of
    the dataset that were made from them, and `ours` results and records of the subject, which
    contain sentences of the workflow. `settings` are the section ``deid``; with the profile
    ``none`` only losses are searched. `related` are other files of the same patient, whose values
    must be gone as well. The result has numbers of files and values, without identifying values.

    Raises
    ------
    AuditError
        Something that identifies was found, or something was not kept.
    """
    used = {**DEFAULTS, **settings}
    kinds = kinds_searched(used["options"]) if used["profile"] != "none" else frozenset()
    content = read_json(listing)
    label = f"sub-{content['subject']}"
    originals = Originals(content["series"], kinds, related)
    searcher = Searcher(originals.secrets, label, originals.models, kinds)
    outputs = sorted(results.files_in(dicom)) if dicom else []
    findings, matched = _in_dicom(outputs, originals, searcher, label, used)
    in_results = {path: results.in_file(path, searcher, ours=False) for path in converted}
    in_results |= {path: results.in_file(path, searcher, ours=True) for path in ours}
    findings += [finding for found in in_results.values() for finding in found]
    counted, accepted = split_accepted(findings, used["accept"])
    if counted:
        raise failure(label, counted, in_results)
    return {
        "originals": len(originals.facts),
        "unreadable_originals": originals.unread,
        "files": len(outputs) + len(in_results),
        "values": len(searcher.index),
        "kinds": sorted(kinds),
        "pairs": len(matched),
        "hits": 0,
        "accepted": sorted({finding.element for finding in accepted}),
    }


def _in_dicom(
    outputs: list[Path],
    originals: Originals,
    searcher: Searcher,
    label: str,
    settings: Mapping[str, Any],
) -> tuple[list[Finding], list[tuple[kept.Facts, kept.Facts]]]:
    """Return the findings in de-identified files, and which originals belong to which of them."""
    options, is_basic = frozenset(settings["options"]), settings["profile"] != "none"
    findings: list[Finding] = []
    hits: list[tuple[str, str, Secret]] = []
    after: list[kept.Facts] = []
    problems = PerChunk(partial(form.problems_in, options=options))
    secrets = PerChunk(partial(_secrets_in, searcher=searcher))
    for path in outputs:
        name = f"{path.parent.name}/{path.name}"
        try:
            instance = originals.reader.read(path)
        except UNREADABLE:
            findings.append(Finding(name, "", "cannot be read by pydicom"))
            continue
        after.append(kept.facts_of(instance, name, path.parent.name, originals.compared))
        if is_basic:
            found = searcher.in_text(name, camel=False)
            findings += [in_name(name, secret) for secret in found]
            findings += form.faults(name, instance, label, problems)
            for of_chunk in secrets.of(instance):
                hits += [(name, element, secret) for element, secret in of_chunk]
    matched = kept.pairs(originals.facts, after)
    moved = kept.moved_dates(searcher.index.dates, matched)
    findings += [
        identifying(name, element, secret)
        for name, element, secret in hits
        if not (secret.kind in MOVED and secret.text and day_of(secret.text) in moved)
    ]
    edited = edited_elements(settings["edits"])
    findings += kept.faults(matched, after, originals.unread, options, searcher, edited)
    return findings, matched


def _secrets_in(chunk: Chunk, searcher: Searcher) -> list[tuple[str, Secret]]:
    """Return everything that identifies in an element, with the name of the element."""
    return [
        (element_name(value.tag, value.creator), secret)
        for value in chunk.values
        for secret in searcher.in_value(value)
    ]


def edited_elements(edits: Iterable[Any]) -> list[re.Pattern[str]]:
    """Return patterns of the elements that the study's edits change.

    `edits` are ``deid.edits``: rules, and YAML files with rules.
    """
    rules: list[Any] = []
    for edit in edits:
        rules += (read_yaml(Path(edit)) or []) if isinstance(edit, str) else [edit]
    patterns = ["PixelData" for rule in rules if rule.get("action") == "blank_pixels"]
    for rule in rules:
        last = re.sub(r"\[[\d*]*\]", "", str(rule.get("select", ""))).rpartition(".")[2]
        tag = re.fullmatch(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)", last)
        patterns.append(element_name(int(tag[1] + tag[2], 16)) if tag else last)
    return [re.compile(translate(pattern), re.IGNORECASE) for pattern in patterns if pattern]
