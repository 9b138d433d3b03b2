"""The audit passes what is clean and stops on each kind of fault, without telling values."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pydicom
import pytest
from audit import audit, told_of
from deidentify import deidentify
from ecdysis.errors import InputError
from ecdysis.key import Key
from pydicom import Dataset

from tests.canary.builder import Canaries, base, written

KEY = Key(bytes(range(32)))
SECRETS = ("Vandermeulen", "Käthe", "ZX-998877", "19500312", "1.3.6.1.4.1.55555.7.77.1000001",
           "Saint Elsewhere", "20190304")  # fmt: skip


def original(number: int) -> Dataset:
    ds = base(Canaries(10 * number))
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.2"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = (
        "Vandermeulen^Käthe",
        "ZX-998877",
        "19500312",
    )
    ds.InstitutionName, ds.StudyDate, ds.SeriesDate = "Saint Elsewhere", "20190304", "20190305"
    ds.InstanceNumber = str(number)
    ds.PixelData = bytes([number]) * 128
    return ds


@pytest.fixture
def session(tmp_path: Path) -> tuple[Path, Path]:
    paths = []
    for number in range(3):
        path = tmp_path / f"original{number}"
        path.write_bytes(written(original(number)))
        paths.append(str(path))
    listing = tmp_path / "list.json"
    content = {"session": "sub-01", "subject": "01", "series": {"ser-1": paths}}
    listing.write_text(json.dumps(content))
    deidentify(listing, tmp_path / "out", KEY, {"options": ["retain_dates_modified"]})
    return listing, tmp_path / "out"


def run(
    session: tuple[Path, Path], *converted: Path, ours: Sequence[Path] = ()
) -> dict[str, object]:
    return audit(*session, converted, ["retain_dates_modified"], ours=ours)


def test_clean_outputs_pass(session: tuple[Path, Path]) -> None:
    details = run(session)
    assert (details["files"], details["pairs"], details["hits"]) == (3, 3, 0)
    assert details["values"] > 8


def text_kept(ds: Dataset) -> None:
    ds.SeriesDescription = "T1 of Vandermeulen"


def accent_kept(ds: Dataset) -> None:
    ds.SeriesDescription = "T1 KATHE"


def uid_kept(ds: Dataset) -> None:
    ds.FrameOfReferenceUID = "1.3.6.1.4.1.55555.2"


def date_kept(ds: Dataset) -> None:
    ds.ContentDate = "20190304"


def wide_text(ds: Dataset) -> None:
    ds.ICCProfile = "zx-998877".encode("utf-16-le")


def in_pixels(ds: Dataset) -> None:
    ds.PixelData = b"VANDERMEULEN".ljust(128)


def private(ds: Dataset) -> None:
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "x")


def other_pixels(ds: Dataset) -> None:
    ds.PixelData = b"\7" * 128


def other_uid(ds: Dataset) -> None:
    ds.StudyInstanceUID = "2.25.999999999999999"


def other_shift(ds: Dataset) -> None:
    ds.StudyDate = "20010101"


def person(ds: Dataset) -> None:
    ds.OperatorsName = "Somebody"


def birth_date(ds: Dataset) -> None:
    ds.PatientBirthDate = "20010101"


def preamble(ds: Dataset) -> None:
    ds.preamble = b"x" * 128


def sender(ds: Dataset) -> None:
    ds.file_meta.SourceApplicationEntityTitle = "PACS"


def label(ds: Dataset) -> None:
    ds.PatientID = "sub-02"


FAULTS = [text_kept, accent_kept, uid_kept, date_kept, wide_text, in_pixels, private, other_pixels,
          other_uid, other_shift, person, birth_date, preamble, sender, label]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_stops_the_session_and_tells_no_value(
    session: tuple[Path, Path], fault: Callable[[Dataset], None]
) -> None:
    path = sorted(session[1].rglob("*.dcm"))[1]
    ds = pydicom.dcmread(path)
    fault(ds)
    ds.save_as(path)
    with pytest.raises(InputError, match="audit found") as error:
        run(session)
    assert not any(secret in str(error.value) for secret in SECRETS)


def test_names_of_files_are_searched(session: tuple[Path, Path]) -> None:
    path = next(session[1].rglob("*.dcm"))
    path.rename(path.with_name("Vandermeulen.dcm"))
    with pytest.raises(InputError, match="names in the name"):
        run(session)


@pytest.mark.parametrize("name", ["a.json", "a.nii.gz", "a.html", "kathe-vandermeulen.txt"])
def test_whatever_is_made_of_them_is_searched(
    name: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    content = b"{}" if "vander" in name else b'{"x": "zx-998877"}'
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(InputError, match="audit found"):
        run(session, path)
    path = tmp_path / "clean.json"
    path.write_bytes(b'{"EchoTime": 0.03}')
    run(session, path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", r'{"x": "K\u00e4the"}'),
        ("a.json", '{"x": "käthe"}'),
        ("a.html", "<td>K&#228;the</td>"),
        ("a.html", "<td>KATHE</td>"),
        ("a.tsv", "sub-01\tKÄTHE\n"),
    ],
)
def test_text_is_searched_as_it_is_read(
    name: str, content: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=r"names of \(0010,0010\)"):
        run(session, path)


@pytest.mark.parametrize("called", ["Page^Figure", "Avants^Brian", "Script>^Table", "Sizzle^Swing"])
def test_a_page_may_hold_the_words_of_the_workflow_and_a_sidecar_may_not(
    called: str, session: tuple[Path, Path], tmp_path: Path
) -> None:
    first = json.loads(session[0].read_text())["series"]["ser-1"][0]
    ds = pydicom.dcmread(first)
    ds.PatientName = called
    ds.save_as(first)
    words = called.replace("^", " ")
    page = tmp_path / "sub-01.html"
    page.write_text(f"<p>{words}</p>")
    run(session, ours=[page])
    (tmp_path / "a.json").write_text(json.dumps({"x": words}))
    with pytest.raises(InputError, match="audit found"):
        run(session, tmp_path / "a.json")
    page = page.rename(tmp_path / f"{words}.html")
    with pytest.raises(InputError, match="audit found"):
        run(session, ours=[page])


@pytest.mark.parametrize(
    ("line", "leaks"),
    [
        ("Kathe iterations", False),
        ("cannot read Kathe_Vandermeulen.dcm", True),
        ("cannot read Vandermeulen.dcm", True),
        ("cannot read 19500312.dcm", True),
        ("born on 1950-03-12", True),
        ("ID ZX-998877", True),
        ("sent by Saint Elsewhere", True),
    ],
)
def test_a_log_may_hold_one_short_word_that_is_a_name(
    line: str, leaks: bool, session: tuple[Path, Path], tmp_path: Path
) -> None:
    log = tmp_path / "skullstrip.log"
    log.write_text(f"2026-01-01 12:00:00 lib: {line}\n")
    if leaks:
        with pytest.raises(InputError, match=r"skullstrip\.log: "):
            run(session, ours=[log])
    else:
        run(session, ours=[log])


def test_compressed_pictures_and_transforms_are_searched_for_long_values(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("a.png", "a.h5"):
        file = tmp_path / name
        file.write_bytes(b"\x89PNG\0kathe\0\1")
        run(session, ours=[file])
        file.write_bytes(b"\x89PNG\0tEXtTitle\0Vandermeulen, K\0\1")
        with pytest.raises(InputError, match="audit found"):
            run(session, ours=[file])


def test_all_that_tells_of_a_subject_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "sub-01.html",
        "sub-01/ses-1/anat/sub-01_ses-1_T1w.json",
        "sub-01/figures/a.png",
        ".ecdysis/sub-01/ses-1/anat/affine.mat",
        "logs/sub-01/ses-1/anat/sub-01_ses-1_T1w/skullstrip.log",
        "logs/sub-01_ses-1/deidentify.status.json",
        "benchmarks/sub-01_ses-1/audit.tsv",
    }
    others = {
        "index.html",
        "sub-010.html",
        "sub-010/anat/sub-010_T1w.json",
        "logs/sub-01_ses-2/audit.status.json",
        "sub-01/.77.half_written.json",
    }
    for name in told | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert {path.as_posix() for path in told_of("01", "sub-01_ses-1")} == told


def test_a_number_within_a_hash_is_no_leak_and_beside_one_it_is(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    first = json.loads(session[0].read_text())["series"]["ser-1"][0]
    ds = pydicom.dcmread(first)
    ds.DeviceSerialNumber = "45213"
    ds.save_as(first)
    path = next(session[1].rglob("*.dcm"))
    path = path.rename(path.with_name("45213bbc179181e9.dcm"))
    (tmp_path / "a.html").write_text("<p>ser-ab45213c of 45213bbc179181e9.dcm</p>")
    run(session, tmp_path / "a.html")
    (tmp_path / "a.html").write_text("<p>ser-ab45213c of 45213</p>")
    with pytest.raises(InputError, match=r"a\.html: devices"):
        run(session, tmp_path / "a.html")
    path.rename(path.with_name("x-45213.dcm"))
    with pytest.raises(InputError, match="devices in the name"):
        run(session)


def test_the_audit_shares_nothing_with_the_cleaner() -> None:
    root = Path(__file__).parents[2] / "scripts"
    for path in [root / "audit.py", *(root / "ecdysis" / "audit").glob("*.py")]:
        text = path.read_text()
        assert "from ecdysis.deid" not in text
        assert "ps315" not in text.lower().replace("ps3.15", "")
