"""The description of a skull-strip method, which the rules, the report and the checks read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ecdysis.bids.image_name import ImageName
from ecdysis.sections import SkullstripSection
from ecdysis.settings import Settings


@dataclass(frozen=True)
class Task:
    """The image of one job."""

    image: Path
    """The reoriented image, 3-D."""
    mask: Path
    """Gets the brain mask, uint8, on the grid of `image`."""
    name: ImageName
    """Names of the files of the image."""
    settings: SkullstripSection
    """The section ``skullstrip`` of the settings."""
    threads: int


def _has_its_own_rule(task: Task) -> dict[str, Any]:
    raise NotImplementedError(task)


@dataclass(frozen=True)
class Method:
    """A method of skull stripping."""

    sentence: str
    """For the methods text. Citations are ``[@key]`` with keys of ``report/references.bib``;
    ``{ants}`` and ``{template}`` become the version of ANTs and the name of the template."""
    require: Callable[[Settings], None]
    """Takes all settings; raises an InputError if the method cannot run here."""
    strip: Callable[[Task], dict[str, Any]] = _has_its_own_rule
    """Writes the mask of a task and returns the details for the report, with ``check``, the verdict
    on the mask and its reasons. A method without it has a rule of its own."""
    any_contrast: bool = False
    """Whether the method works on every contrast. With other methods, an image that is not a T1w
    gets the mask of the T1w of its session."""


def method_name(settings: Mapping[str, Any]) -> str:
    """Return the module of ``ecdysis.skullstrip.methods`` that the settings select, or none."""
    section = settings["skullstrip"]
    return (
        "given" if section["method"] == "none" and section.get("masks") else str(section["method"])
    )


def load(name: str) -> Method:
    """Import a method by the name of its module."""
    method: Method = import_module(f"ecdysis.skullstrip.methods.{name}").METHOD
    return method
