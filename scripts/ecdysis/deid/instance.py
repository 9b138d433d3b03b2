"""De-identifying one file, from its bytes to the bytes that replace them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ecdysis.deid.actions import Context
from ecdysis.deid.clean import DatasetCleaner, merged, texts
from ecdysis.deid.edits import READMITTING, Edit, Edits, compile_edits
from ecdysis.deid.person import Identity, TokenFinder, unshared_devices
from ecdysis.deid.pixels import (
    NOT_BLANKED,
    blanked,
    checked_size,
    objection,
    refuse_embedded_overlay,
)
from ecdysis.deid.private_elements import Part
from ecdysis.deid.profile import METHOD, OVERLAY, Claims, Profile
from ecdysis.deid.scrub import Scrubber
from ecdysis.deid.words import Words
from ecdysis.dicom.elements import PIXEL_DATA, Buffer, RefusedError, element
from ecdysis.dicom.part10 import DEFLATED, SOP_CLASS, Head, Part10, deflate, meta, open_part10
from ecdysis.dicom.tables import EDITION
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.version import __version__

SOP_INSTANCE = 0x00080018
UNIDENTIFIED = "no SOP class or instance UID"
"""The reason to set a file aside."""

SHORT_HEADER = 8
UID_FORM = re.compile(r"[0-9.]{1,64}")
OVERLAY_TYPE = 0x0040
LINKED = {0x00100020: "PatientID", 0x0020000D: "StudyInstanceUID", 0x0020000E: "SeriesInstanceUID"}


class Result(NamedTuple):
    """A de-identified file."""

    name: str
    """File name made from the pseudonym of the instance."""
    chunks: list[Buffer]
    """The content, in order."""


class InstanceCleaner:
    """De-identifies the files of one subject.

    The `settings` are ``profile`` (``basic``, ``none``); ``options``, ``admit`` and ``words``
    (lists); ``edits``, a list of rules and of names of YAML files that hold such lists; and
    ``linkage_dir`` when originals and pseudonyms are to be remembered in `links`. The study's `key`
    makes the pseudonyms. The subject's `label`, ``sub-01``, becomes Patient ID and Patient's Name;
    dates move by its shift.

    Raises
    ------
    InputError
        An option is unknown or contradicts another, or a rule is wrong.
    """

    def __init__(self, settings: Mapping[str, Any], key: Key, label: str) -> None:
        self.profile = Profile(settings.get("profile", "basic"), settings.get("options", ()))
        self.key, self.label = key, label
        self.admit = {reason.replace("_", " ").lower() for reason in settings.get("admit", ())}
        self.edits = compile_edits(_entries(settings.get("edits", ())), self.profile)
        self.links: dict[tuple[str, str], str] | None = {} if settings.get("linkage_dir") else None
        self._words = Words(str(word) for word in settings.get("words", ()))
        self._cleaner, self._finder = DatasetCleaner(self.profile), TokenFinder()
        self._claims = Claims(self.profile, label)
        self._contexts: dict[tuple[object, ...], Context] = {}
        self._edits: dict[tuple[Edit, ...], Edits] = {}

    @property
    def identity(self) -> Identity:
        """The identity of the patient."""
        return self._finder.identity

    def searched(self) -> list[tuple[str, str]]:
        """Return the searched parts of the identity under the options, in a fixed order."""
        kinds = {"token", "born"}
        options = self.profile.options
        if "retain_institution" not in options:
            kinds |= {"place", "site"}
        if "retain_dates_full" not in options:
            kinds.add("day")
            if "retain_dates_modified" not in options:
                kinds.add("time")
        found = {entry for entry in self.identity if entry[0] in kinds}
        if "retain_device" not in options:
            found |= {("device", name) for name in unshared_devices(self.identity)}
        return sorted(found)

    def learn(self, data: Buffer) -> Part10:
        """Collect what identifies the patient in a file, to be searched in all files.

        Raises
        ------
        RefusedError
            The file cannot be read.
        """
        file = open_part10(data)
        self._learn(file)
        return file

    def clean(self, content: Buffer | Part10) -> Result:
        """Return the de-identified form of a file.

        The `content` is the bytes of the file, or what `learn` returned for it.

        Raises
        ------
        RefusedError
            The file must not pass; the reason does not identify anyone.
        """
        file = content if isinstance(content, Part10) else open_part10(content)
        for tag in (SOP_CLASS, SOP_INSTANCE):
            if not UID_FORM.fullmatch(file.head.text(tag)):
                raise RefusedError(UNIDENTIFIED)
        edits = self._active(file)
        is_admitted = self._refuse(file, edits)
        if file is not content:
            self._learn(file)
        context = self._context(file, edits)
        parts = self._treated(file, context, is_admitted=is_admitted)
        parts = [
            self._pixels(file, edits) if tag == PIXEL_DATA else (tag, content)
            for tag, content in parts
        ]
        return self._enveloped(file, parts)

    def summary(self) -> dict[str, Any]:
        """Return the rules by which the files were cleaned; nothing that identifies."""
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

    def _learn(self, file: Part10) -> None:
        if self.profile.name != "none":
            self._finder.learn(file.reader, file.elements, file.charset)

    def _active(self, file: Part10) -> Edits | None:
        if not self.edits:
            return None
        head = texts(file.head, file.charset)
        rules = tuple(rule for rule in self.edits if rule.is_active(head))
        return self._edits.setdefault(rules, Edits(rules))

    def _refuse(self, file: Part10, edits: Edits | None) -> bool:
        """Raise the reason to set a file aside; return whether the settings admit such a file."""
        if self.profile.name == "none":
            return False
        is_blanked = "clean_pixel_data" in self.profile.options and edits and edits.rectangles()
        reason = objection(file.head, blanked=bool(is_blanked))
        if reason and reason.lower() not in self.admit:
            raise RefusedError(reason)
        refuse_embedded_overlay(file.head, big=file.reader.encoding.big)
        return reason is not None

    def _context(self, file: Part10, edits: Edits | None) -> Context:
        encoding, charset, objects = file.reader.encoding, file.charset, file.objects
        key = encoding, charset, objects, self.identity, id(edits)
        if key not in self._contexts:
            scrub, days = self._scrubber(), self.key.day_shift(self.label)
            self._contexts[key] = Context(
                encoding, charset, objects, scrub, self._words, self.key, self.label, days,
                edits,
            )  # fmt: skip
        return self._contexts[key]

    def _scrubber(self) -> Scrubber:
        kinds: dict[str, list[str]] = defaultdict(list)
        for kind, text in self.searched():
            kinds[kind].append(text)
        days = [*kinds["born"], *kinds["day"]]
        tokens = [*kinds["token"], *kinds["place"]]
        return Scrubber(tokens, days, kinds["time"], kinds["device"], kinds["site"])

    def _treated(self, file: Part10, context: Context, *, is_admitted: bool) -> list[Part]:
        """Return the tags and bytes of all elements of the result but for the pixels'."""
        reader, edits = file.reader, context.edits
        parts = self._cleaner.clean(reader, file.elements, context)
        if "clean_graphics" in self.profile.options:
            parts = [part for part in parts if not _is_drawing(part[0], file.head)]
        if self.profile.name == "none":
            return parts
        overridden = any(
            rule.override and rule.action in READMITTING for rule in (edits.rules if edits else ())
        )
        own = self._claims.elements(
            reader.encoding,
            file.head.text(METHOD),
            context.scrub,
            exceptions=is_admitted or overridden,
            blanked=bool(edits and edits.rectangles()),
        )
        return merged(parts, [part for part in own if not (edits and edits.touch(part[0]))])

    def _pixels(self, file: Part10, edits: Edits | None) -> Part:
        """Return the pixel data without bytes after the image; a rule may blank parts of it."""
        pixels = next(element for element in file.elements if element.tag == PIXEL_DATA)
        data, encoding = file.reader.data, file.reader.encoding
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
        kept = checked_size(file.head, size, big=encoding.big)
        if kept == size and size % 2 == 0 and not rectangles:
            return whole
        value = bytes(view[pixels.start : pixels.start + kept])
        if rectangles:
            value = blanked(value, file.head, rectangles, big=encoding.big)
        return PIXEL_DATA, element(encoding, PIXEL_DATA, pixels.vr, value)

    def _enveloped(self, file: Part10, parts: list[Part]) -> Result:
        """Return the file: preamble, file meta information and data set."""
        syntax = file.transfer_syntax
        envelope = meta(file.head.text(SOP_CLASS), _instance(parts), syntax, __version__)
        chunks = _joined([content for _, content in parts])
        if syntax == DEFLATED:
            chunks = [deflate(b"".join(chunks))]
        name = f"{self.key.token('instance', file.head.text(SOP_INSTANCE), 16)}.dcm"
        if self.links is not None:
            self._link(file.head, name)
        return Result(name, [envelope, *chunks])

    def _link(self, head: Head, name: str) -> None:
        """Remember which original value belongs to which pseudonym."""
        if self.links is None:
            return
        for tag, word in LINKED.items():
            if original := head.text(tag):
                pseudonym = self.label if word == "PatientID" else self.key.uid(original)
                self.links[word, original] = pseudonym
        self.links["SOPInstanceUID", head.text(SOP_INSTANCE)] = name


