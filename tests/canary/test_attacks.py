"""Texts, numbers and objects that identify in ways that are easy to miss, in every option set."""

import io
from collections.abc import Callable
from pathlib import Path
from struct import pack, unpack
from typing import Any

import pydicom
import pytest
from ecdysis.audit.index import common_words
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.words import is_coded
from ecdysis.dicom.elements import RefusedError
from ecdysis.dicom.tables import vocabulary
from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from text_unidecode import unidecode

from tests.canary.builder import MR, Case, written
from tests.canary.cleaning import KEY, SETS, cleaned, image, texts
from tests.canary.test_audit import complaint
from tests.canary.test_canary import DEFAULT

NAMES = [
    ("Sørensen^Søren", "Sorensen"), ("Sørensen^Søren", "Soerensen"), ("Wałęsa^Lech", "Walesa"),
    ("Kjær^Ida", "Kjaer"), ("Đặng^Minh", "Dang"), ("Yıldız^Işıl", "YILDIZ"),
    ("Đorđević^Ana", "Dordevic"), ("Ægir^Þór", "Aegir"), ("Strauß^Eva", "Strauss"),
    ("Müller^Uwe", "Muller"), ("Müller^Uwe", "Mueller"), ("Mueller^Uwe", "Müller"),
    ("Yamada^Tarou=山田^太郎=ヤマダ^タロウ", "ﾔﾏﾀﾞ"), ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ"), ("SMITHJOHN", "Smith"),
    ("Bo^Xu", "XuBo"), ("Li^Na", "LiNa"), ("O'Brien^Pat", "OBRIEN"), ("Al-Rashid^Omar", "Alrashid"),
    ("van der Berg^Jan", "vanderberg"), ("Иванов^Пётр", "Петр"), ("Иванов^Пётр", "Ivanov"),
    ("Παπαδόπουλος^Νίκος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"), ("Nguyễn^Thị", "NGUYEN"), ("İnce^Ali", "INCE"),
    ("Straße^Max", "STRASSE"), ("Žižek^Slavoj", "zizek"), ("Garcia Marquez^Gabriel", "GarciaM"),
    ("Œuvrard^Luc", "Oeuvrard"), ("Đorđević^Ana", "Djordjevic"), ("Ångström^Per", "Aangstroem"),
    ("Smith^Bob", "Sm1th"),
]  # fmt: skip
PLACES = ["SeriesDescription", "ProtocolName", "SequenceName", "ImageComments"]


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_a_name_goes_in_every_spelling(options: list[str]) -> None:
    for name, spelled in NAMES:
        ds = image(PatientName=name, **dict.fromkeys(PLACES, f"T1 {spelled} p2"))
        ds.SequenceName = f"ep2d_{spelled}"[:16]
        assert unidecode(spelled).lower() not in texts(cleaned(ds, options)), (name, spelled)


PHRASES = {
    "StudyDescription": "FMRIB Developer^Tim Oakley", "PatientComments": "Wife Maria Bahnhofstr 12",
    "Occupation": "Mayor of Littletown", "MedicalAlerts": "HIV positive Maria",
    "RequestedProcedureDescription": "for Dr. med. Hans Weber", "ReasonForStudy": "by Kowalski",
    "AdmittingDiagnosesDescription": "Glioma; lawyer Kowalski", "Allergies": "Penicillin Maria",
    "PerformedProcedureStepDescription": "Weber 14 Mar 2019", "CommentsOnRadiationDose": "Weber",
    "ContentDescription": "Weber", "AcquisitionProtocolName": "Weber 14mar19",
    "ContactDisplayName": "Weber", "DoseComment": "Weber", "DeviceID": "Littletown 7",
    "ImageComments": "cf. Kowalski, 14. März 2019", "AcquisitionComments": "Oakley 14/3/19",
    "ProtocolName": "T1 Weber 20190314", "SeriesDescription": "T1 Kowalski 14 Mar 2019",
    "SequenceName": "Weber_190314", "FrameComments": "Maria", "DerivationDescription": "by Weber",
    "RescaleType": "by Weber", "ImagedNucleus": "1H Weber", "ContrastBolusAgent": "Weber",
    "ReviewerName": "Weber^H", "TextComments": "Littletown",
}  # fmt: skip
GONE = ("weber", "kowalski", "maria", "littletown", "oakley", "fmrib", "bahnhof", "quist", "zq-77",
        "19310203", "14 mar", "14. m", "14mar", "190314", "14/3")  # fmt: skip
