"""Reorienting: no value and no place changes, whatever the header says."""

import itertools
import json

import nibabel as nib
import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.image import volume as volumes
from ecdysis.image.geometry import (
    Box,
    axis_change,
    orientation_of,
    permutation_and_flips,
    undone,
    zooms_of,
)
from ecdysis.image.reorient import reorient
from ecdysis.image.volume import Volume, cropped, read, read_anatomical, write
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation
from uncrop import uncrop

from tests.unit.nifti_images import AFFINE, noise, rotation, save
from tests.unit.test_geometry import CODES


def reoriented(path, code="RAS"):
    """Reorient a file; give the result as stored, and the facts as JSON has them."""
    facts = reorient(path, path.parent / "re.nii", code)
    sidecar = (path.parent / "re.json").read_text()
    assert json.loads(sidecar, parse_constant=pytest.fail) == facts
    return read(path.parent / "re.nii"), facts


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
    permutation = facts["AxisPermutation"]
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
            result.header["pixdim"][1:4], before.header["pixdim"][1:4][permutation]
        )
    assert part.stored.tobytes("F") == after.stored[box.slices].tobytes("F")
    index = np.array(list(itertools.product(*map(range, voxels.shape))))
    # a quaternion, in single precision, is exact to 1e-3 rad near a half turn
    loose = 1e-3 * np.linalg.norm(np.multiply(voxels.shape, before.zooms_mm)) + 2e-2
    exact = 1e-3 if before.header["sform_code"] else loose
    for source in index[:: max(1, len(index) // 20)]:
        target = [
            voxels.shape[axis] - 1 - source[axis] if flip else source[axis]
            for axis, flip in zip(permutation, facts["AxisFlips"], strict=True)
        ]
        assert after.stored[tuple(target)] == before.stored[tuple(source)]
        expected = apply_affine(before.affine, source)
        inside = np.subtract(target, box.start)
        for got in (apply_affine(after.affine, target), apply_affine(part.affine, inside)):
            np.testing.assert_allclose(got, expected, atol=exact)
        for header, position in ((after.header, target), (part.header, inside)):
            np.testing.assert_allclose(
                apply_affine(header.get_qform(), position), expected, atol=loose
            )
            np.testing.assert_allclose(
                apply_affine(header.get_sform(), position), expected, atol=exact
            )

    facts |= {"CropBox": box.pairs}
    small = nib.load(folder / "crop.nii.gz")
    back = uncrop(small, facts)
    raw = nib.load(path)
    assert back.shape == raw.shape
    np.testing.assert_array_equal(back.affine, raw.affine)
    kept = np.zeros(after.stored.shape, bool)
    kept[box.slices] = True
    kept = apply_orientation(kept, undone(permutation, facts["AxisFlips"]))
    values = np.asanyarray(raw.dataobj)
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.where(kept, values, 0))


@pytest.mark.parametrize("code", ["LPI", "SRA"])
def test_every_header_field_of_a_series_follows_its_axis(tmp_path, code):
    path = save(
        tmp_path / "a.nii", noise((7, 6, 5, 3)), dim_info=0b111001, slice_code=3, slice_start=1,
        slice_end=4, slice_duration=0.1, xyzt_units=10, pixdim=[-1, 1.5, 1.25, 2, 2.5, 1, 1, 1],
    )  # fmt: skip
    before = read(path)
    change = axis_change(code, AFFINE)
    permutation, flips = permutation_and_flips(change)
    after = volumes.reoriented(before, change)
    write(after, tmp_path / "b.nii")
    header = read(tmp_path / "b.nii").header
    assert header["pixdim"][4] == 2.5
    assert header.get_xyzt_units() == ("mm", "sec")
    assert header.get_data_shape() == (*[(7, 6, 5)[axis] for axis in permutation], 3)
    where = permutation.index
    assert header.get_dim_info() == (where(0), where(1), where(2))
    mirrored = flips[where(2)]
    assert mirrored == (code == "LPI")
    expected = [4, 0, 3] if mirrored else [3, 1, 4]
    assert [int(header[f]) for f in ("slice_code", "slice_start", "slice_end")] == expected
    np.testing.assert_array_equal(after.stored, apply_orientation(before.stored, change))


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
    voxels[0, 0, :4] = [np.nan, np.inf, -np.inf, np.finfo("f4").min]
    after, facts = reoriented(save(tmp_path / "a.nii", voxels), "LAS")
    assert after.stored.tobytes("F") == voxels.tobytes("F")
    assert facts["Warnings"][0].startswith("4 voxels are NaN, infinite or above 1e+38")


def test_a_header_in_metres_gives_results_in_mm_and_comes_back(tmp_path):
    metres = AFFINE.copy()
    metres[:3] /= 1000
    path = save(tmp_path / "a.nii", noise(), sform=metres, qform=metres, xyzt_units=1)
    after, facts = reoriented(path, "RAS")
    assert facts["Warnings"] == []
    assert after.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(
        after.zooms_mm, zooms_of(AFFINE)[facts["AxisPermutation"]], rtol=1e-5
    )
    np.testing.assert_allclose(facts["OriginalAffine"], AFFINE, rtol=1e-5)
    facts |= {"CropBox": Box.whole(after.stored.shape).pairs}
    back = uncrop(nib.load(tmp_path / "re.nii"), facts)
    np.testing.assert_allclose(back.affine, metres, rtol=1e-5)


def test_an_impossible_unit_counts_as_mm(tmp_path):
    path = save(tmp_path / "a.nii", noise(), xyzt_units=1)
    after, facts = reoriented(path, "keep")
    assert after.zooms_mm == pytest.approx(zooms_of(AFFINE))
    assert facts["Warnings"][0].startswith("the unit of lengths is meter, so voxels would have")


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
