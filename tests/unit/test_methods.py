"""The methods text: it tells what the run did and nothing else, and every citation is known."""

from pathlib import Path
from typing import Any

import pytest
from ecdysis.places import figures_folder
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


def test_only_steps_that_ran_are_described(made: MadeOutput) -> None:
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
    made.record(name, "measure", details={"measures": {"cjv": 0.4}})
    assert "@mriqc" in _text(made)


@pytest.mark.parametrize(
    ("method", "words"), [("bet", "BET [@bet]"), ("synthstrip", "[@synthstrip]"), ("none", "given")]
)
def test_the_method_of_skull_stripping_is_named(made: MadeOutput, method: str, words: str) -> None:
    made.finish(made.image("01"))
    text = _with(made, skullstrip={"method": method, "masks": "given"})
    assert words in text
    assert "@atropos" not in text


def test_de_identification_is_described_if_it_ran(made: MadeOutput) -> None:
    made.image("01", source="dicom")
    made.session("sub-01")
    deid = {"profile": "basic", "options": ["retain_safe_private"]}
    assert "PS3.15" not in _with(made, deid=deid)
    made.record("sub-01", "deidentify", details={})
    assert "with the options retain safe private" in _text(made)


OK = {"check": {"verdict": "ok"}}
DEFACED = {"ResidualFace": {"verdict": "none", "visible": []}}
MEASURED = {"measures": {"cjv": 0.5, "icvs_gm": 0.4, "brain_volume": 1400.0}}
STAGES = {
    "crop": "reoriented to",
    "skullstrip": "Brains were extracted",
    "transfer": "registered to the T1w of the session",
    "segment": "refined on the",
    "deface": "The face was removed",
    "measure": "image quality metrics",
    "figures": "drawn with nilearn",
    "deidentify": "PS3.15",
    "template_space": "resampled to the template",
    "full_grid": "written for fMRIPrep",
    "rating": "judged",
}
"""Words of the sentence of each stage."""


def _image(made: MadeOutput, subject: str, suffix: str, stages: dict[str, Any]) -> None:
    """Add an image whose stages were done with these details."""
    name = made.image(subject).removesuffix("T1w") + suffix
    made.manifest["images"][-1]["suffix"] = suffix
    made.save()
    for stage, details in stages.items():
        made.record(name, stage, details=details)
    folder = name.rpartition("/")[0]
    (made.root / folder).mkdir(parents=True, exist_ok=True)
    entities, space = f"sub-{subject}", "" if suffix == "T1w" else f"space-{suffix}_"
    for result in (f"desc-preproc_{suffix}", f"desc-defaced_{suffix}", f"{space}desc-brain_mask"):
        (made.root / folder / f"{entities}_{result}.nii.gz").touch()
    (made.root / figures_folder(f"{entities}_{suffix}")).mkdir(parents=True)


def _simple(made: MadeOutput) -> None:
    done = {"reorient": {}, "skullstrip": OK, "crop": {}}
    for subject in ("01", "02"):
        _image(made, subject, "T1w", done)


def _contrasts(made: MadeOutput) -> None:
    done: dict[str, Any] = {"reorient": {}, "skullstrip": OK, "crop": {}}
    _image(made, "01", "T1w", {**done, "segment": {}})
    moved = {"skullstrip": {"alignment": {"reference": "T1w"}, **OK}}
    for suffix in ("T2w", "FLAIR"):
        _image(made, "01", suffix, {**done, **moved})


def _defaced(made: MadeOutput) -> None:
    done = {"reorient": {}, "skullstrip": OK, "crop": {}, "deface": DEFACED, "measure": MEASURED}
    _image(made, "01", "T1w", done)


