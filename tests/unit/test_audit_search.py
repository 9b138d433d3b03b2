"""The audit's comparisons: each kind of value in its own form, by whole words."""

import time
from datetime import date
from struct import pack

import pytest
from ecdysis.audit.instance import Value
from ecdysis.audit.kept import Facts, pairs
from ecdysis.audit.results import message_words
from ecdysis.audit.search import READS_AS_DATE, Searcher
from ecdysis.audit.secrets import KINDS, Secret, kinds_searched, secrets_of
from ecdysis.audit.spelling import dates_in

DAY = date(2019, 3, 14)


def searcher(
    kind: str, *texts: str, label: str = "sub-01", models: tuple[str, ...] = ()
) -> Searcher:
    kinds = kinds_searched(["retain_dates_modified"])
    return Searcher([Secret(kind, 0x00100010, text) for text in texts], label, models, kinds)


def value(tag: int, vr: str, raw: bytes, creator: str = "") -> Value:
    return Value(f"{tag:08x}", tag, creator, vr, raw, ("utf-8",), "<")


SPELLINGS = [
    ("Sørensen^Søren", "T1 Sorensen"), ("Sørensen^Søren", "T1 Soerensen"),
    ("Wałęsa^Lech", "T1_Walesa"), ("Kjær^Ida", "T1 Kjaer"), ("Đặng^Minh", "Dang MPRAGE"),
    ("Yıldız^Işıl", "YILDIZ T1"), ("Đorđević^Ana", "Dordevic T2"), ("Ægir^Þór", "Aegir"),
    ("Strauß^Eva", "Strauss T1"), ("Müller^Uwe", "Muller T1"), ("Müller^Uwe", "Mueller T1"),
    ("Mueller^Uwe", "Müller T1"), ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ T1"), ("ヤマダ^タロウ", "Yamada"),
    ("Yamada^Tarou=山田^太郎=ヤマダ^タロウ", "ﾔﾏﾀﾞ T1"), ("Yamada^Tarou=山田^太郎", "山田の頭"),
    ("SMITHJOHN", "Smith T1"), ("Smith^John", "SMITHJOHN"), ("Bo^Xu", "T1XuBo"),
    ("Li^Na", "LiNa T1"), ("O'Brien^Pat", "OBRIEN T1"), ("Al-Rashid^Omar", "Alrashid T1"),
    ("van der Berg^Jan", "vanderberg T1"), ("Иванов^Пётр", "Петр T1"), ("Иванов^Пётр", "Ivanov"),
    ("Παπαδόπουλος^Νίκος", "ΠΑΠΑΔΟΠΟΥΛΟΣ T1"), ("Nguyễn^Thị", "NGUYEN T1"), ("İnce^Ali", "INCE"),
    ("Straße^Max", "STRASSE T1"), ("Smith^Bob", "S m i t h T1"), ("Žižek^Slavoj", "zizek"),
    ("Garcia Marquez^Gabriel", "GarciaM T1"), ("Œuvrard^Luc", "Oeuvrard"),
    ("Ångström^Per", "Aangstroem"), ("Vandermeulen^Jo", "T1Vandermeulen2"),
    ("Đorđević^Ana", "Djordjevic T2"), ("Smith^Bob", "SmithT1"), ("Smith^Bob", "smith_bob_t1"),
]  # fmt: skip
OTHERS = [
    ("Department^Ann", "InstitutionalDepartmentNameX"), ("Head^Page", "HEAD T1 axial"),
    ("Smith^Bob", "smithereens"), ("Field^Ann", "gre_field_mapping"), ("Lang^Eva", "language"),
    ("Siemens^Jan", "SIEMENS"), ("Long^Ann", "along"), ("Sander^Eva", "sand"), ("Cor^Al", "t1_cor"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), SPELLINGS)
def test_a_name_is_found_in_every_spelling(name: str, text: str) -> None:
    assert searcher("names", name).in_text(text)


@pytest.mark.parametrize(("name", "text"), OTHERS)
def test_a_name_is_not_found_in_other_words(name: str, text: str) -> None:
    assert searcher("names", name).in_text(text) == []


@pytest.mark.parametrize(
    ("name", "line", "is_found"),
    [
        ("Script^Sam", "/opt/ecdysis/scripts/figures.py:57: UserWarning", False),
        ("Work^Sam", "nipype works in /tmp", False),
        ("Work^Sam", "cannot read Work_Sam.dcm", True),
        ("Li^Wu", "cannot read li_wu.dcm", True),
        ("Vandermeulen^Jo", "cannot read VandermeulenJ.dcm", True),
    ],
)
def test_a_short_word_in_a_log_is_no_name_with_its_initial(
    name: str, line: str, is_found: bool
) -> None:
    assert bool(searcher("names", name).in_line(line)) is is_found


@pytest.mark.parametrize(
    "text",
    ["Scan 14 Mar 2019", "14. März 2019", "March 14th 2019", "14mar19", "2019 03 14", "14 mrt 2019",
     "14 maart 2019", "14 de marzo de 2019", "14 de março de 2019", "14 mars 2019", "14/3/19",
     "T1_190314", "seq20190314", "2019-03-14", "14.03.2019", "14032019", "20190314101112",
     "2019-03-14T10:11:12", "built 14Mar2019", "19-03-14"],
)  # fmt: skip
def test_a_date_is_found_in_every_spelling(text: str) -> None:
    assert DAY in dates_in(text)
    assert searcher("dates", "20190314").in_text(text)


