"""Searching files for secrets: as parsed text, and as bytes in the encodings text hides in."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom import Dataset

from lib.audit.identity import Secret, fold

LONG = 8
"""Characters from which a value is also searched in pixels, where chance finds less."""

NIFTI_HEADER = 4096
"""Bytes of a NIfTI file that are searched: its header and a usual extension."""


class Searcher:
    """Finds secrets in text and bytes.

    Parameters
    ----------
    secrets : iterable of Secret
        What to search.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._by_text = {secret.text: secret for secret in secrets}
        self._text = _compiled(self._by_text)
        forms = {form: secret for text, secret in self._by_text.items() for form in _encoded(text)}
        self._by_bytes = forms
        self._bytes = _compiled_bytes(forms)
        self._long = _compiled_bytes(form for form in forms if len(form) >= LONG)

    def in_text(self, text: str) -> Iterator[Secret]:
        """Yield the secrets that stand in a text as words of their own or inside longer ones."""
        if self._text:
            for match in self._text.finditer(fold(text)):
                yield self._by_text[match.group()]

    def in_bytes(self, data: bytes, *, pixels: bool = False) -> Iterator[Secret]:
        """Yield the secrets that stand in bytes; in pixels only the longer ones."""
        pattern = self._long if pixels else self._bytes
        if pattern:
            for match in pattern.finditer(data.lower()):
                yield self._by_bytes[match.group()]

    def in_dataset(self, ds: Dataset) -> Iterator[tuple[str, Secret]]:
        """Yield tag and secret for every hit in the values of a data set."""
        for element in [*getattr(ds, "file_meta", Dataset()), *ds.iterall()]:
            if element.VR in ("SQ", "OW", "OF", "OD", "OL", "OV"):
                continue
            if isinstance(element.value, bytes):
                hits = self.in_bytes(element.value, pixels=element.keyword == "PixelData")
            else:
                hits = self.in_text(str(element.value))
            yield from ((str(element.tag), secret) for secret in hits)

    def in_file(self, path: Path) -> Iterator[Secret]:
        """Yield the secrets in any file: its name, its bytes, what it holds compressed."""
        yield from self.in_text(path.name)
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        if ".nii" in path.suffixes:
            data = data[:NIFTI_HEADER]
        yield from self.in_bytes(data)


def inflated(data: bytes, start: int) -> bytes:
    """Return the content of a deflated data set that begins at `start`."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])


def _encoded(text: str) -> Iterator[bytes]:
    for codec in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "gb18030", "iso2022_jp", "euc_kr",
                  "iso8859_5", "shift_jis"):  # fmt: skip
        try:
            yield text.encode(codec).lower()
        except UnicodeEncodeError:
            continue


def _compiled(texts: Iterable[str]) -> re.Pattern[str] | None:
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(_bounded, ordered))) if ordered else None


def _bounded(text: str) -> str:
    """Short words and numbers must stand alone; others may be part of a longer word."""
    if text.isdigit():
        return rf"(?<!\d){re.escape(text)}(?!\d)"
    if len(text) < LONG and text.isascii():
        return rf"(?<![a-z]){re.escape(text)}(?![a-z])"
    return re.escape(text)


def _compiled_bytes(forms: Iterable[bytes]) -> re.Pattern[bytes] | None:
    ordered = sorted(set(forms), key=len, reverse=True)
    return re.compile(b"|".join(map(_bounded_bytes, ordered))) if ordered else None


def _bounded_bytes(form: bytes) -> bytes:
    if form.isdigit():
        return rb"(?<!\d)" + re.escape(form) + rb"(?!\d)"
    if len(form) < LONG and form.isascii():
        return rb"(?<![a-z])" + re.escape(form) + rb"(?![a-z])"
    return re.escape(form)
