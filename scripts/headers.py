"""List what the DICOM files of a folder hold, for looking before editing.

One line for each element: its path, tag, VR and private creator, in how many files and with
how many values it occurs, its commonest value, and what the profile does with it. Values of
private elements, and of those that the profile changes, are masked unless asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecdysis.deid.edits import parse_selector
from ecdysis.deid.listing import Listing
from ecdysis.deid.profile import Profile
from ecdysis.dicom.elements import UNREADABLE, RefusedError
from ecdysis.dicom.index import scan
from ecdysis.errors import InputError
from ecdysis.files import atomic, read_json


def headers(
    folder: Path,
    table: Path,
    select: Sequence[str],
    settings: Mapping[str, Any],
    *,
    show: bool = False,
) -> dict[str, Any]:
    """Write the table of elements of all DICOM files in a tree of folders.

    `table` is a TSV that is made with mode 600, since values may identify. `select` are selectors,
    see `ecdysis.deid.edits`; none lists every element. `settings` are ``profile`` and ``options``
    of the configuration's ``deid``. With `show`, masked values are shown. The result counts files,
    elements and the reasons for which files were passed over.

    Raises
    ------
    InputError
        The folder has no DICOM file, or a selector is wrong.
    """
    profile = Profile(settings.get("profile", "basic"), settings.get("options", ()))
    selectors = [parse_selector(text, "headers.select") for text in select]
    listing = Listing(selectors, profile, show=show)
    files, passed_over = 0, Counter[str]()
    for path, _, _ in scan(folder)[0]:
        try:
            listing.add(Path(folder, path).read_bytes())
            files += 1
        except RefusedError as refused:
            passed_over[refused.reason] += 1
        except OSError:
            passed_over[UNREADABLE] += 1
    if not files:
        raise InputError(folder, "it holds no DICOM file", "Give the folder of the scanner's files")
    with atomic(table) as partial:
        partial.touch(mode=0o600)
        rows = ["\t".join(row) for row in listing.rows()]
        partial.write_text("\n".join(rows) + "\n", encoding="utf-8", errors="surrogateescape")
    return {"files": files, "elements": len(listing.values), "passed_over": dict(passed_over)}


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    with recorded(job, "headers", private=True) as details:
        details.update(
            headers(
                Path(read_json(job.input.index)["root"]),
                Path(job.output.table),
                job.params.select,
                job.params.deid,
                show=job.params.show,
            )
        )
