"""Whether the report finds what is wrong: a study of phantoms, some with a fault put in on purpose.

    python tests/bench/planted.py FOLDER [--subjects 30] [--spacing 4] [--cores 2] [--pages docs]

Makes the study in FOLDER with its true masks as the given ones, measures it and prints one row a
fault: what the report says of it. Heads, noise, position and bias field of all subjects differ.
With `--pages` all figures are drawn too, and chromium takes the pictures of group and subject page.
Ends with status 1 when a fault is missed or a subject without one is flagged.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.phantom.bids import TRUTH, describe_dataset, write_bids_image
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.report.quality_table import flags_of
from ecdysis.report.records import load_run
from ecdysis.report.status import judge

ROOT = Path(__file__).parents[2]
RESULTS = Path("derivatives") / "ecdysis"
SETTINGS = f"skullstrip:\n  method: none\n  masks: {TRUTH.as_posix()}\n"
MEASURED = ("--until", "measure", "refuse")
"""As far as the measures, without figures."""
WIDTH, HEIGHT = 1280, 1300
SHOWN = "ghost"
"""The fault whose subject has its page in the picture."""


def _left_alone(mask: Any) -> Any:
    """Return the left half of a brain mask, whose first axis goes to the right."""
    half = np.array(mask)
    columns = np.flatnonzero(half.any(axis=(1, 2)))
    half[int(columns.mean()) :] = 0
    return half


def _moved_up(mask: Any) -> Any:
    """Return a brain mask a third of its height too high."""
    rows = np.flatnonzero(mask.any(axis=(0, 1)))
    return np.roll(mask, len(rows) // 3, axis=2)


def _noise_alone(data: Any) -> Any:
    """Return the magnitude of complex noise (Rician, no signal), as bright as the image."""
    draw = np.random.default_rng(0)
    noise = np.hypot(draw.normal(size=data.shape), draw.normal(size=data.shape))
    return (noise * np.mean(data)).astype(data.dtype)


def _without_top(mask: Any) -> Any:
    """Return a brain mask whose grid lacks a plane, which stops the job that takes it."""
    return mask[:, :, :-1]


@dataclass(frozen=True)
class Fault:
    """What is put in, and what the report must say.

    Attributes
    ----------
    name : str
    state : str
        The status of the image in the report.
    says : str
        Part of the sentence by which the report gives this fault away.
    scan : mapping
        Settings of the phantom.
    mask : function, optional
        Changes the voxels of the true mask, (i, j, k).
    image : function, optional
        Changes the voxels of the image.
    lost_bytes : int
        So many are taken off the end of the image file.
    """

    name: str
    state: str
    says: str
    scan: Mapping[str, Any] = field(default_factory=dict)
    mask: Callable[[Any], Any] | None = None
    image: Callable[[Any], Any] | None = None
    lost_bytes: int = 0


FAULTS = (
    Fault("noise", "review", "FBER is", {"snr": 10.0}),
    Fault("ghost", "review", "QI2 is", {"ghost": 0.08}),
    Fault("bias", "review", "INU blocks is", {"bias": 1.2, "scan": 101}),
    Fault("cut field of view", "review", "Mask at edge is", {"cut_mm": ((0, 0), (0, 0), (0, 60))}),
    Fault("half a mask", "review", "Brain is", mask=_left_alone),
    Fault("mask moved", "review", "Mask outside head is", mask=_moved_up),
    Fault("image of noise", "review", "white noise", image=_noise_alone),
    Fault("mask of another grid", "failed", "that of the image", mask=_without_top),
    Fault("file cut short", "unreadable", "cut short", lost_bytes=2000),
)


@dataclass(frozen=True)
class Answer:
    """The status of a subject in the report, with its reasons."""

    state: str
    reasons: tuple[str, ...]


def make_study(
    root: Path, subjects: int = 30, spacing_mm: float = 4.0, faults: Sequence[Fault] = FAULTS
) -> dict[str, Fault | None]:
    """Write the dataset; return the fault of each subject, evenly spread, by its name."""
    places = {(2 * n + 1) * subjects // (2 * len(faults)): n for n in range(len(faults))}
    labels = [f"{number + 1:02d}" for number in range(subjects)]
    describe_dataset(root, labels)
    (root / "code").mkdir()
    (root / "code" / "ecdysis.yaml").write_text(SETTINGS, encoding="utf-8")
    planted: dict[str, Fault | None] = {}
    for number, label in enumerate(labels):
        fault = faults[places[number]] if number in places else None
        _write_subject(root, label, _person(number, spacing_mm), fault)
        planted[f"sub-{label}"] = fault
    return planted


def measure(root: Path, arguments: Sequence[str], cores: int = 2) -> None:
    """Run the workflow and write the report; failures are in it."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    subprocess.run(
        [*command, "--cores", str(cores), "--quiet", "all", *arguments],
        cwd=root,
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )
    subprocess.run([sys.executable, ROOT / "scripts/report.py", root / RESULTS], check=True)


