"""Prepare the converted series of a session for the dataset, and link field maps to images."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecdysis.bids.outputs import Output
from ecdysis.bids.schema import labels_of
from ecdysis.conversion.dataset import place_new
from ecdysis.conversion.dcm2niix import Converted
from ecdysis.conversion.fieldmaps import Grid, SessionImage, links
from ecdysis.conversion.nifti import NiftiSeries
from ecdysis.conversion.sidecar import (
    NEEDED_FILES,
    RECOMMENDED,
    completed,
    missing_fields,
    set_repetition_time,
    without_dropped,
)
from ecdysis.errors import InputError
from ecdysis.files import read_json, sha256, write_json
from ecdysis.planning.entries import OtherSeries


@dataclass(kw_only=True)
class Staged(SessionImage):
    """An image that is ready to be placed in the dataset, or is already in it.

    `source` is the file to place, or None if the image is in the dataset. `companions` are its
    other files, each with its path in the dataset.
    """

    series: str
    source: Path | None = None
    companions: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """An image without the fields or files that BIDS requires."""

    image: str
    series: str
    absent: tuple[str, ...]


@dataclass
class Session:
    """The images of a session, and the problems that were found."""

    staged: list[Staged] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    converters: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)


def stage_session(
    nifti: Mapping[str, NiftiSeries],
    bids_dir: Path,
    series: Sequence[OtherSeries],
    staging: Path,
    name: str,
) -> Session:
    """Prepare the converted series of a session for the dataset, and link its field maps.

    `nifti` has the converted images of each series; the dataset may already have some of them.
    Files are linked into `staging`, an empty folder, if it is on the file system of the dataset.
    `name` is that of the session, such as ``sub-01_ses-01``. Images are in the order of their
    series.
    """
    session = Session()
    for item in series:
        for output in item.outputs:
            if output.is_in(bids_dir):
                session.staged.append(_from_dataset(bids_dir, output, item))
        try:
            _stage_series(nifti, item, staging, session)
        except InputError as error:
            print(error)
            session.failed.append(str(error))
    _set_echo_times(session.staged)
    _link_calibrations(session.staged)
    _leave_out_incomplete(session)
    linked = links(session.staged, name)
    for image in session.staged:
        for key, value in linked.get(image.path, {}).items():
            image.sidecar.setdefault(key, value)
    return session


def place(session: Session, bids_dir: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Place images in the dataset, each after its sidecar and other files.

    Return ``path`` and ``sha256`` of all files that are in the dataset now, and the paths of those
    that it already had.
    """
    files, kept = [], []
    for image in session.staged:
        target = bids_dir / image.path
        if image.source is None or target.exists():
            kept.append(image.path)
            files.append({"path": image.path, "sha256": sha256(target)})
            continue
        sidecar = image.source.with_name(image.source.name.replace(".nii.gz", ".json"))
        write_json(sidecar, image.sidecar)
        described = (sidecar, f"{image.output.path}.json")
        for source, path in (described, *image.companions, (image.source, image.path)):
            if not place_new(source, bids_dir / path):
                kept.append(path)
            files.append({"path": path, "sha256": sha256(bids_dir / path)})
    return files, kept


def _from_dataset(bids_dir: Path, output: Output, item: OtherSeries) -> Staged:
    sidecar = bids_dir / f"{output.path}.json"
    fields = read_json(sidecar) if sidecar.is_file() else {}
    image = bids_dir / f"{output.path}.nii.gz"
    return Staged(output, item.number, fields, _grid(image), series=item.series)


def _stage_series(
    nifti: Mapping[str, NiftiSeries], item: OtherSeries, staging: Path, session: Session
) -> None:
    present = {staged.output for staged in session.staged if staged.series == item.series}
    for output in item.outputs:
        if output not in present:
            converted = nifti[item.series].image(output.path)
            session.staged.append(_stage(output, converted, item, staging, session))


