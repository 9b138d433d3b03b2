"""Types of the sections of the settings, whose values `config/schema.yaml` has checked."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class CropSection(TypedDict, total=False):
    """The section ``crop``; lengths in mm."""

    modes: Sequence[Literal["none", "slices", "auto", "fov"]]
    slices: Mapping[str, Sequence[int | None] | None]
    margin: float
    fov: float


class TemplateSection(TypedDict, total=False):
    """The section ``skullstrip.template``; paths of files, or the name of a template."""

    t1w: str | None
    brain_mask: str | None
    registration_mask: str | None
    priors: Sequence[str]
    name: str | None


class SkullstripSection(TypedDict, total=False):
    """The section ``skullstrip``."""

    method: str
    masks: str | None
    lesions: str | None
    on_fail: Literal["stop", "flag"]
    already: Literal["auto", "no"]
    template: TemplateSection


class StatmapsSection(TypedDict, total=False):
    """The section ``statmaps``."""

    pattern: str | None
    anat_pattern: str | None
    folders: Sequence[str]
    threshold: float | None
    cut_coords: Sequence[float] | None
