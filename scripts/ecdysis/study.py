"""The study of a run: its settings and images, for the rules.

The main process creates it (`open_study`) and writes the manifest. Processes that Snakemake
starts for jobs elsewhere read the manifest (`Study.load`) instead of searching the dataset again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from ecdysis import annex
from ecdysis.best_t1w import best_t1ws
from ecdysis.bids.discovery import EXTENSIONS, Exclusion, Image, Selection, discover, to_json
from ecdysis.config_schema import without_paths
from ecdysis.errors import InputError
from ecdysis.files import read_json, read_remembered, write_json
from ecdysis.fingerprint import fingerprint
from ecdysis.ordering import grouped
from ecdysis.places import DISCOVERED, MANIFEST
from ecdysis.planning.entries import (
    OtherSeries,
    Plan,
    PlannedImage,
    PlannedSeries,
    PlannedSession,
    read_entry,
)
from ecdysis.quality.norms import read_norms
from ecdysis.ratings import Rating, check_known, from_json, leave_out, read_ratings
from ecdysis.ratings import to_json as ratings_to_json
from ecdysis.results import (
    is_finished,
    kept_images,
    leftovers,
    removal_notice,
    remove_faces,
    without_finished,
)
from ecdysis.run_plan import forget_lost, plan_of_run, sessions_to_convert
from ecdysis.settings import Settings
from ecdysis.settled import forget_settled
from ecdysis.skullstrip import lesions
from ecdysis.skullstrip.method import load, method_name
from ecdysis.start import check_dataset
from ecdysis.statmaps import StatMap, find_maps


@dataclass(frozen=True)
class Study:
    """Checked settings and images of one run; without a dataset it has no images."""

    settings: Settings
    images: Sequence[Image] = ()
    """The images that this run processes."""
    exclusions: Sequence[Exclusion] = ()
    """Images and subjects that this run does not process, with reasons."""
    plan: Plan = field(default_factory=Plan)
    """What each DICOM series becomes; empty without DICOM."""
    statmaps: Sequence[StatMap] = ()
    ratings: Sequence[Rating] = ()
    kept: Sequence[Image] = ()
    """Images of earlier runs that this run does not select, but reports."""
    notices: Sequence[str] = ()
    """Sentences for the console."""
    best_t1w: Mapping[str, str] = field(default_factory=dict)
    """The name of the T1w whose mask an image gets, if its session has several T1w."""

    @classmethod
    def load(cls, settings: Settings) -> "Study":
        """Read the manifest that the main process wrote.

        Raises
        ------
        InputError
            There is no manifest.
        """
        path = Path(settings["output_dir"] or ".", MANIFEST)
        if not path.is_file():
            raise InputError(
                path.parent.parent,
                "no manifest found; nothing has been run here",
                "Start a run with the same settings",
            )
        manifest = read_json(path)
        every = [Image(**item) for item in manifest["images"]]
        selected = set(manifest.get("selected", [image.name for image in every]))
        return cls(
            settings,
            [image for image in every if image.name in selected],
            [Exclusion(**item) for item in manifest["excluded"]],
            read_entry(Plan, manifest["plan"]),
            [StatMap(**item) for item in manifest["statmaps"]],
            from_json(manifest.get("ratings", [])),
            best_t1w=manifest.get("best_t1w", {}),
        )

    def save(self) -> None:
        """Write the manifest, unless it has the same content already."""
        path = Path(self.settings["output_dir"], MANIFEST)
        manifest = {
            "bids_dir": self.settings["bids_dir"],
            "images": to_json(sorted([*self.images, *self.kept], key=attrgetter("name"))),
            "selected": [image.name for image in self.images],
            "excluded": to_json(self.exclusions),
            "plan": asdict(self.plan) if self.settings["dicom_dir"] else {},
            "statmaps": [asdict(item) for item in self.statmaps],
            "ratings": ratings_to_json(self.ratings),
            "best_t1w": dict(self.best_t1w),
            "settings": {**without_paths(self.settings), "quality": {"norms": self.norms}},
        }
        if read_remembered(path) != manifest:
            write_json(path, manifest)

    @cached_property
    def norms(self) -> list[dict[str, Any]]:
        """The content of the user's file of norms."""
        path = self.settings["quality"]["norms"]
        return [asdict(norm) for norm in read_norms(Path(path))] if path else []

    @cached_property
    def by_name(self) -> dict[str, Image]:
        """Images by their name."""
        return {image.name: image for image in self.images}

    @cached_property
    def by_subject(self) -> dict[str, list[Image]]:
        """Images of each subject."""
        return grouped((image.subject, image) for image in self.images)

    @cached_property
    def statmaps_by_unit(self) -> dict[str, list[StatMap]]:
        """Statistical maps of each subject, and of the group."""
        return grouped((item.unit, item) for item in self.statmaps)

    @cached_property
    def refused(self) -> dict[str, tuple[str, str]]:
        """Names of the images that the preflight refused, with the reasons, by a safe token.

        Such a name may contain any character, so no file is named after it.
        """
        refused = [item for item in self.exclusions if item.fault and item.image]
        return {_token(str(item.image)): (str(item.image), item.reason) for item in refused}

    @property
    def ratings_hash(self) -> str:
        """A short hash of the ratings, which changes with them."""
        return _token(repr(ratings_to_json(self.ratings)))

    def t1w_beside(self, image: Image) -> Image | None:
        """Return the best T1w of the same session, or None for a T1w and without a T1w."""
        if image.suffix == "T1w":
            return None
        if image.name in self.best_t1w:
            return self.by_name[self.best_t1w[image.name]]
        t1ws = (other for other in self.by_subject[image.subject] if other.suffix == "T1w")
        return next((other for other in t1ws if other.session == image.session), None)

    @cached_property
    def sessions(self) -> dict[str, PlannedSession]:
        """The sessions of the plan by name."""
        return {item.session: item for item in self.plan.sessions}

    @cached_property
    def series(self) -> dict[str, PlannedSeries]:
        """The series of the plan that become images, by name."""
        return {item.series: item for item in self.plan.mapped}

    @cached_property
    def series_of_session(self) -> dict[str, list[PlannedSeries]]:
        """The series of each DICOM session that become images."""
        return grouped((item.session, item) for item in self.plan.mapped)

    @cached_property
    def others(self) -> dict[str, list[OtherSeries]]:
        """The other series of each DICOM session, which are converted with it."""
        return grouped((item.dicom_session, item) for item in self.plan.others)

    @cached_property
    def images_of_session(self) -> dict[str, list[Image]]:
        """The images of this run that are, or were, converted from each DICOM session."""
        planned = (*self.plan.images, *self.plan.present)
        return grouped(
            (item.dicom_session, self.by_name[item.name])
            for item in planned
            if item.name in self.by_name
        )

    @cached_property
    def converted_sessions(self) -> list[str]:
        """The DICOM sessions of the selected subjects that must be converted."""
        subjects = {image.subject for image in self.images}
        subjects |= {item.subject for item in self.exclusions}
        return sessions_to_convert(
            self.plan,
            subjects,
            Path(self.settings["output_dir"]),
            Path(self.settings["bids_dir"]),
            keep_sourcedata=self.settings["keep_sourcedata"],
        )

    @cached_property
    def by_file(self) -> dict[str, Image]:
        """Images by their file name without extension."""
        return {image.file: image for image in self.images}

    def image(self, file: str, folder: str | None = None) -> Image:
        """Return the image with this file name without extension, and, if given, in this folder."""
        image = self.by_file.get(file)
        if image is None or folder not in (None, image.folder):
            raise InputError(
                f"{folder}/{file}" if folder else file,
                "it is not an image of this run",
                "Check participant_label, session_label, suffixes and filters",
            )
        return image


