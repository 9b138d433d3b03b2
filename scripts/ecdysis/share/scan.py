"""The scanner: looks for faces, identifiers, paths, keys and private files in a folder to publish.

It shares no code with the modules that make the folder, and reads it as a stranger would.
"""

import gzip
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import nibabel as nib

from ecdysis.deface.residual import align_to_template, residual_face
from ecdysis.image.arrays import Array
from ecdysis.share.secrets import own_words

ALLOWED = (
    *(".nii.gz", ".nii", ".json", ".tsv", ".bval", ".bvec", ".md", ".bib", ".html", ".jpg", ".png"),
    *("_xfm.txt", "LICENSE", ".bidsignore", "sha256sums.txt"),
)
"""Endings of the names of files that may be in the folder."""
PRIVATE_FILES = re.compile(
    r"(?i)\.dcm$|\.ima$|\.log$|^key$|plan\.tsv$|participants_map|linkage|\.mat$"
)
TEXTS = (
    *(".json", ".tsv", ".bval", ".bvec", ".md", ".bib", ".html", ".js", ".txt"),
    *("LICENSE", ".bidsignore"),
)
NOT_A_TEXT = "sha256sums.txt"
"""Checksums may look like dates or numbers; the names beside them are checked as names."""
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
    "a date in a label": re.compile(
        r"(?<![A-Za-z])(sub|ses|acq|rec|run|task|desc)-[A-Za-z]*(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
        r"(?!\d)"
    ),
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
}
"""Texts that identify by their form."""
DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
LONG_CODE = re.compile(r"[A-Za-z0-9+/=]{200,}")
"""Pictures and voxels inside a page; the images that they are made from are checked instead."""
FACELESS_FIGURES = re.compile(r"_desc-(?!surface|field)[A-Za-z]+_\w+\.(jpg|png|html|\w+\.js)$")
VIEWER_DATA = re.compile(r"_desc-viewer_\w+\.\w+\.js$")
"""Voxels of a viewer, made from the images beside it."""
VIEWER_CALL = re.compile(r'ecdysisLayer\("\w+","[A-Za-z0-9+/=]*"\)\s*')
OF_PROGRAM = re.compile(r"derivatives/ecdysis/|(README|SHARE)\.md$|LICENSE$")
"""Files with texts of this program, whose words do not identify anyone."""
HEADER_TEXTS = ("db_name", "aux_file", "intent_name", "descrip")
COARSE = ("func", "dwi", "perf", "fmap")
NOT_A_HEAD = re.compile(r"_(mask|dseg|probseg|defacemask)\.nii")


@dataclass
class Report:
    """The numbers of checked files, the findings (path and reason), and the removed files."""

    looked: dict[str, int] = field(default_factory=dict)
    findings: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)

    def results(self) -> Iterator[tuple[str, str]]:
        """Yield each check and its result."""
        for name, count in self.looked.items():
            yield name, f"{count} checked, nothing found"