def _stage(
    output: Output, converted: Converted, item: OtherSeries, staging: Path, session: Session
) -> Staged:
    import nibabel as nib

    name = output.path.replace("/", "+")
    source = staging / f"{name}.nii.gz"
    axes = nib.aff2axcodes(nib.load(converted.image).affine)
    kept = without_dropped(converted.sidecar)
    session.dropped |= set(converted.sidecar) - set(kept)
    session.converters.add(converted.converter)
    labels = labels_of(output.entities)
    sidecar = completed(kept, labels, item.direction, axes, item.metadata, output.suffix)
    companions = []
    if item.zero_b and output.suffix == "dwi":
        _write_zero_b(converted)
    for ending in NEEDED_FILES.get(output.suffix, ()):
        if converted.with_ending(ending).is_file():
            companions.append((staging / f"{name}{ending}", f"{output.path}{ending}"))
            shutil.copyfile(converted.with_ending(ending), companions[-1][0])
    if item.volumes:
        types = _volume_types(converted, item.volumes, output)
        table = staging / f"{name}.tsv"
        table.write_text("volume_type\n" + "".join(f"{word}\n" for word in types))
        context = f"{output.path.removesuffix(output.suffix)}aslcontext.tsv"
        companions.append((table, context))
    # The image is linked or copied, not moved, because a retry of the job needs it again.
    place_new(converted.image, source)
    if len(converted.shape) > 3 and isinstance(sidecar.get("RepetitionTime"), int | float):
        set_repetition_time(source, float(sidecar["RepetitionTime"]))
    return Staged(
        output,
        item.number,
        sidecar,
        _grid(source),
        series=item.series,
        source=source,
        companions=tuple(companions),
    )


def _write_zero_b(converted: Converted) -> None:
    """Write b-values and gradient directions of zero, unless dcm2niix wrote these files."""
    line = " ".join(["0"] * converted.volumes) + "\n"
    if not converted.with_ending(".bval").exists():
        converted.with_ending(".bval").write_text(line)
    if not converted.with_ending(".bvec").exists():
        converted.with_ending(".bvec").write_text(line * 3)


def _volume_types(converted: Converted, pattern: Sequence[str], output: Output) -> list[str]:
    volumes = converted.volumes
    if volumes % len(pattern):
        raise InputError(
            output.path,
            f"its {volumes} volumes are not a multiple of the {len(pattern)} types in the rule",
            "Correct volumes in study_rules: one type for each volume, or a pattern that repeats",
        )
    return list(pattern) * (volumes // len(pattern))


def _grid(image: Path) -> Grid:
    import nibabel as nib

    loaded = nib.load(image)
    return tuple(loaded.shape[:3]), tuple(loaded.affine.round(2).ravel().tolist())


def _set_echo_times(staged: Sequence[Staged]) -> None:
    """Add the echo times (s) of the magnitude images to the sidecar of each phase difference."""
    for phase in staged:
        if phase.suffix != "phasediff" or phase.source is None:
            continue
        times = {
            other.sidecar["EchoTime"]
            for other in staged
            if other.suffix in ("magnitude1", "magnitude2")
            and other.output.entities == phase.output.entities
            and "EchoTime" in other.sidecar
        }
        if len(times) == 2:
            for key, time in zip(("EchoTime1", "EchoTime2"), sorted(times), strict=True):
                phase.sidecar.setdefault(key, time)


def _link_calibrations(staged: Sequence[Staged]) -> None:
    """Link each calibration image to the nearest arterial spin labelling series."""
    asl_images = [image for image in staged if image.suffix == "asl"]
    for image in staged:
        if image.suffix == "m0scan" and asl_images and "/perf" in image.output.folder:
            asl = min(asl_images, key=lambda other: abs(other.number - image.number))
            image.sidecar.setdefault("IntendedFor", [f"bids::{asl.path}"])
            asl.sidecar.setdefault("M0Type", "Separate")


def _leave_out_incomplete(session: Session) -> None:
    complete = []
    for image in session.staged:
        suffix = image.suffix
        absent = missing_fields(image.sidecar, suffix)
        endings = {source.suffix for source, _ in image.companions}
        absent += [end for end in NEEDED_FILES.get(suffix, ()) if end not in endings]
        if image.source is not None and absent:
            session.left_out.append(LeftOut(image.output.path, image.series, tuple(absent)))
            continue
        complete.append(image)
        if missing := [key for key in RECOMMENDED.get(suffix, ()) if key not in image.sidecar]:
            session.warnings.append(
                f"{image.output.path} lacks {' and '.join(missing)}, which quantitative maps need. "
                "Give them as metadata in study_rules"
            )
    session.staged = complete
