"""The sessions of a dataset, and the series that belong to none of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ecdysis.planning.labels import Labels
from ecdysis.planning.series import Series


@dataclass(frozen=True)
class Session:
    """One visit of one participant.

    Parameters
    ----------
    subject : str
        Label without ``sub-``.
    label : str or None
        Label without ``ses-``; None when the participant has no sessions.
    """

    subject: str
    label: str | None

    @property
    def name(self) -> str:
        """The beginning of its file names, as ``sub-01_ses-01``."""
        return f"sub-{self.subject}" + (f"_ses-{self.label}" if self.label else "")

    @property
    def folder(self) -> str:
        """Its folder in the dataset, as ``sub-01/ses-01``."""
        return self.name.replace("_", "/")


@dataclass(frozen=True)
class Refusal:
    """A series that cannot be used, with the session it would be of."""

    session: Session | None
    series: Series
    reason: str


def by_session(
    every: Sequence[Series], labels: Labels
) -> tuple[dict[Session, list[Series]], list[Refusal]]:
    """Put series into their sessions, which are sorted by name; series stay in the order given.

    Series are refused whose patient or study the participants map leaves out, whose files are
    those of several participants, or that came a second time under another patient identifier.
    """
    owners = defaultdict(set)
    for one in every:
        if (one.patient, one.study) in labels.sessions:
            owners[one.uid].add(labels.sessions[one.patient, one.study][0])
    sessions: defaultdict[Session, list[Series]] = defaultdict(list)
    refused = []
    for one in every:
        if reason := labels.unlisted.get((one.patient, one.study)):
            refused.append(Refusal(None, one, reason))
            continue
        session = Session(*labels.sessions[one.patient, one.study])
        if len(owners[one.uid]) > 1:
            reason = "files of different patients have its SeriesInstanceUID"
            refused.append(Refusal(session, one, reason))
        elif any(one.id == other.id for other in sessions[session]):
            reason = "a second copy of a series of this session"
            refused.append(Refusal(session, one, reason))
        else:
            sessions[session].append(one)
    filled = [session for session, members in sessions.items() if members]
    return {
        session: sessions[session] for session in sorted(filled, key=lambda one: one.name)
    }, refused
