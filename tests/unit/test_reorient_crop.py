"""Reorienting, cropping and putting back: no value and no place changes."""

import functools
import itertools
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lib.derivatives.brain import brain
from lib.derivatives.crop import crop, crop_box
from lib.errors import InputError
from lib.image.geometry import Box, Turn, orientation_of
from lib.image.reorient import reorient, reoriented_file
from lib.image.volume import Volume, cropped, read, read_anatomical, turned, with_values, write
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from uncrop import main, uncrop

from tests.unit.nifti_images import AFFINE, noise, rotation, save
from tests.unit.test_geometry import CODES

ROOT = Path(__file__).parents[2]
DICOM = ROOT.parent / "shared" / "data" / "studyforrest-t1-dicom.tar.xz"
NIBABEL_DATA = Path(nib.__file__).parent / "tests" / "data"
SETTINGS = {"modes": ["auto"], "slices": {}, "margin": 10, "fov": 170}


def reoriented(path, code="RAS"):
    """Reorient a file; give the result as stored, and the facts as JSON has them."""
    _, volume, facts = reorient(path, code)
    assert json.loads(json.dumps(facts), parse_constant=pytest.fail) == facts
    write(volume, path.parent / "re.nii")
    return read(path.parent / "re.nii"), facts


def world(affine, index):
    return affine[:3, :3] @ np.asarray(index) + affine[:3, 3]


@st.composite
def stored_images(draw):
    shape = tuple(draw(st.lists(st.integers(2, 6), min_size=3, max_size=3)))
    affine = np.eye(4)
    zooms = draw(st.lists(st.floats(0.3, 4), min_size=3, max_size=3))
    order = draw(st.permutations(range(3)))
    signs = draw(st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3))
    turn = rotation(
        draw(st.sampled_from([(1, 0, 0), (1, 2, 3), (0, -1, 1)])), draw(st.floats(-40, 40))
    )
    affine[:3, :3] = turn @ np.eye(3)[:, order] * signs * zooms
    affine[:3, 3] = draw(st.lists(st.floats(-150, 150), min_size=3, max_size=3))
    dtype = draw(st.sampled_from(["u1", "i1", "i2", "u2", "i4", "f4", "f8", "i8"]))
    options = {
        "codes": draw(st.sampled_from([(1, 1), (1, 0), (0, 1), (4, 4), (2, 1)])),
        "kind": draw(st.sampled_from([Nifti1Header, Nifti2Header])),
        "endianness": draw(st.sampled_from("<>")),
        "scl_slope": draw(st.sampled_from([0, 1, np.nan, 0.37, -2])),
        "scl_inter": draw(st.sampled_from([0, -1024, 3.5])),
    }
    return noise(shape, dtype, draw(st.integers(0, 99))), affine, options


