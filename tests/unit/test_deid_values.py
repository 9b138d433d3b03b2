"""Values that replace values, and the search for the person in text."""

import re

import pytest
from ecdysis.deid.actions import DUMMIES, FORMS, capped_age, is_valid, shifted, without_remains
from ecdysis.deid.scrub import Scrubber, date_tokens, id_tokens, name_tokens, place_tokens
from ecdysis.deid.words import Words
from ecdysis.dicom.text import codecs_of, decode, encode


@pytest.mark.parametrize(
    ("age", "capped"),
    [(b"089Y", b"089Y"), (b"090Y", b"090Y"), (b"101Y", b"090Y"), (b"999M", b"999M"),
     (b"42", b""), (b"JOHN", b""), (b"", b""), (b"003W ", b"003W")],
)  # fmt: skip
def test_ages_above_89_are_one(age: bytes, capped: bytes) -> None:
    assert capped_age(age) == capped


@pytest.mark.parametrize(
    ("vr", "value", "moved"),
    [
        ("DA", b"20200301", b"20200229"),
        ("DA", b"20200101\\20200102 ", b"20191231\\20200101"),
        ("DA", b"2020.03.01", b"2020.02.29"),
        ("DA", b"JOHNSON ", b""),
        ("DA", b"20201345", b""),
        ("DA", b"", b""),
        ("DT", b"20200301101112.123456+0100", b"20200229101112.123456"),
        ("DT", b"202003", b"202003"),
        ("DT", b"2020", b"2020"),
        ("DT", b"00010101", b""),
    ],
)
def test_dates_move_by_days(vr: str, value: bytes, moved: bytes) -> None:
    assert shifted(vr, value, -1) == moved


@pytest.mark.parametrize(
    ("vr", "value", "left"),
    [
        ("LO", b"Prisma\0Weber", b"Prisma"),
        ("DS", b"1.5\0old\\2 \0", b"1.5\\2 "),
        ("CS", b"ORIGINAL\0\0", b"ORIGINAL\0\0"),
        ("OB", b"\1\0\2", b"\1\0\2"),
    ],
)
def test_what_follows_a_nul_is_cut(vr: str, value: bytes, left: bytes) -> None:
    assert without_remains(vr, value) == left


def test_dummies_are_valid() -> None:
    assert [vr for vr, value in DUMMIES.items() if not is_valid(vr, value)] == []
    assert FORMS.keys() <= DUMMIES.keys()


@pytest.mark.parametrize(
    ("vr", "value"), [("DS", b"SMITH"), ("IS", b"12a"), ("DA", b"2020-01-01"), ("TM", b"noon"),
                      ("UI", b"1.2.x"), ("AS", b"42"), ("US", b"abc"), ("DT", b"x")]
)  # fmt: skip
def test_text_in_the_place_of_numbers_is_seen(vr: str, value: bytes) -> None:
    assert not is_valid(vr, value)


def test_name_tokens_leave_out_titles_and_initials() -> None:
    assert name_tokens("O'Neil-Brown^Mary Ann^J^Dr^PhD=王^小東") >= {
        "Neil", "Brown", "Mary", "Ann", "王", "小東", "王小東",
    }  # fmt: skip
    assert "J" not in name_tokens("Brown^Mary^J")
    assert name_tokens("Anonymous^^^Mr") == set()


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("Kreuzberg Infirmary", {"Kreuzberg Infirmary"}),
        ("Magdeburg", {"Magdeburg"}),
        ("GE MEDICAL SYSTEMS", set()),
        ("SIEMENS", set()),
        ("MRI 3T", set()),
        ("Head", set()),
    ],
)
def test_places_are_whole_names_that_are_no_imaging_terms(value: str, tokens: set[str]) -> None:
    assert place_tokens(value) == tokens


def test_id_tokens() -> None:
    assert id_tokens("02\\AB-12 34\\7") == {"AB-12 34", "AB1234"}


