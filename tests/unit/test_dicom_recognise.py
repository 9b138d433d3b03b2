"""What a series is: the decision table, and the facts it reads."""

from pathlib import Path
from typing import Any

import pytest
from ecdysis.dicom.index import index
from ecdysis.key import Key
from ecdysis.planning.decision import PlanOptions
from ecdysis.planning.facts import series_facts
from ecdysis.planning.recognise import (
    FOLDERS,
    KINDS,
    LEFT_OUT,
    WORDS,
    _properties,
    description_words,
    recognise,
)
from ecdysis.planning.series import Series, group_series
from ecdysis.planning.session_decisions import decide

from tests.dicom_builder import EPI, FLAIR, MPRAGE, PD, SPIN_ECHO, T2, write_series

KEY = Key(bytes(range(32)))

SPGR = {
    **MPRAGE,
    "Manufacturer": "GE MEDICAL SYSTEMS",
    "SeriesDescription": "Sag FSPGR BRAVO",
    "ScanningSequence": "GR",
    "SequenceVariant": ["SS", "SP", "SK"],
    "RepetitionTime": 8.2,
    "EchoTime": 3.2,
    "InversionTime": 450,
    "FlipAngle": 12,
}
PHILIPS = {
    **MPRAGE,
    "Manufacturer": "Philips Medical Systems",
    "ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"],
    "SeriesDescription": "T1W_3D_TFE",
    "ScanningSequence": "GR",
    "SequenceVariant": "MP",
    "RepetitionTime": 7.6,
    "EchoTime": 3.5,
    "InversionTime": None,
    "FlipAngle": 8,
}
NO_PHYSICS = dict.fromkeys(
    (
        *("ScanningSequence", "SequenceVariant", "MRAcquisitionType", "EchoTime"),
        *("RepetitionTime", "InversionTime", "FlipAngle"),
    )
)


def series(folder: Path, **given: Any) -> Series:
    write_series(folder / "scans", **given)
    found = index(folder / "scans", folder / "private" / "index.json")
    (one,) = group_series(found, KEY)
    return one


def against(one: Series) -> str | None:
    (decision,) = decide([one], PlanOptions(("T1w",), others=False))
    return decision.objection


def guess(folder: Path, **given: Any) -> tuple[str | None, str]:
    one = series(folder, **given)
    found = recognise(series_facts(one), description_words(one.header))
    return found.suffix, found.confidence


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (MPRAGE, ("T1w", "high")),
        ({**MPRAGE, "SeriesDescription": "T1_MPR_1mm_p2"}, ("T1w", "high")),
        ({**MPRAGE, "SeriesDescription": "Kopf sagittal"}, ("T1w", "medium")),
        ({**MPRAGE, "SeriesDescription": "t2_space"}, ("T1w", "low")),
        (SPGR, ("T1w", "high")),
        ({**SPGR, "InversionTime": None, "SeriesDescription": "3D FLASH"}, ("T1w", "medium")),
        (PHILIPS, ("T1w", "high")),
        (
            {**SPIN_ECHO, "SeriesDescription": "t1_se_tra", "EchoTime": 9, "RepetitionTime": 550},
            ("T1w", "high"),
        ),
        (
            {**FLAIR, "SeriesDescription": "T1 FLAIR", "EchoTime": 20, "InversionTime": 860},
            ("T1w", "high"),
        ),
        ({**MPRAGE, **NO_PHYSICS, "SeriesDescription": "anat-T1w"}, ("T1w", "medium")),
        ({**MPRAGE, **NO_PHYSICS, "SeriesDescription": "Kopf"}, (None, "low")),
        (T2, ("T2w", "high")),
        ({**T2, "SeriesDescription": "t1_tse"}, ("T2w", "low")),
        (FLAIR, ("FLAIR", "high")),
        ({**FLAIR, "SeriesDescription": "t2_tirm_dark-fluid"}, ("FLAIR", "high")),
        (PD, ("PDw", "high")),
        (
            {**SPIN_ECHO, "ScanningSequence": "GR", "EchoTime": 20, "SeriesDescription": "t2star"},
            ("T2starw", "high"),
        ),
        ({**EPI, "SeriesDescription": "rest_bold"}, (None, "high")),
        ({**EPI, "SeriesDescription": "dti_64"}, ("dwi", "high")),
        ({**EPI, "SeriesDescription": "SE_EPI PE=AP"}, ("epi", "high")),
        ({**EPI, "SeriesDescription": "pcasl"}, ("asl", "medium")),
        ({**MPRAGE, "SeriesDescription": "AAHead_Scout"}, ("localizer", "low")),
        (
            {**MPRAGE, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
            ("localizer", "high"),
        ),
        ({**MPRAGE, "ImageType": ["DERIVED", "SECONDARY", "MPR"]}, (None, "high")),
        ({**MPRAGE, "ImageType": ["DERIVED", "PRIMARY", "PROJECTION IMAGE"]}, (None, "high")),
        ({**MPRAGE, "ImageType": ["DERIVED", "PRIMARY", "M", "UNI"]}, ("UNIT1", "high")),
        ({**MPRAGE, "ImageType": ["ORIGINAL", "PRIMARY", "P"]}, ("T1w", "high")),
        ({**SPGR, "SequenceVariant": ["SP", "TOF"], "SeriesDescription": "T"}, (None, "high")),
        ({**MPRAGE, "BodyPartExamined": "KNEE"}, (None, "high")),
        ({**MPRAGE, "Modality": "CT"}, (None, "high")),
    ],
)
def test_kinds(tmp_path: Path, header: dict[str, Any], expected: tuple[str | None, str]) -> None:
    assert guess(tmp_path, header=header) == expected


