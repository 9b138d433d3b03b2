"""Conversion of the rest of a session: what is made, what is left, and what ties it together."""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import pydicom
import pytest
from convert_session import place_session
from ecdysis.conversion.dataset import place_new
from ecdysis.conversion.nifti import WantedSeries, make_nifti, read_nifti
from ecdysis.conversion.readable import whole_volumes
from ecdysis.conversion.sidecar import completed, missing_fields
from ecdysis.errors import InputError
from ecdysis.planning.entries import OtherSeries, Plan, PlannedSession, read_entry
from ecdysis.run_plan import forget_lost, sessions_to_convert

from tests.dicom_builder import EPI, FIELD_MAP, MPRAGE, uid, write_series

PHILIPS = {"Manufacturer": "Philips Medical Systems"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Jobs run in the output directory, and folders of users have spaces.
    results = tmp_path / "a study" / "derivatives"
    results.mkdir(parents=True)
    monkeypatch.chdir(results)
    return tmp_path


def other(series: str, files: int, *names: str, **more: Any) -> dict[str, Any]:
    outputs = []
    for name in names:
        folder, _, stem = name.rpartition("/")
        entities, _, suffix = stem.rpartition("_")
        outputs.append({"folder": f"sub-01/{folder}", "entities": f"sub-01{entities and '_'}"
                        f"{entities}", "suffix": suffix, "echo": None, "part": None})  # fmt: skip
    return {
        "dicom_session": "sub-01", "subject": "01", "session": None, "kind": "", "series": series,
        "number": 1, "files": files, "direction": None, "outputs": outputs, "apart": [],
        "metadata": {}, "volumes": [], **more,
    }  # fmt: skip


def plan_of(*series: dict[str, Any]) -> Plan:
    """Return a plan with one session that has these other series."""
    others = [read_entry(OtherSeries, item) for item in series]
    return Plan(sessions=[PlannedSession("sub-01", "01", None, "")], others=others)


def run(
    place: Path, *series: dict[str, Any], sourcedata: bool = False, options: Sequence[str] = ()
) -> dict[str, Any]:
    others = [read_entry(OtherSeries, item) for item in series]
    wanted = [
        WantedSeries(item.series, item.files, [*item.outputs, *item.apart], item.keep)
        for item in others
    ]
    nifti = place / "nifti"
    shutil.rmtree(nifti, ignore_errors=True)
    make_nifti(place / "sub-01", place / "a study", wanted, nifti)
    return place_session(
        read_nifti(nifti),
        place / "sub-01",
        place / "a study",
        others,
        Path(".ecdysis/converted/sub-01.json"),
        sourcedata=sourcedata,
        options=options,
    )


def fields(place: Path, name: str) -> dict[str, Any]:
    return json.loads((place / "a study/sub-01" / f"{name}.json").read_text())


def test_a_functional_series_with_its_record(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=3)
    told = run(place, other("s1", 36, "func/task-rest_bold", metadata={"CogAtlasID": "x"}))
    assert told["images"] == ["sub-01/func/sub-01_task-rest_bold.nii.gz"]
    assert told["converter"].startswith("dcm2niix v")
    made = fields(place, "func/sub-01_task-rest_bold")
    assert (made["TaskName"], made["RepetitionTime"], made["CogAtlasID"]) == ("rest", 2, "x")
    kept = json.loads(Path(".ecdysis/converted/sub-01.json").read_text())
    assert [one["path"] for one in kept["files"]] == [
        "sub-01/func/sub-01_task-rest_bold.json",
        "sub-01/func/sub-01_task-rest_bold.nii.gz",
    ]
    assert all(len(one["sha256"]) == 64 for one in kept["files"])
    assert not list(place.rglob(".sub-01"))


def test_existing_files_are_never_overwritten(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=3)
    mine = place / "a study/sub-01/func/sub-01_task-rest_bold.json"
    mine.parent.mkdir(parents=True)
    mine.write_text('{"TaskName": "mine"}')
    run(place, other("s1", 36, "func/task-rest_bold"))
    image = mine.with_suffix(".nii.gz")
    before = image.stat().st_mtime_ns
    assert mine.read_text() == '{"TaskName": "mine"}'
    told = run(place, other("s1", 36, "func/task-rest_bold"))
    assert told["kept"] == ["sub-01/func/sub-01_task-rest_bold.nii.gz"]
    assert image.stat().st_mtime_ns == before


def test_a_series_that_fails_does_not_stop_others(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=3)
    write_series(place / "sub-01/s2", series="gap", header=EPI, volumes=3, skip={4, 16, 28})
    with pytest.raises(InputError, match=r"1 planned images or series were not made.*s2.*varies"):
        run(place, other("s2", 33, "func/task-a_bold"), other("s1", 36, "func/task-b_bold"))
    assert (place / "a study/sub-01/func/sub-01_task-b_bold.nii.gz").is_file()
    assert not (place / "a study/sub-01/func/sub-01_task-a_bold.nii.gz").exists()
    assert not Path(".ecdysis/converted/sub-01.json").exists()


@pytest.mark.parametrize("options", [[], ["retain_safe_private"]])
def test_an_image_without_required_fields_fails_with_a_remedy(
    place: Path, options: list[str]
) -> None:
    write_series(place / "sub-01/s1", header={**EPI, **PHILIPS}, volumes=2)
    write_series(place / "sub-01/s2", series="bold", header=EPI, volumes=3)
    series = [other("s1", 24, "dwi/dwi"), other("s2", 36, "func/task-a_bold")]
    with pytest.raises(InputError, match=r"BIDS requires \.bval and \.bvec") as raised:
        run(place, *series, options=options)
    # The option is advised where it is not on; metadata cannot replace a file.
    assert ("retain_safe_private" in str(raised.value)) == (not options)
    assert "metadata" not in str(raised.value)
    assert not list((place / "a study").glob("sub-01/dwi/*"))
    assert (place / "a study/sub-01/func/sub-01_task-a_bold.nii.gz").is_file()


def test_a_diffusion_image_without_weighting_gets_b_values_of_zero(place: Path) -> None:
    write_series(place / "sub-01/s1", header={**EPI, **PHILIPS}, volumes=2)
    run(place, other("s1", 24, "dwi/dwi", zero_b=True))
    folder = place / "a study/sub-01/dwi"
    assert (folder / "sub-01_dwi.bval").read_text() == "0 0\n"
    assert (folder / "sub-01_dwi.bvec").read_text() == "0 0\n" * 3


def test_an_incomplete_series_with_keep(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=5, skip=range(53, 60))
    series = other("s1", 53, "func/task-a_bold")
    with pytest.raises(InputError):
        run(place, series)
    run(place, {**series, "keep": True})
    image = nib.load(place / "a study/sub-01/func/sub-01_task-a_bold.nii.gz")
    assert image.shape == (16, 16, 12, 4)


@pytest.mark.parametrize("temporal", [False, True])
def test_an_incomplete_series_that_is_numbered_slice_by_slice(place: Path, temporal: bool) -> None:
    paths = write_series(place / "sub-01/s1", header=EPI, volumes=5)
    for path in paths:
        dataset = pydicom.dcmread(path)
        volume, slice_ = divmod(dataset.InstanceNumber - 1, 12)
        dataset.InstanceNumber = slice_ * 5 + volume + 1
        if temporal:
            dataset.TemporalPositionIdentifier, dataset.InstanceNumber = volume + 1, 7 + slice_
        dataset.save_as(path)
    # Volume after volume is the order of the file names.
    assert whole_volumes(paths[:-3]) == paths[:48]
    assert whole_volumes(paths[3:]) == paths[3:], "an earlier volume is incomplete"
    for path in paths[-3:]:
        path.unlink()
    run(place, other("s1", 57, "func/task-a_bold", keep=True))
    image = nib.load(place / "a study/sub-01/func/sub-01_task-a_bold.nii.gz")
    assert image.shape == (16, 16, 12, 4)


def test_unequal_slices_with_keep(place: Path) -> None:
    write_series(place / "sub-01/s1", header=MPRAGE, slices=20, skip={9}, BitsStored=12, HighBit=11)
    series = other("s1", 19, "anat/T2w")
    with pytest.raises(InputError, match="distance between its slices varies"):
        run(place, series)
    run(place, {**series, "keep": True})
    image = nib.load(place / "a study/sub-01/anat/sub-01_T2w.nii.gz")
    assert image.shape[:2] == (16, 16)
    assert image.shape[2] == 20
    assert fields(place, "anat/sub-01_T2w")["EchoTime"] == pytest.approx(0.00298)
    write_series(place / "sub-01/s2", series="wide", header=MPRAGE, slices=20, skip={9})
    with pytest.raises(InputError, match="made no image"):
        run(place, {**other("s2", 19, "anat/T1w"), "keep": True})


def test_deflated_and_split_files_become_one_image(place: Path) -> None:
    folder = place / "sub-01/s1"
    paths = write_series(folder, header=EPI, volumes=2)
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        if number >= 12:
            dataset.SeriesInstanceUID, dataset.SeriesNumber = uid("piece"), 3
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        dataset.save_as(path, implicit_vr=False, little_endian=True)
    before = [path.read_bytes() for path in paths]
    run(place, other("s1", 24, "func/task-a_bold"))
    image = nib.load(place / "a study/sub-01/func/sub-01_task-a_bold.nii.gz")
    assert image.shape == (16, 16, 12, 2)
    assert [path.read_bytes() for path in paths] == before


def test_diffusion_gets_its_tables(place: Path) -> None:
    volumes = [
        {"DiffusionBValue": float(value), "DiffusionGradientOrientation": [0, 0, 1]}
        for value in (0, 700)
    ]
    write_series(place / "sub-01/s1", header={**EPI, **PHILIPS}, volumes=2, by_volume=volumes)
    run(place, other("s1", 24, "dwi/dwi"))
    assert (place / "a study/sub-01/dwi/sub-01_dwi.bval").read_text().split() == ["0", "700"]


def test_perfusion_gets_its_context(place: Path) -> None:
    write_series(place / "sub-01/s1", header={**EPI, **PHILIPS}, volumes=4)
    one = other("s1", 48, "perf/asl", volumes=["control", "label"])
    run(place, one)
    table = place / "a study/sub-01/perf/sub-01_aslcontext.tsv"
    assert table.read_text().split() == ["volume_type", *["control", "label"] * 2]
    with pytest.raises(InputError, match="its 4 volumes"):
        run(place, {**other("s1", 48, "perf/run-2_asl"), "volumes": ["m0scan", "label", "label"]})


def test_the_echoes_of_a_field_map_and_their_difference(place: Path) -> None:
    for echo, time in enumerate((4.92, 7.38), start=1):
        header = {**FIELD_MAP, "EchoTime": time, "EchoNumbers": echo}
        write_series(place / f"sub-01/m{echo}", series=f"m{echo}", header=header)
    phase = {**FIELD_MAP, "ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "EchoTime": 7.38}
    write_series(place / "sub-01/p", series="p", header=phase)
    run(
        place,
        other("m1", 12, "fmap/magnitude1"),
        other("m2", 12, "fmap/magnitude2"),
        other("p", 12, "fmap/phasediff"),
    )
    made = fields(place, "fmap/sub-01_phasediff")
    assert (made["EchoTime1"], made["EchoTime2"]) == (0.00492, 0.00738)


def test_a_field_map_in_hertz_that_is_merged_with_its_magnitude(place: Path) -> None:
    kinds = [
        {"ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "B0", "B0", "UNSPECIFIED"]},
    ]
    header = {**FIELD_MAP, **PHILIPS, "EchoTime": 2.3}
    write_series(place / "sub-01/s1", header=header, volumes=2, by_volume=kinds)
    series = other("s1", 24, "fmap/fieldmap", "fmap/magnitude")
    for output, part in zip(series["outputs"], ("fieldmap", "mag"), strict=True):
        output["part"] = part
    run(place, series)
    assert fields(place, "fmap/sub-01_fieldmap")["Units"] == "Hz"
    folder = place / "a study/sub-01/fmap"
    lowest = {
        name: int(nib.load(folder / f"sub-01_{name}.nii.gz").get_fdata().min())
        for name in ("fieldmap", "magnitude")
    }
    # The voxels of an instance hold its number: the map is the second volume.
    assert lowest == {"fieldmap": 12, "magnitude": 0}


def test_two_echoes_in_one_series(place: Path) -> None:
    echoes = [{"EchoTime": time, "EchoNumbers": at} for at, time in ((1, 12.0), (2, 30.0))]
    write_series(place / "sub-01/s1", header=EPI, volumes=2, by_volume=echoes)
    one = other("s1", 24, "func/task-x_echo-1_bold", "func/task-x_echo-2_bold")
    for output, echo in zip(one["outputs"], echoes, strict=True):
        output["echo"] = echo["EchoTime"]
    run(place, one)
    for number, time in ((1, 0.012), (2, 0.03)):
        assert fields(place, f"func/sub-01_task-x_echo-{number}_bold")["EchoTime"] == time
    with pytest.raises(InputError, match=r"2 images.*it has 1"):
        run(place, other("s1", 24, "func/task-y_bold"))


def test_the_phase_of_an_image_that_has_its_own_job(place: Path) -> None:
    parts = [{"ImageType": ["ORIGINAL", "PRIMARY", part, "ND"]} for part in ("M", "P")]
    write_series(place / "sub-01/s1", header=MPRAGE, volumes=2, by_volume=parts)
    one = other("s1", 24, "anat/part-phase_T1w")
    one["outputs"][0]["part"] = "phase"
    one["apart"] = other("s1", 24, "anat/part-mag_T1w")["outputs"]
    one["apart"][0]["part"] = "mag"
    run(place, one)
    made = sorted(path.name for path in (place / "a study/sub-01/anat").iterdir())
    assert made == ["sub-01_part-phase_T1w.json", "sub-01_part-phase_T1w.nii.gz"]


def test_participants_and_scans_get_rows(place: Path) -> None:
    person = {"PatientAge": "091Y", "PatientSex": "M", "AcquisitionDate": "20100203"}
    write_series(place / "sub-01/s1", header=EPI, volumes=3, **person)
    run(place, other("s1", 36, "func/task-rest_bold"))
    study = place / "a study"
    assert (study / "participants.tsv").read_text() == ("participant_id\tage\tsex\nsub-01\t89\tM\n")
    assert "89 stands for" in (study / "participants.json").read_text()
    lines = (study / "sub-01/sub-01_scans.tsv").read_text().splitlines()
    assert lines[1].startswith("func/sub-01_task-rest_bold.nii.gz\t2010-02-03T10:20:00")


def test_the_dicom_is_kept_once(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=3)
    one = other("s1", 36, "func/task-rest_bold")
    assert run(place, one, sourcedata=True)["sourcedata"] == ["s1"]
    assert len(list((place / "a study/sourcedata/sub-01/s1").iterdir())) == 36
    assert run(place, one, sourcedata=True)["sourcedata"] == []


def test_a_removed_image_is_converted_again(place: Path) -> None:
    write_series(place / "sub-01/s1", header=EPI, volumes=3)
    series = [other("s1", 36, "func/task-rest_bold")]
    plan = plan_of(*series)
    study, results = place / "a study", Path.cwd()

    def asked(subject: str = "01", *, keep: bool = False) -> list[str]:
        return sessions_to_convert(plan, [subject], results, study, keep_sourcedata=keep)

    assert asked() == ["sub-01"]
    assert asked("02") == []
    run(place, *series)
    assert forget_lost(plan, results, study) == []
    assert asked() == ["sub-01"]
    (study / "sub-01/func/sub-01_task-rest_bold.nii.gz").unlink()
    assert forget_lost(plan, results, study) == ["sub-01"]
    assert asked() == ["sub-01"]


def test_a_session_whose_images_are_all_present_is_not_converted(place: Path) -> None:
    study = place / "a study"
    image = study / "sub-01/func/sub-01_task-rest_bold.nii.gz"
    image.parent.mkdir(parents=True)
    image.touch()
    plan = plan_of(other("s", 1, "func/task-rest_bold"))
    asked = sessions_to_convert(plan, ["01"], Path.cwd(), study, keep_sourcedata=False)
    assert asked == []


@pytest.mark.parametrize(
    ("given", "direction", "axes", "expected"),
    [
        ({"PhaseEncodingAxis": "j"}, "AP", "LAS", "j-"),
        ({"PhaseEncodingAxis": "j"}, "PA", "LAS", "j"),
        ({"PhaseEncodingAxis": "i"}, "RL", "LAS", "i"),
        ({"PhaseEncodingAxis": "i"}, "RL", "RAS", "i-"),
        ({"PhaseEncodingAxis": "j"}, "RL", "LAS", None),
        ({"PhaseEncodingAxis": "j"}, None, "LAS", None),
        ({"PhaseEncodingDirection": "j", "PhaseEncodingAxis": "j"}, "AP", "LAS", "j"),
    ],
)
def test_the_direction_of_phase_encoding(
    given: dict[str, str], direction: str | None, axes: str, expected: str | None
) -> None:
    made = completed(given, {}, direction, tuple(axes), {})
    assert made.get("PhaseEncodingDirection") == expected


def test_estimated_readout_time_is_used_if_there_is_no_other() -> None:
    made = completed({"EstimatedTotalReadoutTime": 0.03}, {}, None, (), {})
    assert made["TotalReadoutTime"] == 0.03
    assert missing_fields(made, "epi") == ["PhaseEncodingDirection"]
    assert missing_fields({"PhaseEncodingDirection": "i"}, "epi") == [
        "TotalReadoutTime or EffectiveEchoSpacing"
    ]


def test_files_are_copied_to_a_dataset_on_another_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_text("all of it")
    link, refused = os.link, []

    def across(source: Path, target: Path) -> None:
        if Path(source).name == "source":
            refused.append(target)
            raise OSError(errno.EXDEV, "another disk")
        link(source, target)

    monkeypatch.setattr(os, "link", across)
    target = tmp_path / "study" / "file"
    assert place_new(tmp_path / "source", target)
    assert target.read_text() == "all of it"
    assert not place_new(tmp_path / "source", target)
    assert [path.name for path in target.parent.iterdir()] == ["file"]
    assert len(refused) == 2


def test_only_functional_series_have_a_task(place: Path) -> None:
    write_series(place / "sub-01/s1", header=MPRAGE)
    run(place, other("s1", 12, "anat/T2w"))
    assert "TaskName" not in fields(place, "anat/sub-01_T2w")