class Searched:
    """Private values to search in texts; `secrets` maps them, in lower case, to their kinds."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        words = sorted(map(re.escape, secrets), key=len, reverse=True)
        form = rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])" if words else "(?!)"
        self._pattern = re.compile(form)

    def without(self, words: Collection[str]) -> "Searched":
        """Return the search for the values that are not among these words."""
        return Searched(
            {value: kind for value, kind in self._secrets.items() if value not in words}
        )

    def found_in(self, text: str) -> Iterator[str]:
        """Yield the kinds of identifying values in a text, never the values themselves."""
        hits = {self._secrets[hit] for hit in self._pattern.findall(text.casefold())}
        yield from (f"it holds {kind}" for kind in sorted(hits))
        yield from (f"it holds {kind}" for kind, form in PATTERNS.items() if form.search(text))

    def finds(self, value: object) -> bool:
        """Return whether a value of JSON contains an identifying text."""
        return any(self.found_in(value if isinstance(value, str) else json.dumps(value)))

    def hidden(self, name: str) -> str:
        """Return a path or name without the parts that identify."""
        parts = [
            "(a name that identifies)" if self.finds(part) else part for part in name.split("/")
        ]
        return "(a name that identifies)" if self.finds("/".join(parts)) else "/".join(parts)


def scan_faces(
    folder: Path, subject: str = "", known: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    """Yield the path of each image of a head, and the finding, empty for no face.

    Images in the folders func, dwi, perf and fmap, which are coarse, are not checked. With
    `subject`, such as ``sub-01``, only its images are. `known` are findings by path, from an
    earlier check.
    """
    for path in sorted(folder.rglob("*.nii*")):
        other = subject and subject not in path.parts
        if other or path.parent.name in COARSE or NOT_A_HEAD.search(path.name):
            continue
        name = path.relative_to(folder).as_posix()
        yield name, known[name] if name in known else _face_in(path, folder)


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
def _aligned(mask: Path) -> tuple[Array, float]:
    """Return the alignment of a brain mask with the template; several images share a mask."""
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


def scan_files(folder: Path, known: Searched, files: Collection[Path] = ()) -> Report:
    """Check every file of the folder, or only `files`, but not for faces in images.

    `known` are the values that must not be there.
    """
    report = Report()
    rare = known.without(own_words())

    def search(path: Path) -> Searched:
        return rare if OF_PROGRAM.match(path.relative_to(folder).as_posix()) else known

    checks: dict[str, tuple[tuple[str, ...], Callable[[Path], Iterator[str]]]] = {
        "names, kinds and links of files": (("",), lambda path: _in_name(path, folder, known)),
        "texts: identifiers, paths, dates, keys": (
            TEXTS,
            lambda path: _in_text(path, search(path)),
        ),
        "headers of images": ((".nii", ".nii.gz"), _in_header),
        "pictures: kind and hidden text": (
            (".jpg", ".png"),
            lambda path: _in_picture(path, search(path)),
        ),
    }
    every = (item for item in folder.rglob("*") if item.is_symlink() or item.is_file())
    for path in files or sorted(every):
        for name, (endings, check) in checks.items():
            if path.name.endswith(endings) and (endings != TEXTS or path.name != NOT_A_TEXT):
                report.looked[name] = report.looked.get(name, 0) + 1
                where = path.relative_to(folder).as_posix()
                report.findings += [(where, reason) for reason in check(path)]
    return report


def _in_name(path: Path, folder: Path, known: Searched) -> Iterator[str]:
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
    yield from known.found_in(relative)


def _in_text(path: Path, known: Searched) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield "it is not a text in UTF-8"
        return
    if path.suffix == ".js" and not VIEWER_CALL.fullmatch(text):
        yield "it is a script other than the voxels of a viewer"
    yield from known.found_in(LONG_CODE.sub("", DATA_URI.sub("", text)))


def _in_header(path: Path) -> Iterator[str]:
    try:
        if path.suffix == ".gz":
            with path.open("rb") as stream:
                if stream.read(4)[3] & 0b11100:
                    yield "its gzip header has a text"
            with gzip.open(path) as stream:
                stream.read(1)
        header = nib.load(path).header
    except Exception:  # noqa: BLE001 - an image that nibabel cannot read is not shared
        yield "it cannot be read"
        return
    if header.extensions:
        yield "its header has an extension"
    for name in HEADER_TEXTS:
        if name in header and bytes(header[name]).strip(b"\0 "):
            yield f"its header has a text in {name}"


def _in_picture(path: Path, known: Searched) -> Iterator[str]:
    from PIL import Image

    with Image.open(path) as picture:
        if picture.getexif():
            yield "it has Exif data"
        texts = [value for value in picture.info.values() if isinstance(value, str | bytes)]
    plain = [text if isinstance(text, str) else text.decode("latin-1") for text in texts]
    yield from known.found_in("\n".join(plain))
