"""Real GE and Siemens series, de-identified and converted, are what dcm2niix makes of them.

The truth is twofold: the reference that comes with the series, and what the same dcm2niix
makes of the originals.
"""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from convert import convert
from deidentify import deidentify
from lib.conversion.dcm2niix import run_dcm2niix
from lib.conversion.sidecar import LOST, without_dropped
from lib.deid.key import Key
from lib.plain_folder import plain_folder

from tests.dicom_builder import EPI, MPRAGE, T2, write_series

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "dcm_qa_nih.tar.xz"
SERIES = {
    **{
        f"20180918GE/mr_000{number}": f"DCM2NIIX_regression_test_{number}"
        for number in (4, 5, 6, 7)
    },
    "20180918Si/mr_0003": "EPI_PE=AP_3",
    "20180918Si/mr_0004": "EPI_PE=PA_4",
    "20180918Si/mr_0005": "EPI_PE=RL_5",
    "20180918Si/mr_0006": "EPI_PE=LR_6",
}
PHYSICS = {
    *("SliceTiming", "PhaseEncodingDirection", "EffectiveEchoSpacing", "TotalReadoutTime"),
    *("RepetitionTime", "EchoTime", "FlipAngle", "ImageOrientationPatientDICOM"),
}
"""Fields that a sidecar of every one of these series must hold."""

ADDED = {"DeidentificationMethod", "DeidentificationMethodCodeSequence"}

with_real = pytest.mark.skipif(not ARCHIVE.is_file(), reason="the real series are not here")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The originals, and beside them a folder ``clean`` with the de-identified series."""
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    files = {
        name.replace("/", "-"): [str(path) for path in sorted((folder / "In" / name).glob("*.dcm"))]
        for name in SERIES
    }
    listing = folder / "session.json"
    listing.write_text(json.dumps({"session": "sub-01", "subject": "01", "series": files}))
    settings = {"profile": "basic", "options": ["retain_safe_private"]}
    told = deidentify(listing, folder / "clean", Key(bytes(range(32))), settings)
    assert told["quarantined"] == []
    return folder


def made_of(real: Path, series: str) -> tuple[Any, dict[str, Any]]:
    out = real / "out" / series
    files = len(list((real / "In" / series).glob("*.dcm")))
    clean = real / "clean" / series.replace("/", "-")
    convert(clean, out / "image.nii.gz", out / "image.json", files)
    return nib.load(out / "image.nii.gz"), json.loads((out / "image.json").read_text())


def original(real: Path, series: str) -> tuple[Any, dict[str, Any]]:
    plain = real / "plain" / series
    plain.mkdir(parents=True)
    program = Path(sys.executable).with_name("dcm2niix")
    command = [program, "-g", "i", "-f", "image", "-o", plain, real / "In" / series]
    subprocess.run(command, check=True, capture_output=True)
    return nib.load(plain / "image.nii"), json.loads((plain / "image.json").read_text())


@with_real
@pytest.mark.parametrize(("series", "reference"), SERIES.items())
def test_voxels_places_and_fields(real: Path, series: str, reference: str) -> None:
    image, fields = made_of(real, series)
    plain, expected = original(real, series)
    for other in (nib.load(real / "Ref" / f"{reference}.nii"), plain):
        np.testing.assert_array_equal(image.dataobj, other.dataobj)
        np.testing.assert_array_equal(image.affine, other.affine)
    assert set(fields) >= PHYSICS
    lost = set(expected) - set(fields)
    assert lost <= {*LOST, *(set(expected) - set(without_dropped(expected)))}
    assert {key: fields[key] for key in set(expected) - lost} == {
        key: expected[key] for key in set(expected) - lost
    }
    assert set(fields) - set(expected) == ADDED


@with_real
def test_the_reference_has_the_same_physics(real: Path) -> None:
    """The reference was made by an older dcm2niix, so only what it rounds alike is compared."""
    for series, reference in SERIES.items():
        fields = json.loads((real / "out" / series / "image.json").read_text())
        expected = json.loads((real / "Ref" / f"{reference}.json").read_text())
        for key in PHYSICS & set(expected):
            if isinstance(expected[key], str):
                assert fields[key] == expected[key], (series, key)
            else:
                np.testing.assert_allclose(fields[key], expected[key], rtol=1e-3, atol=3e-3)


def test_every_lost_field_has_its_reason() -> None:
    assert all(LOST.values())


VENDORS = ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems", "TOSHIBA", "UIH", "HITACHI")
GRADIENTS = [
    {"DiffusionBValue": float(value), "DiffusionGradientOrientation": direction}
    for value, direction in ((0, [0, 0, 0]), (1000, [1, 0, 0]), (2000, [0, 0.6, 0.8]))
]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("header", "volumes"), [(MPRAGE, ()), (T2, ()), (EPI, GRADIENTS)], ids=("T1w", "T2w", "dwi")
)
def test_phantoms_of_every_vendor(
    tmp_path: Path, vendor: str, header: dict[str, Any], volumes: list[dict[str, Any]]
) -> None:
    scans = tmp_path / "In" / "x"
    files = write_series(
        scans, header={**header, "Manufacturer": vendor}, volumes=max(1, len(volumes)),
        by_volume=volumes, InPlanePhaseEncodingDirection="COL", StationName="MR02",
        InstitutionName="Larkmoor", OperatorsName="Nwosu", PatientPosition="HFS",
    )  # fmt: skip
    listing = tmp_path / "session.json"
    content = {"session": "sub-01", "subject": "01", "series": {"x": [str(one) for one in files]}}
    listing.write_text(json.dumps(content))
    settings = {"profile": "basic", "options": ["retain_safe_private"]}
    deidentify(listing, tmp_path / "clean", Key(bytes(range(32))), settings)
    with plain_folder() as folder:
        (made,) = run_dcm2niix(tmp_path / "clean" / "x", folder, len(files))
        plain, expected = original(tmp_path, "x")
        image = nib.load(made.image)
        np.testing.assert_array_equal(image.dataobj, plain.dataobj)
        np.testing.assert_array_equal(image.affine, plain.affine)
        fields = without_dropped(made.sidecar)
        lost = set(expected) - set(fields)
        assert lost <= {*LOST, *(set(expected) - set(without_dropped(expected)))}
        for key in set(expected) - lost:
            assert fields[key] == expected[key], key
        for ending in (".bval", ".bvec"):
            table = tmp_path / "plain" / "x" / f"image{ending}"
            assert made.beside(ending).is_file() is table.is_file()
            if table.is_file():
                assert made.beside(ending).read_text() == table.read_text()
