"""Collecting what a file itself tells of persons, to be searched in the text it keeps."""

from collections.abc import Iterable

from ecdysis.deid.scrub import date_tokens, id_tokens, name_tokens
from ecdysis.dicom.dictionary import settled_vr
from ecdysis.dicom.elements import Element, Reader
from ecdysis.dicom.refusals import RefusedError
from ecdysis.dicom.tables import attributes
from ecdysis.dicom.text import codecs_of, decode

CHARSET = 0x00080005
LARGEST_REMEMBERED = 4096
SPELLINGS = {"name": name_tokens, "id": id_tokens, "date": date_tokens}
NOTHING: frozenset[str] = frozenset()


class TokenFinder:
    """Finds identifying tokens at every depth; remembers values it has seen.

    Parameters
    ----------
    known : iterable of str
        Tokens that are searched in every file, whatever it says itself.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self._tells = {tag: row.tells for tag, row in attributes().items() if row.tells != "-"}
        self._seen: dict[tuple[bytes, bytes], frozenset[str]] = {}

    def find(self, reader: Reader, elements: list[Element], charset: bytes) -> frozenset[str]:
        """Return the tokens of a data set whose Specific Character Set is `charset`."""
        tokens = self._known
        for element in elements:
            if element.stop == element.start:
                continue
            if element.tag in self._tells or element.vr in ("PN", "SQ", "UN"):
                tokens |= self._of_element(reader, element, charset)
        return tokens

    def _of_element(self, reader: Reader, element: Element, charset: bytes) -> frozenset[str]:
        size = element.end - element.head
        if size > LARGEST_REMEMBERED:
            return self._compute(reader, element, charset)
        key = charset, bytes(reader.data[element.head : element.end])
        if key not in self._seen:
            self._seen[key] = self._compute(reader, element, charset)
        return self._seen[key]

    def _compute(self, reader: Reader, element: Element, charset: bytes) -> frozenset[str]:
        tells = self._tells.get(element.tag)
        if tells is None and element.vr == "PN":
            tells = "name"
        if tells is not None:
            raw = bytes(reader.data[element.start : element.stop]).rstrip(b"\0 ")
            text, _ = decode(raw, element.vr, codecs_of(charset))
            return frozenset(SPELLINGS[tells](text))
        is_private = bool(element.tag >> 16 & 1)
        if settled_vr(element.tag, element.vr) != "SQ" and not (is_private and element.vr == "UN"):
            return NOTHING
        try:
            inner, items = reader.items(element)
        except RefusedError:
            return NOTHING
        tokens = NOTHING
        for item in items:
            tokens |= self.find(inner, item, charset_of(inner, item, charset)) - self._known
        return tokens


def charset_of(reader: Reader, elements: list[Element], inherited: bytes) -> bytes:
    """Return the Specific Character Set of a data set or item, its own or its parent's."""
    for element in elements:
        if element.tag == CHARSET:
            return bytes(reader.data[element.start : element.stop])
        if element.tag > CHARSET:
            break
    return inherited
