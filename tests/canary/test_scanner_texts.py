"""Texts of scanners and of their makers keep no name, in every option set."""

from struct import pack

import pytest
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.profile import ALLOWED_TEXT, CODES_OF_SCHEMES, WORDED
from ecdysis.dicom import siemens
from pydicom import Dataset, Sequence
from pydicom.uid import ImplicitVRLittleEndian

from tests.canary.builder import written
from tests.canary.cleaning import KEY, SETS, cleaned, image, texts
from tests.canary.test_canary import DEFAULT

PROTOCOL = (
    "<XProtocol>\n### ASCCONV BEGIN ###\nsSpecPara.lFinalMatrixSizePhase\t = \t20190314\n"
    'sSpecPara.lFinalMatrixSizeRead\t = \t101112\ntReferenceImage0\t = \t"1.3.12.2.1107.5.2"\n'
    'sWipMemBlock.tFree\t = \t"Quist Weber"\nsWipMemBlock.alFree[3]\t = \t20190314\n'
    "sKSpace.lBaseResolution\t = \t256\n### ASCCONV END ###\n"
)
PRIVATE = [
    (0x0021, "SIEMENS MR SDS 01", 0x19, "OB", PROTOCOL.encode()),
    (0x0019, "GEMS_ACQU_01", 0xA2, "DS", "20190314"),
    (0x0019, "GEMS_ACQU_01", 0xA4, "FL", 20190314.0),
    (0x0019, "GEMS_ACQU_01", 0x9C, "LO", "Weber Jones"),
    (0x0051, "SIEMENS MR HEADER", 0x0F, "LO", "Dr Weber Jones"),
    (0x0051, "SIEMENS MR HEADER", 0x11, "LO", "Weber 20190314"),
    (0x0043, "GEMS_PARM_01", 0x2C, "SS", 1),
    (0x2005, "Philips MR Imaging DD 001", 0x10, "LO", "Weber"),
    (0x0065, "Image Private Header", 0x09, "FD", 20190314.0),
]


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_private_elements_hold_no_text_and_no_date(options: list[str]) -> None:
    ds = image()
    for group, creator, number, vr, value in PRIVATE:
        ds.private_block(group, creator, create=True).add_new(number, vr, value)
    out = cleaned(ds, options)
    private = Dataset()
    for element in out:
        if element.tag.is_private:
            private.add(element)
    text = texts(private)
    words = ("weber", "jones", "quist", "20190314", "101112", "1.3.12")
    assert [word for word in words if word in text] == []
    if "retain_safe_private" in options:
        assert "sKSpace.lBaseResolution\t = \t256" in str(out[0x00211019].value, "latin-1")


@pytest.mark.parametrize(("value", "stays"), [("12345", False), ("23456", True)])
def test_a_technical_text_is_not_the_identifier_alone(value: str, stays: bool) -> None:
    ds = image(PatientID="12345")
    ds.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x9C, "LO", value)
    assert ((0x0019, 0x109C) in cleaned(ds, DEFAULT)) == stays


DEVICE_TEXTS = sorted(ALLOWED_TEXT - WORDED - CODES_OF_SCHEMES)
COIL_LINES = """### ASCCONV BEGIN ###
a[0].tCoilID = ""Oxford_Head_32""
a[0].tElement = ""H1P""
a[1].tElement = ""Anna""
sCoilStringForConversion = ""HE1;ANNA;MARX""
sMeas.tBaselineString = ""N4_VE11C_LATEST_20160120""
sMeas.tMeasuredBaselineString = ""N4_VE11C_Oxford_20160120""
### ASCCONV END ###
"""


@pytest.mark.parametrize("options", SETS.values(), ids=SETS)
def test_texts_about_the_scanner_hold_known_words_only(options: list[str]) -> None:
    ds, item = image(), Dataset()
    for planted in ("Oxford Weber", "Weber_32", "S.M.I.T.H", "14. März 2019", "W e b e r"):
        for target in (ds, item):
            for keyword in DEVICE_TEXTS:
                setattr(target, keyword, f"SIEMENS Head {planted}")
        ds.ReferencedImageSequence = Sequence([item])
        for group, creator, number in ((0x0051, "SIEMENS MR HEADER", 0x0F),
                                       (0x0021, "SIEMENS MR SDI 02", 0x4F)):  # fmt: skip
            ds.private_block(group, creator, create=True).add_new(number, "LO", f"C:32 {planted}")
        out = cleaned(ds, options)
        text = texts(out)
        words = ("oxford", "weber", "s.m.i", "w e b", "14.", "rz 2019")
        assert [word for word in words if word in text] == []
        assert out.Manufacturer == out.ReceiveCoilName == "SIEMENS Head"


