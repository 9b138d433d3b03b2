"""The files of the suite."""

import io
from collections.abc import Iterator
from struct import pack

from pydicom import Dataset, Sequence, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.canary.builder import (
    ENHANCED_MR,
    MR,
    PIXELS,
    Canaries,
    Case,
    base,
    planted_everywhere,
    written,
)


def table_case(tags: dict[int, str], syntax: UID = ExplicitVRLittleEndian, number: int = 0) -> Case:
    canaries = Canaries(100_000 * number)
    ds = base(canaries)
    planted_everywhere(ds, canaries, tags)
    return Case(f"every attribute, {syntax.name}", written(ds, syntax), canaries.planted)


def nested_case(tags: dict[int, str], depth: int, syntax: UID, number: int) -> Case:
    """Plant inside sequences that stay, `depth` of them."""
    canaries = Canaries(100_000 * number + 10_000 * depth)
    ds = base(canaries)
    inner = Dataset()
    inner.ReferencedSOPClassUID = MR
    planted_everywhere(inner, canaries, tags)
    for _ in range(depth - 1):
        outer = Dataset()
        outer.PurposeOfReferenceCodeSequence = Sequence([inner])
        inner = outer
    ds.ReferencedImageSequence = Sequence([Dataset(), inner])
    name = f"every attribute at depth {depth}, {syntax.name}"
    return Case(name, written(ds, syntax), canaries.planted)


def private_case(syntax: UID, number: int) -> Case:
    canaries = Canaries(100_000 * number + 40_000)
    ds = base(canaries)
    for group, creator in ((0x0019, "SIEMENS MR HEADER"), (0x0043, canaries.word())):
        block = ds.private_block(group, creator, create=True)
        for number, vr in enumerate(
            ("LO", "PN", "DA", "UI", "UT", "OB", "SQ", "UN", "CS"), start=0x60
        ):
            block.add_new(number, vr, canaries.value(vr))
    block.add_new(0x0E, "LO", canaries.word())
    ds.add_new(0x00111001, "LO", canaries.word())
    nested = Dataset()
    nested.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(
        0x10, "OB", b"SV10\4\3\2\1" + canaries.word().encode() + bytes(3)
    )
    ds.AnatomicRegionSequence = Sequence([nested])
    return Case(f"private elements, {syntax.name}", written(ds, syntax), canaries.planted)


def envelope_case() -> Case:
    canaries = Canaries(50_000)
    ds = base(canaries)

    def meta(file_meta: FileMetaDataset) -> None:
        file_meta.SourceApplicationEntityTitle = canaries.word()
        file_meta.SendingApplicationEntityTitle = canaries.word()
        file_meta.ReceivingApplicationEntityTitle = canaries.word()
        file_meta.ImplementationVersionName = canaries.word()
        file_meta.ImplementationClassUID = canaries.uid()
        file_meta.PrivateInformationCreatorUID = canaries.uid()
        file_meta.PrivateInformation = canaries.word().encode()

    preamble = b"".join(canaries.word().encode() for _ in range(12)).ljust(128)[:128]
    data = written(ds, meta=meta, preamble=preamble)
    tail = canaries.word().encode() + bytes(7)
    return Case("preamble, file meta, bytes after the end", data + tail, canaries.planted)


def graphics_case() -> Case:
    canaries = Canaries(55_000)
    ds = base(canaries)
    for group in (0x6000, 0x6002, 0x601E):
        ds.add_new(group << 16 | 0x0010, "US", 8)
        ds.add_new(group << 16 | 0x0011, "US", 8)
        ds.add_new(group << 16 | 0x0040, "CS", "G")
        ds.add_new(group << 16 | 0x0050, "SS", [1, 1])
        ds.add_new(group << 16 | 0x0100, "US", 1)
        ds.add_new(group << 16 | 0x0102, "US", 0)
        for number, vr in ((0x0022, "LO"), (0x1500, "LO"), (0x3000, "OB"), (0x4000, "LT")):
            ds.add_new(group << 16 | number, vr, canaries.value(vr))
    for group in (0x5000, 0x5004):
        for number, vr in ((0x0022, "LO"), (0x2500, "LO"), (0x3000, "OB"), (0x200E, "LT")):
            ds.add_new(group << 16 | number, vr, canaries.value(vr))
    ds.add_new(0x00096677, "LO", canaries.word())
    ds.add_new(0x00186677, "LO", canaries.word())
    ds.add_new(0x00186679, "CS", canaries.word())
    ds.add_new(0x77767778, "PN", canaries.word())
    ds.add_new(0xFFFCFFFC, "OB", canaries.value("OB"))
    return Case("overlays, curves, unknown tags, padding", written(ds), canaries.planted)


