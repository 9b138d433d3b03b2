"""De-identify the DICOM files of one session, audit them, and publish them if the audit passes.

The files are made and audited in the private folder, so files that fail the audit never appear
in the output. See ``docs/deidentification.md``.
"""

import os
import shutil
from pathlib import Path


def publish(made: Path, output: Path, *, keep: bool) -> None:
    """Move the folder `made` to `output`, or link its files there if `keep` is set.

    An existing `output` is replaced. On another file system the files are copied. With `keep` the
    next run takes over the audited files of `made` that are still valid.
    """
    shutil.rmtree(output, ignore_errors=True)
    if keep:
        shutil.copytree(made, output, copy_function=_link)
    else:
        shutil.move(made, output)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


if "snakemake" in globals():
    from ecdysis.audit.session import audit
    from ecdysis.deid.session import deidentify
    from ecdysis.files import read_json
    from ecdysis.job import recorded
    from ecdysis.key import Key
    from ecdysis.private_files import patient_files, private_folder

    job = globals()["snakemake"]
    session, listing = job.wildcards.session, Path(job.input.files)
    private = Path(job.params.private_dir)
    made = private_folder(private / "dicom") / session
    ledger = private / "ledger" / f"{session}.json"
    subject = read_json(listing)["subject"]
    related = read_json(patient_files(private, subject))
    with recorded(job, "deidentify", unit=session, private=True) as details:
        # Findings that the audit accepts change no file.
        settings = {key: value for key, value in job.params.deid.items() if key != "accept"}
        key = Key.load(Path(job.params.key_file))
        others = map(Path, related)
        details.update(deidentify(listing, made, key, settings, ledger, job.params.code, others))
    with recorded(job, "audit", unit=session, private=True) as details:
        details.update(audit(listing, made, [], job.params.deid, related=related))
        publish(made, Path(job.output.dicom), keep=job.params.keep)
