"""The folder to publish: what is in it, what is left out, and what its scanner sees.

The study has identifiers in every place that a file has for them.
"""

import gzip
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import deface as deface_script
import nibabel as nib
import numpy as np
import pytest
from ecdysis.bids.discovery import Image
from ecdysis.bids.image_name import ImageName
from ecdysis.bids.validator import find_validator
from ecdysis.errors import InputError
from ecdysis.files import write_json
from ecdysis.phantom.bids import describe_dataset, write_bids_image
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.places import TEMPLATE_FOLDER, record_file
from ecdysis.settings import resolve
from ecdysis.share.make import share
from ecdysis.share.scan import Searched, scan_faces, scan_files
from ecdysis.share.secrets import secrets_of
from ecdysis.share.tables import public_columns, public_sidecar
from ecdysis.skullstrip.itk import write_affine
from ecdysis.study import Study
from ecdysis.template import embedded

FIGURES = "derivatives/ecdysis/sub-01/figures/sub-01_T1w"
PLANTED = (
    "Zimmermann", "Hildegard", "MRN-4711-0815", "1954-03-21", "19540321", "Charite Mitte",
    "SN0099887", "h.zimmermann@example.org", "1.2.840.113619.2.55.3.604688119", "ses-2019",
)  # fmt: skip
FIELDS = {
    "PatientName": "Zimmermann^Hildegard",
    "PatientID": "MRN-4711-0815",
    "InstitutionName": "Charite Mitte",
    "DeviceSerialNumber": "SN0099887",
    "AcquisitionDateTime": "1954-03-21T10:11:12",
    "SeriesInstanceUID": "1.2.840.113619.2.55.3.604688119",
    "Comment": "h.zimmermann@example.org",
    "OperatorsName": "White^Page",
    "StationName": "Removed",
}
"""The last two are words of each report, and of the sidecars."""
HEAD = HeadSettings(spacing_mm=(4.0, 4.0, 4.0), orientation="LPI", neck_mm=40)


def _plant(root: Path) -> None:
    """Put identifiers into sidecars, tables, headers, the README and other files."""
    for image in root.glob("sub-*/**/*.nii.gz"):
        sidecar = image.with_name(image.name.replace(".nii.gz", ".json"))
        known = json.loads(sidecar.read_text()) if sidecar.exists() else {}
        write_json(sidecar, known | FIELDS)
        stored = nib.load(image)
        stored.header["descrip"], stored.header["db_name"] = b"Zimmermann", b"MRN-4711-0815"
        comment = nib.nifti1.Nifti1Extension("comment", b"Zimmermann^Hildegard")
        stored.header.extensions.append(comment)
        data = np.asanyarray(stored.dataobj).copy()
        with image.open("wb") as out, gzip.GzipFile("Zimmermann.nii", "wb", 1, out) as packed:
            packed.write(nib.Nifti1Image(data, stored.affine, stored.header).to_bytes())
    people = "participant_id\tage\tsex\tname\tbirth_date\n"
    rows = (f"sub-{n}\t93\tF\tHildegard Zimmermann\t1954-03-21\n" for n in ("01", "02"))
    (root / "participants.tsv").write_text(people + "".join(rows))
    description = json.loads((root / "dataset_description.json").read_text())
    named = description | {"Name": "Hildegard Zimmermann's brain", "Authors": ["A. Nyman"]}
    write_json(root / "dataset_description.json", named)
    (root / "README.md").write_text("Data of Hildegard Zimmermann, MRN-4711-0815\n")
    (root / "notes_Zimmermann.txt").write_text("call h.zimmermann@example.org")
    (root / "sub-01" / "anat" / "Zimmermann.txt").write_text("1954-03-21")
    scans = "filename\tacq_time\nanat/sub-01_T1w.nii.gz\t1954-03-21T10:11:12\n"
    (root / "sub-01" / "sub-01_scans.tsv").write_text(scans)


