"""The key file and the pseudonyms made from it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ecdysis.errors import InputError
from ecdysis.key import LONGEST_SHIFT, VARIABLE, Key


@pytest.fixture(autouse=True)
def no_key_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_first_use_makes_a_private_file_that_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "private" / "key"
    key = Key.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Key.load(path) == key
    assert path.read_bytes() == key.secret
    assert [path] == list(path.parent.iterdir())


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(Key.load, [tmp_path / "private" / "key"] * 64))
    assert len(keys) == 1


def test_environment_wins_and_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    assert Key.load(tmp_path / "key").secret == b"\xab" * 32
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("text", ["4b4b", "zz" * 32, "ab" * 33])
def test_bad_environment_is_refused_without_showing_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InputError, match="64 hexadecimal") as error:
        Key.load(tmp_path / "key")
    assert text not in str(error.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_readable_key_is_refused_with_the_remedy(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    Key.load(path)
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        Key.load(path)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_wrong_size_is_refused(size: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x" * size)
    path.chmod(0o600)
    with pytest.raises(InputError, match=f"{size} bytes"):
        Key.load(path)


def test_a_key_of_zeros_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(32))
    path.chmod(0o600)
    with pytest.raises(InputError, match="bytes are zero"):
        Key.load(path)


def test_pseudonyms_depend_on_key_domain_and_text() -> None:
    one, two = Key(b"1" * 32), Key(b"2" * 32)
    values = {
        one.digest("a", "bc"),
        one.digest("ab", "c"),
        one.digest("a", "b"),
        two.digest("a", "bc"),
    }
    assert len(values) == 4
    assert one.uid("1.2.3") == one.uid("1.2.3\0") != two.uid("1.2.3")


def test_uid_is_valid_and_known() -> None:
    uid = Key(bytes(range(32))).uid("1.2.840.10008.1")
    assert uid.startswith("2.25.")
    assert int(uid[5:]) < 2**128
    assert str(int(uid[5:])) == uid[5:]
    assert uid == "2.25.329079426090759602074178059117908100490"


def test_day_shift_moves_back_within_bounds() -> None:
    key = Key(b"k" * 32)
    shifts = {key.day_shift(f"patient {number}") for number in range(400)}
    assert all(-LONGEST_SHIFT <= shift <= -1 for shift in shifts)
    assert len(shifts) > 300


def test_text_forms_never_show_the_secret() -> None:
    key = Key(bytes(range(32)))
    for text in (repr(key), str(key), f"{key}", key.fingerprint):
        assert key.secret.hex()[:6] not in text
        assert "\\x01" not in text
