"""Brain extraction by ANTs, really run, on heads of 4 mm voxels."""

import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import template as template_script
from ecdysis.bids.image_name import ImageName
from ecdysis.errors import InputError
from ecdysis.image.resampling import resample
from ecdysis.skullstrip import ants_recipe, brain_extraction, providers, recipe_nodes, working_image
from ecdysis.skullstrip.brain_extraction import Task
from ecdysis.skullstrip.brain_recipe import RECIPE
from ecdysis.skullstrip.byproducts import Byproducts
from ecdysis.skullstrip.method import Task as MethodTask
from ecdysis.skullstrip.method import load
from ecdysis.template import Prepared, embedded
from scipy import ndimage

BRIEF = replace(
    RECIPE,
    bias=replace(RECIPE.bias, iterations=(20,)),
    linear=replace(RECIPE.linear, iterations=(60, 20)),
    nonlinear=replace(RECIPE.nonlinear, iterations=(25, 10, 0)),
    near_brain=replace(RECIPE.near_brain, iterations=(10, 0)),
)

LEFT = ("posteriors.nii.gz", "bias_field.nii.gz", "affine.mat")
TRANSFORMS = ("to.h5", "from.h5")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The template as the workflow prepares it."""
    folder = Prepared(tmp_path_factory.mktemp("template"))
    template_script.write({}, folder)
    return folder


def moved_head(axcodes, degrees=15.0, zoom=4.0):
    """The template's head, turned, a fifth smaller, noisy, with a bias field; and its mask."""
    source = embedded(2)
    angle = np.deg2rad(degrees)
    scale = 1.08
    turn = np.diag([scale] * 3)
    turn[1:, 1:] = scale * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    shape = (50, 60, 56)
    affine = np.diag([zoom, zoom, zoom, 1])
    affine[:3, 3] = np.array([-98, -128, -100])
    volumes = []
    filled = nib.load(source.brain_mask).get_fdata() > 0
    filled = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(filled, 4), iterations=3))
    for data in (nib.load(source.t1w).get_fdata(), filled[4:-4, 4:-4, 4:-4].astype(float)):
        voxels = np.linalg.inv(nib.load(source.t1w).affine) @ nib.affines.from_matvec(turn) @ affine
        volumes.append(
            ndimage.affine_transform(
                ndimage.gaussian_filter(data, 0.8),
                voxels[:3, :3],
                voxels[:3, 3],
                output_shape=shape,
                order=1,
            )
        )
    head, mask = volumes
    bias = 1 + 0.3 * np.linspace(-1, 1, shape[1])[None, :, None]
    noise = np.random.default_rng(0).normal(0, head.max() * 0.01, shape)
    head = np.clip(head * bias + noise, 0, None)
    images = (
        nib.Nifti1Image(head.astype(np.int16), affine),
        nib.Nifti1Image((mask > 0.5).astype(np.uint8), affine),
    )
    orientation = nib.orientations.axcodes2ornt(axcodes)
    change = nib.orientations.ornt_transform(nib.io_orientation(affine), orientation)
    return [image.as_reoriented(change) for image in images]


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def stripped(prepared, tmp_path_factory):
    """A head in LPI order, stripped by the embedded provider; its true mask and the details."""
    folder = tmp_path_factory.mktemp("head")
    head, truth = moved_head("LPI")
    nib.save(head, folder / "head.nii")
    details = ants_recipe.skullstrip(
        folder / "head.nii",
        prepared,
        folder / "mask.nii",
        byproducts=Byproducts(*(folder / name for name in LEFT)),
        transforms=tuple(folder / name for name in TRANSFORMS),
        provider="embedded",
        threads=2,
        recipe=BRIEF,
    )
    return folder, truth, details


def test_the_mask_is_right(stripped):
    folder, truth, details = stripped
    mask = np.asanyarray(nib.load(folder / "mask.nii").dataobj) > 0
    assert dice(mask, np.asanyarray(truth.dataobj) > 0) > 0.95
    assert ndimage.label(mask)[1] == 1
    assert np.array_equal(ndimage.binary_fill_holes(mask), mask)
    assert details["check"] == {"verdict": "ok", "reasons": []}
    assert details["provider"] == "embedded"


def test_the_mask_is_on_the_grid_of_the_image(stripped):
    folder, _, _ = stripped
    head, mask = nib.load(folder / "head.nii"), nib.load(folder / "mask.nii")
    assert mask.shape == head.shape
    assert np.array_equal(mask.affine, head.affine)
    assert mask.get_data_dtype() == np.uint8