def _bold(root: Path) -> None:
    """Write a coarse functional image with events."""
    folder = root / "sub-01" / "func"
    folder.mkdir()
    data = np.random.default_rng(0).integers(0, 99, (16, 16, 8, 3)).astype(np.int16)
    image = nib.Nifti1Image(data, np.diag([4.0, 4, 4, 1]))
    image.header.set_zooms((4, 4, 4, 2))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, folder / "sub-01_task-rest_bold.nii.gz")
    nib.save(image, folder / "sub-01_task-Zimmermann_bold.nii.gz")
    dated = root / "sub-01" / "ses-20190314" / "func"
    dated.mkdir(parents=True)
    nib.save(image, dated / "sub-01_ses-20190314_task-rest_bold.nii.gz")
    facts = {"TaskName": "rest", "RepetitionTime": 2.0}
    write_json(folder / "sub-01_task-rest_bold.json", facts)
    events = "onset\tduration\ttrial_type\tnote\n0\t1\tgo\tZimmermann yawned\n"
    (folder / "sub-01_task-rest_events.tsv").write_text(events)


def _results(output: Path, raw: Path, image: ImageName, head) -> None:
    """Leave what the workflow leaves of one image: defaced, mask, affine, records."""
    template = output / TEMPLATE_FOLDER / "brain_mask.nii.gz"
    template.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.load(embedded(2).brain_mask), template)
    (output / image.folder).mkdir(parents=True)
    (output / image.affine).parent.mkdir(parents=True)
    # The workflow's results are reoriented; this is the only difference to the raw grid.
    for source, target in ((raw, image.undefaced), (None, image.mask)):
        stored = nib.load(source) if source else head.mask
        nib.save(nib.as_closest_canonical(stored), output / target)
    write_json((output / image.undefaced).with_name("sub-01_desc-preproc_T1w.json"), {})
    affine = output / image.affine.replace(".mat", ".txt")
    write_affine(head.affine, affine)
    inputs = deface_script.Inputs(
        output / image.undefaced, output / image.mask, template, (affine,)
    )
    outputs = deface_script.Outputs(output / image.defaced, output / image.defacemask)
    deface_script.deface(inputs, outputs, sources=[])
    for stage in ("reorient", "skullstrip", "crop", "deface"):
        details = {"check": {"verdict": "ok"}} if stage == "skullstrip" else {}
        record = {"state": "done", "details": details, "log": f"/home/zimmermann/{stage}.log"}
        write_json(output / record_file(image.name, stage), record)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with planted identifiers and the results of one of its two subjects."""
    root = tmp_path_factory.mktemp("share") / "study-zimmermann"
    head = build_head(HEAD)
    describe_dataset(root, ["01", "02"])
    raw = write_bids_image(root, head, "01")
    shutil.rmtree(root / "derivatives")
    other = root / "sub-02" / "anat" / "sub-02_T1w.nii.gz"
    other.parent.mkdir(parents=True)
    shutil.copy(raw, other)
    shutil.copy(raw, raw.with_name("sub-01_UNIT1.nii.gz"))
    _bold(root)
    moved = nib.load(raw)
    shifted = nib.Nifti1Image(np.asanyarray(moved.dataobj)[:-1], moved.affine)
    nib.save(shifted, raw.with_name("sub-01_FLAIR.nii.gz"))
    _plant(root)
    given = {"bids_dir": str(root), "deface": True, "skullstrip": {"masks": "/home/zimmermann"}}
    settings = resolve(given, root.parent)
    paths = {n: str(root / f"sub-{n}/anat/sub-{n}_T1w.nii.gz") for n in ("01", "02")}
    images = [Image(f"sub-{n}/anat", f"sub-{n}", "T1w", n, None, path) for n, path in paths.items()]
    study = Study(settings, images)
    study.save()
    output = Path(settings["output_dir"])
    # ITK writes a MATLAB file; a text file has the same content.
    _results(output, raw, images[0], head)
    return study


@pytest.fixture(scope="module")
def shared(study, tmp_path_factory):
    """The folder that is made of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageName, "affine", property(_affine_txt))
        before = _hashes(Path(study.settings["bids_dir"]))
        details = share(study, find_validator(), 1)
        assert _hashes(Path(study.settings["bids_dir"])) == before
    folder = Path(study.settings["share_dir"])
    assert details["shared"] == 1
    return folder


