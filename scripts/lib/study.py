"""One run's study: its settings, its images, and the answers the rules ask for.

The main process makes it (`open_study`) and writes the manifest; processes that Snakemake
starts for jobs elsewhere read that manifest (`Study.load`) and look for nothing again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lib.discovery import Exclusion, Image, Selection, discover, to_json
from lib.errors import InputError
from lib.files import read_json, write_json
from lib.image import nifti
from lib.places import DISCOVERED, MANIFEST
from lib.settings import PATHS, Settings, resolve


@dataclass(frozen=True)
class Study:
    """Settings and images of one run; without a dataset it has none of either's places."""

    settings: Settings
    images: Sequence[Image] = ()
    exclusions: Sequence[Exclusion] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, settings: Settings) -> "Study":
        """Read what the main process wrote."""
        manifest = read_json(Path(settings["output_dir"], MANIFEST))
        return cls(
            settings,
            [Image(**item) for item in manifest["images"]],
            [Exclusion(**item) for item in manifest["excluded"]],
            manifest["plan"],
        )

    def save(self) -> None:
        """Write the manifest, unless it says the same already."""
        path = Path(self.settings["output_dir"], MANIFEST)
        manifest = {
            "bids_dir": self.settings["bids_dir"],
            "images": to_json(self.images),
            "excluded": to_json(self.exclusions),
            "unmapped": self.plan.get("unmapped", []),
            "plan": self.plan,
            "settings": _public(self.settings),
        }
        if not path.is_file() or read_json(path) != manifest:
            write_json(path, manifest)

    @cached_property
    def by_name(self) -> dict[str, Image]:
        """Images by their name."""
        return {image.name: image for image in self.images}

    @cached_property
    def by_subject(self) -> dict[str, list[Image]]:
        """Images of each subject."""
        subjects: dict[str, list[Image]] = {}
        for image in self.images:
            subjects.setdefault(image.subject, []).append(image)
        return subjects

    @cached_property
    def refused(self) -> dict[str, str]:
        """Names of the images that the preflight refused, with the reasons."""
        return {item.image: item.reason for item in self.exclusions if item.fault and item.image}

    def session(self, session: str) -> Mapping[str, Any]:
        """Return what the plan says of a DICOM session."""
        return next(item for item in self.plan["sessions"] if item["session"] == session)

    def image(self, folder: str, entities: str, suffix: str) -> Image:
        """Return the image of these wildcards."""
        try:
            return self.by_name[f"{folder}/{entities}_{suffix}"]
        except KeyError:
            raise InputError(
                f"{folder}/{entities}_{suffix}",
                "it is not an image of this run",
                "Check participant_label, session_label, suffixes and filters",
            ) from None


def open_study(given: Mapping[str, Any], cwd: Path) -> Study:
    """Check the settings, find the images and write the manifest.

    Raises
    ------
    InputError
        A setting is wrong, a label does not exist, or a program that is needed is missing.
    """
    settings = resolve(given, cwd)
    if not settings["bids_dir"]:
        return Study(settings)
    _check_programs(settings)
    plan = _plan(settings)
    remembered = Path(settings["output_dir"], DISCOVERED)
    before = read_json(remembered) if remembered.is_file() else {}
    images, exclusions, after = discover(
        Path(settings["bids_dir"]),
        Selection(
            settings["suffixes"],
            settings["participant_label"],
            settings["exclude_participant_label"],
            settings["session_label"],
            settings["filters"],
        ),
        nifti.preflight,
        before,
        [_planned(item, settings["bids_dir"]) for item in plan.get("images", [])],
    )
    if after != before:
        write_json(remembered, after)
    study = Study(settings, images, exclusions, plan)
    study.save()
    return study


def _check_programs(settings: Settings) -> None:
    """Raise an InputError when skull stripping could not run here."""
    from lib import template
    from lib.skullstrip import providers

    method = settings["skullstrip"]["method"]
    if method == "none":
        return
    template.resolve(settings["skullstrip"]["template"])
    if method == "antsBrainExtraction":
        providers.require_script("antsBrainExtraction.sh")
    else:
        providers.find(settings["ants"]["provider"])


def _plan(settings: Settings) -> dict[str, Any]:
    """Index the DICOM folder, when there is one, and plan what comes out of it."""
    if not settings["dicom_dir"]:
        return {}
    from lib.deid.key import Key
    from lib.dicom.plan import plan

    participants_map = settings["participants_map"]
    return dict(
        plan(
            dicom_dir=Path(settings["dicom_dir"]),
            private_dir=Path(settings["private_dir"]),
            bids_dir=Path(settings["bids_dir"]),
            key=Key.load(Path(settings["key_file"])),
            participants_map=Path(participants_map) if participants_map else None,
            suffixes=settings["suffixes"],
        )
    )


def _planned(item: Mapping[str, Any], bids_dir: str) -> Image:
    image = Image(path="", source="dicom", **item)
    return Image(**{**image.__dict__, "path": f"{bids_dir}/{image.name}.nii.gz"})


def _public(settings: Settings) -> Settings:
    """Return the settings without the places of this machine, which may name a person."""
    return {key: value for key, value in settings.items() if key not in PATHS}