def test_a_time_series_is_bold(tmp_path: Path) -> None:
    assert guess(tmp_path, header=EPI, slices=3, volumes=12) == ("bold", "medium")


def test_every_rule_of_the_table_has_a_known_kind() -> None:
    kinds = {rule.suffix for rule in (*LEFT_OUT, *KINDS)}
    assert kinds <= {None, "localizer", *FOLDERS}


def test_every_condition_of_the_table_is_on_a_known_fact_and_known_words(tmp_path: Path) -> None:
    known = set(_properties(series_facts(series(tmp_path, **MPRAGE)), set()))
    for rule in (*LEFT_OUT, *KINDS):
        for conditions in (rule.has, rule.lacks):
            assert set(conditions) <= known
            assert set(conditions.get("words", ())) <= set(WORDS)


def test_facts_have_no_identifying_text(tmp_path: Path) -> None:
    one = series(
        tmp_path,
        patient="Lovelace",
        SeriesDescription="Lovelace MPRAGE",
        ProtocolName="Lovelace",
        Manufacturer="Lovelace",
        BodyPartExamined="LOVELACE",
        ImageType=["ORIGINAL", "PRIMARY", "LOVELACE"],
        ContrastBolusAgent="Lovelace",
    )
    known = series_facts(one)
    assert "lovelace" not in repr(known).lower()
    assert known.contrast_agent is True
    assert one.id.startswith("ser-")
    assert len(one.id) == 12


def test_missing_slices_are_counted(tmp_path: Path) -> None:
    known = series_facts(series(tmp_path, slices=20, skip={5, 6, 11}))
    assert (known.slices, known.missing_slices) == (17, 3)


def test_a_second_copy_of_a_file_counts_once(tmp_path: Path) -> None:
    write_series(tmp_path / "scans" / "copy")
    known = series_facts(series(tmp_path))
    assert (known.files, known.copies, known.conflicts) == (12, 12, 0)


def test_one_identifier_with_two_contents_is_a_conflict(tmp_path: Path) -> None:
    write_series(tmp_path / "scans" / "copy", EchoTime=5)
    one = series(tmp_path)
    known = series_facts(one)
    assert known.conflicts == 12
    assert "twice with different content" in str(against(one))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"skip": {4}}, "1 slices are missing"),
        ({"slices": 4}, "at least 10"),
        ({"volumes": 2}, "not one volume"),
        ({"ImageOrientationPatient": None}, "no position"),
        ({"header": T2}, "not among the suffixes"),
        ({"header": EPI, "SeriesDescription": "dti"}, "which is not among the suffixes"),
        ({"SeriesDescription": "t2"}, "description names T2w"),
    ],
)
def test_reasons_why_a_series_becomes_no_image(
    tmp_path: Path, given: dict[str, Any], reason: str
) -> None:
    assert reason in str(against(series(tmp_path, **given)))


def test_a_good_series_has_no_objection(tmp_path: Path) -> None:
    assert against(series(tmp_path)) is None
