"""The settings of a run: defaults, the study's own, the command line; checked and resolved."""

import difflib
import reprlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ecdysis import folders
from ecdysis.errors import InputError
from ecdysis.quality.norms import read_norms
from ecdysis.shards import check_shard
from ecdysis.yaml_files import read_yaml

Settings = folders.Settings

CONFIG = Path(__file__).parents[2] / "config"
STUDY_SETTINGS = Path("code") / "ecdysis.yaml"
TEMPLATE_PATHS = ("t1w", "brain_mask", "registration_mask")


def resolve(given: Mapping[str, Any], cwd: Path) -> Settings:
    """Merge the defaults, the study's settings and the `given` ones; check them.

    Parameters
    ----------
    given : mapping
        What the command line gave.
    cwd : Path
        The directory that relative paths are relative to.

    Returns
    -------
    dict
        All keys of ``config/config.yaml``, with absolute paths. ``bids_dir`` is None when
        there is no study.

    Raises
    ------
    InputError
        A key is unknown or a value is impossible.
    """
    schema = read_yaml(CONFIG / "schema.yaml")
    settings: Settings = read_yaml(CONFIG / "config.yaml")
    given = _typed(given, schema, schema)
    check(given, schema, "the command line or --configfile")
    given = _absolute_paths(given, cwd)
    bids_dir = folders.dataset(given.get("bids_dir"), cwd)
    if bids_dir and (own := bids_dir / STUDY_SETTINGS).is_file():
        _merge(settings, _absolute_paths(_checked_file(own, schema), bids_dir))
    _merge(settings, given)
    settings["bids_dir"] = str(bids_dir) if bids_dir else None
    check_shard(settings["shard"])
    folders.complete(settings)
    _check_deface(settings)
    if settings["quality"]["norms"]:
        read_norms(Path(settings["quality"]["norms"]))
    return settings


def _check_deface(settings: Settings) -> None:
    """Refuse defacing where nothing would say where the face is."""
    method = settings["skullstrip"]["method"]
    if settings["deface"] and method != "ants":
        raise InputError(
            "deface",
            f"skullstrip.method is {method}, but the place of the face follows from the alignment"
            " that the method ants makes",
            "Set skullstrip: {method: ants}, or deface: false",
        )


def _absolute(path: str, cwd: Path) -> Path:
    return Path(cwd, Path(path).expanduser()).resolve()


def _absolute_paths(given: Mapping[str, Any], base: Path) -> Settings:
    """Return a copy of `given` whose paths are absolute, read relative to `base`."""
    settings = deepcopy(dict(given))
    template = settings.get("skullstrip", {}).get("template", {})
    deid = settings.get("deid", {})
    stripping = settings.get("skullstrip", {})
    for group, keys in (
        (settings, (*folders.FOLDERS, *folders.FILES)),
        (template, TEMPLATE_PATHS),
        (stripping, ("masks",)),
        (deid, ("linkage_dir",)),
        (settings.get("quality", {}), ("norms",)),
    ):
        group |= {key: str(_absolute(group[key], base)) for key in keys if group.get(key)}
    if template.get("priors"):
        template["priors"] = [str(_absolute(prior, base)) for prior in template["priors"]]
    for key in ("shards", "ratings"):
        if isinstance(settings.get(key), list):
            settings[key] = [str(_absolute(path, base)) for path in settings[key]]
    if deid.get("edits"):
        deid["edits"] = [
            str(_absolute(edit, base)) if isinstance(edit, str) else edit for edit in deid["edits"]
        ]
    maps = settings.get("statmaps", {})
    if maps.get("folders"):
        maps["folders"] = [str(_absolute(folder, base)) for folder in maps["folders"]]
    return settings


def _merge(settings: Settings, update: Mapping[str, Any]) -> None:
    """Put `update` into `settings`, level by level; lists and ``filters`` are replaced."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(settings.get(key), dict):
            _merge(settings[key], value)
        else:
            settings[key] = deepcopy(value)


def _checked_file(path: Path, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    content = read_yaml(path) or {}
    if not isinstance(content, Mapping):
        raise InputError(path, "it holds no keys", "Write one `key: value` a line")
    check(content, schema, str(path))
    return content


def check(
    settings: Mapping[str, Any],
    schema: Mapping[str, Any],
    where: str,
    example: str = "config/config.yaml",
) -> None:
    """Raise an InputError for the first fault of `settings`; `example` shows all keys."""
    faults = sorted(
        Draft202012Validator(schema).iter_errors(dict(settings)),
        key=lambda fault: [str(part) for part in fault.absolute_path],
    )
    if faults:
        key = ".".join(map(str, faults[0].absolute_path))
        problem, remedy = _explain(faults[0], f"See {example} for every key")
        raise InputError(f"config {key}".strip(), f"{problem} (in {where})", remedy)


def _explain(fault: Any, see: str) -> tuple[str, str]:
    """Say what is wrong with one value, given jsonschema's fault, and what is allowed."""
    if fault.validator in ("additionalProperties", "propertyNames"):
        known = fault.schema.get("properties") or fault.schema.get("enum") or {}
        unknown = (
            [fault.instance]
            if fault.validator == "enum"
            else [key for key in fault.instance if key not in known]
        )
        near = difflib.get_close_matches(str(unknown[0]), map(str, known), n=1)
        hint = f"Did you mean {near[0]}" if near else see
        return (
            f"unknown key {unknown[0]!r}; allowed are {', '.join(map(str, known))}",
            hint,
        )
    allowed = _allowed(str(fault.validator), fault.validator_value, fault.schema)
    return f"{reprlib.repr(fault.instance)} is not allowed; expected {allowed}", see


def _allowed(validator: str, bound: Any, schema: Mapping[str, Any]) -> str:
    """Say in words what one rule of the schema allows."""
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
    """Give text from the command line the type that the schema wants.

    ``--config 'crop={fov: 150, modes: auto}'`` reaches us as text at every depth, and a
    single value where a list is meant. What does not fit is left for the check.
    """
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(value, Mapping):
        inner = schema.get("properties", {})
        other = schema.get("additionalProperties") or {}
        return {key: _typed(item, inner.get(key, other), root) for key, item in value.items()}
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, list):
        return [_typed(item, schema.get("items", {}), root) for item in value]
    if kinds == ["array"]:
        return [] if value is None else [_typed(value, schema.get("items", {}), root)]
    if isinstance(value, str):
        return next(_readings(value, kinds), value)
    if isinstance(value, int) and not isinstance(value, bool) and kinds[:1] == ["string"]:
        return value if "integer" in kinds else str(value)
    return value


def _readings(text: str, kinds: list[str]) -> Iterator[Any]:
    """Yield what `text` can mean, given the types that are allowed."""
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
