"""De-identifying one file, from its bytes to the bytes that replace them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from lib.deid.actions import Context, code_item
from lib.deid.clean import DatasetCleaner, Part, PrivateTreatment, merged
from lib.deid.encode import element, sequence
from lib.deid.identity import CHARSET, TokenFinder
from lib.deid.key import Key
from lib.deid.options import BASIC_CODE, CODES
from lib.deid.parse import PIXEL_DATA, Buffer, Element, Encoding
from lib.deid.part10 import DEFLATED, Part10, deflate, meta, open_part10
from lib.deid.pixels import checked_size, refuse_embedded_overlay
from lib.deid.profile import Profile
from lib.deid.quarantine import BURNED_IN, UNIDENTIFIED, RefusedError, verdict
from lib.deid.scrub import Scrubber
from lib.deid.tables import EDITION, sop_classes

SOP_CLASS, SOP_INSTANCE, BURNED = 0x00080016, 0x00080018, 0x00280301
LARGEST_HEADER_VALUE = 256


class Result(NamedTuple):
    """A de-identified file.

    Parameters
    ----------
    name : str
        File name made from the pseudonym of the instance.
    chunks : list of bytes or memoryview
        The content, in order.
    """

    name: str
    chunks: list[Buffer]


class InstanceCleaner:
    """De-identifies the files of one subject.

    Parameters
    ----------
    profile : Profile
        What happens to each attribute.
    key : Key
        Makes the pseudonyms.
    label : str
        Becomes Patient ID and Patient's Name; dates move by the shift of this label.
    version : str
        Of this program, for the record in each file.
    admit : iterable of str
        Reasons for which a file is not set aside.
    private : callable, optional
        Keeps safe private elements, see `lib.deid.private`.
    known : iterable of str
        Tokens that are searched in the text of every file.
    """

    def __init__(
        self,
        profile: Profile,
        key: Key,
        label: str,
        *,
        version: str,
        admit: Iterable[str] = (),
        private: PrivateTreatment | None = None,
        known: Iterable[str] = (),
    ) -> None:
        self.profile, self.key, self.label, self.version = profile, key, label, version
        self.admit = frozenset(admit)
        self._cleaner = DatasetCleaner(profile, private)
        self._tokens = TokenFinder(known)
        self._contexts: dict[tuple[Encoding, bytes, str, frozenset[str]], Context] = {}
        self._own: dict[Encoding, list[Part]] = {}

    def clean(self, data: Buffer) -> Result:
        """Return what replaces a file.

        Raises
        ------
        RefusedError
            The file must not pass; the reason identifies nobody.
        """
        part10 = open_part10(data)
        reader = part10.reader
        elements = reader.elements(part10.start, part10.stop, top=True)
        head = {
            element.tag: bytes(reader.data[element.start : element.stop])
            if element.stop - element.start <= LARGEST_HEADER_VALUE
            else b""
            for element in reversed(elements)
        }
        sop_class, instance = (_uid(head, tag) for tag in (SOP_CLASS, SOP_INSTANCE))
        if not sop_class or not instance:
            raise RefusedError(UNIDENTIFIED)
        self._check(head, sop_class, reader.encoding)
        charset = head.get(CHARSET, b"")
        tokens = self._tokens.find(reader, elements, charset)
        context = self._context(reader.encoding, charset, sop_class, tokens)
        parts = self._cleaner.clean(reader, elements, context)
        if self.profile.name != "none":
            parts = merged(parts, self._own_elements(reader.encoding))
        parts = [
            self._trimmed(part10, elements, head) if tag == PIXEL_DATA else (tag, content)
            for tag, content in parts
        ]
        keeps_uids = self.profile.name == "none" or "retain_uids" in self.profile.options
        new = instance if keeps_uids else self.key.uid(instance)
        envelope = meta(sop_class, new, part10.transfer_syntax, self.version)
        chunks = _joined([content for _, content in parts])
        if part10.transfer_syntax == DEFLATED:
            chunks = [deflate(b"".join(chunks))]
        return Result(f"{self.key.token('instance', instance, 16)}.dcm", [envelope, *chunks])

    def summary(self) -> dict[str, Any]:
        """Return what rules the files were cleaned by; nothing that identifies."""
        return {
            "profile": self.profile.name,
            "edition": EDITION,
            "options": sorted(self.profile.options),
            "admitted": sorted(self.admit),
        }

    def _check(self, head: dict[int, bytes], sop_class: str, encoding: Encoding) -> None:
        if self.profile.name == "none":
            return
        reason = verdict(sop_class, sop_classes())
        if reason is None and head.get(BURNED, b"").strip(b"\0 ").upper() == b"YES":
            reason = BURNED_IN
        if reason and reason not in self.admit:
            raise RefusedError(reason)
        refuse_embedded_overlay(head, big=encoding.big)

    def _context(
        self, encoding: Encoding, charset: bytes, sop_class: str, tokens: frozenset[str]
    ) -> Context:
        entry = sop_classes().get(sop_class)
        objects = entry.objects if entry else ""
        key = encoding, charset, objects, tokens
        if key not in self._contexts:
            scrub = Scrubber(() if self.profile.name == "none" else tokens)
            days = self.key.day_shift(self.label)
            self._contexts[key] = Context(
                encoding, charset, objects, scrub, self.key, self.label, days
            )
        return self._contexts[key]

    def _own_elements(self, encoding: Encoding) -> list[Part]:
        """Return the elements that say what was done (PS3.15, section E.1.1, step 6)."""
        if encoding not in self._own:
            options = self.profile.options
            times = "REMOVED"
            times = "MODIFIED" if "retain_dates_modified" in options else times
            times = "UNMODIFIED" if "retain_dates_full" in options else times
            method = f"Ecdysis {self.version}, PS3.15 {EDITION} Basic Profile"
            codes = [BASIC_CODE, *sorted(CODES[option] for option in options)]
            items = [code_item(encoding, code, "DCM", meaning) for code, meaning in codes]
            label = self.label.encode("ascii")
            self._own[encoding] = [
                (0x00100010, element(encoding, 0x00100010, "PN", label)),
                (0x00100020, element(encoding, 0x00100020, "LO", label)),
                (0x00120062, element(encoding, 0x00120062, "CS", b"YES")),
                (0x00120063, element(encoding, 0x00120063, "LO", method.encode("ascii"))),
                (0x00120064, sequence(encoding, 0x00120064, items)),
                (0x00280303, element(encoding, 0x00280303, "CS", times.encode("ascii"))),
            ]
        return self._own[encoding]

    def _trimmed(self, part10: Part10, elements: list[Element], head: dict[int, bytes]) -> Part:
        """Return the pixel data without bytes behind the image."""
        pixels = next(element for element in elements if element.tag == PIXEL_DATA)
        data, encoding = part10.reader.data, part10.reader.encoding
        view = memoryview(data)
        size = pixels.stop - pixels.start
        if pixels.end != pixels.stop:
            return PIXEL_DATA, view[pixels.head : pixels.end]
        kept = checked_size(head, size, big=encoding.big)
        if kept == size and size % 2 == 0:
            return PIXEL_DATA, view[pixels.head : pixels.end]
        value = bytes(view[pixels.start : pixels.start + kept])
        return PIXEL_DATA, element(encoding, PIXEL_DATA, pixels.vr, value)


def _uid(head: dict[int, bytes], tag: int) -> str:
    return head.get(tag, b"").decode("latin-1").strip("\0 ")


def _joined(chunks: list[Buffer]) -> list[Buffer]:
    """Return the chunks with every run of small ones made one."""
    result: list[Buffer] = []
    run: list[bytes] = []
    for chunk in chunks:
        if isinstance(chunk, bytes):
            run.append(chunk)
        else:
            result += [b"".join(run), chunk]
            run = []
    return [*result, b"".join(run)]
