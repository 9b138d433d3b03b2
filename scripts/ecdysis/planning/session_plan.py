"""Add sessions to a plan: the names of their images, and the series that are left out."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.bids.outputs import Output, outputs
from ecdysis.ordering import grouped
from ecdysis.planning.decision import Decision, PlanOptions
from ecdysis.planning.entities import distinguish, distinguish_equal_names
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
from ecdysis.planning.recognise import description_words
from ecdysis.planning.rulings import Ruling
from ecdysis.planning.series import Series, paths
from ecdysis.planning.session_decisions import decide
from ecdysis.private_files import write_private_json

OWN_ENTITIES = ("echo", "part")
"""Entities of a companion that may differ from those of its partner."""


@dataclass(frozen=True)
class Outcome:
    """The session and the name of a series, and the reason; without a name it is left out."""

    series: Series
    session: str | None
    name: str | None
    why: str
    decision: Decision | None = None


@dataclass
class SessionPlanner:
    """Adds sessions to a plan."""

    plan: Plan
    """The plan to which entries are added."""
    root: Path
    """The folder of the scanner's files."""
    bids_dir: Path
    private_dir: Path
    names: Names
    options: PlanOptions
    outcomes: list[Outcome] = field(default_factory=list)
    """One for each series."""
    acquired: list[Acquired] = field(default_factory=list)
    """All series that become images."""

    def exclude_refused(self, refused: Sequence[Refusal]) -> None:
        """Exclude refused series; the files of unknown patients are only counted."""
        unknown: Counter[str] = Counter()
        for refusal in refused:
            files, session = len(refusal.series.instances), refusal.session
            name = session.name if session else None
            self.outcomes.append(Outcome(refusal.series, name, None, refusal.reason))
            if session:
                self._exclude(files, refusal.reason, session, refusal.series.id)
            else:
                unknown[refusal.reason] += files
        self.plan.excluded += [Exclusion(files, reason) for reason, files in unknown.items()]

    def _exclude(
        self, files: int, reason: str, session: Session, series: str | None = None
    ) -> None:
        self.plan.excluded.append(Exclusion(files, reason, session.name, session.subject, series))

    def add_session(self, session: Session, members: list[Series]) -> None:
        """Plan the images of one session; its problems do not stop other sessions."""
        decisions = decide(members, self.options)
        names = self._name_images(session, decisions)
        decisions, names = self._resolve_clashes(session, decisions, names)
        kept = []
        for number, decision in enumerate(decisions, start=1):
            if decision.kind:
                self._add_images(session, decision, names[decision.series.id], number)
                kept.append(decision.series)
            else:
                reason = str(decision.objection)
                self.plan.unmapped.append(_planned_series(session, decision, reason))
                outcome = Outcome(decision.series, session.name, None, reason, decision)
                self.outcomes.append(outcome)
        if kept:
            entry = write_session(self.private_dir, self.root, session, kept)
            self.plan.sessions.append(entry)
        else:
            wanted = "image" if self.options.others else " or ".join(self.options.suffixes)
            files = sum(len(series.instances) for series in members)
            self._exclude(files, f"no {wanted} among its {len(members)} series", session)

    def _name_images(self, session: Session, decisions: Sequence[Decision]) -> dict[str, Name]:
        """Return the name of each series; companions are named after their partners."""
        by_kind = grouped(
            ((decision.partner is not None, decision.kind), decision)
            for decision in decisions
            if decision.kind
        )
        names: dict[str, Name] = {}
        for (_, kind), members in sorted(by_kind.items()):
            names |= self._name_kind(session, kind, members, names)
        return names

    def _name_kind(
        self,
        session: Session,
        kind: str,
        decisions: Sequence[Decision],
        names: Mapping[str, Name],
    ) -> dict[str, Name]:
        bases = distinguish(kind, decisions)
        exact = {}
        for decision in decisions:
            series = decision.series.id
            if decision.partner:
                bases[series] = _with_partner(bases[series], names[decision.partner].entities)
            if _is_exact(decision.ruling):
                exact[series] = decision.ruling.entities if decision.ruling else ""
            elif decision.ruling and decision.ruling.decides:
                bases[series] = decision.ruling.entities
        shared: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for series, entities in exact.items():
            shared[entities][series] = bases[series]
        for entities, automatic in shared.items():
            if len(automatic) > 1:
                exact |= distinguish_equal_names(kind, entities, automatic)
        members = [decision.series for decision in decisions]
        return self.names.name_series(session.name, kind, members, bases, exact)

    def _resolve_clashes(
        self, session: Session, decisions: Sequence[Decision], names: dict[str, Name]
    ) -> tuple[list[Decision], dict[str, Name]]:
        """Give series with equal names a run; leave them out if the user set equal runs."""
        users = grouped(
            (path, decision.series.id)
            for decision in decisions
            if decision.kind
            for path in _paths(session, decision, names[decision.series.id])
        )
        clashing = {series for same in users.values() if len(same) > 1 for series in same}
        settled = []
        for decision in decisions:
            series = decision.series.id
            if series not in clashing:
                settled.append(decision)
            elif _is_exact(decision.ruling):
                self.names.forget(session.name, series)
                why = "plan.tsv gives this name to another series of the session too"
                settled.append(decision.without_image(why))
            else:
                first = all(same[0] == series for same in users.values() if series in same)
                others = {path for path, same in users.items() if same != [series]}
                if not first:
                    names[series] = _next_run(session, decision, names[series], others)
                    self.names.rename(session.name, series, names[series])
                settled.append(decision)
        return settled, names

    def _add_images(self, session: Session, decision: Decision, name: Name, number: int) -> None:
        """Add the images of a series to the plan, as new or as present in the dataset."""
        images = _outputs(session, decision, name)
        series, suffixes = decision.series, self.options.suffixes
        apart = [image for image in images if image.suffix in suffixes and image.magnitude]
        others = [image for image in images if image not in apart]
        for image in apart:
            entry = PlannedImage(
                image.folder, image.entities, image.suffix, session.subject, session.label,
                series.id, session.name,
            )  # fmt: skip
            present = image.is_in(self.bids_dir)
            (self.plan.present if present else self.plan.images).append(entry)
        if others and (self.options.others or not apart):
            self.plan.others.append(
                _other_series(session, decision, name.kind, number, others, apart)
            )
        self._check_content(session, decision, name, images)
        reason = decision.guess.why
        self.plan.mapped.append(_planned_series(session, decision, reason, images))
        coil, software = (
            str(series.header[keyword] or "") for keyword in ("ReceiveCoilName", "SoftwareVersions")
        )
        acquired = Acquired(session.name, _without_run(name), decision.facts, coil, software)
        self.acquired.append(acquired)
        short = "_".join(filter(None, (name.entities, schema.suffix_of(name.kind))))
        if "/" in name.kind:
            short = f"{name.kind.partition('/')[0]}/{short}"
        self.outcomes.append(Outcome(series, session.name, short, reason, decision))

    def _check_content(
        self, session: Session, decision: Decision, name: Name, images: Sequence[Output]
    ) -> None:
        """Store the content of a new series; add a notice if a converted series changed."""
        present = [image.path for image in images if image.is_in(self.bids_dir)]
        if not present:
            self.names.update_content(session.name, decision.series)
        elif name.content != self.names.content(decision.series):
            self.plan.notices.append(
                f"the DICOM files of {present[0]} have changed since it was planned. The image was "
                "not changed; to convert it again, remove it"
            )


