"""Read YAML files that a person wrote."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ecdysis.errors import InputError

TEXT, NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, because a few can expand to billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*) are not allowed")
        return super().compose_node(parent, index)


def read_yaml(path: Path, where: str | Path | None = None, text: Collection[str] = ()) -> Any:
    """Read one YAML document in UTF-8.

    Errors name the file as `where`, by default its path. The values of the top-level keys in `text`
    are read as text, so that ``010`` stays ``010``.

    Raises
    ------
    InputError
        The file cannot be read, is not YAML, or has aliases or tags that make objects.
    """
    where = where or path
    try:
        return parse_yaml(path.read_bytes().decode("utf-8-sig"), text)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or error.__class__.__name__
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise InputError(
            where, f"it cannot be read as YAML ({line}{reason})", "Correct the file"
        ) from error


def parse_yaml(content: str, text: Collection[str] = ()) -> Any:
    """Return the values of a YAML document; see `read_yaml`.

    Examples
    --------
    >>> parse_yaml("{label: [010, 1e3, no], age: 010}", text=["label"])
    {'label': ['010', '1e3', 'no'], 'age': 8}
    """
    loader = _Loader(content)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if isinstance(root, yaml.MappingNode):
            for key, value in root.value:
                if key.value in text:
                    _keep_text(value)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _keep_text(node: yaml.Node) -> None:
    """Make every value below a node text, except null."""
    if isinstance(node, yaml.ScalarNode) and node.tag != NULL:
        node.tag = TEXT
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _keep_text(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _keep_text(value)
