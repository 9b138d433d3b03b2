"""Give a BIDS dataset the files at its top that it lacks; never replace one.

The files belong to the user from the moment they exist. A rule must state them as
``update(...)`` or not at all, since Snakemake removes other outputs before it runs a rule.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.version import BIDS_VERSION, generated_by

README = """\
# {name}

Raw data in the Brain Imaging Data Structure (https://bids.neuroimaging.io).

The DICOM files of the scanner were de-identified and converted with Ecdysis, which uses
dcm2niix. Before the dataset is shared, describe it here: what was studied and why, who
took part, how the images were acquired, whom to ask, and how to cite it.
"""

BIDSIGNORE = """\
# Files that a BIDS validator should pass over, one pattern a line, as in .gitignore.
.snakemake
"""


def description(name: str, converter: str) -> dict[str, Any]:
    """Return ``dataset_description.json`` of a raw dataset; `converter` is dcm2niix's version."""
    return {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [generated_by(os.environ), {"Name": "dcm2niix", "Version": converter}],
    }


def complete(bids_dir: Path, name: str, converter: str) -> dict[str, list[str]]:
    """Write ``dataset_description.json``, ``README`` and ``.bidsignore`` where missing.

    Any file named README, with or without extension, counts as the README. The result names the
    files that were ``made`` and those that were ``kept``.
    """
    name = name.strip() or "Untitled"
    text = json.dumps(description(name, converter), indent=2, ensure_ascii=False) + "\n"
    readmes = sorted(path.name for path in bids_dir.glob("README*") if path.is_file())
    contents = {
        "dataset_description.json": text,
        readmes[0] if readmes else "README": README.format(name=name),
        ".bidsignore": BIDSIGNORE,
    }
    return write_missing(bids_dir, contents)


def write_missing(folder: Path, contents: Mapping[str, str]) -> dict[str, list[str]]:
    """Write each text under its name unless something has this name; return made and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    made, kept = [], []
    for name, text in contents.items():
        try:
            # Mode x, not a rename: a file that another process has made is not replaced.
            with (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(text)
            made.append(name)
        except FileExistsError:
            kept.append(name)
    return {"made": made, "kept": kept}


if "snakemake" in globals():
    from importlib.metadata import version as version_of

    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "dataset_files") as details:
        bids_dir = Path(job.output.description).parent
        details.update(complete(bids_dir, bids_dir.name, version_of("dcm2niix")))
