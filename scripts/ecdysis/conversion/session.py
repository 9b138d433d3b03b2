"""Converting the series of a session one after the other, and what ties them together."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecdysis.bids.outputs import Output
from ecdysis.bids.schema import labels_of
from ecdysis.conversion.dcm2niix import Converted, run_dcm2niix
from ecdysis.conversion.fieldmaps import Item, links
from ecdysis.conversion.matching import match
from ecdysis.conversion.repetition import set_repetition
from ecdysis.conversion.sidecar import (
    NEEDED_FILES,
    RECOMMENDED,
    completed,
    lacking,
    without_dropped,
)
from ecdysis.errors import InputError
from ecdysis.files import read_json
from ecdysis.plain_folder import plain_folder


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


def convert_session(
    dicom: Path, bids_dir: Path, series: Sequence[Mapping[str, Any]], staging: Path
) -> Session:
    """Convert the series of a session into a folder beside the dataset, and tie field maps.

    Parameters
    ----------
    dicom : Path
        The de-identified session, a folder a series.
    bids_dir : Path
        The dataset, for what is there already.
    series : sequence of dict
        ``others`` of the plan.
    staging : Path
        An empty folder, best on the file system of the dataset.

    Returns
    -------
    Session
        Images in the order of their series.
    """
    session = Session()
    for one in series:
        wanted = [Output(**output) for output in one["outputs"]]
        there = [output for output in wanted if (bids_dir / f"{output.path}.nii.gz").exists()]
        session.staged += [_there(bids_dir, output, one) for output in there]
        if len(there) < len(wanted):
            try:
                _convert_series(dicom, one, wanted, staging, session)
            except InputError as fault:
                print(fault)
                session.failed.append(str(fault))
    _echo_times(session.staged)
    _calibrations(session.staged)
    _leave_out(session)
    items = [
        Item(f"{one.output.path}.nii.gz", one.output.suffix, one.output.entities, one.number,
             one.sidecar, one.grid)
        for one in session.staged
    ]  # fmt: skip
    tied = links(items, dicom.name)
    for image in session.staged:
        for key, value in tied.get(f"{image.output.path}.nii.gz", {}).items():
            image.sidecar.setdefault(key, value)
    return session


def _there(bids_dir: Path, output: Output, one: Mapping[str, Any]) -> Staged:
    sidecar = bids_dir / f"{output.path}.json"
    fields = read_json(sidecar) if sidecar.is_file() else {}
    image = bids_dir / f"{output.path}.nii.gz"
    return Staged(output, one["series"], one["number"] or 0, fields, _grid(image))


def _convert_series(
    dicom: Path, one: Mapping[str, Any], wanted: list[Output], staging: Path, session: Session
) -> None:
    there = {staged.output for staged in session.staged if staged.series == one["series"]}
    apart = [Output(**output) for output in one["apart"]]
    with plain_folder() as folder:
        keep = one.get("keep", False)
        made = run_dcm2niix(dicom / one["series"], folder, one["files"], keep=keep)
        found = match(dicom / one["series"], [*wanted, *apart], made)
        for output in wanted:
            if output not in there:
                staged = _stage(output, found[output], one, staging, session)
                session.staged.append(staged)


def _stage(
    output: Output,
    converted: Converted,
    one: Mapping[str, Any],
    staging: Path,
    session: Session,
) -> Staged:
    import nibabel as nib

    name = output.path.replace("/", "+")
    source = staging / f"{name}.nii.gz"
    axes = nib.aff2axcodes(nib.load(converted.image).affine)
    kept = without_dropped(converted.sidecar)
    session.dropped |= set(converted.sidecar) - set(kept)
    session.converters.add(converted.converter)
    sidecar = completed(kept, labels_of(output.entities), one["direction"], axes, one["metadata"],
                        output.suffix)  # fmt: skip
    beside = []
    if one.get("zero_b") and output.suffix == "dwi":
        _write_zero_b(converted)
    for ending in NEEDED_FILES.get(output.suffix, ()):
        if converted.beside(ending).is_file():
            beside.append((staging / f"{name}{ending}", f"{output.path}{ending}"))
            shutil.move(converted.beside(ending), beside[-1][0])
    if one["volumes"]:
        types = _volume_types(converted, one["volumes"], output)
        table = staging / f"{name}.tsv"
        table.write_text("volume_type\n" + "".join(f"{word}\n" for word in types))
        beside.append((table, f"{output.path.removesuffix(output.suffix)}aslcontext.tsv"))
    shutil.move(converted.image, source)
    if len(converted.shape) > 3 and isinstance(sidecar.get("RepetitionTime"), int | float):
        set_repetition(source, float(sidecar["RepetitionTime"]))
    return Staged(
        output, one["series"], one["number"] or 0, sidecar, _grid(source), source, tuple(beside)
    )


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
