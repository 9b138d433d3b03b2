"""Checks a command line of this workflow before Snakemake reads it.

Some mistakes end Snakemake with a traceback before it reads the Snakefile: a cache folder that
cannot be written to, a file of settings that is missing or not YAML, ``--config`` without ``=``.
Snakemake imports the logger plugins that are installed before it reads its arguments, so this
package is installed as one (https://snakemake.github.io/snakemake-plugin-catalog). It runs the
checks of the workflow whose Snakefile is named, and does nothing for any other workflow. The
console of the workflow is set up by its rules, also where this package is not installed.
"""

import logging
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase

CHECKS = "scripts/command_line.py"
DEFAULTS = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
"""Where Snakemake looks for a Snakefile."""


class LogHandler(LogHandlerBase):
    """A handler that writes nothing; a plugin must have one."""

    writes_to_stream = writes_to_file = needs_rulegraph = False
    has_filter = has_formatter = True

    def emit(self, record: logging.LogRecord) -> None:
        """Ignore a message."""


def checks_of(words: Sequence[str]) -> Path | None:
    """Return the script with the checks of the workflow that a command line names.

    Parameters
    ----------
    words : sequence of str
        The program and its arguments.

    Returns
    -------
    Path or None
        None if this is not the start of a run of this workflow by a user.
    """
    if Path(words[0]).name not in ("snakemake", "__main__.py", "-m") or "--mode" in words:
        return None
    named = [
        word.partition("=")[2] or after
        for word, after in zip(words, [*words[1:], ""], strict=True)
        if word.partition("=")[0] in ("-s", "--snakefile")
    ]
    snakefile = next((Path(name) for name in [*named, *DEFAULTS] if Path(name).is_file()), None)
    script = snakefile.resolve().parent / CHECKS if snakefile else None
    return script if script and (script.parent / "ecdysis").is_dir() else None


if script := checks_of(sys.argv):
    runpy.run_path(str(script))["check"](sys.argv)