KEPT = {
    "retain_device": ("littletown",),
    "retain_dates_full": ("190314",),
}
"""What an option keeps on purpose: the identifier of the device, and dates as they are."""


@pytest.mark.parametrize("name", SETS)
def test_free_text_and_dates_in_words_go(name: str) -> None:
    text = texts(cleaned(image(**PHRASES), SETS[name]))
    assert [word for word in GONE if word in text and word not in KEPT.get(name, ())] == []


def test_a_description_keeps_its_known_words() -> None:
    ds = image(SeriesDescription="T1 20190314 mprage p2 Weber 1.0mm", ProtocolName="ep2d 64dir")
    out = cleaned(ds, DEFAULT)
    assert (out.SeriesDescription, out.ProtocolName) == ("T1 mprage p2 1.0mm", "ep2d 64dir")
    assert "Weber" in cleaned(ds, DEFAULT, words=["Weber"]).SeriesDescription


CODED = [tag for tag, entry in DicomDictionary.items() if entry[0] == "CS" and tag >> 16 >= 8]
TELLING = [
    "WEBER JONES",
    "KIM LEE",
    "JON_DOE",
    "JONES_WEBER",
    "WEBER 4",
    "MRN 4471188",
    "14_03_2019",
    "T1 2019",
    "W E B E R",
    "J.O.N.E.S",
    "093Y",
    "F093Y",
    "93 yo",
    "M 42 J",
    "81 kg",
    "MAR-14-19",
    "XK7741",
    "TEL 4140",
]


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_a_coded_string_holds_known_words_only(options: list[str]) -> None:
    for planted in TELLING:
        ds, item = image(), Dataset()
        for tag in CODED:
            if tag not in ds:
                item.add(DataElement(tag, "CS", planted))
                ds.add(DataElement(tag, "CS", planted))
        ds.ImageType = ["ORIGINAL", "PRIMARY", planted, "M"]
        ds.ScanOptions = ["SAT_GEMS", "FS", planted]
        ds.ReferencedImageSequence = Sequence([item])
        ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x0B, "CS", planted)
        out = cleaned(ds, options)
        assert planted not in str(out)
        assert list(out.ImageType) == ["ORIGINAL", "PRIMARY", "", "M"]
        assert list(out.ScanOptions)[:2] == ["SAT_GEMS", "FS"]


NO_CODES = ["617-726-2000", "089/41402621", "192.168.1.17", "2019-03-14", "ACC20190001234",
            "DE89370400440532013000", "078-05-1120", "A1234567", "F093Y", "081kg"]  # fmt: skip
CODES_OF_STANDARDS = ["12738006", "900000000000207008", "T-A0100", "18748-4", "C0006104",
                      "P5-09051", "113041", "GO:0005575"]  # fmt: skip


def test_a_code_is_no_number_of_a_person() -> None:
    for code in [*NO_CODES, *CODES_OF_STANDARDS]:
        ds, item = image(), Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodingSchemeVersion = code, "SCT", code
        ds.AnatomicRegionSequence = Sequence([item])
        out = cleaned(ds, DEFAULT).AnatomicRegionSequence[0]
        left = code if code in CODES_OF_STANDARDS else ""
        assert (out.CodeValue, out.CodingSchemeVersion or "") == (left, left)


def test_a_designator_is_no_number() -> None:
    ds, item = image(), Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "113041", "SN41235"
    ds.AnatomicRegionSequence = Sequence([item])
    assert not cleaned(ds, DEFAULT).AnatomicRegionSequence[0].CodingSchemeDesignator


def test_a_word_of_most_headers_stays_in_a_coded_string() -> None:
    terms = vocabulary("term")
    assert [word for word in common_words() - terms if not is_coded(word)] == []


IMAGE_TYPES = [
    "MOSAIC", "DIS3D", "FM4_1", "MFSPLIT", "TRACEW", "COLFA", "CSAPARALLEL", "POSDISP", "COMP_ADAP",
    "FAT_FRACTION", "UNI", "M_FFE", "PHASE MAP", "MODULUS SUBTRACT", "PROJECTION IMAGE", "RELENH",
    "T2_STAR_MAP", "REFORMATTED", "PROPELLER", "VFRAME", "GRID", "MAGNITUDE_IMAGE", "EPI_GEMS",
]  # fmt: skip
"""Values that scanners of several makers write into Image Type and Scan Options."""


