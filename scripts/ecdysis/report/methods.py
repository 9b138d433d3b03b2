"""The methods section of a paper, made from what a run did.

Every sentence comes from the settings of the run or from what a stage recorded; a step that did
not run is left out. Citations are keys of ``report/references.bib`` in pandoc's form, ``[@n4]``.
"""

import re
from collections.abc import Iterator

from ecdysis.files import atomic
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.overview import programs_of
from ecdysis.report.references import bibtex, cited
from ecdysis.skullstrip.method import load, method_name
from ecdysis.version import BIDS_VERSION, __version__, package_versions

TEXT, REFERENCES = "methods.md", "references.bib"
CITATION = re.compile(r"\[@(\w+)((?:; @\w+)*)\]")


def methods_of(run: Run) -> list[str]:
    """Return the paragraphs of the methods text, with citations as ``[@key]``."""
    parts = (_data, _reorient, _skullstrip, _later, _quality)
    paragraphs = [" ".join(part(run)) for part in parts]
    return [text for text in (*paragraphs, _tools()) if text]


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
        with atomic(run.output_dir / name) as partial:
            partial.write_text(text, encoding="utf-8")


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
    if not _ran(run, "skullstrip"):
        return
    method = load(method_name(run.settings))
    yield method.sentence.format(ants=_ants(run), template=_template(run))
    if any(_is_transferred(image) for _, image in run.images):
        yield (
            "Images of other contrasts were registered to the T1w of their session with"
            f" {_ants(run)} (rigid, mutual information [@mattes]) and got its brain mask."
        )


def _is_transferred(image: ProcessedImage) -> bool:
    """Return whether the brain mask of an image is that of a T1w."""
    stage = image.stage("skullstrip")
    details = (stage and stage.state == "done" and stage.details) or {}
    return "reference" in details.get("alignment", {})


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
    if _ran(run, "deface"):
        yield "Face, ears and teeth were removed from the images that are to be shared."


def _mriqc_table(run: Run) -> str:
    """Name the table with MRIQC's forms, if an image has them."""
    has_forms = any(image.facts.get("mriqc") for _, image in run.images)
    return ", whose forms are in the group tables" if has_forms else ""


def _quality(run: Run) -> Iterator[str]:
    if _ran(run, "measure"):
        yield (
            "Image quality metrics have the names of MRIQC [@mriqc]; the data dictionary of"
            " participants_qc.tsv gives the formula and the source of each. rPVE, QI1, QI2, FWHM,"
            " EFC, FBER, INU range, CJV, CNR, SNR and SNRd differ from the definitions of MRIQC"
            f" 24{_mriqc_table(run)}."
        )
    rated = [ratings[0].rating for ratings in run.ratings.values()]
    if rated:
        excluded = rated.count("exclude")
        raters = {rating.rater for ratings in run.ratings.values() for rating in ratings}
        yield (
            f"{len(raters)} rater{'' if len(raters) == 1 else 's'} judged {len(rated)}"
            f" image{'' if len(rated) == 1 else 's'} by eye;"
            f" {excluded} {'was' if excluded == 1 else 'were'} excluded."
        )
    yield "Figures were drawn with nilearn [@nilearn]."


def _tools() -> str:
    names = ("snakemake", "pybids", "nibabel", "nipype", "nilearn", "numpy", "scipy")
    versions = (f"{name} {version}" for name, version in package_versions(names).items())
    return f"Versions: {', '.join(versions)}."


def _ran(run: Run, stage: str) -> bool:
    """Whether a stage was done for any image."""
    return any(_done(image, stage) for _, image in run.images)


def _done(image: ProcessedImage, name: str) -> bool:
    stage = image.stage(name)
    return stage is not None and stage.state == "done"
