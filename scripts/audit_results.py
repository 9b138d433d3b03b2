"""Search what was made of a session for values that identify: images, sidecars, tables, records.

The originals show what identifies. See ``docs/deidentification.md``.
"""

from pathlib import Path

if "snakemake" in globals():
    from ecdysis.audit.results import files_of, recorded_files
    from ecdysis.audit.session import audit
    from ecdysis.files import read_json
    from ecdysis.job import recorded
    from ecdysis.private_files import patient_files

    job = globals()["snakemake"]
    listing, session = Path(job.input.files), job.wildcards.session
    subject = read_json(listing)["subject"]
    related = read_json(patient_files(Path(job.params.private_dir), subject))
    converted = [Path(path) for path in job.input.get("converted", [])]
    for record in job.input.record:
        converted += recorded_files(Path(record), Path(job.params.bids_dir))
    with recorded(job, "audit_results", unit=session, private=True) as details:
        ours = files_of(subject, session)
        made = audit(listing, None, converted, job.params.deid, ours=ours, related=related)
        details.update(made)