def own_name_case(charset: str | list[str], name: str, number: int) -> Case:
    """The patient's name and numbers inside text that stays."""
    canaries = Canaries(60_000 + 100 * number)
    ds = base(canaries)
    ds.SpecificCharacterSet = charset
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = name, "QW-77 4411", "15630411"
    ds.OtherPatientIDs, ds.AccessionNumber = ["ZX998877", "ZX998866"], "ACC0042X"
    surname = name.split("=", maxsplit=1)[0].split("^", maxsplit=1)[0]
    ds.SeriesDescription = f"T1 of {surname} born 11.04.1563"
    ds.ImageComments = f"QW774411 and acc0042x seen {surname}, 4/11/1563"
    ds.SoftwareVersions = ["syngo", f"{surname}", "QW774411"]
    ds.SequenceName = "zx998877"
    ds.InstitutionName = f"Clinic {surname}"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "T-1", "99X"
    item.CodeMeaning = f"Head of {surname}"
    ds.AnatomicRegionSequence = Sequence([item])
    data = written(ds)
    raw = ds["SeriesDescription"].value
    encoded = data[data.index(b"T1 of ") + 6 : data.index(b" born ")]
    assert raw
    forms = [encoded, b"QW-77 4411", b"QW774411", b"15630411", b"11.04.1563", b"4/11/1563"]
    forms += [b"ZX998877", b"ZX998866", b"ACC0042X"]
    return Case(f"own name in {charset}", data, canaries.planted + forms, kept=[b"T1 of", b"syngo"])


def device_case() -> Case:
    """Unknown words and the name of the station in texts about the scanner; a name in numbers."""
    canaries = Canaries(68_000)
    ds = base(canaries)
    ds.PatientName, ds.StationName = "Vandermeulen^Jo", "console2"
    ds.Manufacturer, ds.ManufacturerModelName = f"SIEMENS {canaries.word()}", canaries.word()
    ds.SoftwareVersions, ds.ConvolutionKernel = ["syngo", canaries.word()], canaries.word()
    ds.ReceiveCoilName, ds.TransmitCoilName = f"Head_{canaries.word()}", "Body console2"
    ds.DimensionIndexValues = list(b"Vandermeulen")
    planted = [*canaries.planted, b"console2", b"Vandermeulen"]
    return Case(
        "texts about the scanner", written(ds), planted, kept=[b"SIEMENS", b"syngo", b"Head"]
    )


def name_of_model_case() -> Case:
    """A patient who is called like a scanner, and whose number looks like a version."""
    canaries = Canaries(69_000)
    ds = base(canaries)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID = "Sóla^Käthe", "QX4411"
    ds.ManufacturerModelName, ds.SoftwareVersions = "MAGNETOM Sola", ["syngo", "QX4411"]
    planted = [*canaries.planted, b"Sola", b"QX4411"]
    return Case("own name is a model", written(ds), planted, kept=[b"MAGNETOM", b"syngo"])


CHARSETS: list[tuple[str | list[str], str]] = [
    ("ISO_IR 100", "Grünwälder^Käthe"),
    ("ISO_IR 192", "Grünwälder^Käthe=王^小東"),
    ("GB18030", "王伟明^小东"),
    ("ISO_IR 144", "Люксембург^Роза"),
    (["", "ISO 2022 IR 87"], "山田^太郎"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    (["", "ISO 2022 IR 149"], "김희중^길동"),
    ("ISO_IR 6", "Vandermeulen^Jo"),
]


def un_case() -> Case:
    """Known attributes written as UN, sequences of defined and of undefined length."""
    canaries = Canaries(70_000)
    data = written(base(canaries))
    item = Dataset()
    item.PatientName, item.StudyDate = canaries.word(), canaries.day()
    item.ReferencedSOPInstanceUID, item.AccessionNumber = canaries.uid(), canaries.word()
    stream = io.BytesIO()
    dcmwrite(stream, item, implicit_vr=True, little_endian=True)
    content = stream.getvalue()
    items = pack("<HHI", 0xFFFE, 0xE000, len(content)) + content
    end = pack("<HHI", 0xFFFE, 0xE0DD, 0)
    word = canaries.word().encode()
    junk = canaries.word().encode()
    elements = [
        pack("<HH2sHI", 0x0008, 0x1140, b"UN", 0, len(items)) + items,
        pack("<HH2sHI", 0x0008, 0x2218, b"UN", 0, 0xFFFFFFFF) + items + end,
        pack("<HH2sHI", 0x0008, 0x9215, b"UN", 0, len(junk)) + junk,
        pack("<HH2sHI", 0x0010, 0x0010, b"UN", 0, len(word)) + word,
    ]
    at = data.index(b"\xe0\x7f\x10\x00OW")
    return Case("known as UN", data[:at] + b"".join(elements) + data[at:], canaries.planted)


def wrong_vr_case() -> Case:
    """Text under a VR that the attribute does not have."""
    canaries = Canaries(75_000)
    data = written(base(canaries))
    elements = []
    for tag in (0x00080020, 0x00081190, 0x00082218, 0x00181310, 0x00280106, 0x00280107):
        word = canaries.word().encode()
        elements.append(pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"CS", len(word)) + word)
    at = data.index(b"\xe0\x7f\x10\x00OW")
    return Case("wrong VR", data[:at] + b"".join(elements) + data[at:], canaries.planted)


