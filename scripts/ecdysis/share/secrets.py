"""Collect the values that must not be in a folder to publish, from the study and private files.

This is a part of the scanner. It shares no code with the modules that make the folder.
"""

import getpass
import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ecdysis.files import table_rows

PRIVATE_NAME = re.compile(
    r"(?i)name$|names$|birth|dob$|patient|mrn|address|(?<!micro)phone|mail|initials|record(?!ing)|date|"
    r"time$|institution|station|serial|operator|physician|accession|uids?$|comment|insurance|ssn|"
    r"hospital"
)
"""Names of fields and columns whose values identify."""
HARMLESS = re.compile(
    r"(?i)(sequence|protocol|file|task|coil|model|manufacturers?|pulsesequence|cogatlas|software|"
    r"tracer)\w*name$|^\w*(echo|repetition|inversion|acquisitionduration|dwell|delay|slice)\w*time$"
    r"|^(name|filename|LongName)$"
)
"""Names whose values do not identify anyone, although `PRIVATE_NAME` matches."""
_WORDS = {
    kind: words.split() for kind, words in table_rows(Path(__file__).with_name("searched.tsv"))
}
ELEMENTS, COMMON = _WORDS["element"], frozenset(_WORDS["common"])
"""Identifying elements of DICOM, and words that are too common to search; see ``searched.tsv``."""
SHORTEST = 4
ROOT = Path(__file__).parents[3]
OWN_PACKAGES = ("deface", "figures", "quality", "report", "share", "skullstrip")
OWN_TEXTS = (
    *("report/*", "scripts/ecdysis/quality/*.tsv", "scripts/ecdysis/report/*.json"),
    *(f"scripts/ecdysis/{name}/*.py" for name in OWN_PACKAGES),
)
"""The files from which the texts of pages, methods and templates come."""


def secrets_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the values to search, in lower case, each with its kind.

    `settings` are the folders of the run: ``bids_dir``, ``output_dir``, and where given
    ``private_dir``, ``key_file``, ``dicom_dir``, ``participants_map``.
    """
    kinds: dict[str, str] = {}
    for kind, value in _values(settings):
        for text in _forms(value):
            kinds.setdefault(text, kind)
    return kinds


@cache
def own_words() -> frozenset[str]:
    """Return the words, in lower case, that this program writes in pages and templates.

    A patient may be called White, but each page contains "white matter".
    """
    files = (path for pattern in OWN_TEXTS for path in ROOT.glob(pattern) if path.is_file())
    texts = (path.read_text(encoding="utf-8", errors="ignore") for path in files)
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", text.casefold()))


def _values(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("a path", str(value)) for value in settings.values() if _is_path(value))
    yield "a path", str(Path.home())
    yield "a user's name", getpass.getuser()
    yield "a machine's name", socket.gethostname()
    bids_dir, private = Path(settings["bids_dir"]), Path(settings.get("private_dir") or "/nowhere")
    yield from _of_tables(sorted([*bids_dir.glob("*.tsv"), *bids_dir.glob("sub-*/**/*_scans.tsv")]))
    yield from _of_tables([Path(settings.get("participants_map") or "/nowhere")], whole=True)
    for sidecar in [*bids_dir.glob("*.json"), *bids_dir.glob("sub-*/**/*.json")]:
        yield from _of_sidecar(sidecar)
    for image in bids_dir.glob("sub-*/**/*.nii*"):
        yield from _of_header(image)
    key = Path(settings.get("key_file") or private / "key")
    if key.is_file():
        yield "the key", key.read_bytes().decode("latin-1").strip()
        yield "the key", key.read_bytes().hex()
    yield from _of_originals(private)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and value.count("/") > 1


def _forms(value: str) -> Iterator[str]:
    """Yield a value in lower case, and the words of a name such as ``DOE^JANE``."""
    text = " ".join(value.split()).casefold()
    parts = [text, *(text.split("^") if "^" in text else ())]
    for part in (part.strip(" .,;") for part in parts):
        short_number = part.isdigit() and len(part) < 6
        if len(part) >= SHORTEST and part not in COMMON and not short_number:
            yield part
    if re.fullmatch(r"(19|20)\d{6}", text):
        yield f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if re.fullmatch(r"(19|20)\d\d-\d\d-\d\d.*", text):
        yield text[:10]


def _identifies(name: str) -> bool:
    return bool(PRIVATE_NAME.search(name)) and not HARMLESS.search(name)


def _of_tables(files: Iterable[Path], *, whole: bool = False) -> Iterator[tuple[str, str]]:
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        names = lines[0].split("\t") if lines else []
        for line in lines[1:]:
            for name, cell in zip(names, line.split("\t"), strict=False):
                if whole or _identifies(name):
                    yield f"a value of the column {name}", cell


def _of_sidecar(file: Path) -> Iterator[tuple[str, str]]:
    try:
        ahead = [("", json.loads(file.read_text(encoding="utf-8")))]
    except (OSError, ValueError, RecursionError):
        return
    while ahead:
        name, value = ahead.pop()
        if isinstance(value, dict):
            ahead += list(value.items())
        elif isinstance(value, list):
            ahead += [(name, item) for item in value]
        elif isinstance(value, str) and _identifies(name):
            yield f"a value of the field {name}", value


def _of_header(image: Path) -> Iterator[tuple[str, str]]:
    """Yield the free text of a NIfTI header except the description, which names programs."""
    import nibabel as nib

    try:
        header = nib.load(image).header
    except Exception:  # noqa: BLE001 - nibabel raises many kinds, and the image is not shared then
        return
    for name in ("db_name", "aux_file", "intent_name"):
        if name in header:
            yield f"the NIfTI field {name}", bytes(header[name]).decode("latin-1").strip("\0 ")


def _of_originals(private: Path) -> Iterator[tuple[str, str]]:
    """Yield the identifying elements of one DICOM file of each series of each patient."""
    import pydicom

    for listing in private.glob("patients/*.json"):
        for path in json.loads(listing.read_text(encoding="utf-8", errors="surrogateescape")):
            # An archive or a removed disk has no file here; the other series remain.
            with suppress(OSError, pydicom.errors.InvalidDicomError):
                header = pydicom.dcmread(os.fspath(path), stop_before_pixels=True)
                for keyword in ELEMENTS:
                    if value := header.get(keyword):
                        yield f"the element {keyword} of an original", str(value)
