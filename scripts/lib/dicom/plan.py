"""The plan: which series of a folder of scanner files becomes which image of a BIDS dataset.

It is made from headers before any job runs, and again at every run: only new and changed
files are opened. A plan names nobody; what identifies stays in the private folder, where
``series.tsv`` lists every series with its description, and ``skipped.tsv`` every other file.
A person who disagrees edits a copy of the former, ``plan.tsv`` beside it, which then rules.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from lib.deid.key import Key
from lib.dicom.index import NOT_DICOM, Index, index
from lib.dicom.labels import assign
from lib.dicom.names import Names
from lib.dicom.placing import Decision, decide
from lib.dicom.private import private_folder, write_private_json, write_private_table
from lib.dicom.recognise import words
from lib.dicom.rules import FOLDERS
from lib.dicom.rulings import read_rulings
from lib.dicom.series import Series, group, paths
from lib.dicom.sessions import Refusal, Session, by_session

LISTED = (
    *("series", "session", "name", "reason", "suffix", "confidence"),
    *("number", "description", "protocol", "files"),
)
"""Columns of ``series.tsv`` in the private folder."""

RULING = "plan.tsv"
"""An edited copy of ``series.tsv`` in the private folder; see `lib.dicom.rulings`."""

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
    mapped: list[Entry]
    """Series that are an image: ``session``, ``series``, ``image`` (its name), ``suffix``,
    ``confidence``, ``reason``, ``description`` (known words only), and their facts."""
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
    suffixes: Sequence[str],
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
        See `lib.dicom.participants_map.read_map`.
    suffixes : sequence of str
        The BIDS suffixes that are wanted.

    Raises
    ------
    InputError
        `dicom_dir` is no folder, labels cannot be given (`lib.dicom.labels.assign`), or
        ``plan.tsv`` is malformed.
    """
    private_folder(private_dir)
    found = index(dicom_dir, private_dir / "dicom_index.json", (private_dir, bids_dir))
    every = group(found, key)
    labels = assign(every, key, private_dir / "labels.tsv", bids_dir, participants_map)
    names = Names(private_dir / "names.tsv", key)
    made = _Making(found, bids_dir, private_dir, names, tuple(suffixes))
    made.skipped(found)
    sessions, refused = by_session(every, labels)
    made.refuse(refused)
    for session, members in sessions.items():
        made.session(session, members)
    made.plan["notices"].extend(labels.notices)
    names.write()
    write_private_table(private_dir / "series.tsv", LISTED, made.listing)
    write_private_table(
        private_dir / "skipped.tsv", ("file", "reason"), sorted(found.skipped.items())
    )
    return made.plan


class _Making:
    """A plan in the making."""

    def __init__(
        self,
        found: Index,
        bids_dir: Path,
        private_dir: Path,
        names: Names,
        suffixes: tuple[str, ...],
    ) -> None:
        self.plan = Plan(
            sessions=[], images=[], present=[], mapped=[], unmapped=[], excluded=[], notices=[],
            counts={},
        )  # fmt: skip
        self.listing: list[tuple[Any, ...]] = []
        self._index, self._bids_dir, self._private_dir = found, bids_dir, private_dir
        self._names, self._suffixes = names, suffixes
        self._rulings = read_rulings(private_dir / RULING)

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
            self.list(one.series, one.session, one.reason)
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
        kinds: defaultdict[str, list[Decision]] = defaultdict(list)
        for one in decide(members, self._suffixes, self._rulings):
            if one.objection is None and one.guess.suffix:
                kinds[one.guess.suffix].append(one)
            else:
                entry = {**_told(session, one), "reason": one.objection or one.guess.why}
                self.plan["unmapped"].append(entry)
                self.list(one.series, session, entry["reason"], decision=one)
        for suffix, chosen in sorted(kinds.items()):
            self._images(session, suffix, chosen)
        if kinds:
            self._files(session, [one.series for chosen in kinds.values() for one in chosen])
        else:
            wanted = " or ".join(self._suffixes)
            files = sum(len(one.instances) for one in members)
            self._excluded(files, f"no {wanted} among its {len(members)} series", session)

    def list(
        self,
        series: Series,
        session: Session | None,
        outcome: str,
        *,
        name: str | None = None,
        decision: Decision | None = None,
    ) -> None:
        """Add a line to the listing for people, which has the description in full."""
        self.listing.append(
            (
                series.id,
                session and session.name,
                name,
                outcome,
                decision and decision.guess.suffix,
                decision and decision.guess.confidence,
                series.header["SeriesNumber"],
                series.header["SeriesDescription"],
                series.header["ProtocolName"],
                len(series.instances),
            )
        )

    def _images(self, session: Session, suffix: str, chosen: Sequence[Decision]) -> None:
        ruled = {
            one.series.id: self._rulings[one.series.id].entities
            for one in chosen
            if one.series.id in self._rulings
        }
        given = self._names.give(session.name, suffix, [one.series for one in chosen], ruled)
        for one in chosen:
            name = given[one.series.id]
            image = {
                "folder": f"{session.folder}/{FOLDERS[suffix]}",
                "entities": name.full(session.name),
                "suffix": suffix,
                "subject": session.subject,
                "session": session.label,
                "series": one.series.id,
                "dicom_session": session.name,
            }
            path = f"{image['folder']}/{image['entities']}_{suffix}"
            if (self._bids_dir / f"{path}.nii.gz").exists():
                self.plan["present"].append(image)
                if name.content != self._names.content(one.series):
                    self.plan["notices"].append(
                        f"the DICOM files of {path} have changed since it was planned; the image "
                        "is kept as it is, and is made anew when it is removed"
                    )
            else:
                self.plan["images"].append(image)
                self._names.follow(session.name, one.series)
            self.plan["mapped"].append({**_told(session, one), "image": path})
            short = "_".join(filter(None, (name.entities, suffix)))
            self.list(one.series, session, one.guess.why, name=short, decision=one)

    def _files(self, session: Session, kept: Sequence[Series]) -> None:
        target = self._private_dir / "sessions" / f"{session.name}.json"
        root = self._index.root
        listed = {one.id: paths(one, root) for one in sorted(kept, key=lambda one: one.id)}
        content = {"session": session.name, "subject": session.subject, "series": listed}
        write_private_json(target, content)
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
