"""Describe the results as a BIDS derivative dataset (BIDS 1.10, Derivatives).

The raw dataset is named by a relative path where it lies above the results, so that a study
can be moved as a whole.
"""

import os
from pathlib import Path
from typing import Any

from ecdysis.files import atomic, read_json, write_json
from ecdysis.version import BIDS_VERSION, __version__

NOT_BIDS = (
    *("logs", "benchmarks", "*.html", "figures", "sub-*/figures", "report*"),
    *("participants_qc.*", "methods.md", "references.bib"),
)
"""Patterns without a final slash, with which the validator would not pass over a folder."""

LONGEST_NAME = 200
"""Characters of a dataset's name that are taken over."""


def describe(bids_dir: Path, output_dir: Path) -> dict[str, Any]:
    """Return the content of ``dataset_description.json``.

    Parameters
    ----------
    bids_dir, output_dir : Path
        The raw dataset and the results.
    """
    name = _own_name(bids_dir / "dataset_description.json") or bids_dir.name
    inside = output_dir.is_relative_to(bids_dir)
    link = os.path.relpath(bids_dir, output_dir) if inside else bids_dir.as_uri()
    return {
        "Name": f"{name}: skull-stripped",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Ecdysis", "Version": __version__}],
        "SourceDatasets": [{"URL": link}],
        "DatasetLinks": {"raw": link},
    }


def _own_name(description: Path) -> str | None:
    """Return the name that a dataset gives itself; a broken description is none of our work."""
    try:
        name = read_json(description)["Name"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        print(f"{description.name} gives no name: {type(error).__name__}")
        return None
    return name[:LONGEST_NAME] if isinstance(name, str) else None


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "derivative_description"):
        write_json(job.output.description, describe(Path(job.params.bids_dir), Path.cwd()))
        with atomic(job.output.bidsignore) as partial:
            partial.write_text("\n".join(NOT_BIDS) + "\n", encoding="utf-8")
