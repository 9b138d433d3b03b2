"""Reading a YAML file that a person wrote, with mistrust: no tags, no size without end."""

from pathlib import Path
from typing import Any

import yaml

from ecdysis.errors import InputError

LARGEST = 1 << 20
"""Bytes; settings of a thousand lines have fifty thousand."""

MOST_VALUES = 100_000
"""Values after aliases are followed, of which each can double what stands before it."""

DEEPEST = 50


def read_yaml(path: Path, where: str | Path | None = None) -> Any:
    """Read one document of plain values.

    Parameters
    ----------
    path : Path
        The file.
    where : str, optional
        What to call it in an error.

    Raises
    ------
    InputError
        It cannot be read, is no YAML, has tags that make objects, or is larger or deeper than
        any settings are, aliases followed.
    """
    where = where or path
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise InputError(where, f"it is larger than {LARGEST} bytes", "Give a YAML file")
        text = content.decode("utf-8-sig")
        _check_extent(where, yaml.compose(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            where, f"it cannot be read as YAML ({told[:300]})", "Repair the file"
        ) from error


def _check_extent(where: str | Path, root: yaml.Node | None) -> None:
    """Count the values of a document, an alias counting as what it stands for."""
    counted: dict[int, int] = {}
    open_nodes: set[int] = set()

    def count(node: yaml.Node, depth: int) -> int:
        if id(node) in open_nodes or depth > DEEPEST:
            raise InputError(
                where, "its values are nested without end", "Write it without aliases (*)"
            )
        if id(node) not in counted:
            open_nodes.add(id(node))
            parts = [part for item in node.value for part in _parts(item)]
            inner = parts if isinstance(node, yaml.CollectionNode) else []
            counted[id(node)] = 1 + sum(count(part, depth + 1) for part in inner)
            open_nodes.remove(id(node))
        return counted[id(node)]

    if root is not None and count(root, 0) > MOST_VALUES:
        raise InputError(
            where, f"it stands for more than {MOST_VALUES} values", "Write it without aliases (*)"
        )


def _parts(item: Any) -> tuple[Any, ...]:
    return item if isinstance(item, tuple) else (item,)