SPELLINGS = ["19630411", "1963-04-11", "11.4.1963", "04/11/1963", "4/11/63", "11 Apr 1963",
             "11-04-63", "1963_04_11", "11 04 1963"]  # fmt: skip


@pytest.mark.parametrize("text", [*SPELLINGS, "April 11, 1963", "11-APR-1963", "110463"])
def test_dates_are_found_in_usual_spellings(text: str) -> None:
    scrub = Scrubber(date_tokens("19630411"))
    assert scrub(f"born {text} here") == "born here"


def test_an_identifier_of_which_one_digit_is_left_is_not_searched() -> None:
    """Characters that stand for no letter vanish when text is compared."""
    text = "SE 1 of 7, version 0.1.0"
    assert Scrubber(["1\x80", "\x807\x81"])(text) == text


BORN_S, SCANNED_S = -212_025_600, 1_552_521_600
"""1963-04-14 and 2019-03-14 in seconds since 1970."""


@pytest.mark.parametrize("scale", [1, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("epoch", [BORN_S, SCANNED_S])
def test_an_epoch_of_the_patient_is_a_secret(epoch: int, scale: int) -> None:
    scrub = Scrubber([], ["19630414", "20190314"])
    for seconds in (0, 36_127, 3600 * 23, -3600 * 8):
        assert scrub.is_secret(str((epoch + seconds) * scale))
        assert not scrub.is_secret(str((epoch + seconds + 86_400 * 4) * scale))
    text = f"v 1 {(abs(epoch) + 4000) * scale}"
    assert (scrub(text) == "v 1") is (epoch > 0)


@pytest.mark.parametrize("number", ["20190314101213", "201903141012", "2019031423.5"])
def test_a_date_before_a_time_of_day_is_a_secret(number: str) -> None:
    assert Scrubber([], ["20190314"]).is_secret(number)
    assert not Scrubber([], ["20190315"]).is_secret(number)
    assert Scrubber([], ["20190314"])(f"v 1 {number.split('.', maxsplit=1)[0]}") == "v 1"
    assert not Scrubber([], ["20190314"]).is_secret("2019031430")


def test_numbers_of_images_are_no_secrets() -> None:
    """Times in milliseconds, doses in becquerel, and short or round identifiers."""
    scrub = Scrubber(["123456", "370000000", "00190314"], ["19700105", "19870621", "20190314"])
    for number in ("518400", "86400000", "551300000", "123456", "370000000", "190314", "0", "1e38"):
        assert not scrub.is_secret(number)
    assert scrub.is_secret("14032019")
    assert Scrubber(["0012345678"]).is_secret("12345678")


def test_the_number_in_an_identifier_is_a_secret() -> None:
    scrub = Scrubber(id_tokens("MRN-0048-8123-77"))
    for spelled in ("mrn 0048 8123 77", "0048-8123-77", "mrn00488123-77", "MRN-0048/812377"):
        assert scrub(f"T1 {spelled} p2").lower() in ("t1 p2", "t1 mrn p2")
    assert scrub.is_secret("48812377")
    assert scrub("coil 48812377 T1") == "coil T1"


@pytest.mark.parametrize(("name", "text"), [("陈^美玲", "HE Chen"), ("김^민준", "HE Minjun")])
def test_a_name_in_ideographs_is_searched_in_latin_letters(name: str, text: str) -> None:
    assert Scrubber(name_tokens(name)).technical(text) == "HE"


def test_a_version_with_the_digits_of_a_short_date_stays() -> None:
    scrub = Scrubber(date_tokens("20090201"))
    assert scrub("release 11.2.09 1.2.09.4") == "release 11.2.09 1.2.09.4"


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Smith^Jo", "T1 SMITH 2", "T1 2"),
        ("Smith^Jo", "T1_smithjo_2", "T1__2"),
        ("Smith^Jo", "Major Jo", "Major"),
        ("Müller^Käthe", "MULLER Kaethe Müller mueller", ""),
        ("Li^Wei", "Li_2 Lithium weight", "2 Lithium weight"),
        ("王伟明", "头部 王伟明 T1", "头部 T1"),
        ("Smith", "SmSmithith", ""),
    ],
)
def test_names_are_removed(name: str, text: str, left: str) -> None:
    assert Scrubber(name_tokens(name))(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("T1 20190314", "T1"),
        ("T1 Dr. Brown 0511-123456 a@b.de 3.4.2020", "T1"),
        ("t1_mprage_sag_p2_iso 1.0mm TE2.98", "t1_mprage_sag_p2_iso 1.0mm TE2.98"),
        ("ep2d_diff_64dir_b1000 3D", "ep2d_diff_64dir_b1000 3D"),
        ("Scan 14 Mar 2019", "Scan"),
        ("T1 14/3/19", "T1"),
        ("T1 2019 03 14", "T1"),
        ("SSN 078-05-1120", ""),
        ("IP 10.12.14.9 host kjs-pc", "IP-pc"),
        ("JS T1", "T1"),
        ("LiNa T1", "T1"),
        ("S m i t h T1", "T1"),
        ("T1 93yo F093Y 42J 81kg", "T1"),
        ("T1 ch756.9217.0769.85", "T1"),
        ("EPI (interleaved S to I)", "EPI (interleaved S to I)"),
        ("DTI R>>L 1.875x1.875x2.5mm", "DTI R>>L 1.875x1.875x2.5mm"),
        ("rest w SMS A-P", "rest w SMS A-P"),
        ("DTI b=1000 PA b = 3000 b=2019", "DTI b=1000 PA b = 3000"),
        ("dMRI_dir98_AP 3-plane sT1W_3D_TFE", "dMRI_dir98_AP 3-plane sT1W_3D_TFE"),
        ("MP2RAGE_UNI_Images Pha_Images tfMRI_AP", "MP2RAGE_UNI_Images Pha_Images tfMRI_AP"),
        ("Zugfahrt run-1", "Zugfahrt run-1"),
        ("task-zugfahrt_bold", "task-zugfahrt_bold"),
        ("头部 T1", "T1"),
        ("", ""),
    ],
)
def test_known_words_stay_in_descriptions(text: str, left: str) -> None:
    assert Words(["Zugfahrt"]).kept(text) == left