def syntax_cases() -> Iterator[Case]:
    for number, syntax in enumerate((RLELossless, JPEGBaseline8Bit)):
        canaries = Canaries(80_000 + 1000 * number)
        ds = base(canaries)
        ds.PatientName, ds.StudyDate, ds.ReferringPhysicianAddress = (
            canaries.word(),
            canaries.day(),
            canaries.word(),
        )
        ds.NumberOfFrames = "3"
        frames = [bytes([7, frame]) * 20 for frame in range(3)]
        ds.PixelData = encapsulate(frames)
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
        yield Case(syntax.name, written(ds, syntax), canaries.planted, kept=frames)
    canaries = Canaries(85_000)
    ds = base(canaries, ENHANCED_MR)
    ds.NumberOfFrames, ds.PixelData = "2", PIXELS * 2
    frames_of = []
    for _ in range(2):
        content, frame = Dataset(), Dataset()
        content.FrameAcquisitionDateTime = canaries.day() + "101112"
        content.ReferringPhysicianName, content.FrameReferenceDateTime = (
            canaries.word(),
            canaries.day(),
        )
        frame.FrameContentSequence = Sequence([content])
        frame.private_block(0x2005, canaries.word(), create=True).add_new(
            0x0F, "LO", canaries.word()
        )
        frames_of.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames_of)
    yield Case("multi-frame", written(ds), canaries.planted, kept=[PIXELS])


def headerless_cases() -> Iterator[Case]:
    for number, implicit in enumerate((True, False)):
        canaries = Canaries(88_000 + 1000 * number)
        ds = base(canaries)
        ds.PatientName, ds.AccessionNumber = canaries.word(), canaries.word()
        stream = io.BytesIO()
        dcmwrite(stream, ds, implicit_vr=implicit, little_endian=True)
        yield Case(f"no meta header, implicit {implicit}", stream.getvalue(), canaries.planted)


def set_aside_cases() -> Iterator[Case]:
    classes = {
        "secondary capture": "1.2.840.10008.5.1.4.1.1.7",
        "encapsulated PDF": "1.2.840.10008.5.1.4.1.1.104.1",
        "structured report": "1.2.840.10008.5.1.4.1.1.88.11",
        "presentation state": "1.2.840.10008.5.1.4.1.1.11.1",
        "DICOMDIR": "1.2.840.10008.1.3.10",
    }
    for number, (name, sop_class) in enumerate(classes.items()):
        canaries = Canaries(92_000 + 100 * number)
        ds = base(canaries, sop_class)
        ds.PatientName = canaries.word()
        yield Case(name, written(ds), canaries.planted, passes=False)
    canaries = Canaries(93_000)
    ds = base(canaries)
    ds.BurnedInAnnotation, ds.PatientName = "YES", canaries.word()
    data = written(ds)
    yield Case("burned-in annotation", data, canaries.planted, passes=False)
    del ds.BurnedInAnnotation
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", 12)
    yield Case("overlay in pixels", written(ds), canaries.planted, passes=False)
    canaries = Canaries(94_000)
    clean = written(base(canaries))
    yield Case("truncated", clean[:-40], canaries.planted, passes=False)
    yield Case("truncated header", clean[:300], canaries.planted, passes=False)
    yield Case("no DICOM", b"Dear Dr. Smith, " + canaries.word().encode() * 40, [], passes=False)
    yield Case("empty", b"", [], passes=False)


def pixel_tail_case() -> Case:
    canaries = Canaries(95_000)
    ds = base(canaries)
    ds.PixelData = PIXELS + canaries.word().encode() + b"\0" * 7
    return Case("text behind the pixels", written(ds), canaries.planted, kept=[PIXELS])


def suite(tags: dict[int, str]) -> list[Case]:
    """Return the files; `tags` are the attributes in which values are planted."""
    syntaxes = [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ]
    cases = [table_case(tags, syntax, at) for at, syntax in enumerate(syntaxes)]
    for at, syntax in enumerate(syntaxes[:3]):
        cases += [nested_case(tags, depth, syntax, at) for depth in (1, 2, 3)]
        cases.append(private_case(syntax, at))
    cases += [envelope_case(), graphics_case(), un_case(), wrong_vr_case()]
    cases += [pixel_tail_case(), name_of_model_case(), device_case()]
    cases += [own_name_case(charset, name, at) for at, (charset, name) in enumerate(CHARSETS)]
    return [*cases, *syntax_cases(), *headerless_cases(), *set_aside_cases()]
