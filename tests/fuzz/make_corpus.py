"""Write the seeds from which the fuzz tests start, all of them made here.

python -m tests.fuzz.make_corpus
"""

import gzip
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from nibabel.nifti2 import Nifti2Header
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from tests.dicom_builder import MPRAGE, write_series
from tests.fuzz.mutate import CORPUS
from tests.unit.nifti_images import save

NAMES = [
    b"sub-01/anat/sub-01_T1w.nii.gz\nsub-01/anat/sub-01_T1w.nii",
    b"sub-01/ses-1/anat/sub-01_ses-1_acq-a_run-1_T1w.nii.gz",
    b"sub-a b/anat/sub-a b_T1w.nii.gz\nsub-\xff/anat/x_T1w.nii.gz\nderivatives/x",
]
TEXTS = [
    Path("config/config.yaml").read_bytes(),
    Path("config/study.yaml").read_bytes(),
    Path("config/edits/seed.yaml").read_bytes(),
    b"series\tuid\tname\nabcd\t1.2.3\tacq-x_T1w\n0123\t1.2.4\tn/a\n",
    b"patient_id\tparticipant_label\tstudy_date\tsession_label\nA1\tsub-01\t2020-01-01\t1\n",
    b"skullstrip: {method: ants, template: {t1w: a.nii}}\nfilters: {T1w: {run: [1, null]}}\n",
]


def nested() -> Dataset:
    """An item with sequences in it, a person and private elements."""
    inner = Dataset()
    inner.PatientName, inner.CodeValue, inner.StudyDate = "Zuse^Konrad", "T-1", "20200101"
    block = inner.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", b"SV10\4\3\2\1" + bytes(40))
    outer = Dataset()
    outer.ReferencedImageSequence = Sequence([inner, Dataset()])
    return outer


def dicom_files(folder: Path) -> dict[str, bytes]:
    """One slice in each way of writing it."""
    (path,) = write_series(folder, slices=1, header={**MPRAGE, "StudyDescription": "Zuse 1941"})
    dataset = dcmread(path)
    dataset.Rows = dataset.Columns = 4
    dataset.PixelData = bytes(32)
    dataset.RequestAttributesSequence = Sequence([nested()])
    dataset["RequestAttributesSequence"].is_undefined_length = True
    files = {"explicit": _written(dataset)}
    for name, syntax in (
        ("implicit", ImplicitVRLittleEndian),
        ("deflated", DeflatedExplicitVRLittleEndian),
        ("big", ExplicitVRBigEndian),
    ):
        dataset.file_meta.TransferSyntaxUID = syntax
        files[name] = _written(dataset)
    files["bare"] = files["implicit"][132:]
    return files


def _written(dataset: Dataset) -> bytes:
    syntax = dataset.file_meta.TransferSyntaxUID
    target = BytesIO()
    dcmwrite(target, dataset, implicit_vr=syntax.is_implicit_VR,
             little_endian=syntax.is_little_endian, enforce_file_format=True)  # fmt: skip
    return target.getvalue()


def nifti_files(folder: Path) -> dict[str, bytes]:
    """Small images of both versions."""
    voxels = np.arange(60, dtype="int16").reshape(3, 4, 5)
    one = save(folder / "one.nii", voxels).read_bytes()
    two = save(folder / "two.nii", voxels.astype("float32"), kind=Nifti2Header).read_bytes()
    big = save(folder / "big.nii", voxels, endianness=">").read_bytes()
    return {"one": one, "two": two, "big": big, "packed": gzip.compress(one, 9, mtime=0)}


def main() -> None:
    """Write every seed."""
    with tempfile.TemporaryDirectory() as folder:
        files = dicom_files(Path(folder))
        content = {
            "cleaner": files,
            "index": files,
            "nifti": nifti_files(Path(folder)),
            "discovery": dict(zip("abc", NAMES, strict=True)),
            "config": dict(zip("abcdef", TEXTS, strict=True)),
        }
    for target, seeds in content.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (CORPUS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
