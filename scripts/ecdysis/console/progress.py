"""The progress of a run: jobs, subjects, and an estimate of the time left."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TYPICAL_SECONDS = {
    "skullstrip": 600.0,
    "skullstrip_ants": 60.0,
    "skullstrip_transfer": 30.0,
    "figures": 15.0,
    "segment": 10.0,
    "measure": 5.0,
    "deidentify_session": 5.0,
    "audit_results": 5.0,
}
"""Seconds of the longer steps for a 1 mm T1w (docs/cluster.md). Only their ratios matter once a
step of the run has ended."""
OTHER_SECONDS = 2.0
STATUSES = ("done", "review", "failed")


@dataclass
class Progress:
    """The jobs of a run, by their numbers."""

    jobs: Mapping[int, tuple[str, str | None]]
    """The rule and the subject of each job; the subject is None for jobs of the whole study."""
    status_of: Callable[[str], str]
    """Returns ``done``, ``review`` or ``failed`` for a subject whose jobs ended."""
    ended: dict[str, str] = field(default_factory=dict)
    """The status of each subject that ended."""

    def __post_init__(self) -> None:
        self._left = dict(self.jobs)
        self._open = Counter(subject for _, subject in self.jobs.values() if subject)
        self._begun: dict[int, float] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._counts: Counter[str] = Counter()
        self.subjects = len(self._open)

    def begin(self, job: int, now: float) -> None:
        """Record that a job began at `now`, in seconds."""
        self._begun[job] = now

    def finish(self, job: int, now: float) -> None:
        """Record that a job succeeded."""
        if job not in self._left:
            return
        rule, subject = self._left.pop(job)
        self._seconds[rule] += now - self._begun.get(job, now)
        self._counts[rule] += 1
        if subject:
            self._open[subject] -= 1
            if not self._open[subject] and subject not in self.ended:
                self.ended[subject] = self.status_of(subject)

    def fail(self, job: int) -> None:
        """Record that a job failed finally, and with it its subject."""
        _, subject = self._left.pop(job, ("", None))
        if subject:
            self.ended[subject] = "failed"

    def seconds_left(self, elapsed: float) -> float | None:
        """Estimate the time left in seconds; None before the first job ended.

        The mean time of each step in this run, or its typical time scaled to this machine, is
        multiplied by the number of jobs left, and divided by the number of jobs at the same time.
        `elapsed` are the seconds since the first job began.
        """
        busy = sum(self._seconds.values())
        if not busy or not elapsed:
            return None
        expected = sum(typical(rule) * count for rule, count in self._counts.items())
        scale = busy / expected
        left = Counter(
            rule for rule, subject in self._left.values() if self.ended.get(subject or "") is None
        )
        means = {
            rule: self._seconds[rule] / self._counts[rule]
            if self._counts[rule]
            else typical(rule) * scale
            for rule in left
        }
        at_once = max(1.0, busy / elapsed)
        return sum(means[rule] * count for rule, count in left.items()) / at_once

    def sentence(self, elapsed: float) -> str:
        """Return one line, such as ``[01:15] subjects: 1 done, 2 to go, 7 of 12 steps``."""
        counts = Counter(self.ended.values())
        parts = [f"{counts[name]} {name}" for name in STATUSES]
        parts.append(f"{self.subjects - len(self.ended)} to go")
        parts.append(f"{len(self.jobs) - len(self._left)} of {len(self.jobs)} steps")
        left = self.seconds_left(elapsed)
        if left:
            parts.append(f"about {rough(left)} left")
        return f"{clock(elapsed)} subjects: {', '.join(parts)}"


def typical(rule: str) -> float:
    """Return the typical seconds of a step."""
    return TYPICAL_SECONDS.get(rule, OTHER_SECONDS)


def clock(seconds: float) -> str:
    """Write a duration as hours and minutes, or minutes and seconds.

    Examples
    --------
    >>> clock(75), clock(7500)
    ('[01:15]', '[2:05 h]')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    return f"[{hours}:{minutes_of_hour:02} h]" if hours else f"[{minutes:02}:{rest:02}]"


def rough(seconds: float) -> str:
    """Write an estimated duration in words.

    Examples
    --------
    >>> rough(40), rough(400), rough(40000)
    ('1 min', '7 min', '11 h')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{round(seconds / 3600)} h"
