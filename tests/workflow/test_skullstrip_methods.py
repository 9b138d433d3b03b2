"""Two contrasts of one session with tissues and defacing; given masks; methods that are missing."""

import csv
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings
from scipy import ndimage

from tests.workflow.conftest import executed

SETTINGS = ("deface=true", "suffixes=[T1w,T2w]", "keep_intermediates=true")
SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0), orientation="LPI", neck_mm=40, size=0.93)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("methods") / "study"
    write_bids(root, 1, settings=SMALL, suffixes=("T1w", "T2w"))
    return root


@pytest.fixture(scope="module")
def lesions(dataset):
    """A folder with the mask of a lesion in the brain of the T1w."""
    truth = nib.load(dataset / "derivatives/truth/sub-01/anat/sub-01_desc-brain_mask.nii.gz")
    depth = ndimage.distance_transform_edt(np.asarray(truth.dataobj))
    from_deepest = np.indices(depth.shape).T - np.unravel_index(depth.argmax(), depth.shape)
    lesion = (from_deepest**2).sum(axis=-1).T <= 9
    path = dataset / "derivatives/lesions/sub-01/anat/sub-01_label-lesion_roi.nii.gz"
    path.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(lesion.astype(np.uint8), truth.affine), path)
    return dataset / "derivatives/lesions"


@pytest.fixture(scope="module")
def defaced(dataset, lesions, snakemake):
    """The results with defacing and a lesion; intermediate files are kept."""
    run = snakemake(dataset, "--config", *SETTINGS, f"skullstrip={{lesions: {lesions}}}")
    assert run.returncode == 0, run.stdout
    return dataset / "derivatives/ecdysis"


def voxels(path):
    return np.asanyarray(nib.load(path).dataobj)


def in_world(image):
    points = nib.affines.apply_affine(image.affine, np.argwhere(np.asanyarray(image.dataobj) > 0))
    return set(map(tuple, np.round(points, 1)))


def dice(one, other):
    return 2 * len(one & other) / (len(one) + len(other))


def test_no_face_is_left_in_the_results(defaced):
    assert not list(defaced.glob("sub-*/**/*desc-preproc*"))
    for suffix in ("T1w", "T2w"):
        folder = defaced / "sub-01/anat"
        faced = voxels(defaced / f".ecdysis/sub-01/anat/sub-01_desc-preproc_{suffix}.nii.gz")
        image = voxels(folder / f"sub-01_desc-defaced_{suffix}.nii.gz")
        removed = voxels(folder / f"sub-01_mod-{suffix}_defacemask.nii.gz") > 0
        space = "" if suffix == "T1w" else f"_space-{suffix}"
        brain = voxels(folder / f"sub-01{space}_desc-brain_mask.nii.gz") > 0
        assert removed.mean() > 0.03
        assert not (removed & brain).any()
        assert np.array_equal(image[~removed], faced[~removed])
        assert not image[removed].any()
        sidecar = json.loads((folder / f"sub-01_desc-defaced_{suffix}.json").read_text())
        assert sidecar["Defaced"] is True
    corrected = voxels(defaced / "sub-01/anat/sub-01_desc-biascorrected_T1w.nii.gz")
    face = voxels(defaced / "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz") > 0
    assert not corrected[face].any()
    assert "Surface after defacing" in (defaced / "sub-01.html").read_text()


def test_no_image_with_a_face_stays_hidden_in_the_results(snakemake, tmp_path):
    study = tmp_path / "study"
    write_bids(study, 1, settings=replace(SMALL, spacing_mm=(8.0, 8.0, 8.0)))
    for ended in ("1 done", "Nothing to be done"):
        run = snakemake(study, "--config", "deface=true")
        assert run.returncode == 0, run.stdout
        assert ended in run.stdout
    results = study / "derivatives/ecdysis"
    assert (results / "sub-01/anat/sub-01_desc-defaced_T1w.nii.gz").is_file()
    assert not list(results.rglob("*desc-preproc*"))


def test_both_masks_are_the_brain(dataset, defaced):
    for name in ("sub-01_desc-brain_mask.nii.gz", "sub-01_space-T2w_desc-brain_mask.nii.gz"):
        mask = nib.load(defaced / "sub-01/anat" / name)
        truth = nib.load(dataset / "derivatives/truth/sub-01/anat" / name)
        # at 4 mm half of the brain's voxels touch its surface
        assert dice(in_world(mask), in_world(truth)) > 0.95