def _affine_txt(image: ImageName) -> str:
    return f".ecdysis/{image.folder}/{image.entities}_desc-affine_{image.suffix}.txt"


def _hashes(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file() and "derivatives" not in path.parts)
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_no_planted_identifier_is_in_any_file(shared: Path) -> None:
    assert len(list(shared.rglob("*"))) > 30
    for path in shared.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        for word in PLANTED:
            assert word not in path.name
            assert word.lower().encode() not in content.lower(), (path, word)
        assert "study-zimmermann" not in content.decode("latin-1"), path


def test_the_face_is_gone_on_the_raw_grid_and_the_brain_is_as_it_was(study, shared) -> None:
    name = "sub-01/anat/sub-01_T1w.nii.gz"
    before, after = (
        nib.load(folder / name) for folder in (Path(study.settings["bids_dir"]), shared)
    )
    assert before.shape == after.shape
    assert np.allclose(before.affine, after.affine)
    removed = np.asanyarray(
        nib.load(shared / "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz").dataobj
    )
    old, new = np.asanyarray(before.dataobj), np.asanyarray(after.dataobj)
    assert (new[removed > 0] == 0).all()
    assert np.array_equal(old[removed == 0], new[removed == 0])
    assert 0.05 < (removed > 0).mean() < 0.5


def test_what_is_shared_and_what_is_left_out_is_named(shared: Path) -> None:
    assert (shared / "sub-01/anat/sub-01_UNIT1.nii.gz").is_file()
    assert not (shared / "sub-01/anat/sub-01_FLAIR.nii.gz").exists()
    assert not (shared / "sub-02").exists()
    assert not list(shared.rglob("*desc-preproc*"))
    text = (shared / "SHARE.md").read_text()
    for words in ("sub-01/anat/sub-01_FLAIR.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz", "README.md"):
        assert words in text
    assert "it holds a date in a label in its name (2)" in text
    for word in ("OperatorsName", "StationName"):
        assert word not in text.partition("## Fields and columns left out")[0]
    description = json.loads((shared / "dataset_description.json").read_text())
    assert (description["Name"], description["Authors"]) == ("Untitled", ["A. Nyman"])
    assert "| BIDS validator | 0 errors" in text or find_validator() is None
    sidecar = json.loads((shared / "sub-01/anat/sub-01_T1w.json").read_text())
    assert sidecar["DeidentificationMethodCodeSequence"][0]["CodeValue"] == "113102"
    assert sidecar["EchoTime"] == 0.00298
    people = (shared / "participants.tsv").read_text()
    assert people == "participant_id\tage\tsex\nsub-01\t89\tF\n"
    events = (shared / "sub-01/func/sub-01_task-rest_events.tsv").read_text()
    assert events == "onset\tduration\ttrial_type\n0\t1\tgo\n"
    page = (shared / "derivatives/ecdysis/index.html").read_text()
    assert "sub-01" in page
    assert "sub-02" not in page
    assert (shared / FIGURES / "sub-01_desc-thumb_T1w.jpg").is_file()


def test_the_checksums_are_those_of_the_files(shared: Path) -> None:
    lines = [line.split("  ") for line in (shared / "sha256sums.txt").read_text().splitlines()]
    files = {path for path in shared.rglob("*") if path.is_file()}
    assert len(lines) == len(files) - 1
    for digest, name in lines:
        assert hashlib.sha256((shared / name).read_bytes()).hexdigest() == digest


def test_an_existing_folder_is_not_replaced(study, shared) -> None:
    with pytest.raises(InputError, match="not empty"):
        share(study, None, 1)


