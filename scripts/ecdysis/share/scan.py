"""The scanner: looks for faces, identifiers, paths, keys and private files in a folder to publish.

It shares no code with what makes the folder. It reads the folder as a stranger would.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib

from ecdysis.deface.residual import align_to_template, residual_face

ALLOWED = (
    *(".nii.gz", ".nii", ".json", ".tsv", ".bval", ".bvec", ".md", ".bib", ".html", ".jpg", ".png"),
    *("_xfm.txt", "LICENSE", ".bidsignore", "sha256sums.txt"),
)
"""Endings of the names of the files that belong into the folder."""
PRIVATE_FILES = re.compile(
    r"(?i)\.dcm$|\.ima$|\.log$|^key$|plan\.tsv$|participants_map|linkage|\.mat$"
)
TEXTS = (
    ".json",
    ".tsv",
    ".bval",
    ".bvec",
    ".md",
    ".bib",
    ".html",
    ".js",
    ".txt",
    "LICENSE",
    ".bidsignore",
)
PATTERNS = {
    "a path": re.compile(
        r"(?<![\w.:/<-])/(home|users|root|mnt|media|data\d*|work|scratch|tmp|var|srv|opt|export|"
        r"project|lustre|gpfs|nfs|usr|private|volumes)/[\w.-]+|\b[A-Z]:\\\w|file://",
        re.IGNORECASE,
    ),
    "an e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+(\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE),
    "a UID": re.compile(r"(?<![\d.])[12]\.\d+(\.\d+){5,}"),
    "a date": re.compile(
        r"(?<![\d.\w-])(19|20)\d\d(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?![\d.]|-\d)"
    ),
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
}
"""What identifies by its form."""
DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
LONG_CODE = re.compile(r"[A-Za-z0-9+/=]{200,}")
"""Pictures and voxels inside a page; they are judged by the images that they are made from."""
FACELESS_FIGURES = re.compile(r"_desc-(?!surface|field)[A-Za-z]+_\w+\.(jpg|png|html|\w+\.js)$")
VIEWER_DATA = re.compile(r"_desc-viewer_\w+\.\w+\.js$")
"""Voxels of a viewer, made from the images beside it."""
VIEWER_CALL = re.compile(r'ecdysisLayer\("\w+","[A-Za-z0-9+/=]*"\)\s*')
HEADER_TEXTS = ("db_name", "aux_file", "intent_name", "descrip")
COARSE = ("func", "dwi", "perf", "fmap")
NOT_A_HEAD = re.compile(r"_(mask|dseg|probseg|defacemask)\.nii")


@dataclass
class Report:
    """What the scanner looked at and found; findings are path and reason."""

    looked: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)

    def results(self) -> Iterator[tuple[str, str]]:
        """Yield each check and its result."""
        for name, count in self.looked.items():
            yield name, f"{count} looked at, nothing found"


def scan_faces(folder: Path, subject: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each image of a head, and what was found, empty for no face.

    Coarse images of the folders func, dwi, perf and fmap are not judged.

    Parameters
    ----------
    folder : Path
    subject : str
        Look at the images of this subject only, such as ``sub-01``.
    """
    for path in sorted(folder.rglob("*.nii*")):
        other = subject and subject not in path.parts
        if other or path.parent.name in COARSE or NOT_A_HEAD.search(path.name):
            continue
        yield path.relative_to(folder).as_posix(), _face_in(path, folder)


def _face_in(path: Path, folder: Path) -> str:
    """Return why an image may show a face, or an empty text."""
    masks = list(_masks_for(path, folder))
    if not masks:
        return "a face cannot be looked for, since it has no brain mask"
    try:
        score = residual_face(nib.load(path), nib.load(masks[0]), _aligned(masks[0]))
    except (ValueError, OSError, EOFError) as error:
        return f"a face cannot be looked for ({type(error).__name__})"
    if score.verdict == "none":
        return ""
    if score.verdict == "unknown":
        return f"a face cannot be looked for: the brain masks overlap by {score.overlap:.2f} only"
    return f"it may show {' and '.join(score.visible)}"


@lru_cache(maxsize=8)
def _aligned(mask: Path) -> tuple[Any, float]:
    """Return how a brain mask lies in the template; several images have the same mask."""
    return align_to_template(nib.load(mask))


def _masks_for(path: Path, folder: Path) -> Iterator[Path]:
    """Yield the brain masks of an image, then those of other images of its session."""
    place = path.parent.relative_to(folder).as_posix()
    place = place[place.index("sub-") :]
    home = folder / "derivatives" / "ecdysis" / place
    name = path.name.split(".")[0]
    suffix = name.rpartition("_")[2]
    entities = name.removesuffix(f"_{suffix}").partition("_desc-")[0].partition("_space-")[0]
    space = "" if suffix == "T1w" else f"_space-{suffix}"
    own = home / f"{entities}{space}_desc-brain_mask.nii.gz"
    if own.is_file():
        yield own
    yield from sorted(home.glob("*_desc-brain_mask.nii.gz"))