DEVICES = """
    Siemens Healthineers|GE MEDICAL SYSTEMS|TOSHIBA_MEC|Bruker BioSpin MRI GmbH|Agilent Technologies
    FUJIFILM Healthcare Corporation|Hitachi, Ltd.|Neusoft Medical Systems|Hyperfine|Esaote|Mediso
    Prisma_fit|TrioTim|MAGNETOM Terra.X|MAGNETOM Free.Max|Biograph128_mCT|SOMATOM Definition AS+
    DISCOVERY MR750w|Signa HDxt|SIGNA PET/MR|GENESIS_SIGNA|LightSpeed VCT|Optima CT660
    Ingenuity TF PET/CT|Ingenia Elition X|Achieva 3 T|Vantage Galan 3T|MRT200PP3|uMR 790|EchelonOval
    BioSpec 94/20 USR|Swoop|Biograph 64|MAGNETOM C!|Emotion 16 (2007)|SOMATOM X.cite|AIRIS Vento
    syngo MR B13 4VB13A|syngo MR 2006T 4VB12T|syngo CT 2012B|VA48A_02_P12|Numaris X VA60A|NUMARIS/4
    MR Software release:DV26.0_R02_1725.a|MR29.1_EA_2036.a|07MW18.4|gmp_vct.42|5.3.0.3|V6.0SP2000*
    ParaVision 6.0.1|R002|V4.86ER006|14|LX
    HEA;HEP|HE1-4;NE1,2|C:32Ch|T:HEA;HEP|NP13_15RX_ACDC|HeadNeck_20_TCS|32Ch Head|8HRBRAIN|48HAP
    32x2Head|QD Whole Body|32ch Head SPDR|SENSE-Head-32P|1Ch-TxRx Head|RM:32NovaHead|C-GE_HNS Head
    MAGNETOM Viato.Mobile|MAGNETOM Flow.Ace|SIGNA Bolt|SIGNA Sprint|BlueSeal|Hann 4.0
    XINGAOYI|Vantage Gracian|PMRT-AW_v11|BM_Head_Neck_20|CTLTOP|Sense-XL-Torso|PAC 20
    MULTI COIL|VTC|H10|S|NN|T/R Head|SENSE-Head/Neck-20|GEM HNU 24E
    Br40d|FC18|STANDARD|All-pass|XYZ Gauss4.00|PSF+TOF 2i21s|OP-OSEM4i14s|VPFX-S|3D-RAMLA
"""


