"""Audit the de-identified files of one session against their originals.

Collects what identifies in every original and searches every output for it, as text and as
bytes; checks the form of each output and what must be kept. One hit fails the session and
names file and tag, never the value. See ``docs/deidentification.md``.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ecdysis.audit import relations, shape
from ecdysis.audit.identity import KINDS, Secret, secrets_of
from ecdysis.audit.search import Searcher, inflated
from ecdysis.errors import InputError
from ecdysis.files import read_json

DEFLATED = "1.2.840.10008.1.2.1.99"
PIXEL_TAG = b"\xe0\x7f\x10\x00"
KEPT_BY = {
    "retain_uids": {"UIDs"},
    "retain_dates_full": {"dates"},
    "retain_institution": {"places"},
    "retain_device": {"devices"},
}
"""Options that keep a kind of value on purpose."""

SHOWN = 5


def audit(
    listing: Path,
    dicom: Path | None,
    converted: Iterable[Path],
    options: Sequence[str],
    *,
    ours: Iterable[Path] = (),
) -> dict[str, Any]:
    """Search the outputs of a session for what identifies in its originals.

    Parameters
    ----------
    listing : Path
        JSON with ``subject`` and ``series``, which maps series to the originals' paths.
    dicom : Path or None
        Folder of the de-identified files, a folder for each series.
    converted : iterable of Path
        Files of the dataset that were made from them.
    options : sequence of str
        The options of PS3.15 that were used.
    ours : iterable of Path
        What else tells of the subject, and is in the workflow's own words: derivatives, pages,
        logs, records.

    Returns
    -------
    dict
        What was searched and checked; nothing that identifies.

    Raises
    ------
    InputError
        Something that identifies was found, or something was not kept.
    """
    used = frozenset(options)
    kinds = frozenset(KINDS) - {kind for option in used for kind in KEPT_BY.get(option, ())}
    content = read_json(listing)
    label = f"sub-{content['subject']}"
    originals = [path for paths in content["series"].values() for path in paths]
    secrets, before = _read_originals(originals, kinds, label)
    searcher = Searcher(secrets)
    faults: list[str] = []
    after = []
    outputs = sorted(_files(dicom)) if dicom else []
    for path in outputs:
        name = f"{path.parent.name}/{path.name}"
        facts, found = _check(path, name, searcher, label, used)
        after.append(facts)
        faults += [f"{name}: {fault}" for fault in found]
    rest = {**dict.fromkeys(converted, False), **dict.fromkeys(ours, True)}
    for path, own in rest.items():
        hits = searcher.in_file(path, ours=own)
        faults += [f"{path if own else path.name}: {hit.kind} of {hit.tag}" for hit in hits]
    faults += relations.faults(before, after, used)
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise InputError(
            label,
            f"the audit found: {'; '.join(faults[:SHOWN])}{more}",
            "Keep the files where they are and report the tags; nothing was passed on",
        )
    return {
        "originals": len(before),
        "files": len(outputs) + len(rest),
        "values": len(secrets),
        "kinds": sorted(kinds),
        "pairs": len(relations.pairs(before, after)),
        "hits": 0,
    }


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder but the empty mark that Snakemake puts into it."""
    for path in folder.rglob("*"):
        if path.is_file() and (path.name != ".snakemake_timestamp" or path.stat().st_size):
            yield path


def told_of(subject: str, session: str) -> list[Path]:
    """Return the files in the working directory that tell of a subject, or of this session of it.

    The index and the table over all subjects are made of the records among them. What is being
    written has a hidden name.
    """
    tops = [Path(), Path(".ecdysis"), Path("logs"), Path("benchmarks")]
    folders = [top / name for top in tops for name in dict.fromkeys((f"sub-{subject}", session))]
    files = (file for folder in folders for file in sorted(_files(folder)))
    told = [file for file in files if file.name[0] != "."]
    page = Path(f"sub-{subject}.html")
    return [*told, page] if page.is_file() else told


def recorded_files(record: Path, bids_dir: Path) -> list[Path]:
    """Return the files of the dataset that the record of a session's conversion lists."""
    return [bids_dir / file["path"] for file in read_json(record)["files"]]


def _read_originals(
    paths: Iterable[str], kinds: frozenset[str], label: str
) -> tuple[set[Secret], list[relations.Facts]]:
    from ecdysis.dicom.archives import opened
    from ecdysis.dicom.reading import UNREADABLE
    from pydicom import dcmread

    secrets: dict[str, Secret] = {}
    facts = []
    for path in paths:
        try:
            with opened(Path(path)) as stream:
                ds = dcmread(stream, force=True)
            found = list(secrets_of(ds, kinds))
            facts.append(relations.facts(ds))
        except UNREADABLE:
            continue
        for secret in found:
            # The label is meant to be found; an original may already bear it.
            if secret.text not in label:
                secrets.setdefault(secret.text, secret)
    return set(secrets.values()), facts


def _check(
    path: Path, name: str, searcher: Searcher, label: str, options: frozenset[str]
) -> tuple[relations.Facts, list[str]]:
    from pydicom import dcmread

    ds = dcmread(path)
    faults = [f"{hit.kind} in {tag}" for tag, hit in searcher.in_dataset(ds)]
    faults += [f"{hit.kind} in the name" for hit in searcher.in_name(name)]
    data = path.read_bytes()
    if ds.file_meta.TransferSyntaxUID == DEFLATED:
        data = inflated(data, 144 + int(ds.file_meta.FileMetaInformationGroupLength))
    end = data.rfind(PIXEL_TAG)
    header = data if end < 0 else data[:end]
    faults += [f"{hit.kind} of {hit.tag} in the bytes" for hit in searcher.in_bytes(header)]
    faults += [
        f"{hit.kind} of {hit.tag} in the pixels"
        for hit in searcher.in_bytes(data[len(header) :], pixels=True)
    ]
    faults += shape.faults(path.name, ds, label, options)
    return relations.facts(ds), list(dict.fromkeys(faults))


if "snakemake" in globals():
    from ecdysis.job import recorded

    job = globals()["snakemake"]
    listing, session = Path(job.input.files), job.wildcards.session
    dicom_folder, record = job.input.get("dicom"), job.input.get("record")
    converted = [Path(path) for path in job.input.get("converted", [])]
    converted += recorded_files(Path(*record), Path(job.params.bids_dir)) if record else []
    with recorded(job, job.rule, unit=session, private=True) as details:
        ours = [] if dicom_folder else told_of(read_json(listing)["subject"], session)
        details.update(
            audit(
                listing,
                Path(dicom_folder) if dicom_folder else None,
                converted,
                job.params.options,
                ours=ours,
            )
        )
