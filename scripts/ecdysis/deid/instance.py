"""De-identifying one file, from its bytes to the bytes that replace them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ecdysis.deid.actions import Context, code_item
from ecdysis.deid.clean import DatasetCleaner, Part, PrivateTreatment, merged
from ecdysis.deid.editing import texts
from ecdysis.deid.edits import Edit, Edits
from ecdysis.deid.options import BASIC_CODE, CODES
from ecdysis.deid.person import CHARSET, TokenFinder
from ecdysis.deid.pixels import blanked, checked_size, refuse_embedded_overlay
from ecdysis.deid.profile import OVERLAY, Profile
from ecdysis.deid.scrub import Scrubber
from ecdysis.dicom.elements import PIXEL_DATA, Buffer, Element, Encoding
from ecdysis.dicom.encode import element, sequence
from ecdysis.dicom.part10 import DEFLATED, Part10, deflate, meta, open_part10
from ecdysis.dicom.refusals import BURNED_IN, NOT_BLANKED, UNIDENTIFIED, RefusedError, verdict
from ecdysis.dicom.tables import EDITION, sop_classes
from ecdysis.key import Key

SOP_CLASS, SOP_INSTANCE, BURNED = 0x00080016, 0x00080018, 0x00280301
LARGEST_HEADER_VALUE = 256
SHORT_HEADER = 8
UID_FORM = re.compile(r"[0-9.]{1,64}")
OVERLAY_TYPE = 0x0040
LINKED = {0x00100020: "PatientID", 0x0020000D: "StudyInstanceUID", 0x0020000E: "SeriesInstanceUID"}


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
    edits : sequence of Edit
        The rules of the configuration.
    private : callable, optional
        Keeps safe private elements, see `ecdysis.deid.private_elements`.
    known : iterable of str
        Tokens that are searched in the text of every file.
    linked : bool
        Remember originals and pseudonyms in `links`.
    """

    def __init__(
        self,
        profile: Profile,
        key: Key,
        label: str,
        *,
        version: str,
        admit: Iterable[str] = (),
        edits: Sequence[Edit] = (),
        private: PrivateTreatment | None = None,
        known: Iterable[str] = (),
        linked: bool = False,
    ) -> None:
        self.profile, self.key, self.label, self.version = profile, key, label, version
        self.admit, self.edits = frozenset(admit), tuple(edits)
        self._cleaner = DatasetCleaner(profile, private)
        self._tokens = TokenFinder(known)
        self._contexts: dict[tuple[Any, ...], Context] = {}
        self.links: dict[tuple[str, str], str] | None = {} if linked else None
        self._edits: dict[tuple[Edit, ...], Edits] = {}
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
        if not (UID_FORM.fullmatch(sop_class) and UID_FORM.fullmatch(instance)):
            raise RefusedError(UNIDENTIFIED)
        charset = head.get(CHARSET, b"")
        edits = self._active(head, charset)
        self._check(head, sop_class, reader.encoding, edits)
        tokens = self._tokens.find(reader, elements, charset)
        context = self._context(reader.encoding, charset, sop_class, tokens, edits)
        parts = self._cleaner.clean(reader, elements, context)
        if "clean_graphics" in self.profile.options:
            parts = [part for part in parts if not _is_drawing(part[0], head)]
        if self.profile.name != "none":
            own = self._own_elements(reader.encoding)
            parts = merged(parts, [part for part in own if not (edits and edits.touch(part[0]))])
        parts = [
            self._pixels(part10, elements, head, edits) if tag == PIXEL_DATA else (tag, content)
            for tag, content in parts
        ]
        envelope = meta(sop_class, _instance(parts), part10.transfer_syntax, self.version)
        chunks = _joined([content for _, content in parts])
        if part10.transfer_syntax == DEFLATED:
            chunks = [deflate(b"".join(chunks))]
        name = f"{self.key.token('instance', instance, 16)}.dcm"
        if self.links is not None:
            self._link(head, name)
        return Result(name, [envelope, *chunks])

    def _link(self, head: dict[int, bytes], name: str) -> None:
        """Remember which original value stands behind which pseudonym."""
        if self.links is None:
            return
        for tag, word in LINKED.items():
            if original := _uid(head, tag):
                pseudonym = self.label if word == "PatientID" else self.key.uid(original)
                self.links[word, original] = pseudonym
        self.links["SOPInstanceUID", _uid(head, SOP_INSTANCE)] = name

    def summary(self) -> dict[str, Any]:
        """Return what rules the files were cleaned by; nothing that identifies."""
        return {
            "profile": self.profile.name,
            "edition": EDITION,
            "options": sorted(self.profile.options),
            "admitted": sorted(self.admit),
            "edits": [{"select": rule.selector.text, "action": rule.action} for rule in self.edits],
            "overrides": [
                {"select": rule.selector.text, "action": rule.action}
                for rule in self.edits
                if rule.override
            ],
        }

    def _active(self, head: dict[int, bytes], charset: bytes) -> Edits | None:
        if not self.edits:
            return None
        told = texts(head, charset)
        return self._edits.setdefault(
            rules := tuple(rule for rule in self.edits if rule.is_active(told)), Edits(rules)
        )

    def _check(
        self, head: dict[int, bytes], sop_class: str, encoding: Encoding, edits: Edits | None
    ) -> None:
        if self.profile.name == "none":
            return
        reason = verdict(sop_class, sop_classes())
        burned = head.get(BURNED, b"").strip(b"\0 ").upper() == b"YES"
        cleaned = "clean_pixel_data" in self.profile.options and edits and edits.rectangles()
        if reason is None and burned and not cleaned:
            reason = BURNED_IN
        if reason and reason not in self.admit:
            raise RefusedError(reason)
        refuse_embedded_overlay(head, big=encoding.big)

    def _context(
        self,
        encoding: Encoding,
        charset: bytes,
        sop_class: str,
        tokens: frozenset[str],
        edits: Edits | None,
    ) -> Context:
        entry = sop_classes().get(sop_class)
        objects = entry.objects if entry else ""
        key = encoding, charset, objects, tokens, id(edits)
        if key not in self._contexts:
            scrub = Scrubber(() if self.profile.name == "none" else tokens)
            days = self.key.day_shift(self.label)
            self._contexts[key] = Context(
                encoding, charset, objects, scrub, self.key, self.label, days, edits
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

    def _pixels(
        self,
        part10: Part10,
        elements: list[Element],
        head: dict[int, bytes],
        edits: Edits | None,
    ) -> Part:
        """Return the pixel data, without bytes behind the image and blanked where a rule says."""
        pixels = next(element for element in elements if element.tag == PIXEL_DATA)
        data, encoding = part10.reader.data, part10.reader.encoding
        view = memoryview(data)
        whole = PIXEL_DATA, view[pixels.head : pixels.end]
        size = pixels.stop - pixels.start
        rectangles = edits.rectangles() if edits else []
        if pixels.end != pixels.stop:
            if rectangles:
                raise RefusedError(NOT_BLANKED)
            return whole
        if self.profile.name == "none" and not rectangles:
            return whole
        kept = checked_size(head, size, big=encoding.big)
        if kept == size and size % 2 == 0 and not rectangles:
            return whole
        value = bytes(view[pixels.start : pixels.start + kept])
        if rectangles:
            value = blanked(value, head, rectangles, big=encoding.big)
        return PIXEL_DATA, element(encoding, PIXEL_DATA, pixels.vr, value)


def _instance(parts: list[Part]) -> str:
    """Return the SOP Instance UID among cleaned elements, whose header has eight bytes."""
    found = next((content for tag, content in parts if tag == SOP_INSTANCE), b"")
    uid = bytes(found[SHORT_HEADER:]).decode("latin-1").strip("\0 ")
    if not UID_FORM.fullmatch(uid):
        raise RefusedError(UNIDENTIFIED)
    return uid


def _is_drawing(tag: int, head: dict[int, bytes]) -> bool:
    """Tell whether an element belongs to an overlay that is no region of interest."""
    group = tag >> 16
    kind = head.get(group << 16 | OVERLAY_TYPE, b"").strip(b"\0 ")
    return group & 0xFF00 == OVERLAY and kind != b"R"


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
