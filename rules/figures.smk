"""Figures: the figures and the viewer of each image."""


def image_name(wildcards):
    """Return the parts of the name of an image."""
    image = image_of(wildcards)
    return {key: getattr(image, key) for key in ("folder", "entities", "suffix")}


def shown_files(wildcards):
    """Return the files that the figures of an image show, called as in `ImageFiles`."""
    image = image_of(wildcards)
    files = {"raw": image.path, "preproc": shared_file(image)}
    if DEFACE:
        files["faced"] = image.undefaced
    if METHOD != "none":
        files["mask"] = image.mask
        if t1w := t1w_of_session(image):
            files |= {"t1w": shared_file(t1w), "from_t1w": image.from_t1w}
    if has_own_tissues(image):
        files |= {
            "dseg": image.dseg,
            "corrected": image.corrected,
            "field": image.bias_field,
            "template": image.warped_template,
        }
        if manual_mask(STUDY.settings, image):
            files["automatic_mask"] = image.uncropped_mask
    if lesion := lesion_of_image(image):
        files["lesion"] = lesion
    return files


rule figures:
    """Draw the figures and the viewer of an image."""
    input:
        unpack(shown_files),
    output:
        figures=report(
            directory(figures_folder("{image}", subject="sub-{subject}")),
            patterns=["{figure}.jpg"],
            category="Figures",
            subcategory="sub-{subject}",
            caption="../report/captions/figure.rst",
        ),
    log:
        "logs/sub-{subject}/figures/{image}.log",
    benchmark:
        "benchmarks/sub-{subject}/figures/{image}.tsv"
    conda:
        "../envs/python.yaml"
    # Page templates are in the folder of the workflow, which a container cannot read.
    container:
        None
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        name=image_name,
        code=fingerprint("figures", *VIEWER),
    message:
        "Drawing the figures of {wildcards.image}"
    script:
        "../scripts/figures.py"