def scan_files(folder: Path, secrets: Mapping[str, str]) -> Report:
    """Look at every file of the folder but the faces in its images.

    Parameters
    ----------
    folder : Path
    secrets : mapping
        Values that must not be there, in lower case, each with what it is.
    """
    report = Report()
    known = _pattern_of(secrets)
    checks: list[tuple[str, Callable[[Path], Iterator[str]]]] = [
        ("names, kinds and links of files", lambda path: _in_name(path, folder, known, secrets)),
        ("texts: identifiers, paths, dates, keys", lambda path: _in_text(path, known, secrets)),
        ("headers of images", _in_header),
        ("pictures: kind and hidden text", lambda path: _in_picture(path, known, secrets)),
    ]
    for path in sorted(item for item in folder.rglob("*") if item.is_symlink() or item.is_file()):
        for name, check in checks:
            if _concerns(name, path):
                report.looked[name] = report.looked.get(name, 0) + 1
                where = path.relative_to(folder).as_posix()
                report.findings += [(where, reason) for reason in check(path)]
    return report


def _concerns(check: str, path: Path) -> bool:
    if check.startswith("texts"):
        return path.name.endswith(TEXTS) and path.name != "sha256sums.txt"
    if check.startswith("headers"):
        return path.name.endswith((".nii", ".nii.gz"))
    return not check.startswith("pictures") or path.name.endswith((".jpg", ".png"))


def _pattern_of(secrets: Mapping[str, str]) -> re.Pattern[str] | None:
    words = sorted(map(re.escape, secrets), key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])") if words else None


def _secrets_in(
    text: str, known: re.Pattern[str] | None, secrets: Mapping[str, str]
) -> Iterator[str]:
    """Yield what identifies in a text; the value itself is never repeated."""
    hits = {secrets[hit] for hit in known.findall(text.casefold())} if known else set()
    yield from (f"it holds {kind}" for kind in sorted(hits))
    yield from (f"it holds {kind}" for kind, form in PATTERNS.items() if form.search(text))


def _in_name(
    path: Path, folder: Path, known: re.Pattern[str] | None, secrets: Mapping[str, str]
) -> Iterator[str]:
    relative = path.relative_to(folder).as_posix()
    if path.is_symlink():
        yield "it is a link"
    allowed = path.name.endswith(ALLOWED) or VIEWER_DATA.search(path.name)
    if not allowed or PRIVATE_FILES.search(path.name):
        yield "files of this kind do not belong into the folder"
    hidden = [part for part in path.relative_to(folder).parts if part.startswith(".")]
    if hidden and path.name != ".bidsignore":
        yield "it is hidden"
    if "_desc-preproc" in path.name:
        yield "it is an image with the face"
    in_figures = "figures" in path.parts and path.suffix in (".jpg", ".png", ".html", ".js")
    if in_figures and not FACELESS_FIGURES.search(path.name):
        yield "this figure may show the face"
    yield from _secrets_in(relative, known, secrets)


def _in_text(
    path: Path, known: re.Pattern[str] | None, secrets: Mapping[str, str]
) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield "it is not a text in UTF-8"
        return
    if path.suffix == ".js" and not VIEWER_CALL.fullmatch(text):
        yield "it is a script other than the voxels of a viewer"
    yield from _secrets_in(LONG_CODE.sub("", DATA_URI.sub("", text)), known, secrets)


def _in_header(path: Path) -> Iterator[str]:
    """Look at header and packing of an image."""
    try:
        if path.suffix == ".gz":
            with path.open("rb") as stream:
                if stream.read(4)[3] & 0b11100:
                    yield "its gzip header has a text"
            with gzip.open(path) as stream:
                stream.read(1)
        header: Any = nib.load(path).header
    except Exception:  # noqa: BLE001 - whatever nibabel raises, the image is not fit to share
        yield "it cannot be read"
        return
    if header.extensions:
        yield "its header has an extension"
    for name in HEADER_TEXTS:
        if name in header and bytes(header[name]).strip(b"\0 "):
            yield f"its header has a text in {name}"


def _in_picture(
    path: Path, known: re.Pattern[str] | None, secrets: Mapping[str, str]
) -> Iterator[str]:
    """Look at the texts inside a picture."""
    from PIL import Image

    with Image.open(path) as picture:
        if picture.getexif():
            yield "it has Exif data"
        texts = [value for value in picture.info.values() if isinstance(value, str | bytes)]
    plain = [text if isinstance(text, str) else text.decode("latin-1") for text in texts]
    yield from _secrets_in("\n".join(plain), known, secrets)


def remove_from_description(folder: Path, secrets: Mapping[str, str]) -> list[str]:
    """Remove the fields of ``dataset_description.json`` that identify; return their names.

    Names of authors are meant to be published, and may be those of staff in private records.
    """
    path = folder / "dataset_description.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    known = _pattern_of(secrets)
    bad = [key for key in content if any(_secrets_in(json.dumps(content[key]), known, secrets))]
    if bad:
        kept = {key: value for key, value in content.items() if key not in bad}
        kept.setdefault("Name", "Untitled")
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return bad
