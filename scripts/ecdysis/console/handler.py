"""The messages of a run in a few lines, instead of Snakemake's own output.

Snakemake sends all its messages to the handlers of Python's module `logging`. Its log file gets
everything; this handler replaces the one that writes to the console.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from snakemake_interface_logger_plugins.common import LogEvent

from ecdysis.console.outcome import reason_of
from ecdysis.console.progress import Progress
from ecdysis.settled import is_settled

SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_SUBJECTS = 10.0
"""If the output is not a terminal, lines of progress are at least this far apart."""
OFTEN = 0.3
KEPT = ("Nothing to be done", "Terminating processes", "Will exit after")
"""Beginnings of the messages of Snakemake that are shown while it runs."""
BEFORE = ("Assuming unrestricted", "Creating specified working")
"""Beginnings of messages before the run that do not concern users."""
LOG_LINE = "Complete log(s): "
REPORTED_ELSEWHERE = ("At least one job did not complete", "Exiting because a job execution failed")
"""Parts of errors that repeat the lines of the failed jobs."""
OF_JOBS = ("RuleException", "CalledProcessError")
"""Errors that Snakemake reports a second time as the error of a job."""
NO_REASON = "it was stopped, or wrote no reason"
NEXT = "Nothing was run. To see each step and its reason, add --verbose."


class Console(logging.Handler):
    """Shows what runs, the progress by subject, failed jobs, warnings and errors.

    On a terminal, the line of progress is updated in place. A dry run shows only the table of jobs.
    """

    def __init__(self, stream: TextIO, version: str, *, dry_run: bool = False) -> None:
        super().__init__()
        self._stream, self._version, self._dry_run = stream, version, dry_run
        self._terminal = stream.isatty()
        self._started = self._table_shown = False
        self._progress: Progress | None = None
        self._retries: Mapping[str, int] = {}
        self._errors: Counter[int] = Counter()
        self._failed: set[int] = set()
        self._began = self._shown = 0.0
        self._ended, self._last, self._state = 0, "", ""
        self._units: dict[int, str] = {}

    def begin(self, progress: Progress, retries: Mapping[str, int], *, results: str) -> None:
        """Show what will run, and the folder of the `results` if there are any.

        `retries` are the attempts after the first failure by rule, in the order of the rules.
        """
        self._progress, self._retries = progress, retries
        self._began = self._shown = time.monotonic()
        counts = Counter(rule for rule, _ in progress.jobs.values())
        steps = ", ".join(f"{counts[rule]} {rule}" for rule in retries if rule in counts)
        subjects = f"{progress.subjects} subject{'s' * (progress.subjects != 1)}, "
        self._line(
            f"Ecdysis {self._version}: {subjects if progress.subjects else ''}"
            f"{len(progress.jobs)} step{'s' * (len(progress.jobs) != 1)} ({steps})"
        )
        if results:
            self._line(f"Results: {results}")

    def end(self) -> None:
        """Finish the line of progress."""
        if self._progress and self._progress.subjects:
            self._show_progress(last=True)
        self._progress = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message of Snakemake, or count it."""
        try:
            self._take(record)
        except Exception:  # noqa: BLE001 - as Python's own handlers do
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None) or None
        job = int(getattr(record, "jobid", None) or getattr(record, "job_id", None) or 0)
        match event:
            case LogEvent.WORKFLOW_STARTED:
                self._started = True
            case LogEvent.RUN_INFO:
                self._show_table(record)
            case LogEvent.JOB_INFO:
                self._begin_job(job, record)
            case LogEvent.JOB_FINISHED if self._progress:
                self._progress.finish(job, time.monotonic())
                self._show_progress()
            case LogEvent.JOB_ERROR:
                self._fail_job(job, record)
            case LogEvent.GROUP_ERROR:
                self._fail_group(record)
            case None | LogEvent.ERROR:
                self._show_message(record)

    def _show_table(self, record: logging.LogRecord) -> None:
        """In a dry run, show the table of jobs; Snakemake sends it at the start and at the end."""
        if self._dry_run:
            self._line(NEXT if self._table_shown else record.getMessage())
            self._table_shown = True

    def _show_message(self, record: logging.LogRecord) -> None:
        text = record.getMessage() if record.msg else ""
        if record.levelno >= logging.WARNING:
            hidden = getattr(record, "exception", None) in OF_JOBS
            if not hidden and not any(part in text for part in REPORTED_ELSEWHERE):
                self._line(text)
        elif text.startswith(LOG_LINE):
            self._line(f"Log: {text.removeprefix(LOG_LINE)}")
        elif text.startswith(KEPT) or not (self._started or text.startswith(BEFORE)):
            self._line(text)

    def _begin_job(self, job: int, record: logging.LogRecord) -> None:
        wildcards: Mapping[str, Any] = getattr(record, "wildcards", None) or {}
        self._units[job] = unit_of(wildcards)
        if self._progress is None:
            return
        self._progress.begin(job, time.monotonic())
        message = getattr(record, "rule_msg", None)
        if message and not self._progress.subjects:
            self._line(str(message))

    def _fail_job(self, job: int, record: logging.LogRecord) -> None:
        """Show the final failure of a job once, and each failure before another attempt."""
        if job in self._failed:
            return
        rule = str(getattr(record, "rule_name", ""))
        logs = [Path(file) for file in getattr(record, "log", [])]
        unit = self._units.get(job, "")
        known = next(filter(None, (reason_of(log, unit) for log in logs)), None)
        if getattr(record, "indent", False) and not known:
            return  # a step of a Slurm job in which another step failed
        self._errors[job] += 1
        final = self._errors[job] > self._retries.get(rule, 0) or any(map(is_settled, logs))
        stage, reason = known or (rule, NO_REASON)
        self._show_failure(f"{unit}: {stage}" if unit else stage, reason, logs, final=final)
        if final:
            self._failed.add(job)
            if self._progress:
                self._progress.fail(job)

    def _fail_group(self, record: logging.LogRecord) -> None:
        """Show the failure of a Slurm job in which no step recorded a reason."""
        jobs = getattr(record, "job_error_info", [])
        logs = [
            (Path(file), self._units.get(job["jobid"], "")) for job in jobs for file in job["log"]
        ]
        if not jobs or any(reason_of(*log) for log in logs):
            return
        job, rules = int(jobs[0]["jobid"]), [str(item["rule_name"]) for item in jobs]
        self._errors[job] += 1
        final = self._errors[job] > max(self._retries.get(rule, 0) for rule in rules)
        name = f"{getattr(record, 'groupid', '')}: {', '.join(rules)}"
        aux = [Path(file) for file in getattr(record, "aux_logs", [])]
        self._show_failure(name, NO_REASON, aux, final=final)
        if final and self._progress:
            self._progress.fail(job)

    def _show_failure(self, name: str, reason: str, logs: list[Path], *, final: bool) -> None:
        """Show a failure in two lines: what failed and why, and its log."""
        self._line(f"{'FAILED' if final else 'Tried again:'} {name}: {reason}")
        if logs:
            self._line(f"  Log: {', '.join(str(log.absolute()) for log in logs)}")

    def _show_progress(self, *, last: bool = False) -> None:
        """Show the progress of the run, unless the line before is too recent."""
        progress = self._progress
        if progress is None or not progress.subjects:
            return
        now = time.monotonic()
        since, ended = now - self._shown, len(progress.ended)
        wait = OFTEN if self._terminal else SECONDS_BETWEEN_LINES
        if ended != self._ended:
            wait = min(wait, SECONDS_BETWEEN_SUBJECTS)
        if not last and since < wait:
            return
        self._shown, self._ended = now, ended
        text = progress.sentence(now - self._began)
        state, self._state = self._state, text.partition("]")[2]
        if self._terminal:
            self._last = "" if last else text
            self._stream.write(f"\r\033[K{text}" + "\n" * last)
            self._stream.flush()
        elif state != self._state:
            self._write(text)

    def _line(self, text: str) -> None:
        """Write a line; on a terminal above the line of progress."""
        if self._terminal and self._last:
            self._stream.write("\r\033[K")
            self._write(text)
            self._stream.write(self._last)
            self._stream.flush()
        else:
            self._write(text)

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def unit_of(wildcards: Mapping[str, Any]) -> str:
    """Return the image, session or subject that a job is about, or an empty string.

    Examples
    --------
    >>> unit_of({"folder": "sub-01/anat", "entities": "sub-01_run-1", "suffix": "T1w"})
    'sub-01_run-1_T1w'
    >>> unit_of({"subject": "01"})
    'sub-01'
    """
    if "image" in wildcards:
        return str(wildcards["image"])
    if "entities" in wildcards:
        return f"{wildcards['entities']}_{wildcards.get('suffix', 'T1w')}"
    if "subject" in wildcards:
        return f"sub-{wildcards['subject']}"
    return str(wildcards.get("session", wildcards.get("unit", "")))


def subject_of(unit: str) -> str | None:
    """Return the label of the subject of an image or session, None for the whole study.

    Examples
    --------
    >>> subject_of("sub-01_ses-1"), subject_of("group")
    ('01', None)
    """
    name = re.split("[_/]", unit)[0]
    return name.removeprefix("sub-") if name.startswith("sub-") else None
