"""One run over all hostile images at once, with a sound subject among them."""

import os
from pathlib import Path

import pytest
from crop import crop
from ecdysis.errors import printable
from ecdysis.image.reorient import reorient
from ecdysis.report.records import load_run

from tests.hostile import nifti_cases, path_cases
from tests.hostile.test_images import CROP
from tests.workflow.conftest import hashes, snakemake  # noqa: F401 - fixtures

# Each has a subject of its own. A job a case takes minutes, so all images are tried when asked:
EVERY = 1 if os.environ.get("ECDYSIS_ALL_CASES") else 4
WHOLE = [*nifti_cases.CASES[::EVERY], *path_cases.CASES]
CASES = {f"c{number:02d}": case for number, case in enumerate(WHOLE)}
OURS = Path("derivatives") / "ecdysis"


def listing(folder):
    """Every path below a folder, with the size and time of what is a file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        found[str(path)] = (state.st_mode, state.st_size, state.st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dataset whose own name is hostile too, with its parent, where nothing may appear."""
    place = tmp_path_factory.mktemp("outside")
    root = place / 'it\'s; a "$(touch pwned)" & study'
    root.mkdir()
    (root / "dataset_description.json").write_text("{}")
    for label, case in CASES.items():
        case.make(root, label)
    nifti_cases.written()(root, "sound")
    return place


@pytest.fixture(scope="module")
def root(place):
    return next(place.iterdir())


@pytest.fixture(scope="module")
def run(place, root, snakemake, tmp_path_factory):  # noqa: F811
    cwd = tmp_path_factory.mktemp("cwd")
    before = listing(place)
    done = snakemake(
        cwd,
        "--until",
        "crop",
        "measure",
        "refuse",
        "derivative_description",
        "--config",
        f"bids_dir={root}",
        "skullstrip={method: none}",
    )
    after = listing(place)
    results = str(root / OURS)
    # The time of the dataset's folder changes with derivatives/ in it.
    ours = (str(root), str(root / "derivatives"))
    rest = {
        path: state
        for path, state in after.items()
        if not path.startswith(results) and path not in ours
    }
    before.pop(str(root))
    assert rest == before, "something outside the results was written to"
    assert listing(cwd) == {}, "something was left where the run was started"
    return done


def test_no_traceback_and_no_success(run):
    assert "Traceback" not in run.stdout
    assert run.returncode != 0
    assert "\x1b" not in run.stdout
    assert "FAILED preflight: sub-c01/anat/sub-c01_T1w" in run.stdout


def test_every_case_has_its_outcome_in_the_report(root, run):
    report = {subject.label: subject for subject in load_run(root / OURS).subjects}
    wrong = {}
    for label, case in CASES.items():
        # A hostile label is told with its bytes escaped.
        names = [name for name in report if name.startswith(label)]
        subject = report[names[0]]
        reasons = [item.reason for item in subject.exclusions]
        reasons += [str(stage.reason) for _, stage in subject.faults]
        outcome = "excluded" if subject.exclusions else "processed"
        outcome = "failed" if subject.faults else outcome
        if (outcome, any(case.says in reason for reason in reasons or [""])) != (
            case.outcome,
            True,
        ):
            wrong[case.name] = (outcome, reasons)
        assert all(str(root) not in reason for reason in reasons), reasons
    assert wrong == {}


def test_the_sound_subject_is_as_if_it_were_alone(root, run, tmp_path):
    raw = nifti_cases.image(root, "sound")
    reorient(raw, tmp_path / "r.nii", "RAS")
    crop(tmp_path / "r.nii", tmp_path / "c.nii.gz", CROP, sources=[])
    made = root / OURS / "sub-sound/anat/sub-sound_desc-preproc_T1w.nii.gz"
    assert made.read_bytes() == (tmp_path / "c.nii.gz").read_bytes()


def test_pages_hold_no_markup_of_names(root, run):
    pages = "".join(path.read_text() for path in (root / OURS).glob("*.html"))
    assert "onerror=alert" in pages
    assert "<img onerror=alert" not in pages


def test_an_interrupted_name_is_never_a_result(root, run):
    left = [path.name for path in (root / OURS).rglob(".[0-9]*.*")]
    assert left == []


def test_names_are_shown_as_text():
    assert printable("a\nb\x1b[2J") == "a\\nb\\x1b[2J"
