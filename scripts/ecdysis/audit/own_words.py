"""Words of the workflow itself, which its files hold whoever was scanned."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ecdysis.audit.identity import fold

ROOT = Path(__file__).parents[3]
FOLDERS = ("report", "scripts", "config")
"""Where the words of a page come from: its templates, the stages that it tells of, the settings."""
EMBEDDED = ("js/jquery.min.js", "js/brainsprite.min.js", "html/stat_map_template.html")
"""What nilearn puts into every viewer."""
INVENTED = "phantom"
"""The folder of invented patients, whose names are on no page."""
KINDS = {".j2", ".js", ".css", ".bib", ".svg", ".py", ".yaml"}
WORD = re.compile(r"[a-z][a-z0-9]*")
"""Numbers are always searched; they identify more, and stand in few pages by chance."""


def is_own(secret: str) -> bool:
    """Whether a folded value is one word, and a word of the workflow's own.

    A patient may be called Page, or as an author who is cited.
    """
    word = secret.strip("<>\"'&;:!?*+")
    return bool(WORD.fullmatch(word)) and word in _own_words()


@cache
def _own_words() -> frozenset[str]:
    return frozenset(
        word for path in _sources() for word in WORD.findall(fold(path.read_text(encoding="utf-8")))
    )


def _sources() -> Iterator[Path]:
    """Yield the files whose words those of the workflow are."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    yield from (path for path in files if path.suffix in KINDS and INVENTED not in path.parts)
    # Where a package lies is found without importing it, which would take a second.
    nilearn = find_spec("nilearn")
    for folder in (nilearn and nilearn.submodule_search_locations) or ():
        yield from (Path(folder, "plotting/data", name) for name in EMBEDDED)
