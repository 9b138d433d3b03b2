"""A short hash of the code that a script imports.

Snakemake runs a job again when its script changes, but does not see what the script
imports. A rule with this hash as a parameter runs again when an imported module changes.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[1]
IMPORT = re.compile(r"^[ \t]*(?:from +([\w.]+) +)?import +(\([^)]*\)|.+)", re.MULTILINE)
"""An import statement: the package, if any, and what it lists. Python's own parser would take four
times as long, at every start of Snakemake. A line of text that looks like one does no harm."""
NAME = re.compile(r"[\w.]+")


def fingerprint(script: str, *templates: str, module: str = "") -> str:
    """Hash everything of this workflow that ``scripts/<script>.py`` imports, directly or not.

    Tables beside a module count as its code, and so do the `templates`, files of ``report/``.
    `module` is one that the script imports by a name that it gets at run time.
    """
    digest = hashlib.sha256()
    used = [SCRIPTS.parent / "report" / name for name in templates]
    for path in [*sorted(_reached(SCRIPTS / f"{script}.py", module)), *used]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _reached(script: Path, module: str) -> set[Path]:
    """Return the files of ``scripts`` that a script imports, and their tables."""
    reached: set[Path] = set()
    ahead = [*_imported(script), *_files(module)]
    while ahead:
        path = ahead.pop()
        if path not in reached:
            reached |= {path, *path.parent.glob("*.tsv")}
            ahead += _imported(path)
    return reached


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """Return the files of ``scripts`` that one file imports, at any depth of its code."""
    statements = IMPORT.findall(path.read_text(encoding="utf-8"))
    names = {name for package, listed in statements for name in _names(package, listed)}
    return tuple(file for name in names for file in _files(name))


def _names(package: str, listed: str) -> Iterator[str]:
    """Yield the dotted names that an import statement may mean."""
    names = NAME.findall(listed)
    yield from [package, *(f"{package}.{name}" for name in names)] if package else names


def _files(name: str) -> Iterator[Path]:
    """Yield the file of a module of ``scripts``; nothing for other names."""
    stem = SCRIPTS.joinpath(*name.split("."))
    yield from (path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file())
