"""The BIDS validator: `bids-validator-deno` of the BIDS maintainers, where it is installed.

It checks names, sidecars, tables and image headers.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError

PROGRAM = "bids-validator-deno"
EXAMPLES = 3
"""Maximum number of files named for each issue."""


def find_validator() -> str | None:
    """Return the path of the validator, beside this Python or on PATH, or None."""
    beside = Path(sys.executable).with_name(PROGRAM)
    return str(beside) if beside.is_file() else shutil.which(PROGRAM)


def validate(bids_dir: Path, program: str) -> dict[str, Any]:
    """Run the validator on a dataset.

    The result has ``validator``, ``schema`` (version), ``subjects``, ``files``, ``errors`` and
    ``warnings`` (counts of issues), and ``issues``: ``severity``, ``code``, ``message``, ``count``
    and ``examples`` (paths).

    Raises
    ------
    InputError
        The validator gave no summary.
    """
    run = subprocess.run(
        [program, str(bids_dir), "--format", "json"],
        capture_output=True,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )
    print(run.stdout, run.stderr)
    try:
        content = json.loads(run.stdout)
        summary = content["summary"]
        issues = _issues(content["issues"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            PROGRAM,
            f"it gave no summary (exit status {run.returncode})",
            "Look into the log of this job",
        ) from error
    count = {
        severity: sum(issue["count"] for issue in issues if issue["severity"] == severity)
        for severity in ("error", "warning")
    }
    return {
        "validator": PROGRAM,
        "schema": summary.get("schemaVersion"),
        "subjects": len(summary.get("subjects", [])),
        "files": summary.get("totalFiles"),
        "errors": count["error"],
        "warnings": count["warning"],
        "issues": issues,
    }


def _issues(content: Any) -> list[dict[str, Any]]:
    """Return the issues by severity and code, errors first, then the most frequent."""
    paths_of: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    messages = content.get("codeMessages", {})
    for issue in content["issues"]:
        key = issue.get("severity", "warning"), issue["code"], str(issue.get("subCode") or "")
        paths_of[key].append(str(issue.get("location", "")).lstrip("/"))
    ranked = sorted(paths_of.items(), key=lambda item: (item[0][0] != "error", -len(item[1])))
    return [
        {
            "severity": severity,
            "code": f"{code} {sub}".strip(),
            "message": " ".join(str(messages.get(code, "")).split()),
            "count": len(paths),
            "examples": sorted(set(paths))[:EXAMPLES],
        }
        for (severity, code, sub), paths in ranked
    ]