def test_tissues_and_transforms_are_beside_the_mask(defaced):
    folder = defaced / "sub-01/anat"
    brain = voxels(folder / "sub-01_desc-brain_mask.nii.gz") > 0
    total = sum(
        nib.load(folder / f"sub-01_label-{label}_probseg.nii.gz").get_fdata()
        for label in ("CSF", "GM", "WM")
    )
    labels = voxels(folder / "sub-01_dseg.nii.gz")
    assert np.allclose(total, labels > 0, atol=1e-3)
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert not labels[~brain].any()
    # All but the lesion.
    assert (labels[brain] > 0).mean() > 0.99
    for name in (
        "from-T1w_to-MNI152NLin6Asym_mode-image_xfm.h5",
        "from-MNI152NLin6Asym_to-T1w_mode-image_xfm.h5",
        "from-T2w_to-T1w_mode-image_xfm.txt",
        "from-T1w_to-T2w_mode-image_xfm.txt",
    ):
        path = folder / f"sub-01_{name}"
        assert path.stat().st_size > 100
        assert "Description" in json.loads(path.with_suffix(".json").read_text())


def test_the_image_beside_the_t1w_is_in_its_place(defaced):
    """Both phantoms lie in the same place, so the rigid transform is none."""
    from ecdysis.skullstrip.itk import read_affine

    affine = read_affine(defaced / "sub-01/anat/sub-01_from-T2w_to-T1w_mode-image_xfm.txt")
    corners = np.array([[60.0, 60, 60], [-60, -90, -40]])
    moved = nib.affines.apply_affine(affine, corners)
    assert np.linalg.norm(moved - corners, axis=1).max() < 2


def rows(results):
    with (results / "participants_qc.tsv").open(encoding="utf-8") as stream:
        return {row["image"]: row for row in csv.DictReader(stream, delimiter="\t")}


def test_the_quality_of_both_is_measured_before_their_faces_go(defaced):
    table = rows(defaced)
    found = {name: {key for key in row if row[key] != "n/a"} for name, row in table.items()}
    both = {"cjv", "cnr", "snrd_total", "efc", "fber", "qi_2", "fwhm_avg", "brain_volume"}
    assert both < found["sub-01_T1w"] & found["sub-01_T2w"]
    assert {"inu_range", "tpm_overlap_gm"} < found["sub-01_T1w"] - found["sub-01_T2w"]
    # The phantom's white matter is 800 over noise of a thirtieth.
    assert float(table["sub-01_T1w"]["snrd_wm"]) == pytest.approx(30, rel=0.1)
    assert float(table["sub-01_T1w"]["tpm_overlap_gm"]) > 0.4


def test_pybids_reads_the_tissues(defaced):
    from bids import BIDSLayout

    layout = BIDSLayout(defaced, is_derivative=True)
    assert len(layout.get(suffix="probseg", extension=".nii.gz")) == 3
    assert len(layout.get(suffix="dseg", extension=".nii.gz")) == 1


def test_a_lesion_is_no_tissue_and_is_named(defaced, lesions):
    name = "sub-01/anat/sub-01_{}"
    lesion = in_world(nib.load(next(lesions.rglob("*_roi.nii.gz"))))
    assert len(lesion) > 100
    assert not lesion & in_world(nib.load(defaced / name.format("dseg.nii.gz")))
    assert lesion <= in_world(nib.load(defaced / name.format("desc-brain_mask.nii.gz")))
    for file in ("dseg", "label-GM_probseg", "from-T1w_to-MNI152NLin6Asym_mode-image_xfm"):
        assert json.loads((defaced / name.format(f"{file}.json")).read_text())["LesionMasked"]
    assert (defaced / "sub-01/figures/sub-01_T1w/sub-01_desc-viewer_T1w.lesion.js").is_file()
    text = (defaced / "methods.md").read_text()
    assert "Lesions of 1 image, given as masks, were left out" in text


