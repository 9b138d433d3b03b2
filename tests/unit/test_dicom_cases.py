"""Exports as users report them: each series has the name, or the reason, that it should have."""

import gzip
from pathlib import Path
from typing import Any

import pydicom
import pytest
from ecdysis.dicom.reading import ARCHIVE
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.entries import Plan
from ecdysis.planning.plan import Sources, plan

from tests.dicom_builder import EPI, FIELD_MAP, MPRAGE, SPIN_ECHO, T2, uid, write_series

KEY = Key(bytes(range(32)))
AXES = {"InPlanePhaseEncodingDirection": "COL"}
BOLD = {**EPI, **AXES, "SeriesDescription": "task-rest_bold"}
SPIN_EPI = {**EPI, **AXES, "ScanningSequence": ["EP", "SE"], "EchoTime": 60}
PHASE = ["ORIGINAL", "PRIMARY", "P", "ND"]
GRE = {**MPRAGE, "ScanningSequence": "GR", "SequenceVariant": "SP", "InversionTime": None,
       "EchoTime": 20, "RepetitionTime": 28, "FlipAngle": 15}  # fmt: skip
WEIGHTED = [{"DiffusionBValue": 0.0}, *[{"DiffusionBValue": 1000.0}] * 12]
PHASE_DIFFERENCE = {**FIELD_MAP, "ImageType": PHASE, "EchoTime": 7.38}
TWO_ECHOES = [{"EchoTime": 4.92, "EchoNumbers": 1}, {"EchoTime": 7.38, "EchoNumbers": 2}]