def test_results_with_faces_are_refused(study, tmp_path: Path) -> None:
    settings = study.settings | {"output_dir": str(tmp_path), "deface": False}
    with_faces = replace(study, settings=settings)
    with_faces.save()
    with pytest.raises(InputError, match="deface: false"):
        share(with_faces, None, 1)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("sub-01/anat/sub-01_T1w.json", '{"a": "by h.zimmermann"}', "a value of"),
        ("sub-01/anat/sub-01_T1w.json", '{"a": "/home/anna/x"}', "a path"),
        ("sub-01/anat/sub-01_T1w.json", '{"a": "someone@example.org"}', "e-mail"),
        ("sub-01/anat/sub-01_T1w.json", '{"a": "20110203"}', "a date"),
        ("sub-01/anat/sub-01_T1w.json", '{"a": "1.2.276.0.7230010.3.1.4"}', "a UID"),
        ("derivatives/ecdysis/methods.md", "Charite Mitte", "InstitutionName"),
        ("key", "x", "do not belong"),
        ("run.log", "x", "do not belong"),
        (".hidden.tsv", "x", "hidden"),
        (
            f"{FIGURES}/sub-01_desc-surface_T1w.html",
            "x",
            "the face",
        ),
        (
            f"{FIGURES}/sub-01_desc-viewer_T1w.input.js",
            'ecdysisLayer("input","AAAA"); alert(1)',
            "a script other than",
        ),
        ("derivatives/ecdysis/sub-01/anat/sub-01_desc-preproc_T1w.json", "{}", "with the face"),
    ],
)
def test_the_scanner_sees_what_is_planted(study, shared, tmp_path, name, text, reason) -> None:
    target = tmp_path / "copy" / name
    target.parent.mkdir(parents=True)
    target.write_text(text)
    report = scan_files(tmp_path / "copy", Searched(secrets_of(study.settings)))
    assert any(path == name and reason in why for path, why in report.findings), report.findings


def test_the_scanner_sees_headers_and_faces(study, shared, tmp_path) -> None:
    copy = tmp_path / "copy"
    for name in ("sub-01/anat", "derivatives/ecdysis/sub-01/anat"):
        (copy / name).mkdir(parents=True)
    masks = "derivatives/ecdysis/sub-01/anat/sub-01_desc-brain_mask.nii.gz"
    for name in (masks, "sub-01/anat/sub-01_UNIT1.nii.gz"):
        shutil.copy(shared / name, copy / name)
    raw = Path(study.settings["bids_dir"]) / "sub-01/anat/sub-01_T1w.nii.gz"
    shutil.copy(raw, copy / "sub-01/anat/sub-01_T1w.nii.gz")
    reasons = [why for _, why in scan_files(copy, Searched({})).findings]
    for words in ("gzip header", "an extension", "a text in descrip"):
        assert any(words in why for why in reasons)
    seen = dict(scan_faces(copy))
    assert "nose" in seen["sub-01/anat/sub-01_T1w.nii.gz"]
    assert seen["sub-01/anat/sub-01_UNIT1.nii.gz"] == ""


def test_the_shared_folder_has_no_finding(study, shared) -> None:
    assert scan_files(shared, Searched(secrets_of(study.settings))).findings == []


def test_only_listed_fields_and_columns_are_kept() -> None:
    kept, removed = public_sidecar({"EchoTime": 1, "InstitutionName": "x", "Unknown": 2})
    assert (kept, removed) == ({"EchoTime": 1}, ["InstitutionName", "Unknown"])
    doubtful = {"SoftwareVersions": "build 20110203", "EchoTime": 0.1, "TaskName": "C:\\tasks"}
    assert public_sidecar(doubtful)[0] == {"EchoTime": 0.1}
    assert public_sidecar({"SoftwareVersions": "v1.0.20240202"})[1] == []
    targets = {"IntendedFor": ["bids::sub-01/func/a.nii.gz", "bids::sub-01/func/b.nii.gz"]}
    kept, _ = public_sidecar(targets, ["sub-01/func/b.nii.gz"])
    assert kept["IntendedFor"] == ["bids::sub-01/func/b.nii.gz"]
    rows = [{"age": "4"}, {"age": "about 50"}]
    assert public_columns(["age", "iq"], rows, {"age": r"\d+"}) == ([], ["age", "iq"])
