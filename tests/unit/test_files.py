"""Unit tests of the helpers that read and write small files."""

import hashlib

import pytest
from ecdysis.errors import InputError
from ecdysis.files import read_tsv, sha256


def test_a_table_has_columns_rows_and_their_lines(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"\xef\xbb\xbfname \tage\r\n\r\nAnn\t 40 \r\nBob\tn/a\r\nCid\r\n")
    table = read_tsv(path)
    assert table.columns == ["name", "age"]
    assert table.rows == [{"name": "Ann", "age": "40"}, {"name": "Bob"}, {"name": "Cid"}]
    assert table.lines == [3, 4, 5]
    assert table.ragged == [5]


def test_a_table_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="map: the file does not exist"):
        read_tsv(tmp_path / "nowhere.tsv", "map")
    (tmp_path / "a.tsv").write_bytes(b"a\tb\n\xff\xfe\t1\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_tsv(tmp_path / "a.tsv")


def test_the_digest_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