def _unfit(made: MadeOutput) -> None:
    _simple(made)
    made.record("sub-02/anat/sub-02_T1w", "skullstrip", "failed", reason="Jane Doe was here")
    made.exclude("03", "sub-03/anat/sub-03_T1w", "its data are cut short. Copy it again.")
    rating = {"image": "sub-04_T1w", "rating": "exclude", "tags": ["motion"], "note": "Jane Doe",
              "rater": "Ann", "time": ""}  # fmt: skip
    excluded = {"subject": "04", "image": "sub-04/anat/sub-04_T1w", "rated": True, "fault": False,
                "reason": "Ann rated it exclude (motion): Jane Doe"}  # fmt: skip
    made.manifest["excluded"].append(excluded)
    made.manifest["ratings"] = [rating]
    made.save()


def _only_reoriented(made: MadeOutput) -> None:
    made.manifest["settings"]["skullstrip"] = {"method": "none"}
    _image(made, "01", "T1w", {"reorient": {}, "crop": {}})


def _from_dicom(made: MadeOutput) -> None:
    made.manifest["settings"]["deid"] = {"profile": "basic", "options": []}
    made.session("sub-01")
    made.record("sub-01", "deidentify", details={})
    _simple(made)


def _bare_and_by_hand(made: MadeOutput) -> None:
    bare = {"alignment": {"already_stripped": True}, **OK}
    _image(made, "01", "T1w", {"reorient": {}, "skullstrip": bare, "crop": {}})
    _image(made, "02", "T1w", {"reorient": {}, "skullstrip": bare, "crop": {"manual": True, **OK}})


def _for_others(made: MadeOutput) -> None:
    done = {"reorient": {}, "skullstrip": OK, "crop": {}, "segment": {}}
    _image(made, "01", "T1w", {**done, "template_space": {}, "full_grid": {}})
    made.record("sub-01/figures/sub-01_T1w", "figures", details={"figures": 4})


BASIC = {"crop", "skullstrip"}
RUNS: dict[str, tuple[Any, set[str], list[str]]] = {
    "simple": (
        _simple,
        BASIC,
        ["Of 2 images (2 T1w) of 2 participants, 2 were processed completely.",
         "The automatic check of the brain masks: 2 ok."],
    ),
    "contrasts": (
        _contrasts,
        BASIC | {"transfer", "segment"},
        ["Of 3 images (1 T1w, 1 T2w, 1 FLAIR) of 1 participant, 3 were processed completely.",
         "2 images of other contrasts (FLAIR, T2w) were registered to the T1w of the session"],
    ),
    "defaced": (
        _defaced,
        BASIC | {"deface", "measure"},
        ["The face was removed from 1 image (1 T1w):",
         "voxels within 5 mm of the brain mask were kept.",
         "0 of 1 image may still show a part of the face.",
         "2 image quality metrics are among those of MRIQC [@mriqc] and have its names"
         " (CJV, ICV GM). Defined otherwise than in MRIQC 24: CJV."
         " Not measures of MRIQC: Brain."],
    ),
    "unfit": (
        _unfit,
        BASIC | {"rating"},
        ["Of 4 images (4 T1w) of 4 participants, 1 was processed completely.",
         "1 failed (1 during skull stripping).",
         "2 were not used (1 because its data are cut short; 1 because raters excluded it for"
         " motion)."],
    ),
    "only reoriented": (
        _only_reoriented,
        {"crop"},
        ["Of 1 image (1 T1w) of 1 participant, 1 was processed completely."],
    ),
    "from DICOM": (_from_dicom, BASIC | {"deidentify"}, ["an independent audit"]),
    "bare and by hand": (
        _bare_and_by_hand,
        {"crop"},
        ["2 images had no skull; the brain was kept as it was.",
         "1 brain mask was made by hand."],
    ),
    "for others": (
        _for_others,
        BASIC | {"segment", "template_space", "full_grid", "figures"},
        ["Uncropped T1w with masks, tissues and transforms were written for fMRIPrep."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_the_text_of_eight_runs_has_the_sentences_of_the_stages_that_ran(
    name: str, tmp_path: Path
) -> None:
    build, stages, sentences = RUNS[name]
    made = MadeOutput(tmp_path)
    build(made)
    text = _text(made)
    assert {stage for stage, words in STAGES.items() if words in text} == stages
    for sentence in sentences:
        assert sentence in text
    for private in ("Jane Doe", "Ann "):
        assert private not in text


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
