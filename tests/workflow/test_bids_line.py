"""The whole line on a BIDS dataset of small phantoms, one of them broken."""

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

from tests.workflow.conftest import executed, jobs_of

SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0), orientation="LPI")
RESULTS = Path("derivatives") / "ecdysis"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two subjects; the image of the second is cut short."""
    root = tmp_path_factory.mktemp("bids") / "study with a space"
    write_bids(root, 2, settings=SMALL)
    whole = root / "sub-02/anat/sub-02_T1w.nii.gz"
    kept = root.parent / whole.name
    shutil.copy(whole, kept)
    whole.write_bytes(kept.read_bytes()[:-2000])
    return root


@pytest.fixture(scope="module")
def first_run(dataset, snakemake, hashes):
    before = hashes(dataset)
    given = (f"bids_dir={dataset.name}", "outputs=[fmriprep]")
    run = snakemake(dataset.parent, "--config", *given)
    assert hashes(dataset) == before, "the input was written to"
    return run


def test_a_broken_subject_is_reported_and_stops_no_other(dataset, first_run):
    assert first_run.returncode != 0, first_run.stdout
    assert "Traceback" not in first_run.stdout
    results = dataset / RESULTS
    assert (results / "sub-01.html").is_file()
    assert not (results / "sub-02/anat").exists()
    index = (results / "index.html").read_text()
    assert "The steps of brain extraction" in index
    page = (results / "sub-02.html").read_text()
    for text in (index, page, first_run.stdout):
        assert "cut short" in text
    table = (results / "participants_qc.tsv").read_text().splitlines()
    assert [line.split("\t")[2] for line in table] == ["image", "sub-01_T1w", "sub-02_T1w"]


def test_the_mask_is_the_brain(dataset, first_run):
    folder = dataset / RESULTS / "sub-01/anat"
    mask = nib.load(folder / "sub-01_desc-brain_mask.nii.gz")
    preproc = nib.load(folder / "sub-01_desc-preproc_T1w.nii.gz")
    brain = nib.load(folder / "sub-01_desc-brain_T1w.nii.gz")
    assert nib.aff2axcodes(mask.affine) == ("R", "A", "S")
    assert mask.shape == preproc.shape == brain.shape
    inside = np.asarray(mask.dataobj) > 0
    np.testing.assert_array_equal(brain.get_fdata()[inside], preproc.get_fdata()[inside])
    assert not brain.get_fdata()[~inside].any()

    truth = nib.load(dataset / "derivatives/truth/sub-01/anat/sub-01_desc-brain_mask.nii.gz")
    overlap = _dice(_in_world(mask), _in_world(truth))
    # at 4 mm half of the brain's voxels touch its surface
    assert overlap > 0.93


def test_no_other_intermediate_file_is_kept(dataset, first_run):
    hidden = dataset / RESULTS / ".ecdysis/sub-01/anat"
    assert {str(path.relative_to(hidden)) for path in hidden.rglob("*") if path.is_file()} == {
        "sub-01_desc-reorientedBrain_T1w_mask.nii.gz",
        "sub-01_desc-affine_T1w.mat",
        "sub-01_desc-biasfield_T1w.nii.gz",
        "sub-01_desc-posteriors_T1w.nii.gz",
        "sub-01_desc-quality_T1w.json",
        "sub-01_desc-template_T1w.nii.gz",
    }


def _in_world(image):
    """The mask's voxels as a set of world coordinates, rounded to a tenth of a millimetre."""
    voxels = np.argwhere(np.asarray(image.dataobj) > 0)
    world = nib.affines.apply_affine(image.affine, voxels)
    return set(map(tuple, np.round(world, 1)))


def _dice(one, other):
    return 2 * len(one & other) / (len(one) + len(other))


def test_every_kind_of_figure_is_drawn(dataset, first_run):
    folder = dataset / RESULTS / "sub-01/figures/sub-01_T1w"
    kinds = {path.name.split("_desc-")[1].split("_")[0] for path in folder.glob("sub-*")}
    with_mask = {"mask", "plain", "stripped", "tissues", "field", "corrected", "template"}
    assert kinds == {"input", "air", "cropBox", "crop", "thumb", "viewer"} | with_mask


