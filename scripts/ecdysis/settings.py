"""The settings of a run: defaults, the study's own, the command line; checked and resolved."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ecdysis import folders
from ecdysis.config_schema import (
    CONFIG,
    load_schema,
    resolved,
    text_settings,
    with_absolute_paths,
)
from ecdysis.errors import InputError
from ecdysis.quality.norms import read_norms
from ecdysis.shards import check_shard
from ecdysis.yaml_files import parse_yaml, read_yaml

Settings = folders.Settings

STUDY_SETTINGS = Path("code") / "ecdysis.yaml"
SEPARATORS = re.compile(r"[,\s]+")
"""What separates labels that are given as one text, such as ``01,02``."""


@cache
def _defaults() -> Settings:
    """Return the content of ``config/config.yaml``, which must not be changed."""
    settings: Settings = read_yaml(CONFIG / "config.yaml")
    return settings


def resolve(given: Mapping[str, Any], cwd: Path) -> Settings:
    """Merge the defaults, the study's settings and the `given` ones; check them.

    `given` are the settings of the command line and of ``--configfile``, see `given_as_text`; their
    relative paths are relative to `cwd`. The result has all keys of ``config/config.yaml``, with
    absolute paths. ``bids_dir`` is None when no dataset is given and `cwd` is not one.

    Raises
    ------
    InputError
        A key is unknown or a value is not allowed.
    """
    schema = load_schema()
    settings = deepcopy(_defaults())
    given = _typed(given, schema, schema)
    check(given, schema, "the command line or --configfile")
    given = with_absolute_paths(given, cwd)
    bids_dir = folders.dataset(given.get("bids_dir"), cwd)
    if bids_dir and (own := bids_dir / STUDY_SETTINGS).is_file():
        _merge(settings, with_absolute_paths(_study_settings(own, schema), bids_dir))
    _merge(settings, given)
    settings["bids_dir"] = str(bids_dir) if bids_dir else None
    check_shard(settings["shard"])
    folders.complete(settings)
    _check_deface(settings)
    _check_outputs(settings)
    if settings["quality"]["norms"]:
        read_norms(Path(settings["quality"]["norms"]))
    return settings


def without_copied_defaults(
    config: Mapping[str, Any],
    given: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Return Snakemake's `config` without the defaults that another workflow copied into it.

    A workflow that uses this one as a module often has a copy of ``config/config.yaml``. The
    defaults in it must not win over the study's own settings. The settings of ``--config`` and
    ``--configfile``, `given`, all stay. The `defaults` are by default ``config/config.yaml``.

    Examples
    --------
    >>> without_copied_defaults({"deface": False, "crop": {"fov": 170, "margin": 5}}, {})
    {'crop': {'margin': 5}}
    >>> without_copied_defaults({"deface": False}, {"deface": False})
    {'deface': False}
    """
    if defaults is None:
        defaults = _defaults()
    kept: Settings = {}
    for key, value in config.items():
        default, explicit = defaults.get(key), given.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            inner = explicit if isinstance(explicit, Mapping) else {}
            below = without_copied_defaults(value, inner, default)
            kept |= {key: below} if below else {}
        elif key in given or key not in defaults or value != default:
            kept[key] = value
    return kept


def given_as_text(
    config: Mapping[str, Any], config_args: Iterable[str], configfiles: Iterable[Path]
) -> dict[str, Any]:
    """Return Snakemake's `config` with labels as they were written.

    Snakemake reads ``--config participant_label=01`` as the number 1, and ``[010]`` in a
    configuration file as 8. The settings marked ``x-text`` are therefore read again, from the
    arguments of ``--config`` and the files of ``--configfile``, of which later ones win.

    Examples
    --------
    >>> given_as_text({"participant_label": 1}, ["participant_label=01"], [])
    {'participant_label': '01'}
    """
    names = text_settings()
    written: Settings = {}
    for path in configfiles:
        content = read_yaml(path, f"--configfile {path}", text=names)
        if isinstance(content, Mapping):
            _merge(written, {name: content[name] for name in names if name in content})
    for argument in config_args:
        name, _, value = argument.partition("=")
        if name in names:
            try:
                _merge(written, {name: parse_yaml(f"{name}: {value}", text=names)[name]})
            except yaml.YAMLError:
                continue
    return {**config, **{name: value for name, value in written.items() if name in config}}


def _check_deface(settings: Settings) -> None:
    """Refuse defacing with a method that does not find the face."""
    method = settings["skullstrip"]["method"]
    if settings["deface"] and method != "ants":
        raise InputError(
            "deface",
            f"skullstrip.method is {method}, but only the method ants aligns the head with a"
            " template, which defacing needs",
            "Set skullstrip: {method: ants}, or deface: false",
        )


