"""Planning one session after the other: names, images, and what is left out."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.bids.outputs import Output, outputs
from ecdysis.planning.decide import Wishes, decide
from ecdysis.planning.decision import Decision
from ecdysis.planning.entities import distinguish, with_difference
from ecdysis.planning.entries import (
    Exclusion,
    OtherSeries,
    Plan,
    PlannedImage,
    PlannedSeries,
    PlannedSession,
)
from ecdysis.planning.labels import Refusal, Session
from ecdysis.planning.names import Name, Names
from ecdysis.planning.protocol import Acquired
from ecdysis.planning.recognise import words
from ecdysis.planning.rulings import Ruling
from ecdysis.planning.series import Series, paths
from ecdysis.planning.series_table import Row, row
from ecdysis.private_files import write_private_json

OF_AN_IMAGE = ("echo", "part")
"""Entities of a companion that are its own; all others are those of its partner."""


class SessionPlanner:
    """Enters one session after the other into a plan.

    Parameters
    ----------
    made : Plan
        Is added to.
    root : Path
        The folder of the scanner's files.
    bids_dir, private_dir : Path
    names : Names
    wishes : Wishes
    """

    def __init__(
        self,
        made: Plan,
        root: Path,
        bids_dir: Path,
        private_dir: Path,
        names: Names,
        wishes: Wishes,
    ) -> None:
        self.plan = made
        self.listing: list[Row] = []
        self.acquired: list[Acquired] = []
        self._root, self._bids_dir, self._private_dir = root, bids_dir, private_dir
        self._names, self._wishes = names, wishes

    def refuse(self, refused: Sequence[Refusal]) -> None:
        """Leave out series that are of no session, counting those of unknown patients."""
        unknown: Counter[str] = Counter()
        for refusal in refused:
            files, session = len(refusal.series.instances), refusal.session
            name = session.name if session else None
            self.listing.append(row(refusal.series, name, None, refusal.reason, None))
            if session:
                self._exclude(files, refusal.reason, session, refusal.series.id)
            else:
                unknown[refusal.reason] += files
        self.plan.excluded += [Exclusion(files, reason) for reason, files in unknown.items()]

    def _exclude(
        self, files: int, reason: str, session: Session, series: str | None = None
    ) -> None:
        self.plan.excluded.append(Exclusion(files, reason, session.name, session.subject, series))

    def session(self, session: Session, members: list[Series]) -> None:
        """Plan the images of one session; its problems stop no other session."""
        decisions = decide(members, self._wishes)
        named = self._named(session, decisions)
        decisions, named = self._different(session, decisions, named)
        kept = []
        for number, decision in enumerate(decisions, start=1):
            if decision.kind:
                self._place(session, decision, named[decision.series.id], number)
                kept.append(decision.series)
            else:
                reason = str(decision.objection)
                self.plan.unmapped.append(_described(session, decision, reason))
                self.listing.append(row(decision.series, session.name, None, reason, decision))
        if kept:
            target = write_file_list(self._private_dir, self._root, session, kept)
            self.plan.sessions.append(PlannedSession.of(session, target))
        else:
            wanted = "image" if self._wishes.others else " or ".join(self._wishes.suffixes)
            files = sum(len(series.instances) for series in members)
            self._exclude(files, f"no {wanted} among its {len(members)} series", session)

    def _named(self, session: Session, decisions: Sequence[Decision]) -> dict[str, Name]:
        """Name all images of a session, companions after the images that they belong to."""
        by_kind: defaultdict[tuple[bool, str], list[Decision]] = defaultdict(list)
        for decision in decisions:
            if decision.kind:
                by_kind[decision.partner is not None, decision.kind].append(decision)
        named: dict[str, Name] = {}
        for (_, kind), chosen in sorted(by_kind.items()):
            named |= self._named_kind(session, kind, chosen, named)
        return named

    def _named_kind(
        self,
        session: Session,
        kind: str,
        chosen: Sequence[Decision],
        named: Mapping[str, Name],
    ) -> dict[str, Name]:
        bases = distinguish(kind, chosen)
        exact = {}
        for decision in chosen:
            name = decision.series.id
            if decision.partner:
                bases[name] = _of_partner(bases[name], named[decision.partner].entities)
            if _exact(decision.ruling):
                exact[name] = decision.ruling.entities if decision.ruling else ""
            elif decision.ruling and decision.ruling.decides:
                bases[name] = decision.ruling.entities
        shared: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for name, entities in exact.items():
            shared[entities][name] = bases[name]
        for entities, own in shared.items():
            if len(own) > 1:
                exact |= with_difference(kind, entities, own)
        series = [decision.series for decision in chosen]
        return self._names.give(session.name, kind, series, bases, exact)

    def _different(
        self, session: Session, decisions: Sequence[Decision], named: dict[str, Name]
    ) -> tuple[list[Decision], dict[str, Name]]:
        """Make the names of a session differ; leave out series to which a person gave one run."""
        users: defaultdict[str, list[str]] = defaultdict(list)
        for decision in decisions:
            if decision.kind:
                for path in _paths(session, decision, named[decision.series.id]):
                    users[path].append(decision.series.id)
        clashing = {name for same in users.values() if len(same) > 1 for name in same}
        settled = []
        for decision in decisions:
            name = decision.series.id
            if name not in clashing:
                settled.append(decision)
            elif _exact(decision.ruling):
                self._names.forget(session.name, name)
                why = "plan.tsv gives this name to another series of the session, too"
                settled.append(replace(decision, objection=why))
            else:
                first = all(same[0] == name for same in users.values() if name in same)
                others = {path for path, same in users.items() if same != [name]}
                if not first:
                    named[name] = _next_run(session, decision, named[name], others)
                    self._names.rename(session.name, name, named[name])
                settled.append(decision)
        return settled, named

    def _place(self, session: Session, decision: Decision, name: Name, number: int) -> None:
        """Enter a named series as images to be made, or that the dataset has."""
        made = _outputs(session, decision, name)
        series, ruling = decision.series, decision.ruling
        metadata = dict(ruling.metadata) if ruling else {}
        keep = bool(ruling and ruling.keep)
        heads = [
            image for image in made if image.suffix in self._wishes.suffixes and image.magnitude
        ]
        others = [image for image in made if image not in heads]
        for image in heads:
            entry = PlannedImage(
                image.folder, image.entities, image.suffix, session.subject, session.label,
                series.id, session.name,
            )  # fmt: skip
            (self.plan.present if self._has(image) else self.plan.images).append(entry)
        if others and (self._wishes.others or not heads):
            self.plan.others.append(
                OtherSeries(
                    session.name,
                    session.subject,
                    session.label,
                    series.id,
                    name.kind,
                    number,
                    len(series.instances),
                    decision.facts.direction,
                    others,
                    heads,
                    metadata,
                    list(ruling.volumes) if ruling else [],
                    decision.zero_b,
                    keep,
                )
            )
        self._follow(session, decision, name, made)
        reason = decision.guess.why
        self.plan.mapped.append(
            replace(
                _described(session, decision, reason),
                image=made[0].path,
                outputs=made,
                metadata=metadata,
                keep=keep,
            )
        )
        self.acquired.append(
            Acquired(
                session.name,
                _without_run(name),
                decision.facts,
                str(series.header["ReceiveCoilName"] or ""),
                str(series.header["SoftwareVersions"] or ""),
            )
        )
        short = "_".join(filter(None, (name.entities, schema.suffix_of(name.kind))))
        if "/" in name.kind:
            short = f"{name.kind.partition('/')[0]}/{short}"
        self.listing.append(row(series, session.name, short, reason, decision))

    def _follow(
        self, session: Session, decision: Decision, name: Name, made: Sequence[Output]
    ) -> None:
        there = [image.path for image in made if self._has(image)]
        if not there:
            self._names.follow(session.name, decision.series)
        elif name.content != self._names.content(decision.series):
            self.plan.notices.append(
                f"the DICOM files of {there[0]} have changed since it was planned; the image "
                "is kept as it is, and is made anew when it is removed"
            )

    def _has(self, image: Output) -> bool:
        return (self._bids_dir / f"{image.path}.nii.gz").exists()


def _without_run(name: Name) -> str:
    entities = schema.with_entities(name.entities, run="")
    return "_".join(filter(None, (entities, schema.suffix_of(name.kind))))


def _exact(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.exact and ruling.kind is not None


def _of_partner(own: str, partner: str) -> str:
    """Return the entities of the partner with those that a companion has of its own."""
    labels = schema.labels_of(own)
    shared = {
        key: label for key, label in schema.labels_of(partner).items() if key not in OF_AN_IMAGE
    }
    return schema.join(shared | {key: labels[key] for key in OF_AN_IMAGE if key in labels})


def _outputs(session: Session, decision: Decision, name: Name) -> list[Output]:
    known = decision.facts
    return outputs(
        session.name, name.kind, name.entities, known.echo_times, known.parts, known.volumes
    )


def _paths(session: Session, decision: Decision, name: Name) -> list[str]:
    return [image.path for image in _outputs(session, decision, name)]


def _next_run(session: Session, decision: Decision, name: Name, others: set[str]) -> Name:
    """Return the name with the lowest run with which it differs from all others."""
    for run in count(2):
        other = replace(name, entities=schema.with_entities(name.entities, run=str(run)))
        if not others.intersection(_paths(session, decision, other)):
            return other
    raise AssertionError


def _described(session: Session, decision: Decision, reason: str) -> PlannedSeries:
    """Return what may be shown of a series outside the private folder."""
    guess = decision.guess
    return PlannedSeries(
        session.name,
        decision.series.id,
        " ".join(sorted(words(decision.series.header))),
        guess.suffix,
        guess.confidence,
        reason,
        decision.facts,
    )


def write_file_list(
    private_dir: Path, root: Path, session: Session, series: Sequence[Series]
) -> Path:
    """Write the list of a session's files, by which its de-identification finds them.

    It is ``sessions/<session>.json`` of the private folder; written when it changes.

    Parameters
    ----------
    private_dir : Path
    root : Path
        The folder that the paths of the series are relative to.
    session : Session
    series : sequence of Series
        Those of the session that are wanted.
    """
    target = private_dir / "sessions" / f"{session.name}.json"
    ordered = sorted(series, key=lambda one: one.id)
    instances = [instance for one in ordered for instance in one.instances]
    stats = sorted([one.path, one.size, one.mtime_ns] for one in instances)
    content = {
        "session": session.name,
        "subject": session.subject,
        "series": {one.id: paths(one, root) for one in ordered},
        # so that a file that changed makes a new list
        "state": hashlib.sha256(json.dumps(stats).encode()).hexdigest(),
    }
    write_private_json(target, content)
    return target