def test_the_byproducts_fit_the_mask(stripped):
    folder, truth, _ = stripped
    classes = nib.load(folder / "posteriors.nii.gz")
    total = classes.get_fdata().sum(axis=-1)
    assert classes.shape[-1] == 3
    inside = total > 0.5
    assert np.allclose(total[inside], 1, atol=0.02)
    voxel = abs(np.linalg.det(classes.affine))
    true_volume = (np.asanyarray(truth.dataobj) > 0).sum() * abs(np.linalg.det(truth.affine))
    assert 1 < inside.sum() * voxel / true_volume < 1.25
    # The stack is fluid, grey and white matter, from dark to bright.
    image = nib.load(folder / "head.nii")
    fine = np.moveaxis(classes.get_fdata(dtype=np.float32), -1, 0)
    native = working_image.native_grid(image)
    values = image.get_fdata()
    means = []
    for one in fine:
        near = resample(one, (RECIPE.spacing,) * 3, native.shape, native.zooms) > 0.8
        means.append(values[near].mean())
    assert means == sorted(means)


def test_the_transforms_lead_to_the_template_and_back(stripped, prepared, tmp_path):
    folder, truth, _ = stripped
    nib.save(truth, tmp_path / "truth.nii")
    with providers.find("embedded").activated(2):
        from nipype.interfaces.ants import ApplyTransforms

        there = ApplyTransforms(
            dimension=3,
            input_image=str(tmp_path / "truth.nii"),
            reference_image=str(prepared.brain_mask),
            transforms=[str(folder / "to.h5")],
            interpolation="Linear",
            output_image=str(tmp_path / "there.nii"),
        )
        there.run(cwd=str(tmp_path))
        back = ApplyTransforms(
            dimension=3,
            input_image=str(prepared.brain_mask),
            reference_image=str(tmp_path / "truth.nii"),
            transforms=[str(folder / "from.h5")],
            interpolation="Linear",
            output_image=str(tmp_path / "back.nii"),
        )
        back.run(cwd=str(tmp_path))
    template_mask = nib.load(prepared.brain_mask).get_fdata() > 0.5
    assert dice(nib.load(tmp_path / "there.nii").get_fdata() > 0.5, template_mask) > 0.94
    expected = np.asanyarray(truth.dataobj) > 0
    assert dice(nib.load(tmp_path / "back.nii").get_fdata() > 0.5, expected) > 0.94


def test_a_second_run_gives_the_same_bits(stripped, prepared, tmp_path):
    folder, _, _ = stripped
    ants_recipe.skullstrip(
        folder / "head.nii",
        prepared,
        tmp_path / "mask.nii",
        byproducts=Byproducts(*(tmp_path / name for name in LEFT)),
        transforms=tuple(tmp_path / name for name in TRANSFORMS),
        provider="embedded",
        threads=2,
        recipe=BRIEF,
    )
    for name in ("mask.nii", *LEFT):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name
    for name in TRANSFORMS:
        one, two = (np.frombuffer((at / name).read_bytes(), np.uint8) for at in (folder, tmp_path))
        # HDF5 holds the time of writing each object and a checksum of it.
        assert np.mean(one != two) < 0.001


def test_nothing_else_is_left_behind(stripped):
    names = sorted(path.name for path in stripped[0].iterdir())
    assert names == sorted(["head.nii", "mask.nii", *LEFT, *TRANSFORMS])


def test_a_head_that_is_upside_down_in_its_header_is_found_by_the_second_strategy(
    tmp_path, prepared
):
    head, truth = moved_head("RAS")
    flipped = nib.Nifti1Image(np.asanyarray(head.dataobj)[:, :, ::-1], head.affine)
    nib.save(flipped, tmp_path / "head.nii")
    details = ants_recipe.skullstrip(
        tmp_path / "head.nii",
        prepared,
        tmp_path / "mask.nii",
        provider="embedded",
        threads=2,
        recipe=BRIEF,
    )
    mask = np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj)[:, :, ::-1] > 0
    assert dice(mask, np.asanyarray(truth.dataobj) > 0) > 0.94
    assert details["alignment"]["strategy"] == ants_recipe.STRATEGIES[1]
    given_up = details["alignment"]["given_up"][ants_recipe.STRATEGIES[0]]
    assert "correlation ratio" in given_up[0]
    # A person should know that the header lies.
    assert details["check"]["verdict"] == "look"
    assert "turned against its own header" in details["check"]["reasons"][0]


def test_a_contrast_other_than_t1w_needs_no_t1w(tmp_path, prepared):
    head, truth = moved_head("RAS")
    values = head.get_fdata()
    # Tissues in the reverse order, as in a T2w; air stays dark.
    reverse = np.where(values > 0.15 * values.max(), 1.1 * values.max() - values, values)
    nib.save(nib.Nifti1Image(reverse.astype(np.int16), head.affine), tmp_path / "head.nii")
    ants_recipe.skullstrip(
        tmp_path / "head.nii",
        prepared,
        tmp_path / "mask.nii",
        byproducts=Byproducts(*(tmp_path / name for name in LEFT)),
        priors=True,
        provider="embedded",
        threads=2,
        recipe=BRIEF,
    )
    mask = np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj) > 0
    assert dice(mask, np.asanyarray(truth.dataobj) > 0) > 0.94
    assert nib.load(tmp_path / "posteriors.nii.gz").shape[-1] == 3