def test_a_mask_by_hand_replaces_that_of_its_image_and_only_later_steps_run(
    dataset, defaced, lesions, snakemake, tmp_path
):
    name = "sub-01/anat/sub-01_desc-brain_mask.nii.gz"
    truth = nib.load(dataset / "derivatives/truth" / name)
    corrected = ndimage.binary_dilation(np.asarray(truth.dataobj) > 0)
    (tmp_path / name).parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(corrected.astype(np.uint8), truth.affine), tmp_path / name)
    by_hand = f"skullstrip={{masks: {tmp_path}, lesions: {lesions}}}"
    run = snakemake(dataset, "--config", *SETTINGS, by_hand)
    assert run.returncode == 0, run.stdout
    steps = executed(run)
    # The measures of the T2w read the tissues of the T1w, and its figures show the T1w.
    later = ["crop", "deface", "segment", *["measure", "figures"] * 2, "group_page"]
    assert sorted(steps) == sorted(later)
    assert in_world(nib.load(defaced / name)) == in_world(nib.load(tmp_path / name))
    assert json.loads((defaced / name.replace(".nii.gz", ".json")).read_text())["Manual"] is True
    assert "by hand" in (defaced / "sub-01.html").read_text()


def test_given_masks_are_taken_as_they_are(dataset, snakemake, tmp_path):
    norms = "key\tsuffix\tlow\thigh\nbrain_volume\tT1w\t100\t200\n"
    (dataset / "code").mkdir()
    (dataset / "code/norms.tsv").write_text(norms)
    run = snakemake(
        dataset,
        "--config",
        f"output_dir={tmp_path / 'out'}",
        "suffixes=[T1w,T2w]",
        "skullstrip={method: none, masks: derivatives/truth}",
        "quality={norms: code/norms.tsv}",
    )
    assert run.returncode == 0, run.stdout
    for name in ("sub-01_desc-brain_mask.nii.gz", "sub-01_space-T2w_desc-brain_mask.nii.gz"):
        mask = nib.load(tmp_path / "out/sub-01/anat" / name)
        truth = nib.load(dataset / "derivatives/truth/sub-01/anat" / name)
        assert in_world(mask) == in_world(truth)
    table = rows(tmp_path / "out")
    assert table["sub-01_T1w"]["flags"] == "brain_volume (norm)"
    assert table["sub-01_T2w"]["flags"] == "none"
    assert str(dataset) not in (tmp_path / "out/.ecdysis/manifest.json").read_text().replace(
        f'"bids_dir": "{dataset}"', ""
    ).replace(f'"path": "{dataset}', "")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["deface=true", "skullstrip={method: none}"], ["deface", "ants"]),
        (["skullstrip={method: bet}"], ["bet", "FSL", "PATH"]),
        (["skullstrip={method: synthstrip}"], ["mri_synthstrip", "FreeSurfer", "PATH"]),
        (["skullstrip={method: none, masks: nowhere}"], ["skullstrip.masks", "nowhere"]),
    ],
)
def test_impossible_settings_are_reported_before_any_job(
    dataset, snakemake, tmp_path, settings, says
):
    run = snakemake(dataset, "--config", f"output_dir={tmp_path / 'out'}", *settings)
    assert run.returncode != 0
    assert "Traceback" not in run.stdout
    assert executed(run) == []
    for words in says:
        assert words in run.stdout


def test_a_defaced_study_can_be_shared(dataset, defaced, snakemake):
    """Also the T2w, which has the registration of its T1w; the report of the run stays."""
    before = (defaced / ".ecdysis/manifest.json").read_text()
    shared = dataset.with_name("study-share")
    shared.mkdir()
    (shared / "README.md").write_text("Mine.")
    command = (dataset.parent, "share", "--config", f"bids_dir={dataset}")
    run = snakemake(*command)
    assert run.returncode != 0
    assert "it exists and is not empty" in run.stdout
    # A failure is not remembered.
    (shared / "README.md").unlink()
    run = snakemake(*command)
    assert run.returncode == 0, run.stdout
    for suffix in ("T1w", "T2w"):
        raw = nib.load(dataset / f"sub-01/anat/sub-01_{suffix}.nii.gz")
        image = nib.load(shared / f"sub-01/anat/sub-01_{suffix}.nii.gz")
        removed = voxels(shared / f"sub-01/anat/sub-01_mod-{suffix}_defacemask.nii.gz") > 0
        np.testing.assert_allclose(image.affine, raw.affine)
        old, new = np.asanyarray(raw.dataobj), np.asanyarray(image.dataobj)
        assert np.array_equal(new[~removed], old[~removed])
        assert 0.05 < removed.mean() < 0.5
    assert not list(shared.rglob("*desc-preproc*"))
    assert (shared / "derivatives/ecdysis/index.html").is_file()
    assert "nothing found" in (shared / "SHARE.md").read_text()
    assert (defaced / ".ecdysis/manifest.json").read_text() == before
