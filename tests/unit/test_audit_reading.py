"""What the audit remembers of earlier files changes nothing of what it reads and finds."""

import random
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from struct import pack

import pytest
from ecdysis.audit.instance import Instance, Value
from ecdysis.audit.reading import InstanceReader
from ecdysis.audit.search import Searcher
from ecdysis.audit.secrets import KINDS, Secret
from ecdysis.audit.vendor import csa
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

NAME = "Jürgen".encode("latin-1")


def data_set(charset: str, creator: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = charset
    ds.add_new(0x00081030, "LO", NAME)
    ds.add_new(0x00190010, "LO", creator)
    ds.add_new(0x00191008, "UN", b"12345678")
    inner = Dataset()
    inner.add_new(0x00080104, "LO", NAME)
    ds.ReferencedImageSequence = Sequence([inner, inner])
    ds["ReferencedImageSequence"].is_undefined_length = True
    ds.add_new(0x00291010, "OB", bytes(range(256)) * 20)
    return ds


def saved(ds: Dataset, path: Path, *, implicit: bool) -> Path:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    ds.save_as(path, implicit_vr=implicit, little_endian=True)
    return path


def shown(instance: Instance) -> list[tuple[object, ...]]:
    return [
        (chunk.tag, chunk.nested_pixels, *value, value.texts())
        for chunk in instance.chunks
        for value in chunk.values
    ]


def test_a_file_reads_the_same_after_any_others(tmp_path: Path) -> None:
    files = [
        saved(data_set(charset, creator), tmp_path / f"{number}.dcm", implicit=implicit)
        for number, (charset, creator, implicit) in enumerate(
            [
                ("ISO_IR 100", "SIEMENS MR HEADER", False),
                ("ISO_IR 101", "SIEMENS MR HEADER", False),
                ("ISO_IR 100", "GEMS_ACQU_01", False),
                ("ISO_IR 100", "SIEMENS MR HEADER", True),
            ]
        )
    ]
    alone = {file: shown(InstanceReader().read(file)) for file in files}
    for order in permutations(files):
        reader = InstanceReader()
        assert all(shown(reader.read(file)) == alone[file] for file in order)
        assert all(shown(reader.read(file)) == alone[file] for file in order)


def test_equal_elements_are_one_object(tmp_path: Path) -> None:
    one, two = (
        saved(data_set("ISO_IR 100", "A"), tmp_path / name, implicit=False) for name in "ab"
    )
    reader = InstanceReader()
    first, second = reader.read(one), reader.read(two)
    assert all(a is b for a, b in zip(first.chunks, second.chunks, strict=True))


def test_the_audit_reads_a_cut_file_as_damaged_after_the_whole_one(tmp_path: Path) -> None:
    whole = saved(data_set("ISO_IR 100", "A"), tmp_path / "whole", implicit=False)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[:-7])
    reader = InstanceReader()
    reader.read(whole)
    with pytest.raises(ValueError, match="truncated"):
        reader.read(cut)


SECRETS = [Secret("names", 0x00100010, "Smith^Al"), Secret("identifiers", 0x00100020, "ZX-99-8877"),
           Secret("dates", 0x00080020, "20190314")]  # fmt: skip
PIECES = [
    "Smith", "smithal", "zx99", "8877", "zx99 8877", "99", "14", "14 Mar", "Mar 2019", "2019",
    "20190314", "lSize = 20190314", "-----", "B_value", "1000.5", "AlSmith",
]  # fmt: skip


def test_lines_that_were_searched_before_change_no_result() -> None:
    chance = random.Random(1)
    used = Searcher(SECRETS, kinds=frozenset(KINDS))
    number_found = 0
    for _ in range(300):
        lines = [f"{chance.choice(PIECES):4}" for _ in range(chance.randint(0, 9))]
        value = Value("00291010", 0x00291010, "", "OB", "\0".join(lines).encode(), (), "<")
        fresh = Searcher(SECRETS, kinds=frozenset(KINDS))
        kept = [line.split("=")[-1] for line in lines if line.strip("- ")]
        whole = set(fresh.in_text("\n".join(kept), vendor=True))
        assert set(used.in_value(value)) == set(fresh.in_value(value)) == whole
        number_found += bool(whole)
    assert 50 < number_found < 250


@pytest.mark.parametrize(
    "spell",
    [lambda text: text.encode("utf-16-le"), lambda text: text.encode("utf-16-be"), str.encode],
    ids=["utf-16-le", "utf-16-be", "ascii"],
)
def test_a_name_in_raw_bytes_is_found(spell: Callable[[str], bytes]) -> None:
    for before in (b"", b"\0", b"\x01\x02\0"):
        raw = before + spell("Smith") + b"\0\0\x01"
        value = Value("00291010", 0x00291010, "", "OB", raw, (), "<")
        assert Searcher(SECRETS, kinds=frozenset(KINDS)).in_value(value)


def header(fields: dict[str, list[bytes]]) -> bytes:
    """Return a CSA header of type 2."""
    parts = [b"SV10\4\3\2\1", pack("<II", len(fields), 77)]
    for name, items in fields.items():
        parts.append(pack("<64si4s3i", name.encode(), len(items), b"FD", 4, len(items), 77))
        for item in items:
            parts.append(pack("<4i", len(item), len(item), 77, len(item)) + item)
            parts.append(bytes(-len(item) % 4))
    return b"".join(parts)


def test_fields_of_a_csa_header_are_read_one_by_one() -> None:
    fields = {
        "B_value": [b"1000"], "ImageNumber": [b"7"], "SliceNormalVector": [b"0.5", b"-1", b"0.25"],
        "MosaicRefAcqTimes": [b"0", b"52.5"], "RealDwellTime": [],
    }  # fmt: skip
    raw = header(fields)
    assert csa(raw) == {
        "B_value": (1000.0,),
        "SliceNormalVector": (0.5, -1.0, 0.25),
        "MosaicRefAcqTimes": (0.0, 52.5),
    }
    assert csa(header({**fields, "B_value": [b"2000"]}))["B_value"] == (2000.0,)
    assert csa(raw[:-9]) == {}
