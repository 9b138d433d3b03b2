"""Converted series of a session in the form of the dataset, and what ties them together."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.bids.schema import labels_of
from ecdysis.conversion.dcm2niix import Converted
from ecdysis.conversion.fieldmaps import Item, links
from ecdysis.conversion.nifti import NiftiSeries
from ecdysis.conversion.placing import place_new
from ecdysis.conversion.repetition import set_repetition
from ecdysis.conversion.sidecar import (
    NEEDED_FILES,
    RECOMMENDED,
    completed,
    lacking,
    without_dropped,
)
from ecdysis.errors import InputError
from ecdysis.files import read_json, sha256, write_json
from ecdysis.planning.entries import OtherSeries


@dataclass
class Staged:
    """One image that is ready to be placed, or is in the dataset already.

    `source` is its file outside the dataset, None when it is there already; `beside` are the
    other files that belong to it, each with its path in the dataset.
    """

    output: Output
    series: str
    number: int
    sidecar: dict[str, Any] = field(repr=False)
    grid: tuple[Any, ...] = ()
    source: Path | None = None
    beside: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """An image of which the header does not hold what BIDS requires."""

    image: str
    series: str
    absent: tuple[str, ...]


@dataclass
class Session:
    """What became of a session so far."""

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
    """Bring converted series of a session to the form of the dataset, and tie field maps.

    Parameters
    ----------
    nifti : mapping
        What dcm2niix made of each series.
    bids_dir : Path
        The dataset, for what it already has.
    series : sequence of OtherSeries
    staging : Path
        An empty folder, best on the file system of the dataset.
    name : str
        The session, as ``sub-01_ses-01``.

    Returns
    -------
    Session
        Images in the order of their series.
    """
    session = Session()
    for item in series:
        for output in item.outputs:
            if (bids_dir / f"{output.path}.nii.gz").exists():
                session.staged.append(_there(bids_dir, output, item))
        try:
            _stage_series(nifti, item, staging, session)
        except InputError as error:
            print(error)
            session.failed.append(str(error))
    _echo_times(session.staged)
    _calibrations(session.staged)
    _leave_out(session)
    items = [
        Item(f"{image.output.path}.nii.gz", image.output.suffix, image.output.entities,
             image.number, image.sidecar, image.grid)
        for image in session.staged
    ]  # fmt: skip
    tied = links(items, name)
    for image in session.staged:
        for key, value in tied.get(f"{image.output.path}.nii.gz", {}).items():
            image.sidecar.setdefault(key, value)
    return session


def place(session: Session, bids_dir: Path) -> dict[str, list[Any]]:
    """Put staged images into the dataset, each after the files that describe it.

    Returns
    -------
    dict
        ``files`` (``path`` and ``sha256``) that are in the dataset now, and the paths of those
        that were ``kept`` because the dataset had them.
    """
    files, kept = [], []
    for image in session.staged:
        target = bids_dir / f"{image.output.path}.nii.gz"
        if image.source is None or target.exists():
            kept.append(f"{image.output.path}.nii.gz")
            files.append({"path": kept[-1], "sha256": sha256(target)})
            continue
        described = image.source.with_name(image.source.name.replace(".nii.gz", ".json"))
        write_json(described, image.sidecar)
        whole = (
            (described, f"{image.output.path}.json"),
            *image.beside,
            (image.source, f"{image.output.path}.nii.gz"),
        )
        for source, path in whole:
            if not place_new(source, bids_dir / path):
                kept.append(path)
            files.append({"path": path, "sha256": sha256(bids_dir / path)})
    return {"files": files, "kept": kept}


def _there(bids_dir: Path, output: Output, item: OtherSeries) -> Staged:
    sidecar = bids_dir / f"{output.path}.json"
    fields = read_json(sidecar) if sidecar.is_file() else {}
    image = bids_dir / f"{output.path}.nii.gz"
    return Staged(output, item.series, item.number, fields, _grid(image))


def _stage_series(
    nifti: Mapping[str, NiftiSeries], item: OtherSeries, staging: Path, session: Session
) -> None:
    there = {staged.output for staged in session.staged if staged.series == item.series}
    for output in item.outputs:
        if output not in there:
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
    sidecar = completed(kept, labels_of(output.entities), item.direction, axes, item.metadata,
                        output.suffix)  # fmt: skip
    beside = []
    if item.zero_b and output.suffix == "dwi":
        _write_zero_b(converted)
    for ending in NEEDED_FILES.get(output.suffix, ()):
        if converted.beside(ending).is_file():
            beside.append((staging / f"{name}{ending}", f"{output.path}{ending}"))
            shutil.copyfile(converted.beside(ending), beside[-1][0])
    if item.volumes:
        types = _volume_types(converted, item.volumes, output)
        table = staging / f"{name}.tsv"
        table.write_text("volume_type\n" + "".join(f"{word}\n" for word in types))
        beside.append((table, f"{output.path.removesuffix(output.suffix)}aslcontext.tsv"))
    # A link or copy: another attempt of the job needs the image again.
    place_new(converted.image, source)
    if len(converted.shape) > 3 and isinstance(sidecar.get("RepetitionTime"), int | float):
        set_repetition(source, float(sidecar["RepetitionTime"]))
    return Staged(output, item.series, item.number, sidecar, _grid(source), source, tuple(beside))


def _write_zero_b(converted: Converted) -> None:
    """Write b-values and directions of zero, unless dcm2niix wrote those of the header."""
    volumes = converted.shape[3] if len(converted.shape) > 3 else 1
    line = " ".join(["0"] * volumes) + "\n"
    if not converted.beside(".bval").exists():
        converted.beside(".bval").write_text(line)
    if not converted.beside(".bvec").exists():
        converted.beside(".bvec").write_text(line * 3)


def _volume_types(converted: Converted, pattern: Sequence[str], output: Output) -> list[str]:
    volumes = converted.shape[3] if len(converted.shape) > 3 else 1
    if volumes % len(pattern):
        raise InputError(
            output.path,
            f"it has {volumes} volumes, and the rule's volumes name {len(pattern)} in turn",
            "Correct volumes in study_rules: one word a volume, or a pattern that is repeated",
        )
    return list(pattern) * (volumes // len(pattern))


def _grid(image: Path) -> tuple[Any, ...]:
    import nibabel as nib

    loaded = nib.load(image)
    return tuple(loaded.shape[:3]), tuple(loaded.affine.round(2).ravel().tolist())


def _echo_times(staged: Sequence[Staged]) -> None:
    """Give a phase difference the echo times of its magnitude images, in s."""
    for phase in staged:
        if phase.output.suffix == "phasediff" and phase.source is not None:
            times = sorted(
                {
                    other.sidecar["EchoTime"]
                    for other in staged
                    if other.output.suffix in ("magnitude1", "magnitude2")
                    and other.output.entities == phase.output.entities
                    and "EchoTime" in other.sidecar
                }
            )
            if len(times) == 2:
                phase.sidecar.setdefault("EchoTime1", times[0])
                phase.sidecar.setdefault("EchoTime2", times[1])


def _calibrations(staged: Sequence[Staged]) -> None:
    """Tie each calibration image to the arterial spin labelling nearest to it in time."""
    labelled = [image for image in staged if image.output.suffix == "asl"]
    for image in staged:
        if image.output.suffix == "m0scan" and labelled and "/perf" in image.output.folder:
            asl = min(labelled, key=lambda other: abs(other.number - image.number))
            image.sidecar.setdefault("IntendedFor", [f"bids::{asl.output.path}.nii.gz"])
            asl.sidecar.setdefault("M0Type", "Separate")


def _leave_out(session: Session) -> None:
    """Set aside images of which the headers do not hold what BIDS requires."""
    good = []
    for image in session.staged:
        suffix = image.output.suffix
        absent = lacking(image.sidecar, suffix)
        endings = {source.suffix for source, _ in image.beside}
        absent += [end for end in NEEDED_FILES.get(suffix, ()) if end not in endings]
        if image.source is not None and absent:
            left = LeftOut(image.output.path, image.series, tuple(absent))
            session.left_out.append(left)
            continue
        good.append(image)
        if missing := [key for key in RECOMMENDED.get(suffix, ()) if key not in image.sidecar]:
            session.warnings.append(
                f"{image.output.path} lacks {' and '.join(missing)}, which its maps need. "
                "Give them as metadata in study_rules"
            )
    session.staged = good
