"""Plan which series of a DICOM folder become which images of a BIDS dataset.

The plan is made from headers before any job runs. Each run makes it again, but opens only new and
changed files. The plan names nobody. In the private folder, ``series.tsv`` lists every series with
its description, and ``skipped.tsv`` all other files. The user can edit ``series.tsv`` and save it
as ``plan.tsv``, which overrides the automatic plan.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ecdysis.dicom.index import NOT_DICOM, Index, index
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.entries import Exclusion, Plan, Protocol
from ecdysis.planning.labels import Labels, assign, by_session
from ecdysis.planning.names import Names
from ecdysis.planning.protocol import deviations, protocols, without_free_text
from ecdysis.planning.rulings import TABLE, read_rulings, read_study_rules
from ecdysis.planning.series import Series, group_series, paths
from ecdysis.planning.session_plan import Outcome, SessionPlanner, write_session
from ecdysis.private_files import (
    patient_files,
    private_folder,
    write_private_json,
    write_private_table,
)

SERIES_TABLE = "series.tsv"
PROTOCOLS = "protocol.tsv"
"""Tables in the private folder with all series and all protocols."""

COLUMNS = ("series", "session", "name", "keep", "why", "kind", "confidence")
HEADER = {
    "number": "SeriesNumber",
    "description": "SeriesDescription",
    "protocol": "ProtocolName",
}
"""Column -> attribute that it shows in full."""
FACTS = (
    *("files", "slices", "volumes", "image_type", "sequence", "dimension", "echo_times"),
    *("repetition_time", "inversion_time", "flip_angle", "b_values", "direction", "pixel_mm"),
    *("slice_mm", "vendor"),
)
"""Columns with facts of the series; times in ms."""

KEYS = ("uid", "file")
"""SeriesInstanceUID, and the file in the middle of the series."""


@dataclass(frozen=True)
class Sources:
    """The inputs of a plan."""

    dicom_dir: Path
    """A folder with DICOM files at any depth; it is only read."""
    private_dir: Path
    """Is created with mode 700. It has the header index, the labels and names of earlier runs, the
    list of files of each session, and the two tables."""
    key: Key
    """The study's key."""
    participants_map: Path | None = None
    """See `ecdysis.planning.participants_map.read_map`."""
    table: Path | None = None
    """The edited plan; ``plan.tsv`` in `private_dir` if None."""


def plan_from(settings: Mapping[str, Any]) -> Plan:
    """Return the plan for the settings: a conversion, or only a de-identification.

    Raises
    ------
    InputError
        See `plan_conversion`.
    """
    if settings["bids_dir"]:
        return plan_conversion(settings)
    return plan_export(_sources(settings), Path(settings["deid_dir"]))


def plan_conversion(settings: Mapping[str, Any]) -> Plan:
    """Return the plan of a conversion to a BIDS dataset.

    Raises
    ------
    InputError
        A file in the settings does not exist; or see `plan` and
        `ecdysis.planning.rulings.read_study_rules`.
    """
    rules = _file(settings, "study_rules")
    options = PlanOptions(
        tuple(settings["suffixes"]),
        settings["convert"]["others"],
        rules=read_study_rules(rules) if rules else (),
    )
    return plan(_sources(settings), Path(settings["bids_dir"]), options)


def _sources(settings: Mapping[str, Any]) -> Sources:
    return Sources(
        Path(settings["dicom_dir"]),
        Path(settings["private_dir"]),
        Key.load(Path(settings["key_file"])),
        _file(settings, "participants_map"),
        _file(settings, "plan"),
    )


def _file(settings: Mapping[str, Any], key: str) -> Path | None:
    if settings[key] is None:
        return None
    path = Path(settings[key])
    if not path.is_file():
        raise InputError(f"config {key}", "this file does not exist", "Correct its path")
    return path


def plan(sources: Sources, bids_dir: Path, options: PlanOptions) -> Plan:
    """Plan the conversion of the DICOM files in a folder.

    Images of the dataset are not planned again. The rulings of `options` are replaced by those in
    the table of `sources`.

    Raises
    ------
    InputError
        `dicom_dir` is not a folder, labels cannot be given (`ecdysis.planning.labels.assign`), or
        the table is malformed.
    """
    private_dir = private_folder(sources.private_dir)
    options = replace(options, rulings=read_rulings(sources.table or private_dir / TABLE))
    headers, all_series, labels = _read(sources, bids_dir)
    names = Names(private_dir / "names.tsv", sources.key)
    result = Plan()
    _count_skipped(result, headers)
    sessions, refused = by_session(all_series, labels)
    planner = SessionPlanner(result, headers.root, bids_dir, private_dir, names, options)
    planner.exclude_refused(refused)
    for session, members in sessions.items():
        planner.add_session(session, members)
    groups = protocols(planner.acquired)
    _write_protocols(private_dir, groups)
    result.protocols += without_free_text(groups)
    result.deviations += deviations(result.protocols)
    result.notices += labels.notices
    names.write()
    write_series_table(private_dir / SERIES_TABLE, planner.outcomes)
    return result