def test_uncrop_puts_the_mask_on_the_raw_grid(dataset, first_run):
    from uncrop import uncrop

    folder = dataset / RESULTS / "sub-01/anat"
    raw = nib.load(dataset / "sub-01/anat/sub-01_T1w.nii.gz")
    mask = nib.load(folder / "sub-01_desc-brain_mask.nii.gz")
    facts = json.loads((folder / "sub-01_desc-preproc_T1w.json").read_text())
    back = uncrop(mask, facts)
    assert back.shape == raw.shape
    np.testing.assert_array_equal(back.affine, raw.affine)
    assert _in_world(back) == _in_world(mask)


def test_pybids_reads_the_results(dataset, first_run):
    from bids import BIDSLayout

    layout = BIDSLayout(dataset / RESULTS, is_derivative=True)
    mask = layout.get(subject="01", suffix="mask", desc="brain", extension=".nii.gz")
    assert [item.get_metadata()["Type"] for item in mask] == ["Brain"]
    preproc = layout.get(subject="01", suffix="T1w", desc="preproc", extension=".nii.gz")
    assert [item.get_metadata()["SkullStripped"] for item in preproc] == [False]
    brain = layout.get(subject="01", suffix="T1w", desc="brain", extension=".nii.gz")
    assert [item.get_metadata()["SkullStripped"] for item in brain] == [True]


def test_the_full_grid_is_that_of_the_raw_image(dataset, first_run):
    name = "sub-01/anat/sub-01_{}.nii.gz"
    full, cut = dataset / RESULTS / "derivatives/full-grid", dataset / RESULTS
    raw = nib.as_closest_canonical(nib.load(dataset / name.format("T1w")))
    made = [nib.load(full / name.format(kind)) for kind in ("desc-preproc_T1w", "dseg")]
    for image in made:
        assert image.shape == raw.shape
        np.testing.assert_allclose(image.affine, raw.affine, atol=1e-4)
    masks = [nib.load(folder / name.format("desc-brain_mask")) for folder in (full, cut)]
    assert _in_world(masks[0]) == _in_world(masks[1])