@pytest.mark.parametrize(
    "text", ["v1.0.20190314", "1.2.840.20190314.7", "120190314", "03-14", "b1000"]
)
def test_a_version_or_a_longer_number_is_no_date(text: str) -> None:
    assert DAY not in dates_in(text)


IDENTIFIERS = [
    ("ZX-998877", "seen zx998877", True), ("ZX-998877", "ZX 998877", True),
    ("ZX998877", "T1ZX998877x", True), ("QW-77 4411", "qw774411", True), ("1111", "T1 1111", True),
    ("078-05-1120", "SSN 078-05-1120", True), ("0012345", "no 12345", True),
    ("1000", "ep_b1000", False), ("1111", "1.1111", True), ("9980", "99801", False),
    ("MR-HEAD", "MR HEAD", False), ("998877", "1998877", False),
]  # fmt: skip


@pytest.mark.parametrize(("identifier", "text", "hit"), IDENTIFIERS)
def test_an_identifier_is_compared_by_whole_tokens(identifier: str, text: str, hit: bool) -> None:
    assert bool(searcher("identifiers", identifier).in_text(text)) is hit


def test_numbers_of_images_are_no_identifiers() -> None:
    found = searcher("identifiers", "1111", "9980", "0000")
    for vr, raw in (
        ("DS", b"-1111\\9980\\0"),
        ("IS", b"1111"),
        ("TM", b"111111"),
        ("UI", b"1.2.1111.9980"),
    ):
        assert found.in_value(value(0x00200032, vr, raw)) == ()


def test_the_number_in_an_identifier_is_found_alone() -> None:
    found = searcher("identifiers", "MRN-0048-8123-77")
    assert found.in_number(48812377.0)
    assert found.in_text("coil 48812377")
    assert searcher("identifiers", "Weg 17, 7030 Oslo").in_number(177030.0) is None


def test_a_date_in_six_digits_counts_in_elements_of_vendors_alone() -> None:
    found = searcher("dates", "20030612")
    assert found.in_number(30612.0, vendor=True)
    assert found.in_number(120603.0, vendor=True)
    assert found.in_number(30612.0) is None


def test_a_place_in_the_name_of_the_scanner_is_no_secret() -> None:
    station = searcher("devices", "Galan 3T", models=("Vantage Galan 3T",))
    assert station.in_text("Vantage Galan 3T") == []
    assert searcher("places", "MRI Center").in_text("GE MEDICAL SYSTEMS MRI center") == []
    assert searcher("places", "Saint Elsewhere").in_text("saint_elsewhere T1")


NUMBERS = [("DS", b"20190314"), ("IS", b"20190314 "), ("FL", pack("<f", 20190314)),
           ("SL", pack("<i", 20190314)), ("SL", pack("<i", 1552556640)), ("DS", b"1552556640"),
           ("DS", b"1552556640000"), ("IS", b"140319")]  # fmt: skip


@pytest.mark.parametrize(("vr", "raw"), NUMBERS)
def test_a_date_as_a_number_of_a_vendor_is_found(vr: str, raw: bytes) -> None:
    found = searcher("dates", "20190314")
    assert found.in_value(value(0x001910A2, vr, raw, "GEMS_ACQU_01"))


def test_a_number_of_a_vendor_that_reads_as_a_date_is_found_though_dates_were_moved() -> None:
    protocol = b"### ASCCONV BEGIN ###\nsSpecPara.lFinalMatrixSizePhase\t = \t20190426\n"
    found = searcher("dates", "20200101").in_value(
        value(0x00291020, "OB", protocol, "SIEMENS CSA HEADER")
    )
    assert found == (READS_AS_DATE,)
    baseline = (
        b'sProtConsistencyInfo.tBaselineString = "N4_VE11C_LATEST_20160120"\nalTR[0] = 20000000'
    )
    assert searcher("dates").in_value(value(0x00291020, "OB", baseline, "SIEMENS CSA HEADER")) == ()


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize(
    ("day", "epoch"), [("19630414", -212_025_600), ("20190314", 1_552_521_600)]
)
def test_an_epoch_of_the_patient_is_found_in_any_number(day: str, epoch: int, unit: int) -> None:
    search = searcher("birth dates", day)
    for seconds in (0, 36_127, 3600 * 23, -3600 * 8):
        assert search.in_number(float((epoch + seconds) * unit))
        assert search.in_number(float((epoch + seconds) * unit), epochs=False) is None
        assert search.in_number(float((epoch + seconds + 86_400 * 4) * unit)) is None


@pytest.mark.parametrize("number", [20190314101213.0, 201903141012.5, 2019031423.0])
def test_a_date_before_a_time_of_day_is_found_in_any_number(number: float) -> None:
    assert searcher("dates", "20190314").in_number(number)
    assert searcher("dates", "20190315").in_number(number) is None
    assert searcher("dates", "20190314").in_number(2019031430.0) is None