def _entries(edits: Iterable[Any]) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = []
    for entry in edits:
        if isinstance(entry, str):
            entries += _read(Path(entry))
        elif isinstance(entry, Mapping):
            entries.append(entry)
        else:
            raise InputError(
                "deid.edits", f"{entry!r} is not a rule", "Give rules, or names of YAML files"
            )
    return entries


def _read(path: Path) -> list[Mapping[str, Any]]:
    from ecdysis.yaml_files import read_yaml

    content = read_yaml(path)
    if not isinstance(content, list) or not all(isinstance(item, Mapping) for item in content):
        raise InputError(path, "it does not hold a list of rules", "Write one `- select: ...` each")
    return content


def _instance(parts: list[Part]) -> str:
    """Return the SOP Instance UID among cleaned elements, whose header has eight bytes."""
    found = next((content for tag, content in parts if tag == SOP_INSTANCE), b"")
    uid = bytes(found[SHORT_HEADER:]).decode("latin-1").strip("\0 ")
    if not UID_FORM.fullmatch(uid):
        raise RefusedError(UNIDENTIFIED)
    return uid


def _is_drawing(tag: int, head: Head) -> bool:
    """Return whether an element belongs to an overlay that is not a region of interest."""
    group = tag >> 16
    kind = head.get(group << 16 | OVERLAY_TYPE, b"").strip(b"\0 ")
    return group & 0xFF00 == OVERLAY and kind != b"R"


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