def answers(results: Path) -> dict[str, Answer]:
    """Read what the report says of every subject, by its name."""
    run = load_run(results)
    flags = flags_of(run)
    given = {}
    for subject in run.subjects:
        # An image without figures counts as finished: a run with `MEASURED` draws none.
        images = [replace(image, finished=True) for image in subject.images]
        verdicts = [judge(image, (), flags[image.name]) for image in images]
        verdicts += [judge(item) for item in subject.exclusions]
        worst = min(verdicts, key=lambda verdict: verdict.status.rank)
        given[subject.name] = Answer(worst.status, worst.reasons)
    return given


def is_right(fault: Fault | None, answer: Answer) -> bool:
    """Whether the report names a fault, and says nothing of a subject without one."""
    if fault is None:
        return answer.state == "done" and not answer.reasons
    return answer.state == fault.state and any(fault.says in reason for reason in answer.reasons)


def take_pictures(results: Path, shown: str, folder: Path, scratch: Path) -> None:
    """Draw the group page and the page of the subject `shown` as PNG files in `folder`."""
    sys.path.insert(0, str(ROOT))
    from tests.browser import screenshot

    for page, picture in (("index", "report-group.png"), (shown, "report-subject.png")):
        drawn = screenshot(results / f"{page}.html", scratch, WIDTH, HEIGHT)
        shutil.move(drawn, folder / picture)


def _person(number: int, spacing_mm: float) -> HeadSettings:
    """Return one of many healthy people, by number, as a scanner in order shows them."""
    draw = np.random.default_rng(number)
    return HeadSettings(
        spacing_mm=(spacing_mm,) * 3,
        seed=number,
        scan=number,
        snr=30 * draw.uniform(0.9, 1.1),
        bias=0.2 * draw.uniform(0.8, 1.2),
        size=0.93 * draw.uniform(0.97, 1.03),
        rotation_deg=tuple(draw.uniform(-5, 5, 3)),
        deformation_mm=4.0,
        air_mm=30.0,
    )


def _write_subject(root: Path, label: str, person: HeadSettings, fault: Fault | None) -> None:
    image = write_bids_image(
        root, build_head(replace(person, **fault.scan) if fault else person), label
    )
    if fault and fault.lost_bytes:
        image.write_bytes(image.read_bytes()[: -fault.lost_bytes])
    if fault and fault.image:
        _change(image, fault.image)
    if fault and fault.mask:
        _change(root / TRUTH / f"sub-{label}/anat/sub-{label}_desc-brain_mask.nii.gz", fault.mask)


def _change(path: Path, change: Callable[[Any], Any]) -> None:
    """Change the voxels of a file."""
    stored = nib.load(path)
    changed = change(np.array(stored.dataobj))
    nib.save(nib.Nifti1Image(changed, stored.affine, stored.header), path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Plant faults in phantoms and look for them.")
    parser.add_argument("folder", type=Path, help="gets the study; must not be there")
    parser.add_argument("--subjects", type=int, default=30)
    parser.add_argument("--spacing", type=float, default=4.0, help="voxel size, mm")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--pages", type=Path, help="gets the pictures of the pages")
    asked = parser.parse_args(arguments)
    study = asked.folder / "study"
    planted = make_study(study, asked.subjects, asked.spacing)
    measure(study, () if asked.pages else MEASURED, asked.cores)
    given = answers(study / RESULTS)
    print("| subject | fault | state | what the report says |\n|---|---|---|---|")
    for name, fault in planted.items():
        if fault or not is_right(fault, given[name]):
            reasons = "; ".join(given[name].reasons) or "nothing"
            print(
                f"| {name} | {fault.name if fault else 'none'} | {given[name].state} | {reasons} |"
            )
    wrong = [name for name, fault in planted.items() if not is_right(fault, given[name])]
    clean = sum(fault is None for fault in planted.values())
    print(
        f"\n{clean} subjects without a fault; answers that are wrong: {', '.join(wrong) or 'none'}"
    )
    if asked.pages:
        shown = next(name for name, fault in planted.items() if fault and fault.name == SHOWN)
        take_pictures(study / RESULTS, shown, asked.pages, asked.folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
