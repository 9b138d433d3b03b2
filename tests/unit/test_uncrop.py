"""A head through reorienting, cropping and masking, and its mask back on the raw grid."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from crop import BrainFiles, crop
from ecdysis.errors import InputError
from ecdysis.image.geometry import Box
from ecdysis.image.reorient import reorient
from ecdysis.image.volume import Volume, cropped, read, with_values, write
from uncrop import main, uncrop

from tests.unit.test_crop import SETTINGS, head

ROOT = Path(__file__).parents[2]
DICOM = ROOT.parent / "shared" / "data" / "studyforrest-t1-dicom.tar.xz"
NIBABEL_DATA = Path(nib.__file__).parent / "tests" / "data"


@pytest.fixture
def case(tmp_path):
    """A head of another orientation through reorient, crop and brain."""
    write(head("LSP"), tmp_path / "raw.nii.gz")
    return whole_line(tmp_path, tmp_path / "raw.nii.gz", {**SETTINGS, "modes": ["auto", "fov"]})


def brain_files(folder, prefix=""):
    outputs = (folder / f"{prefix}{name}.nii.gz" for name in ("brain_mask", "brain"))
    return BrainFiles(folder / "mask.nii", *outputs)


def whole_line(folder, raw, config):
    turned = folder / "reoriented.nii"
    reorient(raw, turned, "RAS")
    volume = read(turned)
    mask = np.zeros(volume.stored.shape, "uint8")
    middle = tuple(slice(n // 3, 2 * n // 3) for n in mask.shape)
    mask[middle] = volume.stored[middle] > np.median(volume.stored[middle]) / 2
    write(with_values(volume, mask), folder / "mask.nii")
    sources, brain = ["bids:raw:sub-01"], brain_files(folder)
    crop(turned, folder / "crop.nii.gz", config, sources=sources, brain=brain)
    return folder


def check_round_trip(folder, raw_path):
    """The mask, put back, marks on the raw grid the voxels that it marked after reorienting."""
    main(
        [
            str(folder / "brain_mask.nii.gz"),
            str(folder / "brain_mask.json"),
            str(folder / "back.nii.gz"),
        ]
    )
    back, raw = nib.load(folder / "back.nii.gz"), nib.load(raw_path)
    assert back.shape == raw.shape
    assert nib.aff2axcodes(back.affine) == nib.aff2axcodes(raw.affine)
    np.testing.assert_array_equal(back.affine, raw.affine)
    for form in ("qform", "sform"):
        ours, theirs = (getattr(image.header, f"get_{form}")(coded=True) for image in (back, raw))
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1] == theirs[1]
    expected = nib.load(folder / "mask.nii").as_reoriented(
        nib.orientations.ornt_transform(
            nib.orientations.axcodes2ornt("RAS"), nib.io_orientation(raw.affine)
        )
    )
    np.testing.assert_array_equal(back.dataobj, expected.dataobj)
    assert np.asarray(back.dataobj).any()


def test_the_line_of_a_head(case):
    check_round_trip(case, case / "raw.nii.gz")
    sidecar = json.loads((case / "crop.json").read_text())
    assert sidecar["SkullStripped"] is False
    assert sidecar["Sources"] == ["bids:raw:sub-01"]
    assert sidecar["OriginalOrientation"] == "LSP"
    assert sidecar["CroppedShape"] == list(nib.load(case / "crop.nii.gz").shape)
    about_mask = json.loads((case / "brain_mask.json").read_text())
    about_brain = json.loads((case / "brain.json").read_text())
    assert about_mask["Type"] == "Brain"
    assert about_brain["SkullStripped"] is True
    mask, image = nib.load(case / "brain_mask.nii.gz"), nib.load(case / "brain.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    assert set(np.unique(mask.dataobj)) == {0, 1}
    preproc = np.asarray(nib.load(case / "crop.nii.gz").dataobj)
    np.testing.assert_array_equal(image.dataobj, preproc * np.asarray(mask.dataobj))
    assert image.get_data_dtype() == np.int16


def test_the_brain_keeps_its_scale_and_its_background_means_zero(tmp_path):
    scaled = head().header.copy()
    scaled["scl_slope"], scaled["scl_inter"] = 0.5, -100
    write(Volume(scaled, head().stored), tmp_path / "raw.nii.gz")
    whole_line(tmp_path, tmp_path / "raw.nii.gz", SETTINGS)
    result = read(tmp_path / "brain.nii.gz")
    assert result.scaling == (0.5, -100)
    outside = read(tmp_path / "brain_mask.nii.gz").stored == 0
    assert (result.stored[outside] == 200).all()
    assert (nib.load(tmp_path / "brain.nii.gz").get_fdata()[outside] == 0).all()


def test_a_mask_of_another_grid_is_refused(case):
    volume = read(case / "mask.nii")
    moved = volume.header.copy()
    moved.set_sform(moved.get_sform() + np.eye(4, k=3) * 5, 1)
    write(Volume(moved, volume.stored), case / "mask.nii")
    image, brain = case / "reoriented.nii", brain_files(case, "other_")
    with pytest.raises(InputError, match="that of the image"):
        crop(image, case / "other_crop.nii.gz", SETTINGS, sources=[], brain=brain)
    assert not list(case.glob("other_*"))


def test_an_empty_mask_is_refused(case):
    volume = read(case / "mask.nii")
    write(Volume(volume.header, np.zeros_like(volume.stored)), case / "mask.nii")
    with pytest.raises(InputError, match="empty"):
        crop(
            case / "reoriented.nii",
            case / "crop.nii.gz",
            SETTINGS,
            sources=[],
            brain=brain_files(case),
        )


def test_uncrop_refuses_a_mask_of_another_sidecar(case):
    files = [case / name for name in ("raw.nii.gz", "crop.json", "x.nii")]
    command = [sys.executable, ROOT / "scripts/uncrop.py", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "its shape is" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (case / "x.nii").exists()


@pytest.mark.parametrize(
    "name", ["anatomical.nii", "standard.nii.gz", "reoriented_anat_moved.nii", "example4d.nii.gz"]
)
@pytest.mark.parametrize("code", ["RAS", "PIR"])
def test_nibabels_own_images_come_back_exactly(tmp_path, name, code):
    raw = NIBABEL_DATA / name
    if name == "example4d.nii.gz":
        raw = tmp_path / "first.nii"
        nib.save(nib.load(NIBABEL_DATA / name).slicer[..., :1], raw)
    facts = reorient(raw, tmp_path / "reoriented.nii", code)
    image = read(tmp_path / "reoriented.nii")
    box = Box.of([[1, n - 1] for n in image.stored.shape])
    write(cropped(image, box), tmp_path / "c.nii")
    back = uncrop(nib.load(tmp_path / "c.nii"), facts | {"CropBox": box.pairs})
    original = nib.load(raw)
    np.testing.assert_array_equal(back.affine, original.affine)
    core = (slice(1, -1),) * 3
    np.testing.assert_array_equal(
        np.asanyarray(back.dataobj)[core], np.asanyarray(original.dataobj)[core]
    )


@pytest.mark.skipif(not DICOM.exists(), reason="the real DICOM series is not here")
def test_a_real_head_is_cropped_and_comes_back_exactly(tmp_path):
    with tarfile.open(DICOM) as archive:
        archive.extractall(tmp_path, filter="data")
    beside = Path(sys.executable).with_name("dcm2niix")
    converter = str(beside) if beside.exists() else "dcm2niix"
    options = ["-z", "n", "-f", "raw", "-o", tmp_path, tmp_path / "dicoms"]
    subprocess.run([converter, *options], check=True, capture_output=True)
    raw = tmp_path / "raw.nii"
    whole_line(tmp_path, raw, {**SETTINGS, "modes": ["auto", "fov"]})
    check_round_trip(tmp_path, raw)
    before, after = (read(tmp_path / name) for name in ("reoriented.nii", "crop.nii.gz"))
    box = Box.of(json.loads((tmp_path / "crop.json").read_text())["CropBox"])
    np.testing.assert_array_equal(before.stored[box.slices], after.stored)
    top_to_bottom = after.stored.shape[2] * after.zooms_mm[2]
    assert 165 < top_to_bottom < 195