@settings(max_examples=80, deadline=None)
@given(stored_images(), st.sampled_from([*CODES, "keep"]), st.data())
def test_values_and_places_survive_reorienting_and_cropping(tmp_path_factory, image, code, data):
    voxels, affine, options = image
    folder = tmp_path_factory.mktemp("a")
    path = save(folder / "a.nii", voxels, sform=affine, qform=affine, **options)
    before = read(path)
    after, facts = reoriented(path, code)

    assert facts["Warnings"] == []
    assert orientation_of(after.affine) == facts["Orientation"]
    assert code in {"keep", facts["Orientation"]}
    turn = Turn(tuple(facts["AxisPermutation"]), tuple(facts["AxisFlips"]))
    box = Box.of(
        [
            sorted(data.draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))))
            for n in after.stored.shape
        ]
    )
    if box.empty:
        box = Box.whole(after.stored.shape)
    write(cropped(after, box), folder / "crop.nii.gz")
    part = read(folder / "crop.nii.gz")

    for result in (after, part):
        for field in (
            "datatype",
            "scl_slope",
            "scl_inter",
            "xyzt_units",
            "sform_code",
            "qform_code",
        ):
            np.testing.assert_array_equal(result.header[field], before.header[field])
        assert result.header.endianness == before.header.endianness
        assert type(result.header) is type(before.header)
        np.testing.assert_array_equal(
            result.header["pixdim"][1:4], before.header["pixdim"][1:4][list(turn.permutation)]
        )
    assert part.stored.tobytes("F") == after.stored[box.slices].tobytes("F")
    index = np.array(list(itertools.product(*map(range, voxels.shape))))
    # a quaternion, in single precision, is exact to 1e-3 rad near a half turn
    loose = 1e-3 * np.linalg.norm(np.multiply(voxels.shape, before.zooms_mm)) + 2e-2
    exact = 1e-3 if before.header["sform_code"] else loose
    for source in index[:: max(1, len(index) // 20)]:
        target = [
            voxels.shape[axis] - 1 - source[axis] if flip else source[axis]
            for axis, flip in zip(turn.permutation, turn.flips, strict=True)
        ]
        assert after.stored[tuple(target)] == before.stored[tuple(source)]
        expected = world(before.affine, source)
        inside = np.subtract(target, box.start)
        for got in (world(after.affine, target), world(part.affine, inside)):
            np.testing.assert_allclose(got, expected, atol=exact)
        for header, position in ((after.header, target), (part.header, inside)):
            np.testing.assert_allclose(world(header.get_qform(), position), expected, atol=loose)
            np.testing.assert_allclose(world(header.get_sform(), position), expected, atol=exact)

    facts |= {"CropBox": box.pairs}
    small = nib.load(folder / "crop.nii.gz")
    back = uncrop(small, facts)
    raw = nib.load(path)
    assert back.shape == raw.shape
    np.testing.assert_array_equal(back.affine, raw.affine)
    kept = np.zeros(after.stored.shape, bool)
    kept[box.slices] = True
    kept = turn.inverse.array(kept)
    values = np.asanyarray(raw.dataobj)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.where(kept, values, 0))


@pytest.mark.parametrize("code", ["LPI", "SRA"])
def test_every_header_field_of_a_series_follows_its_axis(tmp_path, code):
    path = save(
        tmp_path / "a.nii", noise((7, 6, 5, 3)), dim_info=0b111001, slice_code=3, slice_start=1,
        slice_end=4, slice_duration=0.1, xyzt_units=10, pixdim=[-1, 1.5, 1.25, 2, 2.5, 1, 1, 1],
    )  # fmt: skip
    before = read(path)
    turn = Turn.to(code, AFFINE)
    after = turned(before, turn)
    write(after, tmp_path / "b.nii")
    header = read(tmp_path / "b.nii").header
    assert header["pixdim"][4] == 2.5
    assert header.get_xyzt_units() == ("mm", "sec")
    assert header.get_data_shape() == (*[(7, 6, 5)[axis] for axis in turn.permutation], 3)
    where = turn.permutation.index
    assert header.get_dim_info() == (where(0), where(1), where(2))
    mirrored = turn.flips[where(2)]
    assert mirrored == (code == "LPI")
    expected = [4, 0, 3] if mirrored else [3, 1, 4]
    assert [int(header[f]) for f in ("slice_code", "slice_start", "slice_end")] == expected
    for volume in range(3):
        np.testing.assert_array_equal(
            after.stored[..., volume], turn.array(before.stored[..., volume])
        )


def test_nothing_that_may_identify_is_carried_along(tmp_path):
    image = nib.Nifti1Image(noise(), AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE JANE"))
    for field in ("descrip", "db_name", "aux_file", "intent_name"):
        image.header[field] = b"DOE JANE"
    nib.save(image, tmp_path / "a.nii")
    _, facts = reoriented(tmp_path / "a.nii")
    assert b"DOE" in (tmp_path / "a.nii").read_bytes()
    assert b"DOE" not in (tmp_path / "re.nii").read_bytes()
    write(Volume(image.header, noise()), tmp_path / "direct.nii")
    assert b"DOE" not in (tmp_path / "direct.nii").read_bytes()
    assert len(image.header.extensions) == 1
    assert "DOE" not in json.dumps(facts)


def test_disagreeing_affines_leave_as_one(tmp_path):
    path = save(tmp_path / "a.nii", noise(), qform=np.diag([3.0, 3, 3, 1]), codes=(4, 1))
    after, facts = reoriented(path)
    assert "differ" in facts["Warnings"][0]
    np.testing.assert_allclose(after.header.get_qform(), after.header.get_sform(), atol=1e-4)
    assert [int(after.header[f]) for f in ("sform_code", "qform_code")] == [4, 4]
    np.testing.assert_allclose(after.header["pixdim"][1:4], [1.5, 1.25, 2])
    back = uncrop(nib.load(tmp_path / "re.nii"), facts | {"CropBox": Box.whole((7, 6, 5)).pairs})
    np.testing.assert_allclose(back.header.get_qform(), np.diag([3.0, 3, 3, 1]), atol=1e-6)


@pytest.mark.parametrize("zooms", [[0, 0, 0], [np.nan, 1, 1], [9, 9, 9]])
@pytest.mark.parametrize("codes", [(1, 1), (1, 0)])
def test_bad_zooms_are_replaced_by_those_of_the_sform_and_put_back(tmp_path, zooms, codes):
    path = save(tmp_path / "a.nii", noise(), codes=codes, pixdim=[1, *zooms, 0, 0, 0, 0])
    after, facts = reoriented(path)
    assert len(facts["Warnings"]) == 1
    np.testing.assert_allclose(after.header["pixdim"][1:4], [1.5, 1.25, 2])
    np.testing.assert_allclose(after.header.get_qform(), after.header.get_sform(), atol=1e-4)
    back = uncrop(nib.load(tmp_path / "re.nii"), facts | {"CropBox": Box.whole((7, 6, 5)).pairs})
    np.testing.assert_array_equal(back.affine, nib.load(path).affine)


@pytest.mark.parametrize("broken", [np.diag([1.0, 1, 0, 1]), AFFINE + 0.3 * np.eye(4, k=1)])
def test_a_qform_that_wins_becomes_the_sform(tmp_path, broken):
    after, facts = reoriented(save(tmp_path / "a.nii", noise(), sform=broken, codes=(4, 1)))
    assert facts["AffineSource"] == "qform"
    assert len(facts["Warnings"]) == 1
    np.testing.assert_allclose(after.header.get_sform(), after.header.get_qform(), atol=1e-5)
    assert [int(after.header[f]) for f in ("sform_code", "qform_code")] == [1, 1]


def test_a_slightly_sheared_sform_is_kept_and_gets_a_qform_for_itk(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.01
    path = save(tmp_path / "a.nii", noise(), sform=sheared, codes=(1, 0))
    after, facts = reoriented(path, "keep")
    assert facts["Warnings"] == []
    np.testing.assert_allclose(after.affine, sheared, atol=1e-6)
    assert after.header["qform_code"] == 1


def test_a_trailing_dimension_of_one_is_removed_and_put_back(tmp_path):
    path = save(tmp_path / "a.nii.gz", noise((7, 6, 5, 1)))
    after, facts = reoriented(path, "PIR")
    assert after.stored.shape == (6, 5, 7)
    assert facts["OriginalShape"] == [7, 6, 5, 1]
    assert "trailing" in facts["Warnings"][0]
    back = uncrop(nib.load(tmp_path / "re.nii"), facts | {"CropBox": Box.whole((6, 5, 7)).pairs})
    np.testing.assert_array_equal(back.dataobj, nib.load(path).dataobj)


def test_voxels_that_are_no_number_are_kept_bit_for_bit_and_counted(tmp_path):
    voxels = noise(dtype="f4")
    voxels[0, 0, :3] = [np.nan, np.inf, -np.inf]
    after, facts = reoriented(save(tmp_path / "a.nii", voxels), "LAS")
    assert after.stored.tobytes("F") == voxels.tobytes("F")
    assert facts["Warnings"][0].startswith("3 voxels are NaN or infinite")


@pytest.mark.parametrize("value", [0, 7, np.nan])
def test_an_image_of_nothing_is_refused(tmp_path, value):
    path = save(tmp_path / "a.nii", np.full((7, 6, 5), value, "f4"))
    with pytest.raises(InputError, match="so it shows nothing"):
        read_anatomical(path)


def test_a_series_is_refused_where_an_anatomical_image_is_expected(tmp_path):
    with pytest.raises(InputError, match="3 volumes: expected one anatomical volume"):
        reoriented(save(tmp_path / "a.nii", noise((7, 6, 5, 3))))


def test_compressed_output_depends_on_the_image_alone(tmp_path):
    volume = read(save(tmp_path / "a.nii", noise()))
    for name in ("b.nii.gz", "c.nii.gz"):
        write(volume, tmp_path / name)
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "c.nii.gz").read_bytes()
    assert (tmp_path / "b.nii.gz").read_bytes()[3:8] == bytes(5)


@functools.cache
def head(code="RAS", zoom=2.0):
    """A ball of 80 mm radius around z = 10 mm on a neck, in 240 x 260 x 280 mm of air."""
    shape = tuple(int(size / zoom) for size in (240, 260, 280))
    affine = np.diag([zoom, zoom, zoom, 1.0])
    affine[:3, 3] = [-120, -130, -170]
    x, y, z = np.indices(shape) * zoom + affine[:3, 3].reshape(3, 1, 1, 1)
    ball = x**2 + y**2 + (z - 10) ** 2 < 80**2
    neck = (x**2 + y**2 < 50**2) & (z < 0)
    voxels = np.where(ball | neck, 1000, 0).astype("int16")
    header = Nifti1Header()
    header.set_data_dtype("int16")
    header.set_data_shape(shape)
    header.set_sform(affine, 1)
    header.set_qform(affine, 1)
    volume = Volume(header, voxels)
    return turned(volume, Turn.to(code, affine))


def extent(volume, box):
    """The world box of the voxel centres, 3 x 2 in mm."""
    ends = itertools.product(*[(start, stop - 1) for start, stop in box.pairs])
    corners = [world(volume.affine, end) for end in ends]
    return np.array([np.min(corners, axis=0), np.max(corners, axis=0)]).T


@pytest.mark.parametrize("code", ["RAS", "LPI", "SAL", "PIR"])
def test_auto_leaves_the_head_and_the_margin(code):
    volume = head(code)
    box, _ = crop_box(volume, SETTINGS)
    np.testing.assert_allclose(extent(volume, box), [[-90, 90], [-90, 90], [-170, 100]], atol=6)
    without = volume.stored.copy()
    without[box.slices] = 0
    assert not without.any()


@pytest.mark.parametrize("code", ["RAS", "LPI", "SAL", "PIR"])
@pytest.mark.parametrize("length", [100, 170])
def test_fov_keeps_what_lies_below_the_top(code, length):
    volume = head(code)
    box, decided = crop_box(volume, {**SETTINGS, "modes": ["fov"], "fov": length})
    low, high = extent(volume, box)[2]
    assert low == pytest.approx(90 - length, abs=6)
    assert high == 108
    assert decided["CropModes"] == ["fov"]
    changed = [n != old for n, old in zip(box.shape, volume.stored.shape, strict=True)]
    assert sum(changed) == 1


def spoiled(kind):
    random = np.random.default_rng(0)
    values = head().stored.astype("f4")
    if kind in {"noise", "noise and padding"}:
        values = np.hypot(
            values + random.normal(0, 150, values.shape), random.normal(0, 150, values.shape)
        )
    if kind == "ghost":
        values = values + 0.1 * np.roll(values, values.shape[1] // 2, axis=1)
    if kind == "noise and padding":
        values[:12] = values[-12:] = values[:, :12] = values[..., -8:] = 0
    if kind == "defaced":
        values = values + random.normal(0, 20, values.shape).clip(0)
        values[:, 85:, :70] = 0
    if kind == "not a number":
        values[values == 0] = np.nan
    if kind == "offset":
        values = values - 1024
    if kind == "bright spots in air":
        values[5:9, 5:9, -9:-5] = 4000
    return with_values(head(), values.astype("f4"))


@pytest.mark.parametrize(
    "kind",
    [
        "noise",
        "ghost",
        "noise and padding",
        "defaced",
        "not a number",
        "offset",
        "bright spots in air",
    ],
)
def test_auto_finds_the_head_whatever_is_in_the_air(kind):
    volume = spoiled(kind)
    box, _ = crop_box(volume, SETTINGS)
    np.testing.assert_allclose(extent(volume, box)[[0, 2]], [[-90, 90], [-170, 100]], atol=6)
    assert extent(volume, box)[1, 0] == pytest.approx(-90, abs=6)


def test_modes_intersect_and_none_does_nothing():
    volume = head()
    slices = {"x": [32, -32], "z": [None, 130]}
    both, decided = crop_box(
        volume, {**SETTINGS, "modes": ["slices", "auto", "fov"], "slices": slices}
    )
    assert both.pairs[0] == [32, 88]
    assert both.stop[2] == 130
    assert extent(volume, both)[2, 0] == pytest.approx(-80, abs=6)
    assert decided["CroppedShape"] == list(both.shape)
    nothing, decided = crop_box(volume, {**SETTINGS, "modes": ["none"]})
    assert nothing == Box.whole(volume.stored.shape)
    assert decided["CropModes"] == ["none"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modes": ["slices"], "slices": {"x": [60, 60]}}, "leave no voxel"),
        ({"modes": ["slices"], "slices": {"x": [500, 600]}}, "leave no voxel"),
        ({"modes": ["slices", "auto"], "slices": {"x": [0, 3]}}, "leave no voxel"),
        ({"modes": ["automatic"]}, r"crop\.modes"),
        ({"modes": ["none", "auto"]}, r"crop\.modes"),
        ({"margin": -1}, r"crop\.margin"),
        ({"modes": ["fov"], "fov": 0}, r"crop\.fov"),
    ],
)
def test_impossible_crops_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        crop_box(head(), {**SETTINGS, **change})


def test_the_box_is_enlarged_to_hold_the_brain_mask():
    volume = head()
    mask = np.zeros(volume.stored.shape, "uint8")
    mask[40:60, 50:60, 70:95] = 1
    box, decided = crop_box(
        volume,
        {**SETTINGS, "modes": ["slices"], "slices": {"x": [50, 70]}},
        with_values(volume, mask),
    )
    assert box.pairs[0] == [38, 70]
    assert decided["BrainMaskEnlargement"] == [[12, 0], [0, 0], [0, 0]]


def test_a_fault_of_the_temporary_file_is_told_of_the_image(tmp_path):
    path = save(tmp_path / "a.nii", noise())
    with reoriented_file(path, "LAS") as file:
        assert nib.aff2axcodes(nib.load(file).affine) == tuple("LAS")
    assert not file.exists()
    with (
        pytest.raises(InputError, match=r"a\.nii: it is empty") as told,
        reoriented_file(path, "LAS") as file,
    ):
        raise InputError(file, "it is empty", "Fill it")
    assert str(file) not in str(told.value)


@pytest.fixture
def case(tmp_path):
    """A head of another orientation through reorient, crop and brain."""
    write(head("LSP"), tmp_path / "raw.nii.gz")
    return whole_line(tmp_path, tmp_path / "raw.nii.gz", {**SETTINGS, "modes": ["auto", "fov"]})


def whole_line(folder, raw, config):
    turned = reorient(raw, "RAS")
    volume = turned.volume
    mask = np.zeros(volume.stored.shape, "uint8")
    middle = tuple(slice(n // 3, 2 * n // 3) for n in mask.shape)
    mask[middle] = volume.stored[middle] > np.median(volume.stored[middle]) / 2
    write(with_values(volume, mask), folder / "mask.nii")
    preproc, mask_file = folder / "crop.nii.gz", folder / "mask.nii"
    crop(turned, preproc, config, sources=["bids:raw:sub-01"], mask=mask_file)
    results = folder / "brain_mask.nii.gz", folder / "brain.nii.gz"
    brain(preproc, mask_file, *results, sources=["bids::sub-01"])
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
    results = case / "a.nii.gz", case / "b.nii.gz"
    with pytest.raises(InputError, match="that of the image"):
        brain(case / "crop.nii.gz", case / "mask.nii", *results, sources=[])
    head, mask = reorient(case / "raw.nii.gz", "RAS"), case / "mask.nii"
    with pytest.raises(InputError, match="that of the image"):
        crop(head, case / "c.nii.gz", SETTINGS, sources=[], mask=mask)
    assert not list(case.glob("[abc].*"))


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
    _, image, facts = reorient(raw, code)
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
    before, after = reorient(raw, "RAS").volume, read(tmp_path / "crop.nii.gz")
    box = Box.of(json.loads((tmp_path / "crop.json").read_text())["CropBox"])
    np.testing.assert_array_equal(before.stored[box.slices], after.stored)
    top_to_bottom = after.stored.shape[2] * after.zooms_mm[2]
    assert 165 < top_to_bottom < 195
