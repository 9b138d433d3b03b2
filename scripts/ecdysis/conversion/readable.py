"""Prepare DICOM files so that dcm2niix reads them as one series."""

import os
from collections import Counter, defaultdict
from pathlib import Path

DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Deflated Explicit VR Little Endian, which dcm2niix does not read (PS3.5, section A.5)."""
META = 512
"""The transfer syntax is in this many bytes at the beginning of a file."""
HEAD = 1 << 12
"""The SeriesInstanceUID is usually in this many bytes at the beginning of a file."""


def readable(series: Path, folder: Path, *, whole: bool = False) -> str:
    """Fill a folder with files that dcm2niix reads as one series; return its SeriesInstanceUID.

    Most files are links; `folder` is a link to `series` if no file has to change. Deflated files
    are inflated, and the pieces of a joined series (see `ecdysis.planning.series`) are copied with
    one SeriesInstanceUID and SeriesNumber. With `whole`, the files of an incomplete last volume are
    left out. The result is empty if no file is DICOM.
    """
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRLittleEndian

    paths = sorted(Path(entry) for entry in os.scandir(series) if entry.is_file())
    first = next((path for path in paths if _is_dicom(path)), None)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if first is None:
        folder.mkdir()
        return ""
    head = dcmread(first, specific_tags=["SeriesInstanceUID", "SeriesNumber"])
    uid = str(head.get("SeriesInstanceUID", ""))
    kept = whole_volumes(paths) if whole else paths
    changed = {path for path in kept if not _is_readable(path, uid.encode())}
    if not changed and len(kept) == len(paths):
        folder.symlink_to(series.absolute())
        return uid
    folder.mkdir()
    for path in kept:
        if path not in changed:
            (folder / path.name).symlink_to(path.absolute())
            continue
        dataset = dcmread(path)
        dataset.SeriesInstanceUID, dataset.SeriesNumber = uid, head.get("SeriesNumber")
        if dataset.file_meta.TransferSyntaxUID == DEFLATED.decode():
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(folder / path.name, implicit_vr=False, little_endian=True)
        else:
            dataset.save_as(folder / path.name)
    return uid


def whole_volumes(paths: list[Path]) -> list[Path]:
    """Return the files of a series without the files of an incomplete last volume.

    The volume of a file is its temporal position, or follows from its InstanceNumber: scanners
    count instances volume by volume, or slice by slice (GE, Philips). All files are returned if
    neither order fits, or if an earlier volume is incomplete.
    """
    from pydicom import dcmread

    tags = ["ImagePositionPatient", "InstanceNumber", "TemporalPositionIdentifier"]
    places: dict[Path, tuple[float, ...]] = {}
    numbers: dict[Path, int] = {}
    times: dict[Path, int] = {}
    for path in paths:
        header = dcmread(path, specific_tags=tags, stop_before_pixels=True, force=True)
        position = header.get("ImagePositionPatient") or ()
        places[path] = tuple(round(float(value), 2) for value in position)
        numbers[path] = int(header.get("InstanceNumber") or 0) - 1
        times[path] = int(header.get("TemporalPositionIdentifier") or 0)
    counts = Counter(places.values())
    slices, volumes = len(counts), max(counts.values())
    for volume_of in (
        times,
        {path: number // slices for path, number in numbers.items()},
        {path: number % volumes for path, number in numbers.items()},
    ):
        volumes_at: defaultdict[tuple[float, ...], set[int]] = defaultdict(set)
        for path in paths:
            volumes_at[places[path]].add(volume_of[path])
        whole, every = set.intersection(*volumes_at.values()), set.union(*volumes_at.values())
        unique = len(every) == volumes and all(
            len(volumes_at[place]) == counts[place] for place in counts
        )
        if unique and whole and max(whole) < min(every - whole, default=max(whole) + 1):
            return [path for path in paths if volume_of[path] in whole]
    return paths


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _is_readable(path: Path, uid: bytes) -> bool:
    """Return whether dcm2niix reads a file as part of the series with this SeriesInstanceUID.

    A file that is not DICOM is not changed either, so that dcm2niix's count of files shows it.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        if head[128:132] != b"DICM":
            return True
        return DEFLATED not in head[:META] and (uid in head or uid in stream.read())
