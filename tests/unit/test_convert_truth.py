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
import pydicom
import pytest
from convert import place_image
from ecdysis.bids.outputs import Output
from ecdysis.conversion.dcm2niix import SeriesFiles, run_dcm2niix
from ecdysis.conversion.nifti import WantedSeries, make_nifti
from ecdysis.conversion.sidecar import LOST, without_dropped
from ecdysis.deid.session import deidentify
from ecdysis.dicom import phase_direction
from ecdysis.key import Key
from ecdysis.plain_folder import plain_folder

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
    outputs = [Output("sub-01/func", "sub-01", "bold")]
    image, sidecar = (out / f"sub-01_bold.{ending}" for ending in ("nii.gz", "json"))
    wanted = [WantedSeries(clean.name, files, outputs)]
    made = make_nifti(clean.parent, out, wanted, out / "nifti")[clean.name]
    place_image(made, image, sidecar, "sub-01/func/sub-01_bold")
    return nib.load(image), json.loads(sidecar.read_text())


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
        fields = json.loads((real / "out" / series / "sub-01_bold.json").read_text())
        expected = json.loads((real / "Ref" / f"{reference}.json").read_text())
        for key in PHYSICS & set(expected):
            if isinstance(expected[key], str):
                assert fields[key] == expected[key], (series, key)
            else:
                np.testing.assert_allclose(fields[key], expected[key], rtol=1e-3, atol=3e-3)


def toward(fields: dict[str, Any]) -> str:
    """The direction in the patient that a sidecar of axial slices gives, as BIDS names it."""
    names = {"i": "RL", "i-": "LR", "j": "PA", "j-": "AP"}
    return names[fields["PhaseEncodingDirection"]]


def direction_of(file: Path) -> str | None:
    found = pydicom.dcmread(file, stop_before_pixels=True)
    axis = found.InPlanePhaseEncodingDirection
    positive = phase_direction.polarity(found)
    return phase_direction.direction([*found.ImageOrientationPatient], axis, positive, "")


@with_real
def test_directions_are_those_of_the_converter(real: Path) -> None:
    for series in SERIES:
        fields = json.loads((real / "out" / series / "sub-01_bold.json").read_text())
        found = direction_of(next((real / "In" / series).glob("*.dcm")))
        assert found == toward(fields), series


@with_real
@pytest.mark.parametrize(
    ("reversed_", "lines", "order", "expected"),
    [
        (False, 0, None, "AP"),
        (True, 0, None, "PA"),
        (False, 2, None, "PA"),
        (True, 2, None, "AP"),
        (False, 0, "LINEAR", "PA"),
        (True, 0, "REVERSE_LINEAR", "AP"),
    ],
)
def test_polarity_of_general_electric(
    real: Path, tmp_path: Path, reversed_: bool, lines: int, order: str | None, expected: str
) -> None:
    scans = tmp_path / "In" / "x"
    scans.mkdir(parents=True)
    for file in sorted((real / "In" / "20180918GE" / "mr_0004").glob("*.dcm"))[:15]:
        changed = pydicom.dcmread(file)
        block = bytearray(changed[0x0043, 0x102A].value)
        start = int.from_bytes(block[24:28], "little") + 0x4C
        block[start + 0x30] = block[start + 0x30] & ~4 | 4 * reversed_
        block[start + 0x308] = lines
        changed[0x0043, 0x102A].value = bytes(block)
        if order:
            changed.RectilinearPhaseEncodeReordering = order
        changed.save_as(scans / file.name)
    _, fields = original(tmp_path, "x")
    assert direction_of(next(scans.iterdir())) == toward(fields) == expected


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
        clean = tmp_path / "clean" / "x"
        (made,) = run_dcm2niix([SeriesFiles(clean, len(files))], folder)[clean]
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
            assert made.with_ending(ending).is_file() is table.is_file()
            if table.is_file():
                assert made.with_ending(ending).read_text() == table.read_text()