def _write_protocols(private_dir: Path, groups: Sequence[Protocol]) -> None:
    """Write the table of all protocols, with coil and software as in the headers."""
    parameters = [*groups[0].parameters] if groups else []
    columns = ("name", "usual", "sessions", *parameters, "members")
    rows = [
        (group.name, "yes" if group.largest else "no", len(group.sessions),
         *group.parameters.values(), ", ".join(group.sessions))
        for group in groups
    ]  # fmt: skip
    write_private_table(private_dir / PROTOCOLS, columns, rows)


def plan_export(sources: Sources, deid_dir: Path) -> Plan:
    """Plan a run that only de-identifies every series of every session, into `deid_dir`.

    Raises
    ------
    InputError
        `dicom_dir` is not a folder, or labels cannot be given.
    """
    private_dir = private_folder(sources.private_dir)
    headers, all_series, labels = _read(sources, deid_dir)
    sessions, refused = by_session(all_series, labels)
    excluded = Counter(headers.counts())
    for refusal in refused:
        excluded[refusal.reason] += len(refusal.series.instances)
    return Plan(
        sessions=[
            write_session(private_dir, headers.root, session, series)
            for session, series in sessions.items()
        ],
        excluded=[Exclusion(files, reason) for reason, files in excluded.items()],
        notices=list(labels.notices),
        counts={"dicom": len(headers.instances)},
    )


def _read(sources: Sources, output: Path) -> tuple[Index, list[Series], Labels]:
    private_dir, key = sources.private_dir, sources.key
    headers = index(sources.dicom_dir, private_dir / "dicom_index.json", (private_dir, output))
    all_series = group_series(headers, key)
    labels = assign(all_series, key, private_dir / "labels.tsv", output, sources.participants_map)
    skipped = sorted(headers.skipped.items())
    write_private_table(private_dir / "skipped.tsv", ("file", "reason"), skipped)
    _write_patients(private_dir, headers.root, all_series, labels)
    return headers, all_series, labels


def _write_patients(
    private_dir: Path, root: Path, all_series: Sequence[Series], labels: Labels
) -> None:
    """Write the first file of each series of a subject to ``patients/<subject>.json``.

    The names and identifiers in these files are removed from all sessions of the subject.
    """
    firsts: defaultdict[str, list[str]] = defaultdict(list)
    for series in all_series:
        subject, _ = labels.sessions.get((series.patient, series.study), (None, None))
        if subject:
            firsts[subject] += paths(series, root)[:1]
    for subject, files in firsts.items():
        write_private_json(patient_files(private_dir, subject), sorted(files))


def _count_skipped(result: Plan, headers: Index) -> None:
    """Count the files that are not DICOM, and exclude damaged DICOM files."""
    result.counts["dicom"] = len(headers.instances)
    for reason, files in headers.counts().items():
        if reason in NOT_DICOM:
            result.counts[reason] = files
        else:
            result.excluded.append(Exclusion(files, reason))


def _series_row(outcome: Outcome) -> dict[str, Any]:
    series, decision = outcome.series, outcome.decision
    facts = vars(decision.facts) if decision else {}
    return {
        "series": series.id,
        "session": outcome.session,
        "name": outcome.name,
        "keep": "yes" if decision and decision.keep else None,
        "why": outcome.why,
        "kind": decision and decision.guess.suffix,
        "confidence": decision and decision.guess.confidence,
        **{column: series.header[keyword] for column, keyword in HEADER.items()},
        **{column: _text(facts.get(column)) for column in FACTS},
        "uid": series.uid,
        "file": series.instances[len(series.instances) // 2].path,
    }


def write_series_table(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the table of all series, sorted by session and number. Only its owner can read it."""
    columns = (*COLUMNS, *HEADER, *FACTS, *KEYS)
    rows = sorted(map(_series_row, outcomes), key=_order)
    write_private_table(path, columns, [[row[name] for name in columns] for row in rows])


def _order(row: dict[str, Any]) -> tuple[str, float, str]:
    number = row["number"]
    number = number if isinstance(number, int) else math.inf
    return str(row["session"] or "~"), number, row["series"]


def _text(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else value
