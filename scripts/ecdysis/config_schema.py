"""The settings as config/schema.yaml describes them: which are paths, private, or text.

The schema marks settings with keys of its own:

- ``x-path: true``: the text, or each text of the list, is a path. It is made absolute. The
  manifest never holds it, since a path may name a person.
- ``x-public``: what the manifest holds instead of a path: its ``name`` without folders, the
  ``count`` of paths, or ``given``.
- ``x-outside``: settings, all folders, in which this path must not lie.
- ``x-shared: true``: the folder is read or shared.
- ``x-private: true``: only the owner may read what is there, so it must not lie in such a folder.
- ``x-exists: true``: the path must exist when a run begins.
- ``x-any-name: true``: paths that Snakemake never sees, so their names may hold braces.
- ``x-text: true``: the values are text even where YAML reads a number, as in ``010``.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ecdysis.yaml_files import read_yaml

CONFIG = Path(__file__).parents[2] / "config"
Schema = Mapping[str, Any]
"""A part of config/schema.yaml, as YAML gives it."""
Values = Mapping[str, Any]
"""Settings, as YAML gives them."""


@dataclass(frozen=True)
class Setting:
    """One setting of the schema; `key` is its place, such as ``("crop", "fov")``."""

    key: tuple[str, ...]
    schema: Schema

    @property
    def name(self) -> str:
        """The key as text, such as ``crop.fov``."""
        return ".".join(self.key)

    @property
    def is_path(self) -> bool:
        """Whether the value is a path or holds paths."""
        return "x-path" in self.schema or "x-path" in self.schema.get("items", {})

    @property
    def outside(self) -> list[str]:
        """The settings, all folders, in which this path must not lie."""
        if "x-private" in self.schema:
            return [setting.name for setting in all_settings() if "x-shared" in setting.schema]
        return list(self.schema.get("x-outside", []))

    def value(self, settings: Values) -> Any:
        """Return the value in `settings`, or None where it is not given."""
        group = _group(settings, self.key)
        return None if group is None else group.get(self.key[-1])

    def paths(self, settings: Values) -> list[str]:
        """Return the paths that the setting holds."""
        value = self.value(settings)
        values = value if isinstance(value, list) else [value]
        return [path for path in values if isinstance(path, str)] if self.is_path else []


@cache
def load_schema() -> Schema:
    """Read the schema."""
    schema: Schema = read_yaml(CONFIG / "schema.yaml")
    return schema


@cache
def all_settings() -> tuple[Setting, ...]:
    """Return every setting, in the order of the schema."""
    schema = load_schema()
    return tuple(_settings(schema["properties"], (), schema))


def resolved(schema: Schema, root: Schema) -> Schema:
    """Return a part of the schema with its reference, if any, replaced by what it refers to."""
    if "$ref" not in schema:
        return schema
    return {**root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], **schema}


def with_absolute_paths(settings: Values, base: Path) -> dict[str, Any]:
    """Return a copy of `settings` whose paths are absolute, read relative to `base`."""

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(item) for item in value]
        if value and isinstance(value, str):
            return str(Path(base, Path(value).expanduser()).resolve())
        return value

    result = deepcopy(dict(settings))
    for _, group, name in _paths_in(result):
        group[name] = change(group[name])
    return result


def without_paths(settings: Values) -> dict[str, Any]:
    """Return a copy of `settings` for the manifest: without paths, which may name a person."""
    result = deepcopy(dict(settings))
    for setting, group, name in _paths_in(result):
        value = group.pop(name)
        match setting.schema.get("x-public"):
            case "name":
                group[name] = _file_names(value)
            case "count":
                group[name] = len(value or ())
            case "given":
                group[name] = "given" if value else None
            case _ if isinstance(value, list):
                group[name] = [item for item in value if not isinstance(item, str)]
    return result


def text_settings() -> list[str]:
    """Return the names of the settings whose values are always text."""
    return [setting.name for setting in all_settings() if "x-text" in setting.schema]


def _settings(properties: Schema, above: tuple[str, ...], root: Schema) -> Iterator[Setting]:
    for name, schema in properties.items():
        if "properties" in schema and not schema.get("x-whole"):
            yield from _settings(schema["properties"], (*above, name), root)
        else:
            yield Setting((*above, name), resolved(schema, root))


def _paths_in(settings: Any) -> Iterator[tuple[Setting, MutableMapping[str, Any], str]]:
    """Yield each path setting that is given, with the mapping that holds it and its name there."""
    for setting in all_settings():
        group = _group(settings, setting.key)
        if setting.is_path and group is not None and setting.key[-1] in group:
            yield setting, group, setting.key[-1]


def _group(settings: Any, key: tuple[str, ...]) -> MutableMapping[str, Any] | None:
    """Return the mapping that holds the setting of this key, if there is one."""
    for part in key[:-1]:
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings if isinstance(settings, MutableMapping) else None


def _file_names(value: Any) -> Any:
    """Remove the folders from a path or from each path of a list."""
    if isinstance(value, str):
        return Path(value).name
    return [Path(path).name for path in value] if value else value