def test_image_types_of_scanners_stay() -> None:
    assert [text for text in IMAGE_TYPES if not is_coded(text)] == []


CLASSES = {
    "US": "1.2.840.10008.5.1.4.1.1.6.1", "US of many frames": "1.2.840.10008.5.1.4.1.1.3.1",
    "voice": "1.2.840.10008.5.1.4.1.1.9.4.1", "photograph": "1.2.840.10008.5.1.4.1.1.77.1.4",
    "video": "1.2.840.10008.5.1.4.1.1.77.1.4.1", "hanging": "1.2.840.10008.5.1.4.38.1",
    "raw data": "1.2.840.10008.5.1.4.1.1.66", "private": "1.3.12.2.1107.5.9.1",
    "digital X-ray": "1.2.840.10008.5.1.4.1.1.1.1", "spectroscopy": "1.2.840.10008.5.1.4.1.1.4.2",
}  # fmt: skip
DRAWN: dict[str, dict[str, Any]] = {
    "burned in": {"BurnedInAnnotation": "YES"}, "burned in, small": {"BurnedInAnnotation": "yes "},
    "faces": {"RecognizableVisualFeatures": "YES"},
    "screen save": {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    "conversion": {"ConversionType": "WSD"},
}  # fmt: skip


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_objects_that_nobody_can_vouch_for_are_refused(options: list[str]) -> None:
    for sop_class in CLASSES.values():
        with pytest.raises(RefusedError):
            cleaned(image(SOPClassUID=sop_class), options)
    for values in DRAWN.values():
        with pytest.raises(RefusedError):
            cleaned(image(**values), options)


def _thumbnail(ds: Dataset) -> None:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = MR, "1.2.3.4"
    item.add(DataElement(0x7FE00010, "OB", b"Weber thumbnail!"))
    ds.ReferencedImageSequence = Sequence([item])


def _code(ds: Dataset) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "WEBER7", "99WEBER"
    item.CodeMeaning = "Study of Dr Weber in Littletown"
    ds.AnatomicRegionSequence = Sequence([item])


def _uid_in_text(ds: Dataset) -> None:
    item, uid = Dataset(), "1.2.826.0.1.3680043.8.4711.20190314.815"
    item.CodeValue, item.CodeMeaning = uid, "Head"
    ds.AnatomicRegionSequence = Sequence([item])
    ds.StackID, ds.ReceiveCoilName, ds.SoftwareVersions = f"1 {uid}"[:16], f"HE {uid}", uid


def _institution(ds: Dataset) -> None:
    place = "Wellness Center Littletown"
    ds.InstitutionName, ds.QuadratureReceiveCoil = place, f"NO {place}"
    ds.SoftwareVersions, ds.BodyPartExamined = f"t1 {place} 3d", place.upper()
    ds.Manufacturer = f"{place}_GE MEDICAL SYSTEMS"


def _other_names(ds: Dataset) -> None:
    ds.OtherPatientNames, ds.SeriesDescription = "Birch^Eva", "T1 birch quist"


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
@pytest.mark.parametrize("plant", [_thumbnail, _code, _uid_in_text, _institution, _other_names])
def test_nested_texts_go(plant: Callable[[Dataset], None], options: list[str]) -> None:
    ds = image()
    plant(ds)
    if plant is _institution and "retain_institution" in options:
        return
    text = texts(cleaned(ds, options))
    secrets = ("weber", "littletown", "birch", "quist", "3680043")
    assert [word for word in secrets if word in text] == []


def test_uids_that_no_standard_defines_are_replaced() -> None:
    """UIDs of classes and coding schemes, too, can hold a number of the patient."""
    ds, item, own = image(), Dataset(), "1.2.826.0.1.77120.19310203"
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = own, f"{own}.1"
    ds.ReferencedImageSequence = Sequence([item])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-A0100", "SRT", "Brain"
    code.CodingSchemeUID, code.ContextUID, code.MappingResourceUID = own, own, own
    ds.AnatomicRegionSequence = Sequence([code])
    known = Dataset()
    known.CodeValue, known.CodingSchemeDesignator, known.CodeMeaning = "T-A0100", "SRT", "Brain"
    known.CodingSchemeUID, known.ContextUID = "2.16.840.1.113883.6.96", "1.2.840.10008.6.1.308"
    ds.ViewCodeSequence = Sequence([known])
    result = cleaned(ds, DEFAULT)
    assert "19310203" not in texts(result)
    assert "19310203" in texts(cleaned(ds, ["retain_uids"]))
    kept = result.ViewCodeSequence[0]
    assert (kept.CodingSchemeUID, kept.ContextUID) == (known.CodingSchemeUID, known.ContextUID)


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_offsets_of_frames_hold_no_text(options: list[str]) -> None:
    ds = image()
    ds.add_new(0x7FE00001, "OV", b"Xanthe^Quist \0\0\0")
    ds.add_new(0x7FE00002, "OV", b"visitor ")
    assert "quist" not in texts(result := cleaned(ds, options))
    assert 0x7FE00002 not in result


def test_offsets_of_frames_stay() -> None:
    ds = image()
    ds.add_new(0x7FE00001, "OV", (0).to_bytes(8, "little") + (70_000).to_bytes(8, "little"))
    assert cleaned(ds, DEFAULT)[0x7FE00001].value == ds[0x7FE00001].value


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_lookup_tables_hold_no_text(options: list[str]) -> None:
    ds, item = image(), Dataset()
    item.LUTDescriptor = [8, 0, 16]
    item.add_new(0x00283006, "OW", b"Xanthe^Qui\0\0")
    ds.VOILUTSequence = Sequence([item])
    assert "xanthe" not in texts(cleaned(ds, options))
    item.add_new(0x00283006, "OW", bytes(range(0, 64, 4)))
    assert cleaned(ds, options).VOILUTSequence[0].LUTData == bytes(range(0, 64, 4))


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_what_an_earlier_text_left_behind_a_nul_goes(options: list[str]) -> None:
    """Scanners write buffers of a fixed length."""
    ds = image(PatientName="Quist\0Maria^Kowalski", PatientID="ZQ-77120\0ZZ-4711815")
    old, item = "Hans Weber of Littletown", Dataset()
    kept = {"Manufacturer": "ACME", "ManufacturerModelName": "Model", "SoftwareVersions": "V1",
            "ReceiveCoilName": "HE", "ScanOptions": "FS", "EchoTime": "30.5",
            "SequenceName": "ep2d"}  # fmt: skip
    for target in (ds, item):
        for keyword, value in kept.items():
            tag = tag_for_keyword(keyword)
            data = f"{value}\0{old}".encode()
            data += b" " * (len(data) % 2)
            target[tag] = RawDataElement(
                Tag(tag), dictionary_VR(tag), len(data), data, 0, False, True
            )
    ds.ReferencedImageSequence = Sequence([item])
    ds.TransmitCoilName = "quist zz4711815 T1 kowalski"
    creator = b"SIEMENS MR HEADER\0Maria"
    ds[0x00190010] = RawDataElement(Tag(0x190010), "LO", 24, creator.ljust(24), 0, False, True)
    ds.add_new(0x0019100C, "IS", "1000")
    out = cleaned(ds, options)
    text = texts(out)
    gone = ("weber", "littletown", "kowalski", "4711815", "quist", "maria")
    assert [word for word in gone if word in text] == []
    assert (out.Manufacturer, out.EchoTime, out.ScanOptions) == ("ACME", 30.5, "FS")
    assert (0x0019100C in out) is ("retain_safe_private" in options)


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_arrays_of_numbers_hold_no_text(options: list[str]) -> None:
    ds = image()
    ds.add_new(0x00660016, "OF", b"of the house of Maria in Littletown!")
    assert "littletown" not in texts(cleaned(ds, options))


BORN_S, SCANNED_S = -1_227_916_800, 1_552_521_600
"""The dates of `PERSON` in seconds since 1970."""


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_epochs_go_from_numbers(options: list[str]) -> None:
    places = ("TriggerTime", "FrameReferenceTime", "TemporalResolution", "RepetitionTime",
              "WindowCenter", "DecayFactor", "AcquisitionNumber")  # fmt: skip
    for seconds in (BORN_S, SCANNED_S) if "retain_dates_full" not in options else (BORN_S,):
        for unit in (1, 1000):
            epoch = str(seconds * unit + 7 * unit)
            ds = image(**dict.fromkeys(places, epoch))
            assert epoch not in texts(cleaned(ds, options))


def test_an_age_in_a_description_goes() -> None:
    ds = image(SeriesDescription="T1 mprage 067Y", ProtocolName="t1_44y_3D_p2")
    result = cleaned(ds, DEFAULT)
    assert (result.SeriesDescription, result.ProtocolName) == ("T1 mprage", "t1_3D_p2")


CODES_OF_QUIST = list(b"Xanthe Quist")
SPELLING_ARRAYS = [
    (0x00186060, "FL"), (0x00189182, "FD"), (0x00209157, "UL"), (0x00280106, "SS"),
    (0x00280106, "US"), (0x00281050, "DS"), (0x0018605A, "FL"), (0x00660016, "OF"),
]  # fmt: skip
SPELLING_PRIVATE = [
    (0x0019, "SIEMENS MR HEADER", 0x29, "FD"), (0x0019, "SIEMENS MR HEADER", 0x13, "SL"),
    (0x0043, "GEMS_PARM_01", 0x83, "DS"), (0x0043, "GEMS_PARM_01", 0x2C, "SS"),
]  # fmt: skip


def _numbers(vr: str, codes: list[int]) -> Any:
    if vr == "OF":
        return pack(f"<{len(codes)}f", *codes)
    return [str(code) for code in codes] if vr == "DS" else codes


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_numbers_spell_no_name(options: list[str], tmp_path: Path) -> None:
    """Each number is the code of a character, or the bytes of a number are characters."""
    for tag, vr in SPELLING_ARRAYS:
        ds = image()
        ds.add_new(tag, vr, _numbers(vr, CODES_OF_QUIST))
        assert tag not in cleaned(ds, options), (hex(tag), vr)
        ds.add_new(tag, vr, _numbers(vr, counts := [49, 50, 51, 52, 53]))
        if tag not in (0x00660016, 0x0018605A):
            assert [int(number) for number in cleaned(ds, options)[tag].value] == counts
    packed = list(unpack("<dd", b"XantheQuist12345"))
    private = [(*place, _numbers(place[-1], CODES_OF_QUIST)) for place in SPELLING_PRIVATE]
    for group, creator, number, vr, numbers in [*private, (*SPELLING_PRIVATE[0], packed)]:
        ds = image()
        ds.private_block(group, creator, create=True).add_new(number, vr, numbers)
        cleaner = InstanceCleaner({"options": options}, KEY, "sub-01")
        result = cleaner.clean(data := written(ds))
        made = b"".join(result.chunks)
        assert group << 16 | 0x1000 | number not in pydicom.dcmread(io.BytesIO(made))
        case = Case("numbers", data, [])
        assert complaint(case, made, result.name, options, tmp_path) == ""


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_an_identifier_is_no_direction(options: list[str]) -> None:
    ds = image(PatientID="ZQ-48120077", DiffusionGradientOrientation=[48120077.0, 0.0, 1.0])
    assert "DiffusionGradientOrientation" not in cleaned(ds, options)
    ds.DiffusionGradientOrientation = [0.5, 0.5, 0.70710678]
    assert "DiffusionGradientOrientation" in cleaned(ds, options)


DATES_IN_WORDS = [
    "14. März 2019", "14 Maerz 2019", "14.Mrz.19", "14 mars 2019", "14 marzo 2019", "14 mrt 2019",
    "14 de marzo de 2019", "14 de março de 2019", "14 maart 2019", "2019 März 14", "März 14, 2019",
    "3 févr. 1931", "3er février 1931", "3. Feber 1931", "3 de febrero de 1931", "3 febbraio 1931",
    "3 fev 1931", "3 februari 1931",
]  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_names_in_letters_and_dates_in_words_go(name: str) -> None:
    """Also from what an option keeps, such as the name of the institution and of the station."""
    for planted in (*DATES_IN_WORDS, "Q u i s t", "Q.U.I.S.T", "Q-u-i-s-t", "q_u_i_s_t"):
        is_date = planted in DATES_IN_WORDS
        if is_date and name == "retain_dates_full" and planted.endswith("19"):
            continue
        ds = image(InstitutionName=f"Clinic, {planted}", StationName=planted,
                   EthnicGroup=planted, SeriesDescription=f"T1 {planted}",
                   SoftwareVersions=f"syngo {planted}", ScanOptions=planted.upper(),
                   ImageType=["ORIGINAL", "PRIMARY", planted.upper()])  # fmt: skip
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = planted.replace(" ", "-"), "DCM"
        item.CodeMeaning = f"Head {planted}"
        ds.AnatomicRegionSequence = Sequence([item])
        assert unidecode(planted[:8]).lower() not in texts(cleaned(ds, SETS[name]))