@pytest.mark.parametrize("folder", [Path(), RESULTS, RESULTS / "derivatives/full-grid"])
def test_the_bids_validator_finds_no_error(dataset, first_run, folder):
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.is_file():
        pytest.skip("bids-validator-deno is not installed")
    command = [validator, "--json", dataset / folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    errors = [issue for issue in issues if issue["severity"] == "error"]
    broken = {"/sub-02/anat/sub-02_T1w.nii.gz"}
    assert [issue for issue in errors if issue.get("location") not in broken] == []


def jobs_about(log, *subjects):
    """The lines of Snakemake's log that begin a job of these subjects."""
    lines = [line for line in log.splitlines() if line.startswith("Job ")]
    return [line for line in lines if any(subject in line for subject in subjects)]


def test_the_repaired_subject_alone_is_run_and_then_nothing(dataset, first_run, snakemake):
    shutil.copy(dataset.parent / "sub-02_T1w.nii.gz", dataset / "sub-02/anat/sub-02_T1w.nii.gz")
    repaired = snakemake(dataset, "--forcerun", "derivative_description")
    assert repaired.returncode == 0, repaired.stdout
    assert not jobs_about(repaired.log, "sub-01")
    assert (dataset / RESULTS / "sub-02/anat/sub-02_desc-brain_T1w.nii.gz").is_file()

    # The run after one with failures checks the table once more; the next has nothing to do.
    again = snakemake(dataset)
    assert again.returncode == 0
    assert set(jobs_of(again)) == {"group_page", "all", "total"}, again.stdout
    idle = snakemake(dataset)
    assert idle.returncode == 0
    assert "Nothing to be done" in idle.stdout, idle.stdout

    write_bids(dataset.parent / "more", ["03"], settings=SMALL)
    shutil.copytree(dataset.parent / "more/sub-03", dataset / "sub-03")
    dry = snakemake(dataset, "--dry-run", "--printshellcmds")
    assert dry.returncode == 0, dry.stdout
    assert "Nothing to be done" not in dry.stdout
    assert not jobs_about(dry.stdout, "sub-01", "sub-02")
    assert jobs_about(dry.stdout, "sub-03")


def test_the_report_is_brought_up_to_date_beside_a_run(dataset, first_run, snakemake):
    results = dataset / RESULTS
    manifest = (results / ".ecdysis/manifest.json").read_bytes()
    (results / "index.html").unlink()
    # What a run that goes on holds.
    lock = results / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("index.html\nsub-01.html\n")
    with (results / ".ecdysis/run.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = snakemake(dataset, "report", "--config", "participant_label=01")
    lock.unlink()
    assert run.returncode == 0, run.stdout
    assert "Report: " in run.stdout
    assert (results / "index.html").is_file()
    assert (results / ".ecdysis/manifest.json").read_bytes() == manifest


def test_what_was_rated_exclude_is_not_processed(dataset, first_run, snakemake, tmp_path):
    ratings = tmp_path / "ratings.tsv"
    ratings.write_text("image\trating\trater\nsub-01_T1w\texclude\tAnn\n")
    results = ["--config", f"output_dir={tmp_path / 'out'}", "skullstrip={method: none}"]
    subject = "exclude_participant_label=02"
    run = snakemake(dataset, *results, subject, f"ratings={ratings}")
    assert run.returncode == 0, run.stdout
    assert "Ann rated it exclude" in (tmp_path / "out/index.html").read_text()
    assert not (tmp_path / "out/sub-01/anat").exists()
    ratings.write_text("image\trating\nsub-1_T1w\texclude\n")
    wrong = snakemake(dataset, *results, f"ratings={ratings}", "--dry-run")
    assert "the nearest are sub-01_T1w" in wrong.stdout


def test_no_skull_stripping_still_gives_images_and_pages(dataset, first_run, snakemake, tmp_path):
    run = snakemake(
        tmp_path,
        "--config",
        f"bids_dir={dataset}",
        f"output_dir={tmp_path / 'plain'}",
        "participant_label=01",
        "skullstrip={method: none}",
        "crop={modes: slices, slices: {x: [2, -2]}}",
    )
    assert run.returncode == 0, run.stdout
    preproc = nib.load(tmp_path / "plain/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    raw = nib.load(dataset / "sub-01/anat/sub-01_T1w.nii.gz")
    assert preproc.shape == (raw.shape[0] - 4, *raw.shape[1:])
    assert not list((tmp_path / "plain").rglob("*mask.nii.gz"))
    assert (tmp_path / "plain/index.html").is_file()


def test_another_crop_strips_no_skull_again(dataset, first_run, snakemake):
    other = ("--config", "participant_label=01", "crop={margin: 15}", "--dry-run")
    assert set(jobs_of(snakemake(dataset, *other))) == {
        *("reorient", "crop", "segment", "measure", "figures", "group_page", "all", "total")
    }


def test_the_report_of_snakemake_works_too(dataset, first_run, snakemake, tmp_path):
    report = tmp_path / "report.html"
    run = snakemake(dataset, "--config", "participant_label=01", "--report", report)
    assert run.returncode == 0, run.stdout
    assert "sub-01_desc-mask_T1w" in report.read_text()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["participant_label=7"], ["participant_label", "7", "01"]),
        (["crop={fov: 1}"], ["crop.fov", "at least 50"]),
        (["orientation=RAS"], ["orientation", "reorient"]),
        (["skullstrip={method: antsBrainExtraction}"], ["antsBrainExtraction.sh", "PATH"]),
        (["skullstrip={template: {t1w: nowhere.nii}}"], ["brain_mask"]),
        (["container=nowhere.sif"], ["nowhere.sif", "apptainer build"]),
    ],
)
def test_wrong_settings_are_refused_before_any_job(dataset, snakemake, settings, says):
    if shutil.which("antsBrainExtraction.sh") and "antsBrainExtraction" in settings[0]:
        pytest.skip("antsBrainExtraction.sh is installed here")
    run = snakemake(dataset, "--config", *settings)
    assert run.returncode != 0
    assert "Traceback" not in run.stdout
    assert executed(run) == []
    for words in says:
        assert words in run.stdout


def test_without_a_dataset_the_first_step_is_explained(snakemake, tmp_path):
    run = snakemake(tmp_path)
    assert run.returncode != 0
    assert "bids_dir" in run.stdout
    assert "demo" in run.stdout
    dry = snakemake(tmp_path, "--dry-run", "demo")
    assert dry.returncode == 0, dry.stdout
