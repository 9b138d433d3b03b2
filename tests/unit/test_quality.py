"""All measures of one image, on a made-up head whose tissues, noise and field are known."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.image.volume import read_anatomical
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP
from ecdysis.quality.maps import Tissues
from ecdysis.quality.measured_image import Inputs
from ecdysis.skullstrip.itk import write_affine
from measure import measure
from scipy import ndimage

from tests.unit.made_head import SHAPE, SIGMA, SPACING, Made

BACKGROUND = ("efc", "fber", "qi_1", "qi_2")


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path)


def test_with_all_inputs_every_measure_has_its_known_value(made):
    found = measure(made.whole())
    assert not found["not_computable"]
    assert list(found["measures"]) == [one.key for one in MEASURES if one.key not in OF_SKULLSTRIP]
    values = found["measures"]
    # Noise under the correction differs by the field: its mean square over a tissue.
    assert values["cjv"] == pytest.approx(2 * SIGMA / 300, rel=0.1)
    assert values["snr_wm"] == pytest.approx(800 / SIGMA, rel=0.1)
    assert values["snrd_wm"] == pytest.approx(800 / SIGMA, rel=0.05)
    air = SIGMA * np.sqrt(2 - np.pi / 2)
    assert values["cnr"] == pytest.approx(300 / np.sqrt(air**2 + 2 * SIGMA**2), rel=0.1)
    assert values["fber"] > 100
    assert values["qi_1"] == 0
    assert values["qi_2"] < 0.02
    assert values["inu_med"] == pytest.approx(0.5, rel=0.02)
    inside = made.field[made.brain]
    expected = np.subtract(*np.percentile(inside, (95, 5))) / np.median(inside)
    assert values["inu_range"] == pytest.approx(expected, rel=0.02)
    for name in ("csf", "gm", "wm"):
        part = made.maps[name.upper()].sum() / made.brain.sum()
        assert values[f"icvs_{name}"] == pytest.approx(part, rel=1e-3)
        assert values[f"rpve_{name}"] == 0
        assert values[f"tpm_overlap_{name}"] == pytest.approx(1, abs=1e-5)
    assert values["brain_volume"] == pytest.approx(made.brain.sum() * SPACING**3 / 1000, rel=1e-5)
    assert values["mask_edge"] == values["mask_fragments"] == values["mask_outside_head"] == 0
    assert 0.7 < values["wm2max"] < 0.95


def test_without_skull_stripping_the_background_alone_is_measured(made):
    found = measure(made.inputs())
    assert set(found["measures"]) == set(BACKGROUND)
    reasons = found["not_computable"]
    assert len(reasons) + len(BACKGROUND) + len(OF_SKULLSTRIP) == len(MEASURES)
    assert "skullstrip.method is none" in reasons["fwhm_avg"]
    assert "maps no tissues" in reasons["cjv"]


def test_a_mask_alone_gives_smoothness_and_volume(made):
    found = measure(made.inputs(mask=made.mask()))
    assert {"fwhm_x", "brain_volume", "qi_2"} < set(found["measures"])
    assert {"cjv", "inu_med", "tpm_overlap_gm"} < set(found["not_computable"])


def test_where_the_air_is_masked_nothing_needs_it(made):
    scalp = ndimage.binary_dilation(made.image > 150, iterations=2)
    made.image[~scalp] = 0
    found = measure(made.whole())
    without = {*BACKGROUND, "cnr", *(f"snrd_{name}" for name in ("csf", "gm", "wm", "total"))}
    assert set(found["not_computable"]) == without
    assert all("masked" in reason for reason in found["not_computable"].values())


def test_a_face_that_was_removed_from_the_input_costs_no_measure(made):
    before = measure(made.whole())["measures"]
    made.image[:, 85:, :40] = 0
    after = measure(made.whole())["measures"]
    for key in ("snrd_total", "cnr", "fber", "efc"):
        assert after[key] == pytest.approx(before[key], rel=0.05)


def test_the_maps_of_the_t1w_beside_it_are_brought(made, tmp_path):
    """A T2w of a head that lies 10 mm to the right of where it lay for the T1w."""
    folder = tmp_path / "t2w"
    folder.mkdir()
    other = Made(folder, shift=10)
    transform = folder / "xfm.txt"
    points = np.eye(4)
    points[0, 3] = -10
    write_affine(points, transform)
    found = measure(
        other.inputs(mask=other.mask(), tissues=Tissues(made.tissues(), to_t1w=transform))
    )
    values = found["measures"]
    assert values["icvs_gm"] == pytest.approx(made.maps["GM"].sum() / made.brain.sum(), rel=0.01)
    assert "beside a T1w" in found["not_computable"]["inu_range"]
    # The field is not corrected, and so part of the variation.
    assert 10 < values["snr_wm"] < 800 / SIGMA


def test_an_image_of_noise_alone_has_a_warning(made):
    noise = np.random.default_rng(1).rayleigh(100, SHAPE)
    made.image = np.rint(noise).astype(np.int16)
    measured = measure(made.inputs(mask=made.mask()))
    assert any("white noise" in warning for warning in measured["warnings"])
    assert "white noise" in measured["not_computable"]["fwhm_avg"]


def test_axes_are_those_of_the_body_in_every_orientation(made):
    noise = np.random.default_rng(1).normal(size=SHAPE)
    smooth = ndimage.gaussian_filter(noise, (2.0, 1.0, 1.5))
    made.image = np.rint(1000 + 2000 * smooth / smooth.std()).clip(0).astype(np.int16)
    made.image[~made.brain] //= 100
    first = measure(made.inputs(mask=made.mask()))["measures"]
    assert first["fwhm_x"] > first["fwhm_z"] > first["fwhm_y"]
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt("PSR")
    )
    files = {}
    for name, voxels in (("raw.nii.gz", made.image), ("mask.nii", made.brain.astype(np.uint8))):
        image = nib.Nifti1Image(voxels, made.affine).as_reoriented(turn)
        files[name] = made.save(name, np.asanyarray(image.dataobj), image.affine)
    kept = Inputs(read_anatomical(files["raw.nii.gz"]).volume, "given", mask=files["mask.nii"])
    second = measure(kept)["measures"]
    for axis in "xyz":
        assert second[f"fwhm_{axis}"] == pytest.approx(first[f"fwhm_{axis}"], rel=1e-4)


def test_voxels_that_are_no_number_are_background(made):
    image = made.image.astype(np.float32)
    image[:5] = np.nan
    path = made.save("raw.nii.gz", image)
    found = measure(Inputs(read_anatomical(path).volume, "none"))
    assert set(found["measures"]) == set(BACKGROUND)


def test_a_measure_that_fails_costs_no_other(made, monkeypatch, capsys):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("ecdysis.quality.tissue.cjv", fails)
    found = measure(made.whole())
    assert found["not_computable"] == {"cjv": "it failed: ZeroDivisionError"}
    assert found["warnings"] == ["cjv failed: ZeroDivisionError, see the log"]
    assert "Traceback" in capsys.readouterr().err


def test_a_lack_of_memory_is_no_property_of_the_image(made, monkeypatch):
    def lacks(*_):
        raise MemoryError

    monkeypatch.setattr("ecdysis.quality.tissue.cjv", lacks)
    with pytest.raises(MemoryError):
        measure(made.whole())
