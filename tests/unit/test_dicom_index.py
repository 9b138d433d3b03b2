"""The header index: any tree, any names, only what changed is read again."""

import os
import stat
from pathlib import Path

import pytest
from ecdysis.dicom.index import Index, index
from ecdysis.errors import InputError
from pydicom import dcmread

from tests.dicom_builder import instance, uid, write_series


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "scans"


def indexed(tree: Path) -> Index:
    return index(tree, tree.parent / "private" / "dicom_index.json")


def test_names_and_folders_play_no_part(tree: Path) -> None:
    write_series(tree / "a", name="{:d}.txt", slices=3)
    write_series(tree / "b" / "c d" / "é", series="t2", name="x{:d}", slices=2)
    (tree / "notes.dcm").write_text("no DICOM, whatever its name says, at some length " * 9)
    (tree / "empty.dcm").touch()
    found = indexed(tree)
    assert len(found.instances) == 5
    assert len(found.headers) == 2
    assert found.counts() == {"not DICOM": 2}


def test_only_new_and_changed_files_are_opened_again(tree: Path) -> None:
    first = write_series(tree, slices=4)
    assert indexed(tree).opened == 4
    assert indexed(tree).opened == 0
    os.utime(first[0], (1, 1))
    first[1].unlink()
    write_series(tree / "more", series="t2", slices=2)
    found = indexed(tree)
    assert found.opened == 3
    assert len(found.instances) == 5
    again = indexed(tree)
    assert again.opened == 0
    assert again.instances == found.instances
    assert again.headers == found.headers


def test_headers_of_files_that_are_gone_are_forgotten(tree: Path) -> None:
    write_series(tree / "a", "Ada", slices=2)
    indexed(tree)
    write_series(tree / "b", "Bob", "other", slices=2)
    for path in (tree / "a").iterdir():
        path.unlink()
    found = indexed(tree)
    assert [header["PatientID"] for header in found.headers] == ["Bob"]
    assert "Ada" not in (tree.parent / "private" / "dicom_index.json").read_text()
    assert indexed(tree).instances == found.instances


def test_a_damaged_index_is_made_anew(tree: Path) -> None:
    write_series(tree, slices=2)
    indexed(tree)
    cache = tree.parent / "private" / "dicom_index.json"
    cache.write_text(cache.read_text()[:50])
    assert indexed(tree).opened == 2


def test_the_index_is_for_the_owner_only(tree: Path) -> None:
    write_series(tree, slices=2)
    indexed(tree)
    private = tree.parent / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert stat.S_IMODE((private / "dicom_index.json").stat().st_mode) == 0o600


def test_links_are_followed_but_not_in_circles(tree: Path) -> None:
    write_series(tree / "a", slices=2)
    (tree / "a" / "up").symlink_to(tree)
    (tree / "b").symlink_to(tree / "a")
    (tree / "gone").symlink_to(tree / "nowhere")
    found = indexed(tree)
    assert len(found.instances) == 2
    assert set(found.skipped) == {"a/up", "b", "gone"}


def test_a_pipe_is_never_opened(tree: Path) -> None:
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    assert indexed(tree).skipped == {"pipe": "not a regular file"}


def test_hidden_folders_and_outputs_are_not_entered(tree: Path) -> None:
    write_series(tree / ".git", slices=2)
    write_series(tree / "out", slices=2)
    found = index(tree, tree.parent / "index.json", [tree / "out"])
    assert found.instances == []
    assert found.skipped == {".git": "a hidden folder"}


def test_a_file_without_preamble_is_read(tree: Path) -> None:
    path = write_series(tree, slices=1)[0]
    content = path.read_bytes()
    bare = dcmread(path)
    bare.preamble = None
    del bare.file_meta
    path.unlink()
    bare.save_as(tree / "bare", implicit_vr=True, little_endian=True)
    assert (tree / "bare").read_bytes()[128:132] != b"DICM"
    (tree / "explicit").write_bytes(content[132:])
    found = indexed(tree)
    assert len(found.instances) == 2
    assert {one.own.uid for one in found.instances} == {bare.SOPInstanceUID}


def test_damaged_files_are_named_not_fatal(tree: Path) -> None:
    paths = write_series(tree, slices=4)
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    paths[1].write_bytes(paths[1].read_bytes()[:150])
    paths[2].write_bytes(b"\0" * 128 + b"DICM" + os.urandom(400))
    found = indexed(tree)
    assert len(found.instances) == 1
    assert found.skipped["IM00000"] == "the file is cut short"
    assert set(found.skipped) == {"IM00000", "IM00001", "IM00002"}


def test_a_dicomdir_is_not_an_image(tree: Path) -> None:
    dataset = dcmread(write_series(tree, slices=1)[0])
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.save_as(tree / "IM00000")
    assert indexed(tree).counts() == {"DICOMDIR": 1}


def test_malformed_values_become_none_and_are_not_quoted(
    tree: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = write_series(tree, slices=1, SeriesNumber=7)[0]
    content = path.read_bytes()
    assert content.count(b"IS\x02\x007 ") == 1
    path.write_bytes(content.replace(b"IS\x02\x007 ", b"IS\x02\x00Q?"))
    found = indexed(tree)
    assert found.headers[0]["SeriesNumber"] is None
    assert not recwarn.list


def test_an_enhanced_object_gives_the_same_facts(tree: Path) -> None:
    from pydicom.dataset import Dataset

    values = {
        "PatientID": "P",
        "StudyInstanceUID": uid("study"),
        "SeriesInstanceUID": uid("series"),
        "Modality": "MR",
    }
    dataset = instance(values, 0, 0)
    for keyword in ("ImagePositionPatient", "PixelSpacing", "SliceThickness"):
        delattr(dataset, keyword)
    shared, echo, timing, plane = Dataset(), Dataset(), Dataset(), Dataset()
    echo.EffectiveEchoTime = 2.5
    timing.RepetitionTime = 2300
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.MREchoSequence, shared.PlaneOrientationSequence = [echo], [plane]
    shared.MRTimingAndRelatedParametersSequence = [timing]
    frames = []
    for place in range(3):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 1.5 * place]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.NumberOfFrames = 3
    dataset.PixelData = bytes(dataset.PixelData) * 3
    tree.mkdir()
    dataset.save_as(tree / "enhanced", enforce_file_format=True)
    found = indexed(tree)
    assert found.headers[0]["EchoTime"] == 2.5
    assert found.headers[0]["RepetitionTime"] == 2300
    assert found.instances[0].own.positions == (0.0, 1.5, 3.0)


def test_a_folder_that_is_not_there_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dicom_dir"):
        indexed(tmp_path / "nowhere")
