"""Collect what identifies persons in a file, to be searched in its kept text."""

import re

from ecdysis.deid.scrub import device_tokens, id_tokens, name_tokens, place_tokens, site_words
from ecdysis.dicom.elements import Element, Encoding, Reader, RefusedError
from ecdysis.dicom.tables import attributes, settled_vr
from ecdysis.dicom.text import codecs_of, decode

LARGEST_REMEMBERED = 4096
LARGEST_TELLING = 4096
"""Bytes of an identifying value that are read."""

DEVICES = (0x00081010, 0x00181000, 0x00181003, 0x00181004, 0x00181008, 0x0018700A, 0x00400010,
           0x00400242)  # fmt: skip
"""Station names, serial number, and identifiers of device, plate, gantry and detector."""

MODELS = (0x00080070, 0x00081090, 0x00181020)
"""Manufacturer, model and software, by which some stations are called."""


def model_texts(value: str) -> set[str]:
    """Return the texts that name a scanner's maker, model and software."""
    return {part.strip() for part in value.split("\\")}


SPELLINGS = {
    "name": name_tokens,
    "id": id_tokens,
    "place": place_tokens,
    "device": device_tokens,
    "model": model_texts,
}
NOTHING: frozenset[tuple[str, str]] = frozenset()

Identity = frozenset[tuple[str, str]]
"""What identifies a patient: pairs of a kind and a text.

The kinds are ``token``, ``place``, ``site`` (a word of a place), ``device``, ``model``, ``born``
and ``day`` (YYYYMMDD), and ``time``.
"""

DATED = ("DA", "DT", "TM")
LOOKED_INTO = ("PN", "SQ", "UN", *DATED)


class TokenFinder:
    """Finds identifying tokens and dates at every depth; equal elements are searched once.

    `identity` is what was learned until now.
    """

    def __init__(self) -> None:
        self.identity: Identity = NOTHING
        self._tells = {tag: row.tells for tag, row in attributes().items() if row.tells != "-"}
        self._tells |= dict.fromkeys(DEVICES, "device") | dict.fromkeys(MODELS, "model")
        self._seen: set[tuple[bytes, Encoding, bytes]] = set()

    def learn(self, reader: Reader, elements: list[Element], charset: bytes) -> None:
        """Add the identity in a data set whose Specific Character Set is `charset`."""
        for tag, vr, head, start, stop, end in elements:
            if start == stop or not (vr in LOOKED_INTO or tag in self._tells):
                continue
            is_short = end - head <= LARGEST_REMEMBERED
            key = charset, reader.encoding, bytes(reader.data[head:end]) if is_short else b""
            if key in self._seen:
                continue
            element = Element(tag, vr, head, start, stop, end)
            identity = self._of_element(reader, element, charset)
            if not identity <= self.identity:
                self.identity |= identity
            if is_short:
                self._seen.add(key)

    def _find(self, reader: Reader, elements: list[Element], charset: bytes) -> Identity:
        identities = (
            self._of_element(reader, element, charset)
            for element in elements
            if element.start != element.stop
            and (element.vr in LOOKED_INTO or element.tag in self._tells)
        )
        return NOTHING.union(*identities)

    def _of_element(self, reader: Reader, element: Element, charset: bytes) -> Identity:
        vr = settled_vr(element.tag, element.vr)
        kind = self._tells.get(element.tag) or ("name" if element.vr == "PN" else None)
        if kind is not None or vr in DATED:
            raw = bytes(reader.data[element.start : element.stop][:LARGEST_TELLING]).rstrip(b"\0 ")
            text, _ = decode(raw.replace(b"\0", b"\\"), element.vr, codecs_of(charset))
            if kind == "date":
                return frozenset([("born", _day_digits(text))])
            if kind == "place":
                sites = {("site", word) for word in site_words(text)}
                return frozenset({("place", name) for name in SPELLINGS[kind](text)} | sites)
            if kind is not None:
                pair = kind if kind in ("device", "model") else "token"
                return frozenset((pair, token) for token in SPELLINGS[kind](text))
            moments = [moment.strip() for moment in text.split("\\") if moment.strip()]
            if vr == "TM":
                return frozenset(("time", re.sub(r"\D", "", moment)[:6]) for moment in moments)
            return frozenset(("day", _day_digits(moment)) for moment in moments)
        is_private = bool(element.tag >> 16 & 1)
        if vr != "SQ" and not (is_private and element.vr == "UN"):
            return NOTHING
        try:
            inner, items = reader.items(element)
        except RefusedError:
            return NOTHING
        return NOTHING.union(
            *(self._find(inner, item, inner.charset(item, charset)) for item in items)
        )


def unshared_devices(identity: Identity) -> set[str]:
    """Return the devices in an identity but for those that are called like their model."""
    models = [_spaced(text) for kind, text in identity if kind == "model"]
    devices = {text for kind, text in identity if kind == "device"}
    return {name for name in devices if not any(_spaced(name) in model for model in models)}


def _spaced(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text.lower()), ""])


def _day_digits(moment: str) -> str:
    return moment.replace(".", "")[:8]
