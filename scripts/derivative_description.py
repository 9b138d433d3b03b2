"""Describe the results as a BIDS derivative dataset (BIDS 1.11, Derivatives).

If the raw dataset contains the results, it is named by a relative path, so that the study can be
moved as a whole.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecdysis.files import read_json, write_json, write_text
from ecdysis.version import BIDS_VERSION, generated_by

NOT_BIDS = (
    *("logs", "benchmarks", "*.html", "figures", "sub-*/figures", "report*"),
    *("participants_qc.*", "group_*.tsv", "methods.md", "references.bib", "*_xfm.*"),
)
"""Patterns of ``.bidsignore``, without a final slash, with which a folder would not be ignored."""

MEANINGS = {
    "results": {
        "preproc": "Whole head, reoriented and cropped without resampling",
        "defaced": "Whole head, reoriented and cropped without resampling; face and ears removed",
        "brain": "Brain mask, or the image with all voxels outside the brain mask set to 0",
        "biascorrected": "Whole head without its bias field (N4)",
    },
    "full_grid": {
        "preproc": "Whole head, reoriented, not cropped, without its bias field (N4)",
        "brain": "Brain mask",
    },
}
"""What the labels of the entity ``desc`` mean, in the results and in the uncropped dataset."""

LONGEST_NAME = 200
"""Maximum length of the name that is taken from the raw dataset."""


def describe(bids_dir: Path, output_dir: Path) -> dict[str, Any]:
    """Return the content of ``dataset_description.json`` for the results of a raw dataset."""
    name = _own_name(bids_dir / "dataset_description.json") or bids_dir.name
    inside = output_dir.is_relative_to(bids_dir)
    link = os.path.relpath(bids_dir, output_dir) if inside else bids_dir.as_uri()
    return {
        "Name": f"{name}: skull-stripped",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generated_by(os.environ)],
        "SourceDatasets": [{"URL": link}],
        "DatasetLinks": {"raw": link},
    }


def descriptions(dataset: str, labels: Iterable[str]) -> str:
    """Return ``descriptions.tsv``: what the labels of ``desc`` in a dataset mean.

    `dataset` is a key of `MEANINGS`; `labels` are those that its file names have.

    Examples
    --------
    >>> print(descriptions("results", ["biascorrected"]))
    desc_id	description
    desc-biascorrected	Whole head without its bias field (N4)
    <BLANKLINE>
    """
    rows = [f"desc-{label}\t{MEANINGS[dataset][label]}" for label in labels]
    return "\n".join(["desc_id\tdescription", *rows]) + "\n"


def _own_name(description: Path) -> str | None:
    """Return the name in a dataset's description; None where it cannot be read."""
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
        made, folder = job.output, Path(job.output.description).absolute().parent
        write_json(made.description, describe(Path(job.params.bids_dir), folder))
        texts = {
            made.descriptions: descriptions(job.params.dataset, job.params.labels),
            made.bidsignore: "\n".join(NOT_BIDS) + "\n",
        }
        for path, text in texts.items():
            write_text(path, text)