def _without_run(name: Name) -> str:
    entities = schema.with_entities(name.entities, run="")
    return "_".join(filter(None, (entities, schema.suffix_of(name.kind))))


def _is_exact(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.exact and ruling.kind is not None


def _with_partner(own: str, partner: str) -> str:
    """Return the entities of a companion: those of its partner, but its own echo and part."""
    labels = schema.labels_of(own)
    shared = {
        key: label for key, label in schema.labels_of(partner).items() if key not in OWN_ENTITIES
    }
    return schema.join(shared | {key: labels[key] for key in OWN_ENTITIES if key in labels})


def _outputs(session: Session, decision: Decision, name: Name) -> list[Output]:
    facts = decision.facts
    return outputs(
        session.name, name.kind, name.entities, facts.echo_times, facts.parts, facts.volumes
    )


def _paths(session: Session, decision: Decision, name: Name) -> list[str]:
    return [image.path for image in _outputs(session, decision, name)]


def _next_run(session: Session, decision: Decision, name: Name, others: set[str]) -> Name:
    """Return a name with the lowest run that is not used by others."""
    for run in count(2):
        other = replace(name, entities=schema.with_entities(name.entities, run=str(run)))
        if not others.intersection(_paths(session, decision, other)):
            return other
    raise AssertionError


def _other_series(
    session: Session,
    decision: Decision,
    kind: str,
    number: int,
    images: list[Output],
    apart: list[Output],
) -> OtherSeries:
    return OtherSeries(
        dicom_session=session.name,
        subject=session.subject,
        session=session.label,
        series=decision.series.id,
        kind=kind,
        number=number,
        files=len(decision.series.instances),
        direction=decision.facts.direction,
        outputs=images,
        apart=apart,
        metadata=decision.metadata,
        volumes=list(decision.ruling.volumes) if decision.ruling else [],
        zero_b=decision.zero_b,
        keep=decision.keep,
    )


def _planned_series(
    session: Session, decision: Decision, reason: str, images: Sequence[Output] = ()
) -> PlannedSeries:
    """Return the entry of a series, with facts that may be shown outside the private folder."""
    guess = decision.guess
    return PlannedSeries(
        session=session.name,
        series=decision.series.id,
        description=" ".join(sorted(description_words(decision.series.header))),
        suffix=guess.suffix,
        confidence=guess.confidence,
        reason=reason,
        facts=decision.facts,
        image=images[0].path if images else None,
        outputs=list(images),
        metadata=decision.metadata,
        keep=decision.keep,
    )


def write_session(
    private_dir: Path, root: Path, session: Session, series: Sequence[Series]
) -> PlannedSession:
    """Write the list of a session's files, which de-identification reads; return the entry.

    The list is ``sessions/<session>.json`` in the private folder. It is written if it changes. The
    paths of the series that are de-identified are relative to `root`.
    """
    target = private_dir / "sessions" / f"{session.name}.json"
    ordered = sorted(series, key=lambda item: item.id)
    instances = [instance for item in ordered for instance in item.instances]
    stats = sorted([instance.path, instance.size, instance.mtime_ns] for instance in instances)
    content = {
        "session": session.name,
        "subject": session.subject,
        "series": {item.id: paths(item, root) for item in ordered},
        # The list must change if a file changes.
        "state": hashlib.sha256(json.dumps(stats).encode()).hexdigest(),
    }
    write_private_json(target, content)
    return PlannedSession(session.name, session.subject, session.label, str(target))
