"""The methods section of a paper, made from what a run really did.

Every sentence rests on the settings of the run or on what a stage recorded; a step that did not
run is not told. Citations are keys of ``report/references.bib`` in the way of pandoc, ``[@n4]``.
"""

import re
from collections.abc import Iterator

from ecdysis.files import atomic
from ecdysis.report.model import ProcessedImage, Run
from ecdysis.report.overview import programs_of
from ecdysis.report.references import bibtex, cited
from ecdysis.skullstrip.brain_recipe import RECIPE
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
            " independent audit, reading with pydicom [@pydicom], searched what was made of them"
            " for what their headers identify."
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
    told = {
        "auto": f"air was removed up to {crop.get('margin')} mm around the head",
        "fov": f"what lay more than {crop.get('fov')} mm below the top of the head was cut off",
        "slices": "a fixed range of voxels was kept",
    }
    yield (
        f"Images were {words} by exchanging axes of voxels, with nibabel [@nibabel]"
        f"{', and cropped: ' + '; '.join(told[mode] for mode in modes) if modes else ''}."
        " No intensity was changed."
    )


def _skullstrip(run: Run) -> Iterator[str]:
    method = run.settings.get("skullstrip", {}).get("method", "none")
    if not _ran(run, "skullstrip"):
        return
    programs = programs_of(run)
    versions = ", ".join(programs.get("ants_version", []))
    ants = f"ANTs{f' ({versions})' if versions else ''} [@ants]"
    if "embedded" in programs.get("provider", []):
        ants += ", as compiled into antspyx [@antspyx]"
    template = _template(run)
    if method == "ants":
        yield (
            f"Brains were extracted with {ants}, driven by nipype [@nipype]. At"
            f" {RECIPE.spacing:g} mm, intensity non-uniformity was corrected with N4 [@n4]"
            f" (spline distance {RECIPE.bias.spline_mm:g} mm), and {template} was registered to the"
            f" head by rigid and affine transforms (mutual information, {RECIPE.linear.bins} bins"
            " [@mattes]) and by symmetric normalisation (SyN) [@syn]. Its brain mask, warped to the"
            " head, bounded a three-class segmentation with Atropos [@atropos]; connected tissue"
            f" within {RECIPE.border.reach_mm:g} mm outside was added to it on the native grid."
        )
        return
    yield {
        "antsBrainExtraction": f"Brains were extracted with antsBrainExtraction.sh of {ants},"
        f" driven by nipype [@nipype], which uses N4 [@n4], SyN [@syn] and Atropos [@atropos], with"
        f" {template}.",
        "bet": "Brains were extracted with BET [@bet] of FSL, driven by nipype [@nipype].",
        "synthstrip": "Brains were extracted with SynthStrip [@synthstrip] of FreeSurfer, driven by"
        " nipype [@nipype].",
    }.get(method, "Brains were extracted with masks that were given.")


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
    if _ran(run, "deface"):
        yield "Face, ears and teeth were removed from the images that are to be shared."


def _quality(run: Run) -> Iterator[str]:
    if _ran(run, "measure"):
        yield (
            "Image quality metrics have the names of MRIQC [@mriqc]; the data dictionary of"
            " participants_qc.tsv gives the formula and the source of each. rPVE, QI1, QI2, FWHM,"
            " FBER, INU range, CNR and SNRd differ from the definitions of MRIQC."
        )
    rated = [said[0].rating for said in run.ratings.values()]
    if rated:
        excluded = rated.count("exclude")
        raters = {one.rater for said in run.ratings.values() for one in said}
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
