"""Giving dcm2niix files that it can read, as one series."""

from pathlib import Path

from ecdysis.plain_folder import linked

DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Deflated Explicit VR Little Endian, which dcm2niix does not read (PS3.5, section A.5)."""

META = 512
"""Bytes in which the file meta information names the transfer syntax."""

HEAD = 1 << 14
"""Bytes in which the header usually has its SeriesInstanceUID."""


def readable(series: Path, folder: Path, *, whole: bool = False) -> Path:
    """Return a folder of plain path with the files of a series.

    Deflated files are inflated, and the pieces of a joined series (see
    `ecdysis.planning.series`) get one SeriesInstanceUID and number.

    Parameters
    ----------
    series : Path
        The de-identified files of one series; they are only read.
    folder : Path
        Has a plain path, see `ecdysis.plain_folder`.
    whole : bool
        Leave out the files of a last volume that is incomplete.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError
    from pydicom.uid import ExplicitVRLittleEndian

    paths = sorted(path for path in series.iterdir() if path.is_file())
    files = len(paths)
    if whole:
        paths = whole_volumes(paths)
    try:
        first = dcmread(paths[0], specific_tags=["SeriesInstanceUID", "SeriesNumber"], force=True)
        uid, number = str(first.SeriesInstanceUID), first.get("SeriesNumber")
    except (OSError, AttributeError, ValueError, InvalidDicomError):
        return linked(series, folder, "series")
    # A file that is no DICOM stays, so that the converter's count of files shows it.
    changed = [
        path
        for path in paths
        if _is_dicom(path) and (_is_deflated(path) or not _has(path, uid.encode()))
    ]
    if not changed and len(paths) == files:
        return linked(series, folder, "series")
    target = folder / "series"
    target.mkdir()
    for path in paths:
        if path not in changed:
            (target / path.name).symlink_to(path.absolute())
            continue
        dataset = dcmread(path)
        dataset.SeriesInstanceUID, dataset.SeriesNumber = uid, number
        if _is_deflated(path):
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(target / path.name, implicit_vr=False, little_endian=True)
        else:
            dataset.save_as(target / path.name)
    return target


def _is_deflated(path: Path) -> bool:
    with path.open("rb") as stream:
        return DEFLATED in stream.read(META)


def whole_volumes(paths: list[Path]) -> list[Path]:
    """Return the files of a series without those of a last volume that is incomplete.

    That is so when each position has as many files as the rarest, or more that were numbered
    after all of these. In any other case all files are returned.
    """
    from pydicom import dcmread

    tags = ["ImagePositionPatient", "InstanceNumber"]
    places: dict[tuple[float, ...], list[tuple[int, Path]]] = {}
    for path in paths:
        dataset = dcmread(path, specific_tags=tags, stop_before_pixels=True, force=True)
        place = dataset.get("ImagePositionPatient") or ()
        position = tuple(round(float(value), 2) for value in place)
        places.setdefault(position, []).append((int(dataset.get("InstanceNumber") or 0), path))
    least = min(len(files) for files in places.values())
    kept = [file for files in places.values() for file in sorted(files)[:least]]
    surplus = [file for files in places.values() for file in sorted(files)[least:]]
    if not surplus or min(surplus)[0] <= max(kept)[0]:
        return paths
    return sorted(path for _, path in kept)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _has(path: Path, text: bytes) -> bool:
    """Say whether a file holds a text, looking at its head first."""
    with path.open("rb") as stream:
        return text in stream.read(HEAD) or text in stream.read()
