"""Building a cleaner from the configuration's ``deid`` section."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ecdysis.deid.edits import compile_edits
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.private_elements import keep_private
from ecdysis.deid.profile import Profile
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.version import __version__


def instance_cleaner(settings: Mapping[str, Any], key: Key, label: str) -> InstanceCleaner:
    """Return the cleaner for the files of one subject.

    Parameters
    ----------
    settings : mapping
        ``profile`` (``basic``, ``none``), ``options`` and ``admit`` (lists), and ``edits``, a
        list of rules and of names of YAML files that hold such lists; ``linkage_dir`` when
        originals and pseudonyms are to be remembered.
    key : Key
        The study's key.
    label : str
        The subject's label, ``sub-01``.

    Raises
    ------
    InputError
        An option is unknown or contradicts another, or a rule is wrong.
    """
    profile = Profile(settings.get("profile", "basic"), settings.get("options", ()))
    private = keep_private if "retain_safe_private" in profile.options else None
    return InstanceCleaner(
        profile,
        key,
        label,
        edits=compile_edits(_entries(settings.get("edits", ())), profile),
        private=private,
        version=__version__,
        linked=bool(settings.get("linkage_dir")),
        admit=[reason.replace("_", " ") for reason in settings.get("admit", ())],
    )


def _entries(edits: Iterable[Any]) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = []
    for entry in edits:
        if isinstance(entry, str):
            entries += _read(Path(entry))
        elif isinstance(entry, Mapping):
            entries.append(entry)
        else:
            raise InputError(
                "deid.edits", f"{entry!r} is no rule", "Give rules, or names of YAML files"
            )
    return entries


def _read(path: Path) -> list[Mapping[str, Any]]:
    from ecdysis.yaml_files import read_yaml

    content = read_yaml(path)
    if not isinstance(content, list) or not all(isinstance(item, Mapping) for item in content):
        raise InputError(path, "it holds no list of rules", "Write one `- select: ...` each")
    return content
