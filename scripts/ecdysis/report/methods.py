"""The methods section of a paper, made from what a run did.

Every sentence comes from the settings of the run or from what a stage recorded; a step that did
not run is left out. Citations are keys of ``report/references.bib`` in pandoc's form, ``[@n4]``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ecdysis.bids.discovery import Exclusion
from ecdysis.files import write_text
from ecdysis.quality.dictionary import MEASURES
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.overview import programs_of
from ecdysis.report.references import bibtex, cited
from ecdysis.report.wording import number
from ecdysis.skullstrip.method import load, method_name
from ecdysis.version import BIDS_VERSION, __version__, package_versions

TEXT, REFERENCES = "methods.md", "references.bib"
CITATION = re.compile(r"\[@(\w+)((?:; @\w+)*)\]")


def methods_of(run: Run) -> list[str]:
    """Return the paragraphs of the methods text, with citations as ``[@key]``."""
    parts = (_data, _sample, _reorient, _skullstrip, _later, _deface, _quality)
    paragraphs = [" ".join(part(run)) for part in parts]
    return [text for text in (*paragraphs, _tools(run)) if text]


def keys_of(paragraphs: list[str]) -> list[str]:
    """Return the keys that are cited, in the order of first citation."""
    hits = (hit for text in paragraphs for hit in CITATION.findall(text))
    keys = (key for first, more in hits for key in [first, *re.findall(r"@(\w+)", more)])
    return list(dict.fromkeys(keys))


def numbered(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """Return the paragraphs with numbers for citations, and the list of references."""
    keys = keys_of(paragraphs)

    def numbers(hit: re.Match[str]) -> str:
        cites = [hit[1], *re.findall(r"@(\w+)", hit[2])]
        return f"[{', '.join(str(keys.index(key) + 1) for key in cites)}]"

    return [CITATION.sub(numbers, text) for text in paragraphs], [cited(key) for key in keys]


def write_methods(run: Run) -> None:
    """Write ``methods.md`` (pandoc's Markdown) and ``references.bib`` into the output directory."""
    paragraphs = methods_of(run)
    body = "\n\n".join(["# Methods", *paragraphs, "# References"])
    for name, text in ((TEXT, body + "\n"), (REFERENCES, bibtex(keys_of(paragraphs)))):
        write_text(run.output_dir / name, text)


def _data(run: Run) -> Iterator[str]:
    yield (
        f"Images were processed with Ecdysis {__version__}, a Snakemake [@snakemake] workflow on"
        f" datasets in the Brain Imaging Data Structure (BIDS {BIDS_VERSION}) [@bids; @pybids]."
    )
    deid = run.settings.get("deid", {})
    cleaned = run.dicom and any(
        stage.name == "deidentify" and stage.state == "done"
        for stages in run.dicom.sessions.values()
        for stage in stages
    )
    if cleaned and deid.get("profile") == "basic":
        options = ", ".join(option.replace("_", " ") for option in deid.get("options", []))
        yield (
            "DICOM files were de-identified by the Basic Application Level Confidentiality Profile"
            f" of DICOM PS3.15 [@dicom]{f' with the options {options}' if options else ''}, and an"
            " independent audit, reading with pydicom [@pydicom], searched the results"
            " for identifying values of the original headers."
        )
    if converters := programs_of(run).get("converter"):
        yield f"They were converted to NIfTI with {' and '.join(converters)} [@dcm2niix]."


def _sample(run: Run) -> Iterator[str]:
    """Say how many images there are, which were not used and why."""
    unused = [item for subject in run.subjects for item in subject.rejected]
    images = [image for _, image in run.images]
    if not images and not unused:
        return
    names = [image.name for image in images] + [item.name for item in unused]
    suffixes = [name.rpartition("_")[2] for name in names]
    people = [subject for subject in run.subjects if subject.images or subject.rejected]
    complete = sum(image.progress == "done" for image in images)
    yield (
        f"Of {number(len(suffixes), 'image')} ({_counted(suffixes)}) of"
        f" {number(len(people), 'participant')}, {complete} {_was(complete)} processed completely."
    )
    if failed := [stage for image in images if (stage := _failed_at(image))]:
        yield f"{len(failed)} failed ({_counted(failed, ' during ')})."
    if rest := len(images) - complete - len(failed):
        yield f"{rest} {'is' if rest == 1 else 'are'} not finished."
    if unused:
        reasons = _counted((_reason(run, item) for item in unused), " because ", "; ")
        yield f"{len(unused)} {_was(len(unused))} not used ({reasons})."


STEPS = {
    "convert": "conversion",
    "reorient": "reorientation",
    "skullstrip": "skull stripping",
    "crop": "cropping",
    "deface": "defacing",
    "segment": "segmentation",
    "measure": "the quality measures",
    "full_grid": "the export for fMRIPrep",
    "template_space": "resampling to the template",
}
"""The steps of an image in the words of the text."""


def _failed_at(image: ProcessedImage) -> str | None:
    failed = (stage.name for stage in image.stages if stage.state == "failed")
    return next((STEPS.get(name, name) for name in failed), None)


def _reason(run: Run, item: Exclusion) -> str:
    """Return why an image was not used, without the name and the note of a rater."""
    if not item.rated:
        return item.reason.partition(". ")[0].rstrip(".")
    tags = sorted({tag for rating in run.ratings.get(item.name, ()) for tag in rating.tags})
    return f"raters excluded it{f' for {_and(tags)}' if tags else ''}"


def _counted(words: Iterable[str], between: str = " ", separator: str = ", ") -> str:
    """Return each word with its number, such as ``2 T1w, 1 T2w``; the most frequent first."""
    counts = Counter(words).most_common()
    return separator.join(f"{count}{between}{word}" for word, count in counts)


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _and(words: Iterable[str]) -> str:
    """Return words as ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _reorient(run: Run) -> Iterator[str]:
    settings = run.settings
    if not _ran(run, "crop"):
        return
    orientation = settings.get("reorient", {}).get("orientation", "RAS")
    words = "kept in their orientation" if orientation == "keep" else f"reoriented to {orientation}"
    crop = settings.get("crop", {})
    modes = [mode for mode in crop.get("modes", []) if mode != "none"]
    modes_in_words = {
        "auto": f"air was removed up to {crop.get('margin')} mm around the head",
        "fov": f"everything more than {crop.get('fov')} mm below the top of the head was cut off",
        "slices": "a fixed range of voxels was kept",
    }
    yield (
        f"Images were {words} by exchanging axes of voxels, with nibabel [@nibabel]"
        f"{', and cropped: ' + '; '.join(modes_in_words[mode] for mode in modes) if modes else ''}."
        " No intensity was changed."
    )


def _skullstrip(run: Run) -> Iterator[str]:
    stripped = [image for _, image in run.images if _done(image, "skullstrip")]
    moved = [image for image in stripped if "reference" in _alignment(image)]
    bare = [image for image in stripped if _alignment(image).get("already_stripped")]
    if len(stripped) > len(moved) + len(bare):
        method = load(method_name(run.settings))
        yield method.sentence.format(ants=_ants(run), template=_template(run))
    if bare:
        yield f"{number(len(bare), 'image')} had no skull; the brain was kept as it was."
    if moved:
        suffixes = sorted({image.suffix for image in moved})
        yield (
            f"{number(len(moved), 'image')} of other contrasts ({', '.join(suffixes)})"
            f" {_was(len(moved))} registered to the T1w of the session with {_ants(run)} (rigid,"
            " mutual information [@mattes]) and got its brain mask."
        )
    if lesions := sum("lesion_ml" in image.results_of("skullstrip") for image in stripped):
        yield (
            f"Lesions of {number(lesions, 'image')}, given as masks, were left out of the"
            " similarity measure of registration [@lesionmasking], the bias field and the tissues."
        )
    if by_hand := sum(bool(image.results_of("crop").get("manual")) for _, image in run.images):
        yield f"{number(by_hand, 'brain mask')} {_was(by_hand)} made by hand."
    verdicts = [check["verdict"] for image in stripped if (check := _check(image))]
    if verdicts:
        words = {"ok": "ok", "look": "to be looked at", "fail": "failed"}
        counts = _counted(words.get(verdict, verdict) for verdict in verdicts)
        yield f"The automatic check of the brain masks: {counts}."


def _check(image: ProcessedImage) -> Mapping[str, Any]:
    """Return the self-check of the brain mask that was used."""
    check: Mapping[str, Any] = image.results_of("crop").get("check") or image.results_of(
        "skullstrip"
    ).get("check", {})
    return check


def _alignment(image: ProcessedImage) -> Mapping[str, Any]:
    alignment: Mapping[str, Any] = image.results_of("skullstrip").get("alignment") or {}
    return alignment


def _ants(run: Run) -> str:
    """Name ANTs, with its versions and citations."""
    programs = programs_of(run)
    versions = ", ".join(programs.get("ants_version", []))
    embedded = "embedded" in programs.get("provider", [])
    return (
        f"ANTs{f' ({versions})' if versions else ''} [@ants]"
        f"{', as compiled into antspyx [@antspyx]' if embedded else ''}"
    )


def _template(run: Run) -> str:
    """Name the template, with its paper when it is the embedded one."""
    name = str((run.template or {}).get("name", ""))
    if not name:
        return "a head template"
    if name == "custom":
        return "a head template of the study's own"
    return f"the head template {name}" + (" [@mni6]" if name == "MNI152NLin6Asym" else "")


def _later(run: Run) -> Iterator[str]:
    if _ran(run, "segment"):
        yield (
            "Probabilities of grey matter, white matter and cerebrospinal fluid were refined on the"
            " native grid from those of Atropos [@atropos]."
        )
    if _ran(run, "template_space"):
        yield (
            "Images, masks and tissues were resampled to the template with antsApplyTransforms"
            " (Lanczos-windowed sinc for images, linear for masks and probabilities)."
        )
    if _ran(run, "full_grid"):
        yield "Uncropped T1w with masks, tissues and transforms were written for fMRIPrep."


def _deface(run: Run) -> Iterator[str]:
    defaced = [image for _, image in run.images if _done(image, "deface")]
    if not defaced:
        return
    # It imports nibabel and scipy, which a run without defacing does not need here.
    from ecdysis.deface.face import BRAIN_MARGIN_MM

    yield (
        f"The face was removed from {number(len(defaced), 'image')}"
        f" ({_counted(image.suffix for image in defaced)}): what lies in front of and below a plane"
        " from the brow to the pharynx, and the auricles, was set to the value of air. The region"
        " is defined relative to the brain of the template and reaches an image by the affine part"
        f" of its registration; voxels within {BRAIN_MARGIN_MM:g} mm of the brain mask were"
        " kept."
    )
    scores = [
        score for image in defaced if (score := image.results_of("deface").get("ResidualFace"))
    ]
    if scores:
        visible = sum(bool(score["visible"]) for score in scores)
        yield (
            "On the defaced images, the distance of nose, eyes and ears from the surface of the"
            f" head MNI152NLin6Asym [@mni6] was measured: {visible} of"
            f" {number(len(scores), 'image')} may still show a part of the face."
        )


NOT_OF_MRIQC = ("inu_blocks", "brain_volume", "mask_")
"""Beginnings of the keys of measures that MRIQC does not have."""
DEVIATING = {
    "rpve": "rPVE", "qi_1": "QI1", "qi_2": "QI2", "fwhm": "FWHM", "efc": "EFC", "fber": "FBER",
    "inu_range": "INU range", "cjv": "CJV", "cnr": "CNR", "snr_": "SNR", "snrd": "SNRd",
}  # fmt: skip
"""Beginnings of the keys of measures whose definition differs from that of MRIQC 24, and their
names; docs/quality.md says how."""


def _measures(run: Run) -> Iterator[str]:
    """Say which measures there are, and which are those of MRIQC."""
    keys = {
        key
        for _, image in run.images
        for key, value in (image.results_of("measure").get("measures") or {}).items()
        if value is not None
    }
    labels = {measure.key: measure.label for measure in MEASURES if measure.key in keys}
    theirs = [key for key in labels if not key.startswith(NOT_OF_MRIQC)]
    if theirs:
        table = any(image.results_of("measure").get("mriqc") for _, image in run.images)
        forms = "; the group tables have the forms of MRIQC" if table else ""
        differing = [
            name for start, name in DEVIATING.items() if any(k.startswith(start) for k in keys)
        ]
        yield (
            f"{len(theirs)} image quality metrics are among those of MRIQC [@mriqc] and have its"
            f" names ({', '.join(labels[key] for key in theirs)})."
        )
        if differing:
            yield f"Defined otherwise than in MRIQC 24: {', '.join(differing)}{forms}."
    if ours := [label for key, label in labels.items() if key not in theirs]:
        yield f"Not measures of MRIQC: {', '.join(ours)}."
    if labels:
        yield "The data dictionary of participants_qc.tsv gives the formula and the source of each."


def _quality(run: Run) -> Iterator[str]:
    if _ran(run, "measure"):
        yield from _measures(run)
    rated = [ratings[0].rating for ratings in run.ratings.values()]
    if rated:
        excluded = rated.count("exclude")
        raters = {rating.rater for ratings in run.ratings.values() for rating in ratings}
        yield (
            f"{number(len(raters), 'rater')} judged {number(len(rated), 'image')} by eye;"
            f" {excluded} {_was(excluded)} excluded."
        )
    if _ran(run, "figures"):
        yield "Figures were drawn with nilearn [@nilearn]."


def _tools(run: Run) -> str:
    names = ["snakemake", "pybids"]
    names += ["nibabel", "numpy", "scipy"] if _ran(run, "crop") else []
    names += ["nipype"] if _ran(run, "skullstrip") else []
    names += ["nilearn"] if _ran(run, "figures") else []
    versions = (f"{name} {version}" for name, version in package_versions(names).items())
    return f"Versions: {', '.join(versions)}."


def _ran(run: Run, stage: str) -> bool:
    return any(_done(image, stage) for _, image in run.images)


def _done(image: ProcessedImage, name: str) -> bool:
    stage = image.stage(name)
    return stage is not None and stage.state == "done"
