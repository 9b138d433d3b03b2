"""The suite notices when any single rule of the cleaner is switched off."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from ecdysis.deid import actions, clean, instance, person, pixels, profile, scrub
from ecdysis.deid.actions import Context
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.words import Words
from ecdysis.dicom import elements
from ecdysis.dicom.elements import Element, Reader, RefusedError
from ecdysis.dicom.tables import attributes
from pydicom.uid import ExplicitVRLittleEndian

from tests.canary.builder import Case, leaks
from tests.canary.cases import table_case
from tests.canary.test_canary import KEY, OPTIONS, cases, planted_tags

OFF: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {}
"""Rule -> (options under which it works, how it is switched off)."""


def rule(name: str, options: str = "basic") -> Callable[..., None]:
    def register(switch: Callable[[pytest.MonkeyPatch], None]) -> None:
        OFF[name] = options, switch

    return register


def raw(reader: Reader, element: Element) -> bytes:
    return bytes(reader.data[element.head : element.end])


@rule("sequences are entered")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        clean.DatasetCleaner, "_items", lambda self, reader, element, *rest: raw(reader, element)
    )


@rule("private elements are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    decide = profile.Profile._decide
    patch.setattr(
        profile.Profile,
        "_decide",
        lambda self, tag, vr, objects: "keep" if tag >> 16 & 1 else decide(self, tag, vr, objects),
    )


@rule("safe private elements are known by creator", "default")
def _(patch: pytest.MonkeyPatch) -> None:
    from ecdysis.deid import private_elements

    class Anyone(dict[object, object]):
        def get(self, key: object, default: object = None) -> object:
            return private_elements.PrivateElement("LO", "code")

    patch.setattr(private_elements, "private_elements", Anyone)
    patch.setattr(private_elements, "is_coded", lambda text: True)


@rule("safe private structures are made anew", "default")
def _(patch: pytest.MonkeyPatch) -> None:
    from ecdysis.deid import private_elements

    patch.setattr(
        private_elements,
        "REMAKERS",
        dict.fromkeys(private_elements.REMAKERS, lambda value, accept: value),
    )


@rule("the preamble is zeroed")
def _(patch: pytest.MonkeyPatch) -> None:
    with_input(patch, lambda data, result: [data[:128], b"".join(result)[128:]])


@rule("file meta is made anew")
def _(patch: pytest.MonkeyPatch) -> None:
    with_input(patch, lambda data, result: [bytes(128), data[128:700], *result])


@rule("bytes behind the data set are dropped")
def _(patch: pytest.MonkeyPatch) -> None:
    with_input(patch, lambda data, result: [*result, data[-20:]])


def with_input(
    patch: pytest.MonkeyPatch, change: Callable[[bytes, list[bytes]], list[bytes]]
) -> None:
    cleaned = instance.InstanceCleaner.clean

    def mutated(self: instance.InstanceCleaner, data: bytes) -> instance.Result:
        result = cleaned(self, data)
        return result._replace(chunks=change(data, [bytes(part) for part in result.chunks]))

    patch.setattr(instance.InstanceCleaner, "clean", mutated)


@rule("bytes behind the pixels are dropped")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(instance, "checked_size", lambda header, size, *, big: size)


@rule("burned-in annotation is set aside")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pixels, "BURNED", 0)


@rule("kinds of objects are set aside")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pixels, "_class_problem", lambda sop_class, classes: None)


@rule("overlays in pixels are set aside")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(instance, "refuse_embedded_overlay", lambda header, *, big: None)


@rule("overlays are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(profile, "OVERLAY", -1)
    patch.setattr(profile, "DENIED_VRS", set())


@rule("curves are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(profile, "CURVE", -1)
    # Arrays of numbers that are text are removed, too.
    patch.setattr(actions, "ARRAY_VRS", frozenset())


@rule("unknown tags are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(profile, "vr_of", lambda tag: "CS")
    patch.setattr(actions, "is_coded", lambda text: True)


@rule("a value that is not what the dictionary says is removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clean, "settled_vr", lambda tag, written: written)
    # The words of a coded string are looked at, too.
    patch.setattr(actions, "is_coded", lambda text: True)


@rule("UIDs that the table leaves out are keyed")
def _(patch: pytest.MonkeyPatch) -> None:
    unlisted = profile.Profile._unlisted

    def kept(self: profile.Profile, tag: int, vr: str) -> str:
        action = unlisted(self, tag, vr)
        return "keep" if action == "uid" else action

    patch.setattr(profile.Profile, "_unlisted", kept)


@rule("dates that the table leaves out are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(profile.Profile, "_unlisted_date", lambda self, vr: "keep")


@rule("names are searched in text", "descriptors")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(person.SPELLINGS, "name", lambda value: set())


@rule("identifiers are searched in text", "descriptors")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(person.SPELLINGS, "id", lambda value: set())


@rule("names and numbers of stations are searched in text")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(person.SPELLINGS, "device", lambda value: set())


@rule("numbers that spell a name are removed")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scrub.Scrubber, "is_spelled_by", lambda self, numbers: False)


@rule("texts about the scanner keep known words")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Words, "_of_device", lambda self, text: text)


@rule("character sets are read", "institution")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        actions, "decode", lambda value, vr, codecs: (value.decode("latin-1"), ("latin-1",))
    )


@rule("sequences written as UN are read")
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        clean, "settled_vr", lambda tag, written: "OW" if written == "UN" else settled(tag, written)
    )
    patch.setattr(actions, "ARRAY_VRS", frozenset())


settled = clean.settled_vr

for _group in profile.DENIED_GROUPS:

    @rule(f"group {_group:04x} is denied")
    def _(patch: pytest.MonkeyPatch, group: int = _group) -> None:
        patch.delitem(profile.DENIED_GROUPS, group)
        patch.setattr(profile, "DENIED_VRS", set())


for _vr in ("PN", "UR", "UT", "LT", "ST", "OB"):

    @rule(f"{_vr} that the table leaves out is denied")
    def _(patch: pytest.MonkeyPatch, vr: str = _vr) -> None:
        patch.setattr(profile, "DENIED_VRS", profile.DENIED_VRS - {vr})
        patch.setattr(person, "SPELLINGS", dict.fromkeys(person.SPELLINGS, lambda text: set()))


@cache
def built(options: str) -> list[Case]:
    return cases(options)


def cleaner_of(options: str) -> instance.InstanceCleaner:
    return InstanceCleaner({"options": OPTIONS[options]}, KEY, "sub-01")


def noticed(options: str) -> Iterator[str]:
    """Yield the cases in which the suite sees a fault."""
    cleaner = cleaner_of(options)
    for case in built(options):
        try:
            data = b"".join(cleaner.clean(case.data).chunks)
        except RefusedError:
            if case.passes:
                yield case.name
            continue
        if not case.passes or leaks(data, case.planted):
            yield case.name


@pytest.mark.parametrize("name", OFF)
def test_every_rule_is_watched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options, switch = OFF[name]
    switch(monkeypatch)
    assert next(noticed(options), None), f"nothing in the suite needs: {name}"


def test_every_row_of_the_table_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    # Codes in sequences are coded strings, too, and arrays that are text are removed.
    monkeypatch.setattr(actions, "is_coded", lambda text: True)
    monkeypatch.setattr(actions, "ARRAY_VRS", frozenset())
    tags = {tag: vr for tag, vr in planted_tags().items() if tag in attributes()}
    case = table_case(tags, ExplicitVRLittleEndian)
    reader = elements.Reader(case.data, elements.Encoding(implicit=False, big=False))
    start = 144 + int.from_bytes(case.data[140:144], "little")
    dataset = reader.elements(start, len(case.data), top=True)
    unsearched = scrub.Scrubber(())
    unseen = []
    for element in dataset:
        # Time zones have a form of their own; ages and single numbers cannot be unique.
        if element.tag not in tags or element.tag == 0x00080201 or element.vr in ("AS", "US"):
            continue
        cleaner = clean.DatasetCleaner(profile.Profile())
        cleaner.profile._known[element.tag, element.vr, "classic"] = (
            "items" if element.vr == "SQ" else "keep"
        )
        context = Context(reader.encoding, b"", "classic", unsearched, Words(), KEY, "sub-01", -1,
                          memory={})  # fmt: skip
        [(_, content)] = cleaner.clean(reader, [element], context) or [(0, b"")]
        if not leaks(bytes(content), case.planted):
            unseen.append(f"{element.tag:08x} {element.vr}")
    assert unseen == []
