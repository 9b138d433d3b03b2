"""The plan: which series of a folder of scanner files becomes which image of a BIDS dataset.

It is made from headers before any job runs, and again at every run: only new and changed
files are opened. A plan names nobody; what identifies stays in the private folder, where
``series.tsv`` lists every series with its description, and ``skipped.tsv`` every other file.
A person who disagrees edits the same table as ``plan.tsv``, which then decides.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ecdysis.dicom.index import NOT_DICOM, Index, index
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.planning.decide import Wishes
from ecdysis.planning.entries import Exclusion, Plan, PlannedSession
from ecdysis.planning.labels import Labels, assign, by_session
from ecdysis.planning.names import Names
from ecdysis.planning.protocol import Protocol, deviations, protocols, without_free_text
from ecdysis.planning.rulings import TABLE, read_rulings
from ecdysis.planning.series import Series, group, paths
from ecdysis.planning.series_table import write_listing
from ecdysis.planning.session_plan import SessionPlanner, write_file_list
from ecdysis.planning.study_rules import read_study_rules
from ecdysis.private_files import (
    patient_files,
    private_folder,
    write_private_json,
    write_private_table,
)

LISTING = "series.tsv"
PROTOCOLS = "protocol.tsv"
"""Tables of the private folder, of all series and of all protocols."""


@dataclass(frozen=True)
class Sources:
    """Where a plan reads and remembers.

    Parameters
    ----------
    dicom_dir : Path
        Any folder tree; it is only read.
    private_dir : Path
        Made with mode 700. Holds the header index, the labels and names given so far, the
        file list of each session, and the two listings for people.
    key : Key
        The study's key.
    participants_map : Path or None
        See `ecdysis.planning.participants_map.read_map`.
    table : Path or None
        The edited plan; ``plan.tsv`` of `private_dir` when not given.
    """

    dicom_dir: Path
    private_dir: Path
    key: Key
    participants_map: Path | None = None
    table: Path | None = field(default=None)


def plan_from(settings: Mapping[str, Any]) -> Plan:
    """Plan what the settings ask for: a conversion, or without a dataset a de-identification.

    Raises
    ------
    InputError
        See `plan_conversion`.
    """
    if settings["bids_dir"]:
        return plan_conversion(settings)
    return plan_export(_sources(settings), Path(settings["deid_dir"]))


def plan_conversion(settings: Mapping[str, Any]) -> Plan:
    """Plan what becomes of the scanner's files in a dataset.

    Raises
    ------
    InputError
        See `plan` and `ecdysis.planning.study_rules.read_study_rules`; or a file that the
        settings name does not exist.
    """
    rules = _file(settings, "study_rules")
    wishes = Wishes(
        tuple(settings["suffixes"]),
        settings["convert"]["others"],
        rules=read_study_rules(rules) if rules else (),
    )
    return plan(_sources(settings), Path(settings["bids_dir"]), wishes)


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
        raise InputError(f"config {key}", "there is no such file", "Correct its path")
    return path


def plan(sources: Sources, bids_dir: Path, wishes: Wishes) -> Plan:
    """Plan the conversion of the DICOM files below a folder.

    Parameters
    ----------
    sources : Sources
    bids_dir : Path
        The dataset; an image that it already has is not planned again.
    wishes : Wishes
        What is wanted; decisions on single series are read from the table of `sources`.

    Raises
    ------
    InputError
        `dicom_dir` is no folder, labels cannot be given (`ecdysis.planning.labels.assign`), or
        the table is malformed.
    """
    private_dir = private_folder(sources.private_dir)
    wishes = replace(wishes, rulings=read_rulings(sources.table or private_dir / TABLE))
    found, every, labels = _read(sources, bids_dir)
    names = Names(private_dir / "names.tsv", sources.key)
    made = Plan()
    _count_skipped(made, found)
    sessions, refused = by_session(every, labels)
    planner = SessionPlanner(made, found.root, bids_dir, private_dir, names, wishes)
    planner.refuse(refused)
    for session, members in sessions.items():
        planner.session(session, members)
    groups = protocols(planner.acquired)
    _write_protocols(private_dir, groups)
    made.protocols += without_free_text(groups)
    made.deviations += deviations(made.protocols)
    made.notices += labels.notices
    names.write()
    write_listing(private_dir / LISTING, planner.listing)
    return made


def _write_protocols(private_dir: Path, groups: Sequence[Protocol]) -> None:
    """List all protocols, with coil and software as the headers have them."""
    parameters = [*groups[0].parameters] if groups else []
    columns = ("name", "usual", "sessions", *parameters, "members")
    rows = [
        (group.name, "yes" if group.largest else "no", len(group.sessions),
         *group.parameters.values(), ", ".join(group.sessions))
        for group in groups
    ]  # fmt: skip
    write_private_table(private_dir / PROTOCOLS, columns, rows)


def plan_export(sources: Sources, deid_dir: Path) -> Plan:
    """Plan a run that de-identifies and does nothing else: every series of every session.

    Parameters
    ----------
    sources : Sources
    deid_dir : Path
        Where the de-identified files will go.

    Raises
    ------
    InputError
        `dicom_dir` is no folder, or labels cannot be given.
    """
    private_dir = private_folder(sources.private_dir)
    found, every, labels = _read(sources, deid_dir)
    sessions, refused = by_session(every, labels)
    left_out = Counter(found.counts())
    for refusal in refused:
        left_out[refusal.reason] += len(refusal.series.instances)
    return Plan(
        sessions=[
            PlannedSession.of(session, write_file_list(private_dir, found.root, session, series))
            for session, series in sessions.items()
        ],
        excluded=[Exclusion(files, reason) for reason, files in left_out.items()],
        notices=list(labels.notices),
        counts={"dicom": len(found.instances)},
    )


def _read(sources: Sources, output: Path) -> tuple[Index, list[Series], Labels]:
    private_dir, key = sources.private_dir, sources.key
    found = index(sources.dicom_dir, private_dir / "dicom_index.json", (private_dir, output))
    every = group(found, key)
    labels = assign(every, key, private_dir / "labels.tsv", output, sources.participants_map)
    write_private_table(
        private_dir / "skipped.tsv", ("file", "reason"), sorted(found.skipped.items())
    )
    _write_patients(private_dir, found.root, every, labels)
    return found, every, labels


def _write_patients(private_dir: Path, root: Path, every: Sequence[Series], labels: Labels) -> None:
    """Write the first file of each series of a subject to ``patients/<subject>.json``.

    The names and identifiers in these files are removed from all sessions of the subject.
    """
    firsts: defaultdict[str, list[str]] = defaultdict(list)
    for one in every:
        subject, _ = labels.sessions.get((one.patient, one.study), (None, None))
        if subject:
            firsts[subject] += paths(one, root)[:1]
    for subject, files in firsts.items():
        write_private_json(patient_files(private_dir, subject), sorted(files))


def _count_skipped(made: Plan, found: Index) -> None:
    """Count the files that are no DICOM, and exclude those that are damaged."""
    made.counts["dicom"] = len(found.instances)
    for reason, files in found.counts().items():
        if reason in NOT_DICOM:
            made.counts[reason] = files
        else:
            made.excluded.append(Exclusion(files, reason))
