"""What a case of hostile input is, and how one is tried in bounded memory and time."""

import os
import resource
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

MEMORY = 768 << 20
"""Bytes of address space that a case may add to those of the process that tries it."""

SECONDS = 30

Outcome = Literal["processed", "excluded", "failed"]


@dataclass(frozen=True)
class Case:
    """A hostile input, as data.

    Parameters
    ----------
    name : str
        What is wrong, in the words of the table in ``docs/reliability.md``.
    make : callable
        Makes it, given the folder of its own and a label.
    outcome : str
        ``processed``; ``excluded`` before any job; ``failed`` in a job of its own.
    says : str
        Words of the reason that a user reads.
    """

    name: str
    make: Callable[..., Any]
    outcome: Outcome
    says: str = ""


def bounded(work: Callable[[], Any]) -> Any:
    """Return what `work` returns, or the text of its traceback, from a process with limits."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_limited, args=(work, theirs))
    process.start()
    theirs.close()
    try:
        told = ours.recv()
    except EOFError:
        told = "the process died without a word"
    process.join()
    return told if process.exitcode == 0 else f"exit status {process.exitcode}: {told}"


def _limited(work: Callable[[], Any], told: Any) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    allowed = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    try:
        told.send(work())
    except BaseException:  # noqa: BLE001 - whatever it is, the test shall see it
        told.send(traceback.format_exc())
        os._exit(1)
    os._exit(0)
