"""The plan: which series of a folder of scanner files becomes which image of a BIDS dataset.

It is made from headers before any job runs, and again at every run: only new and changed
files are opened. A plan names nobody; what identifies stays in the private folder, where
``series.tsv`` lists every series with its description, and ``skipped.tsv`` every other file.
A person who disagrees edits the same table as ``plan.tsv``, which then rules.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from ecdysis.bids.outputs import Output, outputs
from ecdysis.dicom.index import NOT_DICOM, Index, index
from ecdysis.key import Key
from ecdysis.planning.decide import Decision, Wishes, decide
from ecdysis.planning.entities import distinguish
from ecdysis.planning.file_lists import write_file_list
from ecdysis.planning.labels import assign
from ecdysis.planning.names import Name, Names
from ecdysis.planning.recognise import words
from ecdysis.planning.rulings import TABLE, read_rulings
from ecdysis.planning.series import Series, group
from ecdysis.planning.series_table import Row, row, write_listing
from ecdysis.planning.sessions import Refusal, Session, by_session
from ecdysis.private_files import private_folder, write_private_table

Entry = dict[str, Any]


class Plan(TypedDict):
    """What will become of a folder of scanner files: JSON, and nothing identifying."""

    sessions: list[Entry]
    """Sessions with an image: ``session``, ``subject``, ``label``, ``files`` (the list of their
    DICOM files in the private folder) and ``digest`` (of paths, sizes and times)."""
    images: list[Entry]
    """Images to be made: ``folder``, ``entities``, ``suffix``, ``subject``, ``session`` (label
    or None), ``series`` and ``dicom_session``."""
    present: list[Entry]
    """The same for images that the dataset already has; they are left as they are."""
    others: list[Entry]
    """Series that are converted with their session: ``dicom_session``, ``subject``,
    ``session``, ``series``, ``kind``, ``number``, ``files``, ``outputs`` (see
    `ecdysis.bids.outputs.Output`), ``metadata`` and ``volumes``; also those that are done."""
    mapped: list[Entry]
    """Series that are an image: ``session``, ``series``, ``image`` (its name; of several
    that of the first), ``suffix``, ``confidence``, ``reason``, ``description`` (known words
    only), ``metadata`` (for the sidecar), and their facts."""
    unmapped: list[Entry]
    """The same, without ``image``, for series that become no image."""
    excluded: list[Entry]
    """Files and sessions that cannot be used: ``session``, ``subject``, ``series``, ``files``
    (a count) and ``reason``."""
    notices: list[str]
    """What a person should know."""
    counts: dict[str, int]
    """Files: ``dicom``, and those that are no DICOM, by kind."""


def plan(
    dicom_dir: Path,
    private_dir: Path,
    bids_dir: Path,
    key: Key,
    participants_map: Path | None,
    wishes: Wishes,
    table: Path | None = None,
) -> Plan:
    """Plan the conversion of the DICOM files below a folder.

    Parameters
    ----------
    dicom_dir : Path
        Any folder tree; it is only read.
    private_dir : Path
        Made with mode 700. Holds the header index, the labels and names given so far, the
        file list of each session, and the two listings for people.
    bids_dir : Path
        The dataset; an image that it already has is not planned again.
    key : Key
        The study's key.
    participants_map : Path or None
        See `ecdysis.planning.participants_map.read_map`.
    wishes : Wishes
        What is wanted; decisions on single series are read from `table`.
    table : Path, optional
        The edited plan; ``plan.tsv`` of `private_dir` when not given.

    Raises
    ------
    InputError
        `dicom_dir` is no folder, labels cannot be given (`ecdysis.planning.labels.assign`), or
        the table is malformed.
    """
    private_folder(private_dir)
    wishes = replace(wishes, rulings=read_rulings(table or private_dir / TABLE))
    found = index(dicom_dir, private_dir / "dicom_index.json", (private_dir, bids_dir))
    every = group(found, key)
    labels = assign(every, key, private_dir / "labels.tsv", bids_dir, participants_map)
    names = Names(private_dir / "names.tsv", key)
    made = _Making(found, bids_dir, private_dir, names, wishes)
    made.skipped(found)
    sessions, refused = by_session(every, labels)
    made.refuse(refused)
    for session, members in sessions.items():
        made.session(session, members)
    made.plan["notices"].extend(labels.notices)
    names.write()
    write_listing(private_dir / "series.tsv", made.listing)
    write_private_table(
        private_dir / "skipped.tsv", ("file", "reason"), sorted(found.skipped.items())
    )
    return made.plan


class _Making:
    """A plan in the making."""

    def __init__(
        self, found: Index, bids_dir: Path, private_dir: Path, names: Names, wishes: Wishes
    ) -> None:
        self.plan = Plan(
            sessions=[], images=[], present=[], others=[], mapped=[], unmapped=[], excluded=[],
            notices=[], counts={},
        )  # fmt: skip
        self.listing: list[Row] = []
        self._index, self._bids_dir, self._private_dir = found, bids_dir, private_dir
        self._names, self._wishes = names, wishes

    def skipped(self, found: Index) -> None:
        """Count the files that are no DICOM and exclude those that are damaged."""
        self.plan["counts"]["dicom"] = len(found.instances)
        for reason, files in found.counts().items():
            if reason in NOT_DICOM:
                self.plan["counts"][reason] = files
            else:
                self._excluded(files, reason)

    def refuse(self, refused: Sequence[Refusal]) -> None:
        """Leave out series that are of no session, counting those of whom nothing is known."""
        unknown: Counter[str] = Counter()
        for one in refused:
            files = len(one.series.instances)
            name = one.session.name if one.session else None
            self.listing.append(row(one.series, name, None, one.reason, None))
            if one.session:
                self._excluded(files, one.reason, one.session, one.series.id)
            else:
                unknown[one.reason] += files
        for reason, files in unknown.items():
            self._excluded(files, reason)

    def _excluded(
        self, files: int, reason: str, session: Session | None = None, series: str | None = None
    ) -> None:
        self.plan["excluded"].append(
            {
                "session": session and session.name,
                "subject": session and session.subject,
                "series": series,
                "files": files,
                "reason": reason,
            }
        )

    def session(self, session: Session, members: list[Series]) -> None:
        """Plan the images of one session."""
        by_kind: defaultdict[str, list[Decision]] = defaultdict(list)
        for one in decide(members, self._wishes):
            if one.kind:
                by_kind[one.kind].append(one)
            else:
                entry = {**_told(session, one), "reason": one.objection}
                self.plan["unmapped"].append(entry)
                self.listing.append(row(one.series, session.name, None, str(one.objection), one))
        given: dict[str, Name] = {}
        # A reference image takes the name of its time series, which is named before it.
        for kind, chosen in sorted(by_kind.items(), key=lambda item: "sbref" in item[0]):
            given |= self._name(session, kind, chosen, given)
            for one in chosen:
                self._place(session, one, given[one.series.id])
        kept = [one.series for chosen in by_kind.values() for one in chosen]
        if kept:
            self._files(session, kept)
        else:
            wanted = "image" if self._wishes.others else " or ".join(self._wishes.suffixes)
            files = sum(len(one.instances) for one in members)
            self._excluded(files, f"no {wanted} among its {len(members)} series", session)

    def _name(
        self,
        session: Session,
        kind: str,
        chosen: Sequence[Decision],
        named: dict[str, Name],
    ) -> dict[str, Name]:
        series = [one.series for one in chosen]
        bases = distinguish(kind, series)
        exact = {}
        for one in chosen:
            if one.partner:
                bases[one.series.id] = named[one.partner].entities
            if one.ruling and one.ruling.exact:
                exact[one.series.id] = one.ruling.entities
            elif one.ruling:
                bases[one.series.id] = one.ruling.entities
        return self._names.give(session.name, kind, series, bases, exact)

    def _place(self, session: Session, one: Decision, name: Name) -> None:
        """Enter a named series as images to be made, or that the dataset has."""
        made = outputs(session.name, name.kind, name.entities, one.told)
        common = {
            "subject": session.subject,
            "session": session.label,
            "series": one.series.id,
            "dicom_session": session.name,
        }
        there = [image.path for image in made if self._has(image)]
        ruling = one.ruling
        metadata = dict(ruling.metadata) if ruling else {}
        asked = one.kind in self._wishes.suffixes
        heads = [image for image in made if asked and image.magnitude]
        others = [image for image in made if image not in heads]
        for image in heads:
            entry = {
                "folder": image.folder,
                "entities": image.entities,
                "suffix": image.suffix,
                **common,
            }
            self.plan["present" if self._has(image) else "images"].append(entry)
        if others and (self._wishes.others or not heads):
            self.plan["others"].append(
                {
                    **common,
                    "kind": name.kind,
                    "number": one.told["series_number"],
                    "files": len(one.series.instances),
                    "direction": one.told["direction"],
                    "outputs": [image.to_json() for image in others],
                    "apart": [image.to_json() for image in heads],
                    "metadata": metadata,
                    "volumes": list(ruling.volumes) if ruling else [],
                }
            )
        if there and name.content != self._names.content(one.series):
            self.plan["notices"].append(
                f"the DICOM files of {there[0]} have changed since it was planned; the image "
                "is kept as it is, and is made anew when it is removed"
            )
        if not there:
            self._names.follow(session.name, one.series)
        self.plan["mapped"].append(
            {
                **_told(session, one),
                "image": made[0].path,
                "outputs": [image.to_json() for image in made],
                "metadata": metadata,
            }
        )
        short = "_".join(filter(None, (name.entities, name.kind.rpartition("/")[2])))
        if "/" in name.kind:
            short = f"{name.kind.partition('/')[0]}/{short}"
        self.listing.append(row(one.series, session.name, short, one.guess.why, one))

    def _has(self, image: Output) -> bool:
        return (self._bids_dir / f"{image.path}.nii.gz").exists()

    def _files(self, session: Session, kept: Sequence[Series]) -> None:
        target = write_file_list(self._private_dir, self._index.root, session, kept)
        state = sorted(
            f"{instance.path} {instance.size} {instance.mtime_ns}"
            for one in kept
            for instance in one.instances
        )
        self.plan["sessions"].append(
            {
                "session": session.name,
                "subject": session.subject,
                "label": session.label,
                "files": str(target),
                "digest": self._names.digest("\n".join(state)),
            }
        )


def _told(session: Session, one: Decision) -> Entry:
    """Return what may be told of a series outside the private folder."""
    return {
        "session": session.name,
        "series": one.series.id,
        "description": " ".join(sorted(words(one.series.header))),
        "suffix": one.guess.suffix,
        "confidence": one.guess.confidence,
        "reason": one.guess.why,
        **one.told,
    }
