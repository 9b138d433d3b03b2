"""One run's study: its settings, its images, and the answers the rules ask for.

The main process makes it (`open_study`) and writes the manifest; processes that Snakemake
starts for jobs elsewhere read that manifest (`Study.load`) and look for nothing again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from ecdysis.bids.discovery import EXTENSIONS, Exclusion, Image, Selection, discover, to_json
from ecdysis.config_schema import without_paths
from ecdysis.conversion.asked import forget_lost, sessions_to_convert
from ecdysis.errors import InputError
from ecdysis.files import read_json, read_remembered, write_json
from ecdysis.fingerprint import fingerprint
from ecdysis.places import DISCOVERED, MANIFEST
from ecdysis.quality.norms import read_norms
from ecdysis.ratings import Rating, check_known, from_json, leave_out, read_ratings
from ecdysis.ratings import to_json as ratings_to_json
from ecdysis.settings import Settings
from ecdysis.settled import forget_settled
from ecdysis.statmaps import StatMap, by_unit, find_maps

T = TypeVar("T")


@dataclass(frozen=True)
class Study:
    """Settings and images of one run; without a dataset it has none of either's places."""

    settings: Settings
    images: Sequence[Image] = ()
    exclusions: Sequence[Exclusion] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    statmaps: Sequence[StatMap] = ()
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
            [StatMap(**item) for item in manifest["statmaps"]],
            from_json(manifest.get("ratings", [])),
        )

    def save(self) -> None:
        """Write the manifest, unless it says the same already."""
        path = Path(self.settings["output_dir"], MANIFEST)
        manifest = {
            "bids_dir": self.settings["bids_dir"],
            "images": to_json(self.images),
            "excluded": to_json(self.exclusions),
            "plan": self.plan,
            "statmaps": [asdict(item) for item in self.statmaps],
            "ratings": ratings_to_json(self.ratings),
            "settings": {**without_paths(self.settings), "quality": {"norms": self.norms}},
        }
        if read_remembered(path) != manifest:
            write_json(path, manifest)

    @cached_property
    def norms(self) -> list[dict[str, Any]]:
        """What the user's norms file says, without its place."""
        path = self.settings["quality"]["norms"]
        return [asdict(norm) for norm in read_norms(Path(path))] if path else []

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
    def statmaps_by_unit(self) -> dict[str, list[StatMap]]:
        """Statistical maps of each subject, and of the group."""
        return by_unit(self.statmaps)

    @cached_property
    def refused(self) -> dict[str, tuple[str, str]]:
        """Names of the images that the preflight refused, with the reasons, by a safe token.

        Such a name may hold anything that a file system allows, so no file is called by it.
        """
        refused = [item for item in self.exclusions if item.fault and item.image]
        return {_token(str(item.image)): (str(item.image), item.reason) for item in refused}

    @property
    def ratings_hash(self) -> str:
        """A short hash of what people rated, to notice that it changed."""
        return _token(repr(ratings_to_json(self.ratings)))

    def t1w_beside(self, image: Image) -> Image | None:
        """Return the first T1w of the same session, when `image` itself is of another kind."""
        if image.suffix == "T1w":
            return None
        others = (one for one in self.by_subject[image.subject] if one.suffix == "T1w")
        return next((one for one in others if one.session == image.session), None)

    @cached_property
    def sessions(self) -> dict[str, Mapping[str, Any]]:
        """What the plan says of each DICOM session."""
        return {item["session"]: item for item in self.plan.get("sessions", [])}

    @cached_property
    def series(self) -> dict[str, Mapping[str, Any]]:
        """What the plan says of each series that becomes an image."""
        return {item["series"]: item for item in self.plan.get("mapped", [])}

    @cached_property
    def others(self) -> dict[str, list[Mapping[str, Any]]]:
        """The series that are converted with each DICOM session."""
        return _grouped(self.plan.get("others", []), self.plan.get("others", []))

    @cached_property
    def images_of_session(self) -> dict[str, list[Image]]:
        """The images of this run that come, or came, from each DICOM session."""
        planned = [*self.plan.get("images", []), *self.plan.get("present", [])]
        named = [(item, "{folder}/{entities}_{suffix}".format(**item)) for item in planned]
        here = [(item, name) for item, name in named if name in self.by_name]
        return _grouped([item for item, _ in here], [self.by_name[name] for _, name in here])

    @cached_property
    def converted_sessions(self) -> list[str]:
        """The DICOM sessions of the selected subjects that are to be converted."""
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


