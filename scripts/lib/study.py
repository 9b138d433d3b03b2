"""One run's study: its settings, its images, and the answers the rules ask for.

The main process makes it (`open_study`) and writes the manifest; processes that Snakemake
starts for jobs elsewhere read that manifest (`Study.load`) and look for nothing again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from lib.conversion.asked import forget_lost, sessions_to_convert
from lib.discovery import EXTENSIONS, Exclusion, Image, Selection, discover, to_json
from lib.errors import InputError
from lib.files import read_json, write_json
from lib.folders import FILES, FOLDERS
from lib.image import nifti
from lib.places import DISCOVERED, MANIFEST
from lib.ratings import Rating, check_known, from_json, leave_out, read_ratings
from lib.ratings import to_json as ratings_to_json
from lib.settings import Settings, resolve


@dataclass(frozen=True)
class Study:
    """Settings and images of one run; without a dataset it has none of either's places."""

    settings: Settings
    images: Sequence[Image] = ()
    exclusions: Sequence[Exclusion] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    ratings: Sequence[Rating] = ()

    @classmethod
    def load(cls, settings: Settings) -> "Study":
        """Read what the main process wrote.

        Raises
        ------
        InputError
            It wrote nothing yet.
        """
        path = Path(settings["output_dir"] or ".", MANIFEST)
        if not path.is_file():
            raise InputError(
                path.parent, "there is no run yet to tell of", "Start a run with the same settings"
            )
        manifest = read_json(path)
        return cls(
            settings,
            [Image(**item) for item in manifest["images"]],
            [Exclusion(**item) for item in manifest["excluded"]],
            manifest["plan"],
            from_json(manifest["ratings"]),
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
            "ratings": ratings_to_json(self.ratings),
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

    @property
    def ratings_hash(self) -> str:
        """A short hash of what people rated, to notice that it changed."""
        return hashlib.sha256(repr(ratings_to_json(self.ratings)).encode()).hexdigest()[:12]

    def t1w_beside(self, image: Image) -> Image | None:
        """Return the first T1w of the same session, when `image` itself is of another kind."""
        if image.suffix == "T1w":
            return None
        others = (one for one in self.by_subject[image.subject] if one.suffix == "T1w")
        return next((one for one in others if one.session == image.session), None)

    def session(self, session: str) -> Mapping[str, Any]:
        """Return what the plan says of a DICOM session."""
        return next(item for item in self.plan["sessions"] if item["session"] == session)

    def others(self, session: str) -> list[Mapping[str, Any]]:
        """Return the series of a DICOM session that are converted with it."""
        return [item for item in self.plan["others"] if item["dicom_session"] == session]

    @cached_property
    def converted_sessions(self) -> list[str]:
        """Return the DICOM sessions of the selected subjects that are to be converted."""
        subjects = {image.subject for image in self.images}
        subjects |= {item.subject for item in self.exclusions}
        return sessions_to_convert(
            self.plan,
            subjects,
            Path(self.settings["output_dir"]),
            Path(self.settings["bids_dir"]),
            keep_sourcedata=self.settings["keep_sourcedata"],
        )

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
    if not settings["output_dir"]:
        return Study(settings)
    plan = _plan(settings)
    if not settings["bids_dir"]:
        study = Study(settings, plan=plan)
        study.save()
        return study
    _check_programs(settings)
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
        [item["subject"] for item in plan.get("others", [])],
    )
    if after != before:
        write_json(remembered, after)
    forget_lost(plan, Path(settings["output_dir"]), Path(settings["bids_dir"]))
    ratings = read_ratings(settings["ratings"])
    found = {Path(path).name.split(".")[0] for path in after}
    found |= {f"{item['entities']}_{item['suffix']}" for item in plan.get("images", [])}
    check_known(ratings, found, _looker(Path(settings["bids_dir"])))
    images, exclusions = leave_out(images, exclusions, ratings)
    study = Study(settings, images, exclusions, plan, ratings)
    study.save()
    return study


def _looker(bids_dir: Path) -> Callable[[str], bool]:
    """Return a function from the name of an image to whether the dataset has it."""

    def there(name: str) -> bool:
        folder = "/".join(part for part in name.split("_") if part[:4] in ("sub-", "ses-"))
        places = (bids_dir / folder / "anat" / f"{name}{ending}" for ending in EXTENSIONS)
        return any(place.is_file() for place in places)

    return there


def skullstrip_method(settings: Settings) -> str:
    """Return the method; it is that of ``scripts/skullstrip_<method>.py``, or none."""
    method = str(settings["skullstrip"]["method"])
    return "given" if method == "none" and settings["skullstrip"]["masks"] else method


def _check_programs(settings: Settings) -> None:
    """Raise an InputError when skull stripping could not run here."""
    method = skullstrip_method(settings)
    if method != "none":
        import_module(f"skullstrip_{method}").require(settings)


def _plan(settings: Settings) -> dict[str, Any]:
    """Index the DICOM folder, when there is one, and plan what comes out of it."""
    if not settings["dicom_dir"]:
        return {}
    from lib.deid.build import instance_cleaner
    from lib.deid.key import Key
    from lib.dicom.from_settings import plan_from

    plan = dict(plan_from(settings))
    instance_cleaner(settings["deid"], Key.load(Path(settings["key_file"])), "sub-check")
    return plan


def _planned(item: Mapping[str, Any], bids_dir: str) -> Image:
    image = Image(path="", source="dicom", **item)
    return Image(**{**image.__dict__, "path": f"{bids_dir}/{image.name}.nii.gz"})


def _public(settings: Settings) -> Settings:
    """Return the settings without the places of this machine, which may name a person."""
    public = {key: value for key, value in settings.items() if key not in (*FOLDERS, *FILES)}
    rules = [edit for edit in settings["deid"]["edits"] if not isinstance(edit, str)]
    stripping = settings["skullstrip"]
    return {
        **public,
        "ratings": [Path(path).name for path in settings["ratings"]],
        "deid": {**settings["deid"], "edits": rules, "linkage_dir": None},
        "skullstrip": {**stripping, "masks": "given" if stripping["masks"] else None},
    }