class Export:
    """An export in the making: series are numbered and timed in the order in which they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 1

    def add(self, time: str, header: dict[str, Any], **given: Any) -> list[Path]:
        """Write a series that was acquired at a time."""
        self.number += 1
        given = {"SeriesNumber": self.number, "series": f"s{self.number}", **given}
        place = self.folder / "scans" / f"{self.number:03d}"
        return write_series(place, header=header, AcquisitionTime=time, **given)

    def plan(self, table: Path | None = None) -> Plan:
        """Plan it."""
        sources = Sources(self.folder / "scans", self.folder / "private", KEY, table=table)
        return plan(sources, self.folder / "bids", PlanOptions())

    def names(self) -> list[str]:
        """Return the names in the order of the table, by session and series number."""
        self.plan()
        return [row.get("name", "-") for row in self.rows()]

    def rows(self) -> list[dict[str, str]]:
        """Return the table of the last plan."""
        return read_tsv(self.folder / "private" / "series.tsv").rows

    def suffixes(self) -> list[list[str]]:
        """Return the suffixes of the images of each series that becomes images."""
        return [[image.suffix for image in series.outputs] for series in self.plan().mapped]

    def plan_with(self, *rows: tuple[str, ...]) -> Plan:
        """Plan it with a table of the user."""
        table = self.folder / "edited.tsv"
        table.write_text("".join("\t".join(row) + "\n" for row in rows))
        return self.plan(table)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def sbref(export: Export, time: str, **given: Any) -> None:
    description = given.pop("SeriesDescription", "task-rest_bold_SBRef")
    export.add(time, {**BOLD, "SeriesDescription": description}, **given)


def test_each_echo_has_the_reference_of_its_echo(export: Export) -> None:
    for echo, time in enumerate((12.4, 28.2, 44.0), start=1):
        sbref(export, "100000", EchoTime=time, EchoNumbers=echo)
    for echo, time in enumerate((12.4, 28.2, 44.0), start=1):
        export.add("100010", BOLD, volumes=12, EchoTime=time, EchoNumbers=echo)
    assert export.names() == [
        f"task-rest_echo-{echo}_{kind}" for kind in ("sbref", "bold") for echo in (1, 2, 3)
    ]


def test_each_part_has_the_reference_of_its_part_in_every_run(export: Export) -> None:
    for hour in ("10", "11"):
        for kind, part in (("M", ""), ("P", "_Pha")):
            sbref(export, f"{hour}0000", ImageType=["ORIGINAL", "PRIMARY", kind, "ND"],
                  SeriesDescription=f"task-rest_bold_SBRef{part}")  # fmt: skip
        for kind in ("M", "P"):
            export.add(f"{hour}0010", BOLD, volumes=12, ImageType=["ORIGINAL", "PRIMARY", kind])
    assert export.names() == [
        f"task-rest_run-{run}_part-{part}_{kind}"
        for run in (1, 2)
        for kind in ("sbref", "bold")
        for part in ("mag", "phase")
    ]


def test_the_reference_of_a_stopped_run_is_left_out(export: Export) -> None:
    sbref(export, "100000")
    sbref(export, "100100")
    export.add("100110", BOLD, volumes=12)
    assert export.names() == ["-", "task-rest_sbref", "task-rest_bold"]
    sbref(export, "110000")
    export.add("110010", BOLD, volumes=12, skip=range(140, 144))
    assert export.names()[3:] == ["-", "-"]
    assert "time series is left out" in export.rows()[3]["why"]


def test_a_repeated_magnitude_does_not_break_the_pair(export: Export) -> None:
    for time in ("100000", "100500"):
        export.add(time, FIELD_MAP, volumes=2, by_volume=TWO_ECHOES)
    export.add("100500", PHASE_DIFFERENCE)
    assert export.names() == ["-", "magnitude", "phasediff"]
    assert export.suffixes() == [["magnitude1", "magnitude2"], ["phasediff"]]


def test_two_phase_images_in_separate_series(export: Export) -> None:
    for hour in ("10", "11"):
        for echo in TWO_ECHOES:
            export.add(f"{hour}0000", {**FIELD_MAP, "ImageType": PHASE, **echo})
            export.add(f"{hour}0000", {**FIELD_MAP, **echo})
    assert export.names() == [
        f"run-{run}_{kind}{echo}"
        for run in (1, 2)
        for echo in (1, 2)
        for kind in ("phase", "magnitude")
    ]


def test_a_phase_difference_without_magnitude_is_left_out(export: Export) -> None:
    export.add("100000", PHASE_DIFFERENCE)
    assert export.names() == ["-"]
    assert "without its magnitude" in export.rows()[0]["why"]


def test_an_export_with_one_time_for_all_is_in_the_order_of_numbers(export: Export) -> None:
    export.add("100000", BOLD, volumes=12)
    sbref(export, "100000")
    export.add("100000", BOLD, volumes=12)
    assert export.names() == [f"task-rest_run-{name}" for name in ("1_bold", "2_sbref", "2_bold")]


@pytest.mark.parametrize(
    ("later", "earlier"),
    [("20200101 102000", "20200101 101000"), ("20200102 000500", "20200101 235500")],
    ids=["numbers", "midnight"],
)
def test_runs_are_in_the_order_of_time(export: Export, later: str, earlier: str) -> None:
    for moment in (later, earlier):
        date, time = moment.split()
        export.add(time, BOLD, volumes=12, StudyTime=earlier[9:], AcquisitionDate=date)
    assert export.names() == ["task-rest_run-2_bold", "task-rest_run-1_bold"]


@pytest.mark.parametrize("studies", [("A", "A", "B"), ("A", "B", "C")])
def test_studies_of_one_visit_are_one_session(export: Export, studies: tuple[str, ...]) -> None:
    for study, time in zip(studies, ("100000", "101000", "105000"), strict=True):
        export.add(time, BOLD, volumes=12, study=study)
    assert export.names() == [f"task-rest_run-{run}_bold" for run in (1, 2, 3)]
    (notice,) = export.plan().notices
    assert f"{len(set(studies))} studies" in notice
    assert "participants_map" in notice


def test_visits_of_one_day_that_are_hours_apart_stay_two_sessions(export: Export) -> None:
    export.add("090000", BOLD, volumes=12, study="A")
    export.add("150000", BOLD, volumes=12, study="B")
    assert {series.session for series in export.plan().mapped} == {"sub-01_ses-01", "sub-01_ses-02"}
    assert export.plan().notices == []


def test_volumes_with_a_study_and_series_each_are_one_series(export: Export) -> None:
    for volume in range(12):
        export.add(f"1000{2 * volume:02d}", BOLD, study=f"v{volume}", series=f"v{volume}")
    made = export.plan()
    assert [series.image for series in made.mapped] == ["sub-01/func/sub-01_task-rest_bold"]
    assert (made.mapped[0].facts.volumes, made.mapped[0].facts.pieces) == (12, 12)


def test_a_series_that_the_archive_split_is_one_image(export: Export) -> None:
    for half in (range(12, 24), range(12)):
        export.add("101000", MPRAGE, slices=24, skip=half, SeriesNumber=4)
    assert export.names() == ["T1w"]
    assert export.plan().mapped[0].facts.slices == 24


def test_repeats_of_an_anatomical_image_are_not_joined(export: Export) -> None:
    export.add("101000", MPRAGE)
    export.add("101600", MPRAGE)
    assert export.names() == ["run-1_T1w", "run-2_T1w"]


def test_a_session_with_a_problem_does_not_stop_others(export: Export) -> None:
    export.add("100000", MPRAGE, patient="One", study="one")
    export.add("100000", BOLD, patient="Two", study="two", volumes=12, skip=range(140, 144))
    export.add("100000", MPRAGE, patient="Three", study="three")
    assert sorted(export.names()) == ["-", "T1w", "T1w"]


def test_an_unweighted_image_of_the_other_direction_is_a_field_map(export: Export) -> None:
    export.add("100000", {**SPIN_EPI, "SeriesDescription": "dwi_dir-AP"}, volumes=13,
               by_volume=WEIGHTED)  # fmt: skip
    for time, direction in (("101000", "PA"), ("101100", "AP")):
        header = {**SPIN_EPI, "SeriesDescription": f"dwi_b0_dir-{direction}"}
        export.add(time, header, slices=14, by_volume=WEIGHTED[:1])
    assert export.names() == ["dir-AP_dwi", "acq-dwi_dir-PA_epi", "acq-dwi_dir-AP_epi"]


def test_an_unweighted_image_of_the_same_direction_is_a_dwi_of_zero_b(export: Export) -> None:
    for volumes, by_volume in ((13, WEIGHTED), (1, [{"DiffusionBValue": 0.0}])):
        header = {**SPIN_EPI, "SeriesDescription": "dwi_AP"}
        export.add(f"10{volumes:02d}00", header, volumes=volumes, by_volume=by_volume)
    others = sorted((series.kind, series.zero_b) for series in export.plan().others)
    assert others == [("dwi", False), ("dwi", True)]


def test_a_diffusion_series_without_b_values_has_medium_confidence(export: Export) -> None:
    export.add("100000", {**SPIN_EPI, "SeriesDescription": "ep2d_diff_mddw"}, volumes=13)
    export.plan()
    assert export.rows()[0]["confidence"] == "medium"
    assert "no b-values" in export.rows()[0]["why"]


def test_the_images_of_mp2rage(export: Export) -> None:
    for name, kind, inversion in (
        ("INV1", ["ORIGINAL", "PRIMARY", "M", "ND"], 700),
        ("INV1_PHS", PHASE, 700),
        ("INV2", ["ORIGINAL", "PRIMARY", "M", "ND"], 2500),
        ("UNI_Images", ["DERIVED", "PRIMARY", "M", "ND", "UNI"], None),
        ("UNI-DEN", ["DERIVED", "PRIMARY", "M", "ND", "UNI"], None),
        ("T1_Images", ["DERIVED", "PRIMARY", "T1 MAP", "ND"], None),
    ):
        header = {**MPRAGE, "SeriesDescription": f"t1_mp2rage_sag_p3_{name}", "ImageType": kind}
        export.add("101000", header, InversionTime=inversion, RepetitionTime=5000)
    assert export.names() == [
        *("inv-1_part-mag_MP2RAGE", "inv-1_part-phase_MP2RAGE", "inv-2_part-mag_MP2RAGE"),
        *("UNIT1", "rec-den_UNIT1", "T1map"),
    ]


def test_susceptibility_weighting(export: Export) -> None:
    for name, kind in (
        ("Mag_Images", ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"]),
        ("Pha_Images", ["ORIGINAL", "PRIMARY", "P", "NORM", "DIS2D"]),
        ("mIP_Images(SW)", ["ORIGINAL", "PRIMARY", "MNIP", "ND"]),
        ("SWI_Images", ["ORIGINAL", "PRIMARY", "M", "SWI", "NORM"]),
    ):
        export.add("101000", {**GRE, "SeriesDescription": name, "ProtocolName": "t2_swi_tra"},
                   ImageType=kind)  # fmt: skip
    assert export.names() == ["part-mag_T2starw", "part-phase_T2starw", "-", "rec-swi_T2starw"]


@pytest.mark.parametrize("apart", [False, True])
def test_a_multi_echo_gradient_echo_is_no_t1w(export: Export, apart: bool) -> None:
    header = {**GRE, "SeriesDescription": "gre_5echo_tra", "RepetitionTime": 45}
    echoes = [{"EchoTime": time, "EchoNumbers": at} for at, time in enumerate((5, 10, 15, 20), 1)]
    for kind in ("M", "P"):
        image_type = ["ORIGINAL", "PRIMARY", kind, "ND"]
        for echo in echoes if apart else [{"volumes": 4, "by_volume": echoes}]:
            export.add("101000", header, ImageType=image_type, **echo)
    # The table is read again as it was written.
    for table in (None, export.folder / "private" / "series.tsv"):
        images = {image.path for series in export.plan(table).mapped for image in series.outputs}
        assert images == {
            f"sub-01/anat/sub-01_echo-{echo}_part-{part}_MEGRE"
            for echo in (1, 2, 3, 4)
            for part in ("mag", "phase")
        }


def test_a_turbo_spin_echo_with_two_echoes_is_two_images(export: Export) -> None:
    echoes = [{"EchoTime": 11.0}, {"EchoTime": 92.0}]
    header = {**SPIN_ECHO, "SeriesDescription": "pd+t2_tse", "RepetitionTime": 4320}
    export.add("101000", header, volumes=2, by_volume=echoes)
    assert export.suffixes() == [["PDw", "T2w"]]


def test_a_field_map_in_hertz_with_its_magnitude(export: Export) -> None:
    kinds = [{"ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]},
             {"ImageType": ["ORIGINAL", "PRIMARY", "B0", "B0", "UNSPECIFIED"]}]  # fmt: skip
    header = {**FIELD_MAP, "Manufacturer": "Philips Medical Systems", "SeriesDescription": "B0MAP"}
    export.add("101000", header, volumes=2, by_volume=kinds)
    assert export.suffixes() == [["fieldmap", "magnitude"]]


def test_contrast_agent_and_distortion_correction(export: Export) -> None:
    export.add("100000", MPRAGE, ContrastBolusAgent="GADOVIST")
    assert export.names() == ["ce-agent_T1w"]
    export.add("110000", MPRAGE, ContrastBolusAgent="NO")
    export.add("110000", {**MPRAGE, "ImageType": ["DERIVED", "PRIMARY", "M", "NORM", "DIS3D"]})
    assert export.names()[1:] == ["T1w", "rec-dis3d_T1w"]


@pytest.mark.parametrize(
    ("header", "name", "confidences"),
    [
        ({**MPRAGE, "SeriesDescription": "t1_mprage_reverse_sag"}, "T1w", ("high",)),
        ({**MPRAGE, "SeriesDescription": "T1 survey study visit"}, "-", ("low", "medium")),
        ({**MPRAGE, "SeriesDescription": "MPRAGE_T2map_prep"}, "-", ("low", "medium")),
        ({**T2, "SeriesDescription": "t2_space_sag_CSI_study"}, "-", ("low", "medium")),
        ({**MPRAGE, "Modality": "CT"}, "-", ("high",)),
        ({**MPRAGE, "Modality": "PT"}, "-", ("high",)),
        ({**EPI, "SeriesDescription": "ep2d_perf_rest"}, "-", ("low",)),
    ],
)
def test_words_that_contradict_the_acquisition_lower_the_confidence(
    export: Export, header: dict[str, Any], name: str, confidences: tuple[str, ...]
) -> None:
    export.add("100000", header, volumes=40 if "EP" in header["ScanningSequence"] else 1)
    assert export.names() == [name]
    assert export.rows()[0]["confidence"] in confidences


def test_a_mosaic_of_uih_counts_its_files_as_volumes(export: Export) -> None:
    export.add("100000", {**SPIN_EPI, "SeriesDescription": "dti_tra"}, slices=1, volumes=17,
               Manufacturer="UIH", ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"],
               ImagePositionPatient=None)  # fmt: skip
    assert export.names() == ["dwi"]
    assert export.plan().mapped[0].facts.volumes == 17


def test_a_series_with_keep_is_converted(export: Export) -> None:
    export.add("100000", BOLD, volumes=12, skip=range(140, 144))
    assert export.names() == ["-"]
    columns, series = ("series", "name", "keep"), export.rows()[0]["series"]
    made = export.plan_with(columns, (series, "n/a", "yes"))
    assert [entry.keep for entry in made.others] == [True]
    assert export.rows()[0]["keep"] == "yes"
    made = export.plan_with(columns, (series, "task-x_bold", "yes"))
    assert made.mapped[0].image == "sub-01/func/sub-01_task-x_bold"


def test_one_name_for_two_directions_gets_the_direction(export: Export) -> None:
    for direction in ("AP", "PA"):
        header = {**BOLD, "SeriesDescription": f"rest_{direction}"}
        export.add("100000", header, volumes=12)
    export.plan()
    rows = [(row["series"], "task-calm_bold") for row in export.rows()]
    export.plan_with(("series", "name"), *rows)
    assert [row["name"] for row in export.rows()] == [
        "task-calm_dir-AP_bold",
        "task-calm_dir-PA_bold",
    ]


@pytest.mark.parametrize("start", [b"PK\x03\x04", bytes(257) + b"ustar"], ids=["zip", "tar"])
def test_an_archive_is_named(export: Export, start: bytes) -> None:
    export.add("100000", MPRAGE)
    (export.folder / "scans" / "export").write_bytes(start + bytes(600))
    assert [(item.files, item.reason) for item in export.plan().excluded] == [(1, ARCHIVE)]


def test_gzipped_files_are_read(export: Export) -> None:
    for path in export.add("100000", MPRAGE):
        path.with_suffix(".dcm.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert export.names() == ["T1w"]


def test_objects_without_pixels_are_not_called_cut_short(export: Export) -> None:
    for path in export.add("100000", MPRAGE, slices=1, Modality="SR"):
        dataset = pydicom.dcmread(path)
        for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated"):
            delattr(dataset, keyword)
        dataset.save_as(path)
    assert export.names() == ["-"]
    assert export.plan().excluded[0].reason.startswith("no image")


def test_one_identifier_with_two_people_is_reported(export: Export) -> None:
    people = (("Aalto^Ida", "19600101", "F"), ("Brandt^Otto", "19711231", "M"))
    for study, (name, birth, sex) in zip("AB", people, strict=True):
        export.add("100000", MPRAGE, patient="0001", study=study, PatientName=name,
                   PatientBirthDate=birth, PatientSex=sex)  # fmt: skip
    made = export.plan()
    assert len({series.session for series in made.mapped}) == 2
    (notice,) = made.notices
    assert "2 names and 2 birth dates and 2 sexes" in notice
    assert not any(word in notice for word in ("Aalto", "Brandt", "1960", "0001"))


def test_a_middle_name_does_not_make_another_person(export: Export) -> None:
    for study, name in zip("AB", ("Aalto^Ida", "Aalto^Ida^Maria"), strict=True):
        export.add("100000", MPRAGE, patient="0001", study=study, PatientName=name,
                   StudyDate=f"202{len(name) % 9}0101")  # fmt: skip
    assert export.plan().notices == []


def test_series_identifiers_are_made_from_the_uid(export: Export) -> None:
    export.add("100000", MPRAGE, series="x")
    assert export.plan().images[0].series == "ser-" + KEY.token(
        "series", uid("series", "first", "x")
    )