def open_study(settings: Settings, *, dry_run: bool = False) -> Study:
    """Find the images that the checked settings select, and write the manifest.

    A dry run writes nothing.

    Raises
    ------
    InputError
        A label does not exist, nothing is selected, or a program is missing.
    """
    if settings["container"] and not Path(settings["container"]).is_file():
        raise InputError(
            "container",
            f"there is no image {settings['container']}",
            "Build it: apptainer build ecdysis.sif envs/apptainer.def",
        )
    if not settings["output_dir"]:
        return Study(settings)
    if not dry_run:
        forget_settled(Path(settings["output_dir"]))
    plan = plan_of_run(settings, dry_run=dry_run)
    if settings["bids_dir"]:
        study = _study_of_dataset(settings, plan, dry_run=dry_run)
    else:
        study = Study(settings, plan=plan)
    if not dry_run:
        study.save()
    return study


def _study_of_dataset(settings: Settings, plan: Plan, *, dry_run: bool) -> Study:
    bids_dir, output_dir = Path(settings["bids_dir"]), Path(settings["output_dir"])
    notices = [] if settings["dicom_dir"] else check_dataset(bids_dir)
    _check_programs(settings)
    images, exclusions, names = _discover(settings, plan, dry_run=dry_run)
    if settings["datalad"] == "get" and not dry_run:
        fetched = annex.fetch(annex.pointers_of(bids_dir, exclusions), bids_dir, "bids_dir")
        if fetched:
            notices.append(f"datalad fetched {fetched} files of {bids_dir}.")
            images, exclusions, names = _discover(settings, plan, dry_run=dry_run)
    if not dry_run:
        forget_lost(plan, output_dir, bids_dir)
    ratings = read_ratings(settings["ratings"])
    check_known(ratings, names, partial(_exists, bids_dir))
    images, exclusions = leave_out(images, exclusions, ratings)
    best = best_t1ws(images, output_dir)
    study = Study(settings, images, exclusions, plan, find_maps(settings), ratings, best_t1w=best)
    return _with_earlier_results(study, notices, dry_run=dry_run)


