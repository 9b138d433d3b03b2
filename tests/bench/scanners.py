"""Plan, de-identify, convert and validate real exports of many scanners; print every series.

    python tests/bench/scanners.py FOLDER [--out FOLDER] [--name PART]

FOLDER holds one folder a repository, as ../shared/data/scanners.tar.xz does; each is a study.
Prints a Markdown row for each series: repository, number, name, confidence, reason; and then for
each repository the images made, what was not made, and the errors of the BIDS validator. The exit
status is 1 when a planned image was not made or the validator found an error.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from convert_session import place_session  # noqa: E402
from dataset_files import complete  # noqa: E402
from ecdysis.bids.validator import find_validator, validate  # noqa: E402
from ecdysis.conversion.nifti import WantedSeries, make_nifti, read_nifti  # noqa: E402
from ecdysis.deid.session import deidentify  # noqa: E402
from ecdysis.errors import InputError  # noqa: E402
from ecdysis.files import read_tsv  # noqa: E402
from ecdysis.key import Key  # noqa: E402
from ecdysis.planning.decision import PlanOptions  # noqa: E402
from ecdysis.planning.entries import Plan  # noqa: E402
from ecdysis.planning.plan import Sources, plan  # noqa: E402

KEY = Key(bytes(range(32)))
DEID: dict[str, Any] = {
    "profile": "basic",
    "options": ["retain_safe_private"],
    "admit": [],
    "edits": [],
    "linkage_dir": None,
}


@dataclass
class Outcome:
    """What became of one study."""

    plan: Plan
    rows: list[dict[str, str]]
    images: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run(scans: Path, out: Path, *, check: bool = True, table: Path | None = None) -> Outcome:
    """Convert the study of a folder below `out`, every series that the plan names.

    `table` is a plan that a person edited; `check` runs the BIDS validator.
    """
    bids_dir, private_dir = out / "bids", out / "private"
    sources = Sources(scans, private_dir, KEY, table=table)
    made = plan(sources, bids_dir, PlanOptions(suffixes=()))
    outcome = Outcome(made, read_tsv(private_dir / "series.tsv").rows)
    bids_dir.mkdir(parents=True, exist_ok=True)
    complete(bids_dir, "Scanners", "dcm2niix")
    for session in made.sessions:
        clean = out / "dicom" / session.session
        mapped = [item for item in made.mapped if item.session == session.session]
        wanted = [WantedSeries(item.series, item.facts.files, item.outputs, item.keep)
                  for item in mapped]  # fmt: skip
        others = [item for item in made.others if item.dicom_session == session.session]
        nifti = out / "nifti" / session.session
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                deidentify(Path(session.files), clean, KEY, DEID)
                make_nifti(clean, bids_dir, wanted, nifti)
                with contextlib.chdir(out):
                    place_session(read_nifti(nifti), clean, bids_dir, others,
                                  out / f"{session.session}.json", sourcedata=False,
                                  options=DEID["options"])  # fmt: skip
        except InputError as error:
            outcome.problems.append(str(error))
    outcome.images = sorted(
        str(path.relative_to(bids_dir)) for path in bids_dir.rglob("sub-*.nii.gz")
    )
    if check and outcome.images and (program := find_validator()):
        with contextlib.redirect_stdout(io.StringIO()):
            found = validate(bids_dir, program)
        outcome.errors = [
            f"{issue['code']}: {issue['examples'][0]}"
            for issue in found["issues"]
            if issue["severity"] == "error"
        ]
    return outcome


def main() -> None:
    """Run every repository and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="one folder a repository")
    parser.add_argument("--out", type=Path, help="where the datasets stay")
    parser.add_argument("--name", default="", help="only repositories with this in their name")
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        print("| repository | no. | name | confidence | reason |\n|---|---|---|---|---|")
        ends = []
        for scans in sorted(path for path in given.folder.iterdir() if path.is_dir()):
            if given.name not in scans.name:
                continue
            outcome = run(scans, (given.out or Path(temporary)).resolve() / scans.name)
            for row in outcome.rows:
                cells = (scans.name, *(row.get(key, "-") for key in
                                       ("number", "name", "confidence", "why")))  # fmt: skip
                print("| " + " | ".join(cells) + " |")
            ends.append(
                f"{scans.name}: {len(outcome.images)} images; "
                f"not made: {'; '.join(outcome.problems) or 'none'}; "
                f"validator: {'; '.join(outcome.errors) or 'no errors'}"
            )
            failed = failed or bool(outcome.problems or outcome.errors)
        print("\n" + "\n".join(ends))
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