def test_times_and_doses_are_no_epochs() -> None:
    search = searcher("birth dates", "19700105", "19870621")
    assert [search.in_number(number) for number in (518_400.0, 8.64e7, 551_300_000.0)] == [None] * 3


def test_standard_uids_are_never_secrets() -> None:
    values = [value(tag, "UI", raw) for tag, raw in (
        (0x00080016, b"1.2.840.10008.5.1.4.1.1.4"), (0x0008010C, b"1.2.840.10008.2.16.4"),
        (0x00080118, b"1.2.840.10008.8.1.66"), (0x0020000D, b"1.3.12.2.1107.5.2.43.1"),
    )]  # fmt: skip
    assert [secret.text for secret in secrets_of(values)] == ["1.3.12.2.1107.5.2.43.1"]


def test_text_in_bytes_is_found_in_one_and_two_bytes_a_letter() -> None:
    found = searcher("names", "Vandermeulen^Käthe")
    for data in (b"\0\1xx Vandermeulen\0", "Vandermeulen".encode("utf-16-le"), "Käthe".encode()):
        assert found.in_value(value(0x00282000, "OB", data))


def test_options_keep_what_they_say() -> None:
    assert "times" in kinds_searched([])
    assert kinds_searched(["retain_dates_modified"]) == set(KINDS) - {"times"}
    assert "birth dates" in kinds_searched(["retain_dates_full"])


@pytest.mark.parametrize("text", ["a" * 400_000, "a@" * 200_000, "1-" * 200_000, " " * 400_000,
                                  "abc 1" * 80_000, "ab" * 1200 + "cd" * 1200])  # fmt: skip
def test_long_texts_take_time_that_grows_with_their_length(text: str) -> None:
    found = searcher("names", "abcd^ef")
    began = time.process_time()
    found.in_text(text)
    assert time.process_time() - began < 8


def test_files_with_equal_pixels_are_distinguished_by_a_missing_value() -> None:
    rows, time = value(0x00280010, "US", b"\x08\0"), value(0x00180081, "DS", b"2.98")
    kinds = [{rows.place: rows, time.place: time}, {rows.place: rows}]
    before = [Facts("", "a", b"pixels", (), values, {}, {}) for values in kinds]
    for order in ([0, 1], [1, 0]):
        after = [Facts(f"{at}.dcm", "a", b"pixels", (), kinds[at], {}, {}) for at in order]
        for original, output in pairs(before, after):
            assert original.values == output.values


def test_blank_slices_of_different_series_are_distinguished_by_their_series() -> None:
    before = [Facts("", name, b"blank", (), {}, {"0020000e": name}, {}) for name in "ab"]
    after = [
        Facts(f"{name}/1.dcm", name, b"blank", (), {}, {"0020000e": name}, {}) for name in "ba"
    ]
    matched = pairs(before, after)
    assert [(original.series, output.series) for original, output in matched] == [
        ("b", "b"),
        ("a", "a"),
    ]


def test_words_of_the_tables_of_reasons_are_the_workflows_own() -> None:
    assert {"reformatted", "perfusion", "interquartile"} <= message_words()


@pytest.mark.parametrize(
    ("numbers", "is_found"),
    [
        (list(b"Kowalski"), True),
        ([0, *list(b"J\0an Kowalski"), 0, 0], True),
        (list(b"Kowalskj"), False),
        ([1, 2, *list(b"Kowalski")], False),
        ([49, 50, 51, 52, 53, 54], False),
        ([0.5, *list(b"Kowalski")], False),
    ],
)
def test_a_name_is_found_in_codes_of_characters(numbers: list[float], is_found: bool) -> None:
    search = searcher("names", "Kowalski^Jan")
    raw = pack(f"<{len(numbers)}d", *numbers)
    assert bool(search.in_value(value(0x00189182, "FD", raw))) is is_found
    text = "\\".join(map(str, numbers)).encode()
    assert bool(search.in_value(value(0x00281050, "DS", text))) is is_found


def test_a_name_is_found_in_the_bytes_of_numbers() -> None:
    search = searcher("names", "Kowalski^Jan")
    assert search.in_value(value(0x00189182, "FD", b"Kowalski"))
    assert not search.in_value(value(0x00189182, "FD", b"KowalskX"))


def test_numbers_that_count_are_no_identifier() -> None:
    counts = pack("<6I", *range(49, 55))
    assert not searcher("identifiers", "123456").in_value(value(0x00209157, "UL", counts))


def test_numbers_that_spell_a_common_word_of_a_name_may_be_missing() -> None:
    search = searcher("names", "Head^Jan")
    head = value(0x00209157, "UL", pack("<4I", *b"Head"))
    assert not search.in_value(head)
    assert search.may_be_spelled(head)
    assert not search.may_be_spelled(value(0x00209157, "UL", pack("<4I", *b"Hand")))


def test_a_place_called_like_its_field_is_not_searched() -> None:
    for name in ("Neuro", "Neurosurgery", "Cardiology"):
        assert searcher("places", name).in_text(f"T1 {name}") == []