@pytest.mark.parametrize("text", [text.strip() for text in re.split("[|\n]", DEVICES.strip())])
def test_texts_of_makers_about_the_scanner_stay(text: str) -> None:
    assert Words().of_device(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Prisma Oxford Weber", "Prisma"),
        ("Weber_Head_32", "Head_32"),
        ("Head_Weber_32", "Head"),
        ("HeadNeck_20 Frau Kim", "HeadNeck"),
        ("syngo MR E11 14. März 2019", "syngo MR E11"),
        ("syngo MR 14MAR2019", "syngo MR"),
        ("MR 14.03.2019", "MR"),
        ("MR 14.03.19 2019.03.14 2019", "MR"),
        ("Prisma S m i t h", "Prisma"),
        ("Prisma S.M.I.T.H S_m_i_t_h", "Prisma"),
        ("Prisma Sm1th", "Prisma"),
        ("KIM;LEE", ""),
        ("S;M;I;T;H", ""),
        ("MR 078-05-1120", "MR"),
        ("MR 4471188 0511-123456", "MR"),
        ("Prisma JonDoe", "Prisma"),
        ("Prisma 064Y", "Prisma"),
        ("Prisma 93yo F093Y 81kg", "Prisma"),
        ("Prisma 93 Y", "Prisma"),
        ("Prisma 81 kg", "Prisma"),
        ("Muster GmbH & Co. KG", "GmbH & Co. KG"),
        ("頭部 Head", "Head"),
        ("", ""),
    ],
)
def test_unknown_words_of_texts_about_the_scanner_go(text: str, left: str) -> None:
    assert Words().of_device(text) == left


def test_words_of_the_study_stay_in_texts_about_the_scanner() -> None:
    assert Words(["oxford"]).of_device("Prisma Oxford Weber") == "Prisma Oxford"


@pytest.mark.parametrize("text", ["Foot Echo", "ECHO_FOOT", "Echo, Foot"])
def test_a_whole_name_of_words_of_images_goes(text: str) -> None:
    scrub = Scrubber(name_tokens("Foot^Echo"))
    assert (
        scrub.of_device(f"Prisma {text} 32") == scrub.technical(f"Prisma {text} 32") == "Prisma 32"
    )
    assert scrub.of_device("Foot 2 Echo") == "Foot 2 Echo"


def test_a_word_of_most_headers_is_no_name_in_a_text_about_the_scanner() -> None:
    scrub = Scrubber(name_tokens("ACDC^Siemens"))
    assert scrub.of_device("SIEMENS NP13_15RX_ACDC") == "SIEMENS NP13_15RX_ACDC"


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        (b"ISO_IR 100", b"K\xe4the", "Käthe"),
        (b"ISO_IR 192", "Käthe".encode(), "Käthe"),
        (b"ISO_IR 6", "Käthe".encode(), "Käthe"),
        (b"ISO_IR 192", b"K\xe4the", "Käthe"),
        (b"GB18030", "王".encode("gb18030"), "王"),
        (b"nonsense", b"K\xe4the", "Käthe"),
        (b"\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B^T", "山田^T"),
    ],
)
def test_text_is_read_whatever_its_character_set(charset: bytes, raw: bytes, text: str) -> None:
    found, codecs = decode(raw, "LO", codecs_of(charset))
    assert found == text
    assert decode(encode(found, codecs), "LO", codecs)[0] == text
