"""Rule validate: run the BIDS validator on the dataset and keep its summary for the report."""

from pathlib import Path

from ecdysis.bids.validator import validate
from ecdysis.files import write_json
from ecdysis.job import recorded

if "snakemake" in globals():
    job = globals()["snakemake"]
    with recorded(job, "validate") as details:
        summary = validate(Path(job.params.bids_dir), job.params.program)
        write_json(job.output.record, summary)
        details.update({key: value for key, value in summary.items() if key != "issues"})
