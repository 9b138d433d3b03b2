"""The methods text: it tells what the run did and nothing else, and every citation is known."""

from typing import Any

import pytest
from ecdysis.report.methods import keys_of, methods_of, numbered, write_methods
from ecdysis.report.records import load_run
from ecdysis.report.references import bibtex, cited, known

from tests.unit.made_output import MadeOutput


def _text(made: MadeOutput) -> str:
    return "\n".join(methods_of(load_run(made.root)))


def _with(made: MadeOutput, **settings: Any) -> str:
    made.manifest["settings"] |= settings
    made.save()
    return _text(made)


def test_only_what_was_done_is_told(made: MadeOutput) -> None:
    name = made.image("01")
    text = _text(made)
    assert "reoriented" not in text
    assert "@n4" not in text
    made.finish(name)
    text = _with(made, reorient={"orientation": "LAS"}, crop={"modes": ["auto"], "margin": 7})
    assert "reoriented to LAS" in text
    assert "7 mm around the head" in text
    assert "below the top of the head" not in text
    assert "ANTs (2.6.5) [@ants], as compiled into antspyx [@antspyx]" in text
    for key in ("n4", "syn", "atropos", "nipype", "nibabel", "snakemake", "bids"):
        assert f"@{key}" in text
    assert "@mriqc" not in text
    assert "DICOM" not in text
    made.record(name, "measure", details={"measures": {}})
    assert "@mriqc" in _text(made)


@pytest.mark.parametrize(
    ("method", "words"), [("bet", "BET [@bet]"), ("synthstrip", "[@synthstrip]"), ("none", "given")]
)
def test_the_method_of_skull_stripping_is_named(made: MadeOutput, method: str, words: str) -> None:
    made.finish(made.image("01"))
    text = _with(made, skullstrip={"method": method, "masks": "given"})
    assert words in text
    assert "@atropos" not in text


def test_de_identification_is_told_when_it_was_done(made: MadeOutput) -> None:
    made.image("01", source="dicom")
    made.session("sub-01")
    deid = {"profile": "basic", "options": ["retain_safe_private"]}
    assert "PS3.15" not in _with(made, deid=deid)
    made.record("sub-01", "deidentify", details={})
    assert "with the options retain safe private" in _text(made)


def test_every_citation_is_known_and_numbered(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    run = load_run(made.root)
    text, references = numbered(methods_of(run))
    assert "@" not in "".join(text)
    assert len(references) == len(keys_of(methods_of(run)))
    write_methods(run)
    entries = (made.root / "references.bib").read_text()
    assert entries.count("doi = ") == len(references)
    assert "[@snakemake]" in (made.root / "methods.md").read_text()


def test_every_reference_can_be_read() -> None:
    assert bibtex(known()).count("\n}\n") == len(known())
    for key in known():
        line = cited(key)
        assert not set("{}\\") & set(line)
        assert "doi:" in line or key == "dicom"
    assert cited("mni6").startswith("Grabner G, Janke AL")
    assert "Gaël" not in cited("nilearn")
    assert "Varoquaux G." in cited("nilearn")