def _discover(
    settings: Settings, plan: Plan, *, dry_run: bool
) -> tuple[list[Image], list[Exclusion], set[str]]:
    """Return the selected images, the exclusions, and the short names of all images."""
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
        [_planned(item, settings["bids_dir"]) for item in plan.images],
        [item.subject for item in plan.others],
    )
    if not dry_run and {"code": code, "files": after} != before:
        write_json(remembered, {"code": code, "files": after})
    names = {Path(path).name.split(".")[0] for path in after}
    planned = {f"{item.entities}_{item.suffix}" for item in plan.images}
    return images, exclusions, names | planned


def _with_earlier_results(study: Study, notices: list[str], *, dry_run: bool) -> Study:
    """Add what earlier runs left in the output directory, and remove results that show faces."""
    settings, output_dir = study.settings, Path(study.settings["output_dir"])
    deface = settings["deface"]
    rated = {item.image for item in study.exclusions if item.rated}
    before = read_remembered(output_dir / MANIFEST).get("images", [])
    finished = partial(is_finished, output_dir, deface=deface)
    kept = [
        image for image in kept_images(before, study.images, finished) if image.name not in rated
    ]
    exclusions, away = without_finished(study.exclusions, kept)
    excluded = {item.image for item in exclusions}
    if away:
        notices.append(
            f"{len(away)} raw images are broken links; their results stay as they "
            f"are: {', '.join(away[:3])}{' and others' if len(away) > 3 else ''}."
        )
    if deface and not dry_run and (removed := remove_faces(output_dir)):
        notices.append(
            f"The results of {len(removed)} images showed faces, from a run without deface. They "
            "were removed."
        )
    subjects = {path.name.removeprefix("sub-") for path in Path(settings["bids_dir"]).glob("sub-*")}
    subjects |= {item.subject for item in study.plan.sessions}
    outputs = settings["outputs"]
    if left := leftovers(output_dir, subjects, deface=deface, outputs=outputs):
        notices.append(removal_notice(output_dir, left))
    return replace(
        study,
        exclusions=exclusions,
        kept=[image for image in kept if image.name not in excluded],
        notices=notices,
    )


def _preflight(path: Path) -> None:
    """Check a new image; imported here because nibabel slows down a start without new images."""
    from ecdysis.image.nifti import preflight

    preflight(path)


def _exists(bids_dir: Path, name: str) -> bool:
    """Return whether the dataset has the image of a name."""
    folder = "/".join(part for part in name.split("_") if part[:4] in ("sub-", "ses-"))
    places = (bids_dir / folder / "anat" / f"{name}{ending}" for ending in EXTENSIONS)
    return any(place.is_file() for place in places)


def _token(name: str) -> str:
    """Return twelve hexadecimal digits that stand for a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _check_programs(settings: Settings) -> None:
    """Raise an InputError when skull stripping cannot run here."""
    name = method_name(settings)
    if name != "none":
        load(name).require(settings)
    if settings["skullstrip"]["masks"] and name != "given":
        load("given").require(settings)
    lesions.require(settings)


def _planned(item: PlannedImage, bids_dir: str) -> Image:
    return Image(path=f"{bids_dir}/{item.name}.nii.gz", source="dicom", **asdict(item))
