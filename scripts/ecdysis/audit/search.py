"""Searching files for secrets: as parsed text, and as bytes in the encodings text hides in."""

import gzip
import html
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom import Dataset

from ecdysis.audit import walk
from ecdysis.audit.identity import Secret, fold
from ecdysis.audit.own_words import is_own

LONG = 8
"""Characters from which a value is hardly there by chance, in pixels and among others' words."""

RUNS = re.compile(rb"[\x20-\x7e\x80-\xff]{8,}")
"""Where text can stand among pixels."""

PICTURES = re.compile(rb"base64,[A-Za-z0-9+/=]*")
"""Pictures inside a page, where chance would find short names."""

TEXTS = {".html", ".json", ".tsv", ".txt", ".md", ".log", ".svg", ".bval", ".bvec"}

PACKED = {".png", ".h5", ".mat"}
"""Files whose bytes are like pixels: chance would find short names in them."""

ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
"""A character that JSON escaped."""

HASHES = re.compile(r"\bser-[0-9a-f]{8}\b|\b[0-9a-f]{16}(?=\.dcm\b)")
"""Names that the workflow gives to series and files, where chance finds short numbers."""

NIFTI_HEADER = 4096
"""Bytes of a NIfTI file that are searched: its header and a usual extension."""

CODECS = ("utf-8", "latin-1", "gb18030", "iso2022_jp", "euc_kr", "iso8859_5", "shift_jis")
"""Encodings of DICOM text; UTF-16 is found by leaving out zero bytes."""

BULK = {"SQ", "OW", "OF", "OD", "OL", "OV"}


class Searcher:
    """Finds secrets in text and bytes.

    Parameters
    ----------
    secrets : iterable of Secret
        What to search.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = sorted(secrets, key=lambda secret: secret.text)
        self._forms = {form: secret for secret in self._secrets for form in _encoded(secret.text)}
        self._long = {form: secret for form, secret in self._forms.items() if len(form) >= LONG}

    def in_text(self, text: str) -> list[Secret]:
        """Return the secrets in a text; short words and numbers must stand alone."""
        folded = fold(text)
        return [
            secret
            for secret in self._secrets
            if secret.text in folded and re.search(_bounded(secret.text), folded)
        ]

    def in_name(self, name: str) -> list[Secret]:
        """Return the secrets in the name of a file, hashed names of the workflow's left out."""
        return self.in_text(HASHES.sub("", name))

    def in_bytes(self, data: bytes, *, pixels: bool = False) -> list[Secret]:
        """Return the secrets in bytes, also as UTF-16; in pixels only the longer ones."""
        forms = self._long if pixels else self._forms
        found: dict[Secret, None] = {}
        for part in (data, data.replace(b"\0", b"")):
            low = b"\n".join(RUNS.findall(part)).lower() if pixels else part.lower()
            for form, secret in forms.items():
                if form in low and re.search(_bounded_bytes(form), low):
                    found[secret] = None
        return list(found)

    def in_dataset(self, ds: Dataset) -> Iterator[tuple[str, Secret]]:
        """Yield tag and secret for every hit in the values of a data set."""
        texts = {}
        meta = getattr(ds, "file_meta", Dataset())
        for number, element in enumerate([*meta, *walk.elements(ds)]):
            if element.VR in BULK:
                continue
            if isinstance(element.value, bytes):
                if element.keyword != "PixelData":
                    hits = self.in_bytes(element.value)
                    yield from ((str(element.tag), secret) for secret in hits)
            else:
                texts[number, str(element.tag)] = str(element.value)
        if self.in_text("\n".join(texts.values())):
            for (_, tag), text in texts.items():
                yield from ((tag, secret) for secret in self.in_text(text))

    def in_file(self, path: Path, *, ours: bool = False) -> list[Secret]:
        """Return the secrets in any file: its name, its bytes, what it holds compressed.

        Text is searched as it is read, too: without diacritics, and with what JSON or HTML
        escaped. In files that are `ours` the words of the workflow count for nothing. A log holds
        those of other programs, so there a short name counts when it stands beside another.
        """
        data = _content(path)
        if path.suffix == ".html":
            data = PICTURES.sub(b"", data)
        found = []
        if path.suffix in TEXTS:
            text = HASHES.sub("", data.decode("utf-8", "surrogateescape"))
            data = text.encode("utf-8", "surrogateescape")
            found = self.in_text(_as_read(text))
        found += self.in_bytes(data, pixels=path.suffix in PACKED)
        if ours:
            found = [secret for secret in found if not is_own(secret.text)]
        names = {secret for secret in found if secret.kind == "names"}
        if path.suffix == ".log" and len(names) == 1:
            found = [one for one in found if one not in names or len(one.text) >= LONG]
        return list(dict.fromkeys([*self.in_name(path.name), *found]))


def _content(path: Path) -> bytes:
    """Read what is searched of a file, uncompressed: all of it, or the header of NIfTI."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as stream:
        return stream.read(NIFTI_HEADER if ".nii" in path.suffixes else -1)


def inflated(data: bytes, start: int) -> bytes:
    """Return the content of a deflated data set that begins at `start`."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])


def _as_read(text: str) -> str:
    """Return a text with the characters that JSON and HTML escape."""
    unescaped = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return html.unescape(unescaped)


def _encoded(text: str) -> Iterator[bytes]:
    for codec in CODECS[:1] if text.isascii() else CODECS:
        try:
            yield text.encode(codec).lower()
        except UnicodeEncodeError:
            continue


def _bounded(text: str) -> str:
    if text.isdigit():
        return rf"(?<!\d){re.escape(text)}(?!\d)"
    if len(text) < LONG and text.isascii():
        return rf"(?<![a-z]){re.escape(text)}(?![a-z])"
    return re.escape(text)


def _bounded_bytes(form: bytes) -> bytes:
    if form.isdigit():
        return rb"(?<!\d)" + re.escape(form) + rb"(?!\d)"
    if len(form) < LONG and form.isascii():
        return rb"(?<![a-z])" + re.escape(form) + rb"(?![a-z])"
    return re.escape(form)
