"""Markup in the headers, sidecars and names of a dataset, through the whole line to its pages."""

import html
import json
import re

import nibabel as nib
import pytest
from ecdysis.phantom.dicom import write_dicom_study
from ecdysis.phantom.head import HeadSettings, build_head
from ecdysis.phantom.identity import invented_identity
from pydicom import dcmread

from tests.browser import Browser, needs_browser
from tests.workflow.conftest import snakemake  # noqa: F401 - a fixture

EVIL = "<script>alert(1)</script>"
IN_A_NAME = "<script>alert(1)<b>"
SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0), orientation="PIR")
HEADERS = ("PatientName", "PatientID", "StudyDescription", "ProtocolName", "ImageComments",
           "ManufacturerModelName", "SequenceName", "InstitutionName")  # fmt: skip
QUICK = "skullstrip={method: none}"


@pytest.fixture(scope="module")
def converted(snakemake, tmp_path_factory):  # noqa: F811
    """The pages of a study whose DICOM headers hold markup wherever there is room for text."""
    place = tmp_path_factory.mktemp("dicom")
    protocols = ("localizer", "T1w")
    write_dicom_study(place / "scans", invented_identity(7), SMALL, protocols=protocols)
    for path in (place / "scans").rglob("*"):
        if path.is_file() and path.suffix != ".TXT":
            ds = dcmread(path)
            for keyword in HEADERS:
                setattr(ds, keyword, EVIL)
            ds.SeriesDescription = f"T1w {EVIL}" if ds.SeriesNumber == 2 else EVIL
            ds.save_as(path)
    run = snakemake(place, "--config", "dicom_dir=scans", "bids_dir=study", QUICK)
    assert run.returncode == 0, run.stdout
    assert EVIL not in run.stdout
    return place / "study"


@pytest.fixture(scope="module")
def processed(snakemake, tmp_path_factory):  # noqa: F811
    """The pages of a BIDS dataset with markup in its own name, sidecars, tables and file names."""
    root = tmp_path_factory.mktemp("bids")
    for subject in ("01", IN_A_NAME):
        (root / f"sub-{subject}" / "anat").mkdir(parents=True)
        image = build_head(SMALL).image
        nib.save(image, root / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz")
        sidecar = dict.fromkeys((EVIL, "Manufacturer", "SeriesDescription", "PatientName"), EVIL)
        (root / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.json").write_text(
            json.dumps(sidecar)
        )
    description = {"Name": EVIL, "BIDSVersion": "1.10.1", "Authors": [EVIL]}
    (root / "dataset_description.json").write_text(json.dumps(description))
    (root / "participants.tsv").write_text(f"participant_id\tgroup\nsub-01\t{EVIL}\n")
    run = snakemake(root, "--config", QUICK)
    assert "Traceback" not in run.stdout
    return root


def _pages(root):
    found = sorted((root / "derivatives" / "ecdysis").glob("*.html"))
    assert len(found) >= 2
    return found


def _markup(page):
    """A page without the scripts and styles that are its own."""
    text = page.read_text()
    own = re.compile(r"<script(?: [^>]*)?>.*?</script>|<style>.*?</style>", re.DOTALL)
    return own.sub("", text)


def test_markup_in_dicom_headers_reaches_no_output(converted):
    for path in converted.rglob("*"):
        if path.is_file():
            assert b"alert(1)" not in path.read_bytes(), path


def test_markup_in_names_is_shown_as_text(processed):
    index, *_ = _pages(processed)
    assert IN_A_NAME not in _markup(index)
    assert html.escape(IN_A_NAME) in _markup(index)


def test_no_page_holds_markup_from_data(processed):
    for page in _pages(processed):
        assert "<script>alert" not in page.read_text(), page.name


@needs_browser
def test_a_browser_shows_it_and_runs_none_of_it(processed):
    with Browser() as browser:
        for page in _pages(processed):
            browser.open(page)
            assert browser.complaints == []
            assert browser.evaluate("document.scripts.length") == 2
        browser.open(_pages(processed)[0])
        assert IN_A_NAME in browser.evaluate("document.body.innerText")
