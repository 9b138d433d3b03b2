"""What code a script stands on, as a short hash.

Snakemake runs a job again when its script changes, but does not see what the script
imports. A rule that states this hash as a parameter makes it see.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[1]


def fingerprint(script: str, *templates: str) -> str:
    """Hash everything of this workflow that ``scripts/<script>.py`` imports, directly or not.

    Tables beside a module count as its code, and so do the `templates`, files of ``report/``.
    """
    digest = hashlib.sha256()
    used = [SCRIPTS.parent / "report" / name for name in templates]
    for path in [*sorted(_reached(SCRIPTS / f"{script}.py")), *used]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _reached(script: Path) -> set[Path]:
    """Return the files of ``scripts`` that a script reaches."""
    found: set[Path] = set()
    ahead = list(_imported(script))
    while ahead:
        path = ahead.pop()
        if path not in found:
            found |= {path, *path.parent.glob("*.tsv")}
            ahead += _imported(path)
    return found


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """Return the files of ``scripts`` that one file imports, at any depth of its code."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    names = {name for node in ast.walk(tree) for name in _names(node)}
    return tuple(file for name in names for file in _files(name))


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that an import statement may mean."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(name: str) -> Iterator[Path]:
    """Yield the file of a module of ``scripts``; nothing for other names."""
    stem = SCRIPTS.joinpath(*name.split("."))
    yield from (path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file())