def test_what_is_no_head_fails_the_check_of_both_strategies(tmp_path, prepared):
    noise = np.random.default_rng(0).normal(100, 10, (45, 50, 45)).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, np.diag([4, 4, 4, 1])), tmp_path / "head.nii")
    details = ants_recipe.skullstrip(
        tmp_path / "head.nii",
        prepared,
        tmp_path / "mask.nii",
        provider="embedded",
        threads=2,
        recipe=BRIEF,
    )
    assert details["check"]["verdict"] == "fail"
    assert len(details["alignment"]["given_up"]) == 1


def test_a_crash_of_a_program_is_named(tmp_path, prepared):
    recipe = replace(BRIEF, bias=replace(BRIEF.bias, shrink_factor=-1))
    nib.save(moved_head("RAS")[0], tmp_path / "head.nii")
    with pytest.raises(RuntimeError, match=r"Node bias: an ANTs program failed, see the log"):
        ants_recipe.skullstrip(
            tmp_path / "head.nii",
            prepared,
            tmp_path / "mask.nii",
            provider="embedded",
            recipe=recipe,
        )
    assert not (tmp_path / "mask.nii").exists()


@pytest.mark.parametrize(("finest_mm", "last"), [(0.6, 2), (2.2, 2), (3.0, 4), (4.0, 4), (20, 4)])
def test_levels_finer_than_the_voxels_are_left_out_of_both_stages_alike(finest_mm, last):
    # antsRegistration joins the fields of both stages, so they must end on one grid.
    for stage in (RECIPE.nonlinear, RECIPE.near_brain):
        kept = recipe_nodes.levels_of(stage, finest_mm)
        assert kept.levels_mm[-1] == last
        assert len(kept.levels_mm) == len(kept.iterations) == len(kept.sigmas_mm)


def test_the_similarity_of_the_second_stage_is_measured_near_the_brain(tmp_path, prepared):
    with providers.find("embedded").activated():
        task = Task(prepared.t1w, prepared.t1w, prepared.brain_mask)
        plain = brain_extraction.workflow(task, tmp_path / "plain")
        assert not (tmp_path / "plain").exists()
        masked = brain_extraction.workflow(
            replace(task, registration_mask=prepared.brain_mask), tmp_path / "masked"
        )
        first, near = similarity_masks(plain, prepared)
        assert first == "NULL"
        assert similarity_masks(masked, prepared)[0] == str(prepared.brain_mask)
        node = plain.get_node("nonlinear")
        node.inputs.fixed_image = node.inputs.moving_image = str(prepared.t1w)
        node.inputs.fixed_image_masks = [first, near]
        assert node.interface.cmdline.count(f"--masks [ {near}, NULL ]") == 1
        assert "--random-seed 1" in node.interface.cmdline
    brain = nib.load(prepared.brain_mask).get_fdata() > 0.5
    where = nib.load(near).get_fdata() > 0
    assert where[brain].all()
    assert where.sum() < 0.6 * where.size


def similarity_masks(graph, prepared):
    node = graph.get_node("similarity_masks")
    node.inputs.template_mask = str(prepared.brain_mask)
    return node.run().outputs.masks


def test_the_published_script_without_ants_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"antsBrainExtraction\.sh"):
        load("antsBrainExtraction").strip(published(tmp_path, {}))


def published(folder, template):
    """The task of antsBrainExtraction.sh for the head in a folder."""
    name = ImageName("sub-01/anat", "sub-01", "T1w")
    return MethodTask(folder / "head.nii", folder / "mask.nii", name, {"template": template}, 2)


@pytest.mark.skipif(
    shutil.which("antsBrainExtraction.sh") is None, reason="antsBrainExtraction.sh is not on PATH"
)
def test_the_published_script_runs_as_configured(tmp_path):
    head, truth = moved_head("RAS", degrees=5)
    nib.save(head, tmp_path / "head.nii")
    source = embedded(2)
    settings = {}
    for key, path in (("t1w", source.t1w), ("brain_mask", source.brain_mask)):
        small = nib.load(path).slicer[::2, ::2, ::2]
        nib.save(small, tmp_path / f"{key}.nii.gz")
        settings[key] = str(tmp_path / f"{key}.nii.gz")
    details = load("antsBrainExtraction").strip(published(tmp_path, settings))
    mask = np.asanyarray(nib.load(tmp_path / "mask.nii").dataobj) > 0
    # The script closes and dilates by voxels, however large they are.
    assert dice(mask, np.asanyarray(truth.dataobj) > 0) > 0.8
    assert details["provider"] == "system"
