"""Search what was made of a session for values that identify: images, sidecars, tables, records.

The originals show what identifies. Files in which something is found are moved to the private
folder. See ``docs/deidentification.md``.
"""

import glob
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from ecdysis.conversion.dataset import LOCK, drop_scans
from ecdysis.private_files import private_folder

SHOWN = 6
"""Names of files in a message."""


def withdraw(files: Iterable[Path], bids_dir: Path, folder: Path, lock: Path = LOCK) -> list[str]:
    """Move files out of the dataset and the results into a private folder; return their names.

    An image goes with its sidecar, and is removed from the table of the session's images; the file
    `lock` is locked meanwhile. `files` are those of the dataset, and results and records in the
    working directory. What is already in `folder` under the same name is replaced.
    """
    names = []
    for faulty in sorted(set(files)):
        stem = glob.escape(faulty.name.partition(".")[0])
        for path in sorted(faulty.parent.glob(f"{stem}.*")):
            is_raw = path.is_absolute() and not path.is_relative_to(Path.cwd())
            name = path.relative_to(bids_dir) if is_raw else Path("results", path)
            private_folder((folder / name).parent)
            shutil.move(path, folder / name)
            (folder / name).chmod(0o600)
            names.append(str(name))
            for table in tables_of([path]) if is_raw else ():
                drop_scans(table, {path.relative_to(table.parent).as_posix()}, lock)
    return names


def tables_of(images: Iterable[Path]) -> list[Path]:
    """Return the tables of the sessions of some images of the dataset."""
    return sorted({table for path in images for table in path.parents[1].glob("*_scans.tsv")})


def moved_files(names: Sequence[str]) -> str:
    """Return a sentence that names the files that were moved."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} files were moved to the private folder: {', '.join(names[:SHOWN])}{more}"


if "snakemake" in globals():
    from ecdysis.audit.findings import AuditError
    from ecdysis.audit.results import files_of, recorded_files
    from ecdysis.audit.session import audit
    from ecdysis.files import read_json
    from ecdysis.job import recorded
    from ecdysis.private_files import patient_files

    job = globals()["snakemake"]
    listing, session = Path(job.input.files), job.wildcards.session
    private, bids_dir = Path(job.params.private_dir), Path(job.params.bids_dir)
    subject = read_json(listing)["subject"]
    related = read_json(patient_files(private, subject))
    converted = [Path(path) for path in job.input.get("converted", [])]
    for record in job.input.record:
        converted += recorded_files(Path(record), bids_dir)
    converted += tables_of(converted)
    with recorded(job, "audit_results", unit=session, private=True) as details:
        ours = files_of(subject, session)
        try:
            made = audit(listing, None, converted, job.params.deid, ours=ours, related=related)
        except AuditError as error:
            moved = withdraw(error.files, bids_dir, private / "failed_audit" / session)
            problem = f"{error.problem}; {moved_files(moved)}"
            raise AuditError(error.where, problem, error.remedy) from None
        details.update(made)