def test_names_of_coils_in_headers_of_siemens_hold_known_words_only() -> None:
    fields = [siemens.Field("ImaCoilString", 1, "LO", ["HEA;HEP", "Oxford_Head"])]
    ds = image()
    ds.private_block(0x0021, "SIEMENS MR SDS 01", create=True).add_new(
        0x19, "OB", COIL_LINES.encode()
    )
    header = b"SV10\4\3\2\1" + pack("<ii", 1, 77) + siemens._field_bytes(fields[0])
    ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", header)
    out = cleaned(ds, DEFAULT)
    lines = str(out[0x00211019].value, "latin-1")
    kept = ('""Head_32""', '""H1P""', "N4_VE11C_LATEST_20160120")
    assert [word for word in kept if word not in lines] == []
    assert [word for word in ("Oxford", "Anna", "ANNA", "MARX") if word in lines] == []
    assert siemens.read_csa(out[0x00291010].value)[0].items == ["HEA;HEP", "Head"]


def test_a_large_text_is_no_exception() -> None:
    """In implicit VR a text can be longer than 65,535 bytes."""
    ds = image(SoftwareVersions="syngo " + "Oxford " * 10_000)
    data = written(ds, ImplicitVRLittleEndian)
    result = InstanceCleaner({"options": DEFAULT}, KEY, "sub-01").clean(data)
    assert b"Oxford" not in b"".join(result.chunks)


def test_names_of_coil_elements_and_programs_in_a_protocol_are_searched() -> None:
    lines = [
        '### ASCCONV BEGIN ###',
        'a[1].sCoilElementID.tCoilID = ""HeadNeck_64""',
        'a[2].sCoilElementID.tElement = ""Tim""',
        'tSequenceFileName = ""%CustomerSeq%\\quist_gre""',
        'Ortega.tCoilID = ""Body_18""',
        "alTR[0].Ortega = 12",
        "alTI[0].d4471188 = 12",
        "alTE[4471188] = 12",
        "sGRADSPEC.lOffsetX = 7",
        '### ASCCONV END ###',
    ]  # fmt: skip
    ds = image()
    block = ds.private_block(0x0021, "SIEMENS MR SDS 01", create=True)
    block.add_new(0x19, "OB", "\n".join(lines).encode() + b"\n")
    kept = cleaned(ds, DEFAULT)[block.get_tag(0x19)].value
    assert b"HeadNeck_64" in kept
    assert b"sGRADSPEC.lOffsetX" in kept
    assert [word for word in (b"uist", b"Tim", b"Ortega", b"4471188") if word in kept] == []


@pytest.mark.parametrize("name", SETS)
def test_names_and_numbers_of_scanners_go_from_text(name: str) -> None:
    ds = image(StationName="MRC-712", DeviceSerialNumber="41012", GantryID="console2",
               ReceiveCoilName="Head_MRC712", TransmitCoilName="Body console2",
               SoftwareVersions="V 5.41012", SeriesDescription="T1 console2")  # fmt: skip
    out = cleaned(ds, SETS[name])
    if name != "retain_device":
        text = texts(out)
        assert [word for word in ("mrc", "712", "41012", "console2") if word in text] == []
        assert (out.ReceiveCoilName, out.TransmitCoilName) == ("Head", "Body")


@pytest.mark.parametrize("name", SETS)
def test_words_of_the_institution_go_from_texts_about_the_scanner(name: str) -> None:
    """Also those that a study keeps in descriptions, and short ones like names of coils."""
    ds = image(InstitutionName="Klinikum Larkmoor", InstitutionAddress="UKE, Prisma-Allee 3",
               InstitutionalDepartmentName="Head Imaging", ManufacturerModelName="Prisma Larkmoor",
               ReceiveCoilName="UKE", TransmitCoilName="Head_uke")  # fmt: skip
    out = cleaned(ds, SETS[name], words=["Larkmoor", "uke"])
    if "retain_institution" not in SETS[name]:
        kept = (out.ManufacturerModelName, out.get("ReceiveCoilName"), out.TransmitCoilName)
        assert kept == ("Prisma", "", "Head")


def test_a_station_called_like_its_model_does_not_change_the_model() -> None:
    names = {"Manufacturer": "GE MEDICAL SYSTEMS", "ManufacturerModelName": "DISCOVERY MR750",
             "SoftwareVersions": "24\\LX\\MR Software release:DV24.0_R02_1607.b"}  # fmt: skip
    for station in ("MR750", "DISCOVERY", "MR Software", "Head", "LX", "TRIO-1"):
        out = cleaned(image(StationName=station, DeviceSerialNumber="1607", **names), DEFAULT)
        assert out.ManufacturerModelName == "DISCOVERY MR750"
        assert list(out.SoftwareVersions) == names["SoftwareVersions"].split("\\")
