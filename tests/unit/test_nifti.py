"""Preflight: which files are refused, with what words; and which affine is chosen."""

import gzip
import random
import time

import nibabel as nib
import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.image import nifti
from ecdysis.image.grid import choose_grid
from ecdysis.image.nifti import preflight
from ecdysis.image.volume import read, write
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from tests.unit.nifti_images import AFFINE, nifti1_field, noise, rotation, save


def header_of(path):
    return read(path).header


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [Nifti1Header, Nifti2Header])
@pytest.mark.parametrize("endianness", "<>")
@pytest.mark.parametrize("shape", [(7, 6, 5), (7, 6, 5, 1), (7, 6, 5, 1, 1)])
def test_a_sound_image_passes(tmp_path, name, kind, endianness, shape):
    preflight(save(tmp_path / name, noise(shape), kind=kind, endianness=endianness))


def test_what_nibabel_writes_passes(tmp_path):
    image = nib.Nifti1Image(np.random.default_rng(0).normal(size=(9, 9, 9)), AFFINE)
    image.set_data_dtype("int16")
    for name in ("a.nii", "a.nii.gz"):
        nib.save(image, tmp_path / name)
        preflight(tmp_path / name)


def test_a_missing_file_and_a_broken_link_are_distinguished(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        preflight(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").symlink_to(tmp_path / "annex" / "key")
    with pytest.raises(InputError, match=r"broken link.*datalad get"):
        preflight(tmp_path / "b.nii.gz")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a regular file"):
        preflight(tmp_path)


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.nii", noise())

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        preflight(path)


DAMAGES = {
    "empty": (lambda _: b"", "is empty"),
    "text": (lambda _: b"not an image" * 100, "is not a NIfTI image"),
    "only a header's beginning": (lambda content: content[:200], "is not a NIfTI image"),
    "one byte short": (lambda content: content[:-1], r"holds \d+ of the \d+ bytes"),
    "header only": (lambda content: content[:352], r"holds 352 of the \d+ bytes"),
    "half of a pair": (lambda c: nifti1_field(c, 344, "4s", b"ni1"), "half of a NIfTI pair"),
    "gzip named .nii": (gzip.compress, "is gzip data"),
    "negative dimension": (lambda c: nifti1_field(c, 42, "h", -7), "dimensions"),
    "no dimensions": (lambda c: nifti1_field(c, 40, "h", 0), "dimensions"),
    "huge": (
        lambda c: nifti1_field(c, 40, "4h", 3, 30000, 30000, 30000),
        "voxels: expected at most",
    ),
    "offset": (lambda c: nifti1_field(c, 108, "f", float("nan")), "vox_offset"),
    "unknown type": (lambda c: nifti1_field(c, 70, "h", 999), "data type 999"),
    "scale": (lambda c: nifti1_field(c, 112, "2f", 2.0, float("inf")), "scl_inter"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(tmp_path, damage):
    change, words = DAMAGES[damage]
    path = save(tmp_path / "a.nii", noise())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=words) as refusal:
        preflight(path)
    assert refusal.value.where == str(path)
    assert refusal.value.remedy


COMPRESSED_DAMAGES = {
    "cut": lambda data: data[: len(data) // 2],
    "trailer cut": lambda data: data[:-4],
    "cut in the header": lambda data: data[:30],
    "not gzip": gzip.decompress,
    "garbage after the magic": lambda data: data[:10] + b"\xff" * 500,
    "fewer voxels": lambda data: gzip.compress(gzip.decompress(data)[:-100]),
}


@pytest.mark.parametrize("damage", COMPRESSED_DAMAGES)
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    path = save(tmp_path / "a.nii.gz", noise((20, 20, 20)))
    path.write_bytes(COMPRESSED_DAMAGES[damage](path.read_bytes()))
    for check in (preflight, read):
        with pytest.raises(InputError, match=r"a\.nii\.gz"):
            check(path)


def test_a_flipped_bit_is_found_when_the_voxels_are_read(tmp_path):
    path = save(tmp_path / "a.nii.gz", noise((40, 40, 40), "uint8"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_several_gzip_members_are_one_file(tmp_path):
    path = save(tmp_path / "a.nii.gz", noise((20, 20, 20)))
    content = gzip.decompress(path.read_bytes())
    members = [content[:100], content[100:5000], content[5000:]]
    path.write_bytes(b"".join(map(gzip.compress, members)))
    preflight(path)
    np.testing.assert_array_equal(read(path).stored, noise((20, 20, 20)))


def test_a_huge_claim_in_a_small_gzip_file_is_refused_without_reading_it(tmp_path, monkeypatch):
    path = save(tmp_path / "a.nii.gz", noise())
    content = nifti1_field(gzip.decompress(path.read_bytes()), 40, "4h", 3, 1200, 1200, 1200)
    path.write_bytes(gzip.compress(content))
    monkeypatch.setattr(nifti, "reader", None)
    with pytest.raises(InputError, match="bytes that its header promises"):
        preflight(path)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((7, 6), "three dimensions"),
        ((7,), "three dimensions"),
        ((7, 6, 1), "at least 2"),
        ((7, 6, 5, 3), "3 volumes"),
        ((7, 6, 5, 1, 3), "3 volumes"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path, shape, words):
    with pytest.raises(InputError, match=words):
        preflight(save(tmp_path / "a.nii", noise(shape)))


@pytest.mark.parametrize(
    "dtype", ["complex64", "complex128", [("R", "u1"), ("G", "u1"), ("B", "u1")]]
)
def test_voxels_that_are_no_single_number_are_refused(tmp_path, dtype):
    path = save(tmp_path / "a.nii", np.zeros((7, 6, 5), dtype))
    with pytest.raises(InputError, match=r"data type .* cannot be used"):
        preflight(path)


SINGULAR = np.diag([1.0, 1, 0, 1])
FLAT = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
NOT_FINITE = np.full((4, 4), np.nan)
SHEARED = AFFINE + 0.3 * np.eye(4)[[1, 0, 2, 3]] * [0, 1, 0, 0]
OTHER = np.diag([1.0, 1, 1, 1])


@pytest.mark.parametrize("broken", [SINGULAR, FLAT, NOT_FINITE, SHEARED])
def test_a_broken_sform_gives_way_to_a_good_qform(tmp_path, broken):
    path = save(tmp_path / "a.nii", noise(), sform=broken, qform=AFFINE)
    grid = choose_grid(path, header_of(path))
    assert grid.source == "qform"
    np.testing.assert_allclose(grid.affine, AFFINE, atol=1e-5)
    assert "the qform was used" in grid.warnings[0]


@pytest.mark.parametrize("broken", [SINGULAR, FLAT, NOT_FINITE, SHEARED])
def test_a_broken_sform_alone_is_refused(tmp_path, broken):
    path = save(tmp_path / "a.nii", noise(), sform=broken, qform=None, codes=(1, 0))
    with pytest.raises(InputError, match="affine cannot be used: the sform"):
        preflight(path)


def test_without_codes_left_and_right_are_unknown(tmp_path):
    path = save(tmp_path / "a.nii", noise(), codes=(0, 0))
    with pytest.raises(InputError, match="left and right are unknown"):
        preflight(path)


@pytest.mark.parametrize("zooms", [[0, 1, 1], [np.nan, 1, 1], [np.inf, 1, 1]])
def test_bad_zooms_are_refused_without_an_sform_and_replaced_with_one(tmp_path, zooms):
    pixdim = [1, *zooms, 0, 0, 0, 0]
    alone = save(tmp_path / "a.nii", noise(), sform=None, codes=(0, 1), pixdim=pixdim)
    with pytest.raises(InputError, match="affine cannot be used: the qform"):
        preflight(alone)
    both = save(tmp_path / "b.nii", noise(), pixdim=pixdim)
    uncoded = save(tmp_path / "c.nii", noise(), codes=(1, 0), pixdim=pixdim)
    for path in (both, uncoded):
        grid = choose_grid(path, header_of(path))
        assert grid.source == "sform"
        assert "sform was used" in grid.warnings[0]


def test_an_impossible_quaternion_is_refused_or_replaced(tmp_path):
    alone = save(tmp_path / "a.nii", noise(), sform=None, codes=(0, 1), quatern_b=2)
    with pytest.raises(InputError, match="no valid quaternion"):
        preflight(alone)
    preflight(save(tmp_path / "b.nii", noise(), quatern_b=2))


def test_the_signs_of_pixdim_are_repaired(tmp_path):
    pixdim = [0, 1.5, -1.25, 2, 0, 0, 0, 0]
    path = save(tmp_path / "a.nii", noise(), sform=None, qform=OTHER, codes=(0, 1), pixdim=pixdim)
    grid = choose_grid(path, header_of(path))
    np.testing.assert_allclose(grid.affine, np.diag([1.5, 1.25, 2, 1]))
    assert len(grid.warnings) == 2


def test_the_sform_wins_where_both_can_be_used_and_differ(tmp_path):
    path = save(tmp_path / "a.nii", noise(), qform=OTHER)
    grid = choose_grid(path, header_of(path))
    np.testing.assert_allclose(grid.affine, AFFINE)
    assert "differ by up to" in grid.warnings[0]


def test_rounding_of_the_quaternion_near_a_half_turn_is_no_difference(tmp_path):
    affine = np.diag([0.7, 0.7, 0.7, 1])
    affine[:3, :3] = rotation((1, 0.1, 0.2), 179.97) @ affine[:3, :3]
    path = save(tmp_path / "a.nii", noise((300, 2, 300), "uint8"), sform=affine, qform=affine)
    assert choose_grid(path, header_of(path)).warnings == ()


@pytest.mark.parametrize("kind", [Nifti1Header, Nifti2Header])
def test_a_half_turn_that_was_rounded_beyond_unit_length_is_read(tmp_path, kind):
    angle = 0.39 * np.pi
    path = save(
        tmp_path / "a.nii", noise(), sform=None, codes=(0, 1), kind=kind, quatern_b=0,
        quatern_c=np.cos(angle) * (1 + 1e-6), quatern_d=np.sin(angle) * (1 + 1e-6),
    )  # fmt: skip
    y, z = np.cos(angle), np.sin(angle)
    axis = np.array([0, y, z])
    half_turn = 2 * np.outer(axis, axis) - np.eye(3)
    affine = choose_grid(path, header_of(path)).affine
    np.testing.assert_allclose(affine[:3, :3], half_turn * [1.5, 1.25, -2], atol=3e-3)


def test_preflight_is_fast(tmp_path):
    path = save(tmp_path / "a.nii.gz", noise((100, 100, 100)))
    preflight(path)
    began = time.process_time()
    for _ in range(50):
        preflight(path)
    assert (time.process_time() - began) / 50 < 0.003


def test_the_same_image_is_the_same_bytes(tmp_path):
    """Neither the name nor the time is in the file, and other programs can read it."""
    volume = read(save(tmp_path / "a.nii", noise((20, 20, 20))))
    for name in ("one.nii.gz", "other.nii.gz"):
        write(volume, tmp_path / name)
    one = (tmp_path / "one.nii.gz").read_bytes()
    assert one == (tmp_path / "other.nii.gz").read_bytes()
    assert one[3:8] == bytes(5)
    assert gzip.decompress(one)[352:] == (tmp_path / "a.nii").read_bytes()[352:]


def test_a_damaged_stream_is_an_error_of_the_image(tmp_path):
    """Any three bytes of the compressed data may be wrong."""
    whole = save(tmp_path / "a.nii.gz", noise((20, 20, 20))).read_bytes()
    chance = random.Random(0)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(20, len(data) - 8)] ^= chance.randrange(1, 256)
        (tmp_path / "b.nii.gz").write_bytes(data)
        with pytest.raises(InputError, match=r"damaged|not a NIfTI|promises|its "):
            read(tmp_path / "b.nii.gz")
