"""Conversion of one series: the image, its sidecar, and every way in which it must fail."""

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from convert import place_image
from ecdysis.bids.outputs import Output
from ecdysis.conversion.nifti import WantedSeries, make_nifti, read_nifti
from ecdysis.conversion.sidecar import DROPPED, without_dropped
from ecdysis.errors import InputError

from tests.dicom_builder import MPRAGE, write_series


@pytest.fixture
def series(tmp_path: Path) -> Path:
    # dcm2niix runs in a shell, and folders of users have spaces.
    return tmp_path / "my scans" / "sub-01" / "ser-0123"


T1W = [Output("sub-01/anat", "sub-01", "T1w")]


def convert(
    series: Path,
    image: Path,
    sidecar: Path,
    outputs: list[Output],
    expected: int | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Convert a series as the two steps of a run do."""
    out = image.parents[2]
    nifti = series.parents[1] / "nifti"
    make_nifti(series.parent, out, [WantedSeries(series.name, expected, outputs)], nifti)
    path = f"sub-01/anat/{image.name.removesuffix('.nii.gz')}"
    (made,) = read_nifti(nifti).values()
    try:
        return place_image(made, image, sidecar, path, metadata)
    finally:
        shutil.rmtree(nifti)


def converted(series: Path) -> tuple[Path, Path]:
    out = series.parents[2] / "a dataset" / "sub-01" / "anat"
    return out / "sub-01_T1w.nii.gz", out / "sub-01_T1w.json"


def test_the_image_has_every_voxel_at_its_place(series: Path) -> None:
    write_series(series, slices=12)
    image, sidecar = converted(series)
    facts = convert(series, image, sidecar, T1W)
    assert facts["files"] == 12
    assert facts["shape"] == [16, 16, 12]
    assert facts["converter"].startswith("dcm2niix v")
    made = nib.load(image)
    np.testing.assert_allclose(made.header.get_zooms(), 2)
    # DICOM counts to the left and to the back, NIfTI to the right and to the front.
    first = made.get_fdata()[:, :, 0]
    expected = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(np.sort(first.ravel()), expected.ravel())
    corner = np.linalg.inv(made.affine) @ [16, 16, 0, 1]
    assert made.get_fdata()[tuple(np.round(corner[:3]).astype(int))] == 0
    assert sorted(path.name for path in image.parent.iterdir()) == [sidecar.name, image.name]


def test_the_sidecar_keeps_the_physics(series: Path) -> None:
    write_series(series, AccessionNumber="A77", ImageComments="Ada")
    image, sidecar = converted(series)
    convert(series, image, sidecar, T1W)
    fields = json.loads(sidecar.read_text())
    assert fields["EchoTime"] == pytest.approx(MPRAGE["EchoTime"] / 1000)
    assert fields["InversionTime"] == pytest.approx(0.9)
    assert fields["ConversionSoftware"] == "dcm2niix"
    assert "Ada" not in sidecar.read_text()
    assert "A77" not in sidecar.read_text()
    assert b"Ada" not in bytes(nib.load(image).header.binaryblock)


def test_one_of_several_echoes(series: Path) -> None:
    times = (1.69, 3.55, 5.41)
    echoes = [{"EchoTime": time, "EchoNumbers": at} for at, time in enumerate(times, start=1)]
    write_series(series, volumes=3, by_volume=echoes)
    outputs = [
        Output("sub-01/anat", f"sub-01_echo-{at}", "T1w", echo=time)
        for at, time in enumerate(times, start=1)
    ]
    folder = converted(series)[0].parent
    image, sidecar = (folder / f"sub-01_echo-2_T1w.{ending}" for ending in ("nii.gz", "json"))
    convert(series, image, sidecar, outputs, 36)
    assert json.loads(sidecar.read_text())["EchoTime"] == pytest.approx(0.00355)
    assert nib.load(image).shape == (16, 16, 12)
    # The voxels of an instance hold its number, here from 12 on.
    assert np.asarray(nib.load(image).dataobj).min() == 12
    with pytest.raises(InputError, match=r"3 images.*it has 2"):
        convert(series, image, sidecar, outputs[:2], 36)


def test_metadata_of_the_study_override_the_header(series: Path) -> None:
    write_series(series)
    image, sidecar = converted(series)
    convert(series, image, sidecar, T1W, 12, {"EchoTime": 7, "Note": "x"})
    fields = json.loads(sidecar.read_text())
    assert (fields["EchoTime"], fields["Note"], fields["InversionTime"]) == (7, "x", 0.9)


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("PatientName", False),
        ("PatientBirthDate", False),
        ("PatientPosition", True),
        ("SeriesInstanceUID", False),
        ("ReferringPhysicianName", False),
        ("BidsGuess", False),
        ("SliceTiming", True),
        ("ImageType", True),
    ],
)
def test_fields_that_are_dropped(field: str, kept: bool) -> None:
    assert (field in without_dropped({field: 1})) is kept


def test_the_word_none_is_dropped() -> None:
    assert without_dropped({"InstitutionalDepartmentName": "None", "EchoTime": 0}) == {
        "EchoTime": 0
    }


def test_every_dropped_field_has_its_reason() -> None:
    assert all(DROPPED.values())


def test_a_missing_slice_is_an_error(series: Path) -> None:
    write_series(series, slices=12, skip={4})
    image, sidecar = converted(series)
    with pytest.raises(InputError, match="distance between its slices varies"):
        convert(series, image, sidecar, T1W)
    assert not image.parent.exists()


def test_a_file_that_was_refused_is_noticed(series: Path) -> None:
    write_series(series, slices=11)
    with pytest.raises(InputError, match="11 of its 12 files"):
        convert(series, *converted(series), T1W, 12)


def test_several_images_are_an_error(series: Path) -> None:
    write_series(series, slices=12)
    write_series(series, series="second", name="Z{}", Rows=8, Columns=32)
    image, sidecar = converted(series)
    with pytest.raises(InputError, match="2 images"):
        convert(series, image, sidecar, T1W)
    assert not image.parent.exists()


def test_a_file_that_is_not_used_is_an_error(series: Path) -> None:
    write_series(series, slices=12)
    (series / "stray.dcm").write_bytes(b"no DICOM" * 99)
    with pytest.raises(InputError, match="12 of 13 files"):
        convert(series, *converted(series), T1W)


def test_no_files_are_an_error(series: Path) -> None:
    with pytest.raises(InputError, match="no DICOM files"):
        convert(series, *converted(series), T1W)


def test_files_that_are_no_images_are_an_error(series: Path) -> None:
    series.mkdir(parents=True)
    (series / "x.dcm").write_bytes(b"no DICOM" * 99)
    with pytest.raises(InputError, match="no image"):
        convert(series, *converted(series), T1W)
