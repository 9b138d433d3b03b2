"""Exports as users report them, planned and converted: every series has a name or a true reason."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from tests.bench.scanners import run
from tests.dicom_builder import EPI, MPRAGE, write_series

BOLD = {**EPI, "SeriesDescription": "task-rest_bold", "InPlanePhaseEncodingDirection": "COL"}
DWI = {**EPI, "ScanningSequence": ["EP", "SE"], "EchoTime": 60, "RepetitionTime": 7000}
DERIVED = ["DERIVED", "SECONDARY", "OTHER"]
CT, PET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.128"

Builder = Callable[[Path], None]
CASES: dict[str, tuple[Builder, list[tuple[str, str, str]]]] = {}
"""Name -> how it is written; for each series its name, confidence and a part of the reason."""


def case(*expected: tuple[str, str, str]) -> Callable[[Builder], Builder]:
    def register(build: Builder) -> Builder:
        CASES[build.__name__] = build, list(expected)
        return build

    return register


def series(scans: Path, number: int, header: dict[str, Any], **given: Any) -> list[Path]:
    time = f"10{number:02d}00"
    given = {"SeriesNumber": number, "series": f"s{number}", "AcquisitionTime": time, **given}
    return write_series(scans / f"{number:03d}", header=header, **given)


@case(
    ("run-1_T1w", "medium", "12 slices, but another series of this name has 30"),
    ("run-2_T1w", "high", "MPRAGE"),
)
def an_aborted_t1w_and_its_repeat(scans: Path) -> None:
    series(scans, 1, MPRAGE, slices=12)
    series(scans, 2, MPRAGE, slices=30)


@case(
    ("task-rest_run-1_bold", "medium", "it may have been aborted"),
    ("task-rest_run-2_bold", "high", "time series"),
)
def an_aborted_time_series_and_its_repeat(scans: Path) -> None:
    series(scans, 1, BOLD, volumes=11)
    series(scans, 2, BOLD, volumes=24)


@case(("-", "high", "so a volume is incomplete"), ("task-rest_bold", "high", "time series"))
def a_time_series_that_stopped_within_a_volume(scans: Path) -> None:
    series(scans, 1, BOLD, volumes=12, skip=range(137, 144))
    series(scans, 2, BOLD, volumes=12)


@case(("-", "high", "1 slices are missing"))
def a_lost_slice(scans: Path) -> None:
    series(scans, 1, MPRAGE, skip={5})


@case(("T1w", "high", "MPRAGE"), ("-", "high", "a CT series"), ("-", "high", "a PET series"))
def other_modalities(scans: Path) -> None:
    series(scans, 1, MPRAGE)
    series(scans, 2, {**MPRAGE, "Modality": "CT"}, SOPClassUID=CT)
    series(scans, 3, {**MPRAGE, "Modality": "PT"}, SOPClassUID=PET)


@case(("T1w", "high", "MPRAGE"), ("-", "high", "derived, and the session has an original"))
def a_derived_copy_with_the_same_number(scans: Path) -> None:
    series(scans, 1, MPRAGE)
    series(scans, 2, MPRAGE, SeriesNumber=1, ImageType=["DERIVED", "SECONDARY", "M", "ND", "NORM"])


@case(("T1w", "high", "MPRAGE"), ("-", "high", "a screen capture"))
def a_screen_capture(scans: Path) -> None:
    series(scans, 1, MPRAGE)
    screen = {"Modality": "MR", "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}
    capture = "1.2.840.10008.5.1.4.1.1.7"
    series(scans, 2, screen, SeriesDescription="t1 Screen save", slices=1, SOPClassUID=capture)


@case(
    ("dwi", "high", "diffusion weighting"),
    ("-", "high", "a map computed from a diffusion"),
    ("-", "high", "a map computed from a diffusion"),
    ("-", "high", "derived from other images"),
)
def maps_of_diffusion(scans: Path) -> None:
    weights = [
        {"DiffusionBValue": value, "DiffusionGradientOrientation": [1, 0, 0]}
        for value in (0, *[1000] * 6)
    ]
    series(scans, 1, DWI, volumes=7, by_volume=weights, SeriesDescription="ep2d_diff")
    maps = ["DERIVED", "PRIMARY", "DIFFUSION"]
    series(scans, 2, DWI, SeriesDescription="ep2d_diff_ADC", ImageType=[*maps, "ADC"])
    series(scans, 3, DWI, SeriesDescription="ep2d_diff_TRACEW", ImageType=[*maps, "TRACEW"])
    name = "Apparent Diffusion Coefficient (mm2/s)"
    series(scans, 4, DWI, SeriesDescription=name, ImageType=DERIVED)


@case(
    ("T1w", "medium", "its header names no sequence"),
    ("task-rest_bold", "medium", "its header names no sequence"),
)
def a_header_without_physics(scans: Path) -> None:
    empty = {"Modality": "MR", "Manufacturer": "GE MEDICAL SYSTEMS", "RepetitionTime": 2000}
    series(scans, 1, empty, SeriesDescription="SAG 3D T1", slices=20)
    series(scans, 2, empty, SeriesDescription="resting state fMRI", volumes=12)


@case(("T1w", "high", "MPRAGE"), ("task-rest_bold", "high", "time series"))
def no_dates_and_no_numbers(scans: Path) -> None:
    nothing = dict.fromkeys(("StudyDate", "StudyTime", "SeriesNumber", "AcquisitionTime"))
    series(scans, 1, MPRAGE, **nothing)
    series(scans, 2, BOLD, volumes=12, **nothing)


@case(("T1w", "medium", "its description names no kind of image"))
def a_series_without_description(scans: Path) -> None:
    series(scans, 1, MPRAGE, SeriesDescription=None)


@case(("T1w", "high", "MPRAGE"))
def one_series_in_two_folders(scans: Path) -> None:
    shutil.copytree(series(scans, 1, MPRAGE)[0].parent, scans / "sent again")


@case(("T1w", "high", "MPRAGE"))
def names_in_another_character_set(scans: Path) -> None:
    name = "Люксембург^Роза"
    series(scans, 1, MPRAGE, SpecificCharacterSet="ISO_IR 144", PatientName=name)


@pytest.mark.parametrize("name", CASES)
def test_a_reported_export_is_planned_and_converted(name: str, tmp_path: Path) -> None:
    build, expected = CASES[name]
    build(tmp_path / "scans")
    outcome = run(tmp_path / "scans", tmp_path / "out", check=False)
    for row, (label, confidence, why) in zip(outcome.rows, expected, strict=True):
        assert (row.get("name", "-"), row["confidence"]) == (label, confidence)
        assert why in row["why"]
    assert outcome.problems == []
    assert len(outcome.images) == sum(label != "-" for label, _, _ in expected)


def test_a_direction_that_the_header_contradicts_is_not_sure(tmp_path: Path) -> None:
    for path in series(tmp_path / "scans", 1, BOLD, volumes=12, SeriesDescription="task-rest_AP"):
        ds = pydicom.dcmread(path)
        block = ds.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
        block.add_new(0x1C, "IS", 0)
        ds.save_as(path)
    (row,) = run(tmp_path / "scans", tmp_path / "out", check=False).rows
    assert (row["confidence"], row["direction"]) == ("medium", "PA")
    assert "described as AP, but phase-encoded PA" in row["why"]


def _implicit(path: Path) -> None:
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.save_as(path, implicit_vr=True, little_endian=True)


def _deflated(path: Path) -> None:
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path, implicit_vr=False, little_endian=True)


def _big_endian(path: Path) -> None:
    ds = pydicom.dcmread(path)
    pixels, meta = ds.pixel_array.astype(">u2").tobytes(), ds.file_meta
    meta.TransferSyntaxUID, ds.PixelData = ExplicitVRBigEndian, pixels
    plain = pydicom.Dataset(ds)
    plain.file_meta = meta
    pydicom.dcmwrite(path, plain, implicit_vr=False, little_endian=False)


def _run_length(path: Path) -> None:
    ds = pydicom.dcmread(path)
    ds.compress(RLELossless)
    ds.save_as(path)


def _without_meta_header(path: Path) -> None:
    ds = pydicom.dcmread(path)
    plain = pydicom.Dataset(ds)
    pydicom.dcmwrite(path, plain, implicit_vr=True, little_endian=True, enforce_file_format=False)


@pytest.mark.parametrize(
    "encode", [_implicit, _deflated, _big_endian, _run_length, _without_meta_header]
)
def test_every_encoding_gives_the_same_voxels(
    encode: Callable[[Path], None], tmp_path: Path
) -> None:
    made = []
    for label in ("plain", "encoded"):
        for path in series(tmp_path / label, 1, MPRAGE):
            if label == "encoded":
                encode(path)
        outcome = run(tmp_path / label, tmp_path / f"{label}-out", check=False)
        assert outcome.problems == []
        (image,) = outcome.images
        made.append(nib.load(tmp_path / f"{label}-out" / "bids" / image))
    assert np.array_equal(made[0].get_fdata(), made[1].get_fdata())
    assert np.array_equal(made[0].affine, made[1].affine)


def test_copies_that_differ_are_converted_once_a_person_keeps_the_series(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for path in series(scans, 1, BOLD, volumes=12):
        ds = pydicom.dcmread(path)
        ds.WindowCenter = "17"
        (scans / "sent again").mkdir(exist_ok=True)
        ds.save_as(scans / "sent again" / path.name)
    first = run(scans, tmp_path / "first", check=False)
    assert "144 instances exist twice with different content" in first.rows[0]["why"]
    assert first.images == []
    table = tmp_path / "plan.tsv"
    table.write_text(f"series\tname\tkeep\n{first.rows[0]['series']}\ttask-rest_bold\tyes\n")
    second = run(scans, tmp_path / "second", check=False, table=table)
    assert second.problems == []
    assert second.images == ["sub-01/func/sub-01_task-rest_bold.nii.gz"]
    image = nib.load(tmp_path / "second" / "bids" / second.images[0])
    assert image.shape == (16, 16, 12, 12)