def _grouped(items: Sequence[Mapping[str, Any]], values: Sequence[T]) -> dict[str, list[T]]:
    """Return the values by the DICOM sessions of the items of the plan they belong to."""
    groups: dict[str, list[T]] = {}
    for item, value in zip(items, values, strict=True):
        groups.setdefault(item["dicom_session"], []).append(value)
    return groups


def open_study(settings: Settings) -> Study:
    """Find the images that the checked settings ask for, and write the manifest.

    Raises
    ------
    InputError
        A label does not exist, or a program that is needed is missing.
    """
    if settings["container"] and not Path(settings["container"]).is_file():
        raise InputError(
            "container",
            f"there is no image {settings['container']}",
            "Build it: apptainer build ecdysis.sif envs/apptainer.def",
        )
    if not settings["output_dir"]:
        return Study(settings)
    forget_settled(Path(settings["output_dir"]))
    plan = _plan(settings)
    if not settings["bids_dir"]:
        study = Study(settings, plan=plan)
        study.save()
        return study
    _check_plan(plan)
    _check_programs(settings)
    remembered = Path(settings["output_dir"], DISCOVERED)
    code = fingerprint("ecdysis/study")
    before = read_remembered(remembered)
    files = before.get("files", {}) if before.get("code") == code else {}
    images, exclusions, after = discover(
        Path(settings["bids_dir"]),
        Selection(
            settings["suffixes"],
            settings["participant_label"],
            settings["exclude_participant_label"],
            settings["session_label"],
            settings["filters"],
            settings["shard"],
        ),
        _preflight,
        files,
        [_planned(item, settings["bids_dir"]) for item in plan.get("images", [])],
        [item["subject"] for item in plan.get("others", [])],
    )
    if {"code": code, "files": after} != before:
        write_json(remembered, {"code": code, "files": after})
    forget_lost(plan, Path(settings["output_dir"]), Path(settings["bids_dir"]))
    ratings = read_ratings(settings["ratings"])
    found = {Path(path).name.split(".")[0] for path in after}
    found |= {f"{item['entities']}_{item['suffix']}" for item in plan.get("images", [])}
    check_known(ratings, found, _looker(Path(settings["bids_dir"])))
    images, exclusions = leave_out(images, exclusions, ratings)
    study = Study(settings, images, exclusions, plan, find_maps(settings), ratings)
    study.save()
    return study


def _check_plan(plan: Mapping[str, Any]) -> None:
    """Raise an InputError when no series of the scanner's files becomes an image."""
    if plan and not (plan["images"] or plan["present"] or plan["others"]):
        raise InputError(
            "dicom_dir",
            f"none of its {len(plan['unmapped'])} series becomes an image "
            f"({plan['counts']['dicom']} DICOM files)",
            "See the reason of each with `snakemake plan`; name series in plan.tsv or study_rules",
        )


def _preflight(path: Path) -> None:
    """Check an image that is new; what that imports takes longer than a start that finds none."""
    from ecdysis.image.nifti import preflight

    preflight(path)


def _looker(bids_dir: Path) -> Callable[[str], bool]:
    """Return a function from the name of an image to whether the dataset has it."""

    def there(name: str) -> bool:
        folder = "/".join(part for part in name.split("_") if part[:4] in ("sub-", "ses-"))
        places = (bids_dir / folder / "anat" / f"{name}{ending}" for ending in EXTENSIONS)
        return any(place.is_file() for place in places)

    return there


def _token(name: str) -> str:
    """Return twelve hexadecimal digits that stand for a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


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
    from ecdysis.deid.build import instance_cleaner
    from ecdysis.key import Key
    from ecdysis.planning.plan import plan_from

    plan = plan_from(settings).to_json()
    instance_cleaner(settings["deid"], Key.load(Path(settings["key_file"])), "sub-check")
    return plan


def _planned(item: Mapping[str, Any], bids_dir: str) -> Image:
    image = Image(path="", source="dicom", **item)
    return Image(**{**image.__dict__, "path": f"{bids_dir}/{image.name}.nii.gz"})