def _check_outputs(settings: Settings) -> None:
    """Refuse results for other programs that cannot be made, or that would show a face."""
    outputs, method = settings["outputs"], settings["skullstrip"]["method"]
    if outputs and method != "ants":
        raise InputError(
            "outputs",
            f"skullstrip.method is {method}, but only the method ants finds tissues and transforms",
            "Set skullstrip: {method: ants}, or outputs: []",
        )
    if "fmriprep" in outputs and settings["deface"]:
        raise InputError(
            "outputs",
            "fmriprep needs the whole head, but deface removes the face",
            "Set deface: false, or leave fmriprep out of outputs",
        )


def _merge(settings: Settings, update: Mapping[str, Any]) -> None:
    """Put `update` into `settings`, level by level; a list replaces a list."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(settings.get(key), dict):
            _merge(settings[key], value)
        else:
            settings[key] = deepcopy(value)


def _study_settings(path: Path, schema: Mapping[str, Any]) -> Settings:
    content: Any = read_yaml(path, text=text_settings()) or {}
    if not isinstance(content, Mapping):
        raise InputError(path, "it has no keys", "Write one `key: value` per line")
    settings: Settings = _typed(content, schema, schema)
    check(settings, schema, str(path))
    return settings


def check(
    settings: Mapping[str, Any],
    schema: Mapping[str, Any],
    where: str,
    example: str = "config/config.yaml",
) -> None:
    """Raise an InputError for the first setting that the schema does not allow.

    The error names `where` the settings were given, and the file that explains all keys, `example`.
    """
    faults = sorted(
        Draft202012Validator(schema).iter_errors(dict(settings)),
        key=lambda fault: [str(part) for part in fault.absolute_path],
    )
    if faults:
        key = ".".join(map(str, faults[0].absolute_path))
        problem, remedy = _explain(faults[0], f"See {example} for every key")
        raise InputError(f"config {key}".strip(), f"{problem} (in {where})", remedy)


def _explain(fault: Any, see: str) -> tuple[str, str]:
    """Return problem and remedy of one of jsonschema's errors."""
    if fault.validator == "type" and "x-text" in fault.schema:
        return (
            f"{fault.instance!r} is not text; labels are text, since 010, 10 and 8 are different",
            "Write the label in quotes, as in participant_label: ['010']",
        )
    if fault.validator in ("additionalProperties", "propertyNames"):
        known = fault.schema.get("properties") or fault.schema.get("enum") or {}
        unknown = (
            [fault.instance]
            if fault.validator == "enum"
            else [key for key in fault.instance if key not in known]
        )
        near = difflib.get_close_matches(str(unknown[0]), map(str, known), n=1)
        hint = f"Did you mean {near[0]}" if near else see
        return f"unknown key {unknown[0]!r}; allowed are {', '.join(map(str, known))}", hint
    allowed = _allowed(str(fault.validator), fault.validator_value, fault.schema)
    return f"{reprlib.repr(fault.instance)} is not allowed; expected {allowed}", see


def _allowed(validator: str, bound: Any, schema: Mapping[str, Any]) -> str:
    """Describe what one rule of the schema allows."""
    match validator:
        case "enum":
            return f"one of {', '.join(map(str, bound))}"
        case "type":
            return bound if isinstance(bound, str) else " or ".join(bound)
        case "minimum" | "minItems":
            return f"at least {bound}" + (" values" if validator == "minItems" else "")
        case "maximum" | "maxItems":
            return f"at most {bound}" + (" values" if validator == "maxItems" else "")
        case "uniqueItems":
            return "each value once"
        case "minLength":
            return "a path"
        case _:
            return str(schema["description"])


def _typed(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Convert text of the command line to the type that the schema asks for.

    ``--config 'crop={fov: 150, modes: auto}'`` arrives as text at every depth, and a single
    value may stand where a list is expected. Values that fit no type are left for `check`.
    """
    schema = resolved(schema, root)
    if isinstance(value, Mapping):
        inner = schema.get("properties", {})
        other = schema.get("additionalProperties") or {}
        return {key: _typed(item, inner.get(key, other), root) for key, item in value.items()}
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds == ["array"] and "x-text" in schema:
        return _labels(value)
    if isinstance(value, list):
        return [_typed(item, schema.get("items", {}), root) for item in value]
    if kinds == ["array"]:
        return [] if value is None else [_typed(value, schema.get("items", {}), root)]
    if isinstance(value, str):
        return next(_readings(value, kinds), value)
    if isinstance(value, int) and not isinstance(value, bool) and kinds[:1] == ["string"]:
        return value if "integer" in kinds else str(value)
    return value


def _labels(value: Any) -> Any:
    """Return labels as a list; ``01,02`` and ``01 02`` are two."""
    if isinstance(value, str):
        return [label for label in SEPARATORS.split(value) if label]
    if isinstance(value, Mapping):
        return value
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _readings(text: str, kinds: list[str]) -> Iterator[Any]:
    """Yield the values that `text` can mean, given the types that are allowed."""
    if "null" in kinds and text in ("null", "~", ""):
        yield None
    if "boolean" in kinds and text.lower() in ("true", "false"):
        yield text.lower() == "true"
    if "string" in kinds:
        yield text
    for kind, read in (("integer", int), ("number", float)):
        if kind in kinds:
            try:
                yield read(text)
            except ValueError:
                continue
