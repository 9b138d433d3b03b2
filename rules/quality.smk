"""Quality: the measures of each image."""


def measured_with(wildcards):
    """Return the files, besides the image, that its quality measures are computed from."""
    if METHOD != "ants":
        return uncropped_mask(wildcards)
    image = image_of(wildcards)
    t1w = t1w_of_session(image)
    maps = segmented_files(t1w or image)["probsegs"]
    files = {**uncropped_mask(wildcards), "tissues": maps}
    if t1w:
        return {**files, "points_to_t1w": image.from_t1w}
    return {
        **files,
        "posteriors": image.posteriors,
        "bias_field": image.bias_field,
        "affine": image.affine,
        "template": TEMPLATE_FOLDER,
    }


rule measure:
    """Compute the quality measures of an image."""
    input:
        unpack(measured_with),
        image=reoriented_image,
        raw_image=raw_image,
    output:
        quality=IMAGE.quality,
    log:
        "logs/{folder}/{entities}_{suffix}/measure.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/measure.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        reorient=REORIENT,
        method=METHOD,
        code=fingerprint("measure"),
    message:
        "Measuring the quality of {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/measure.py"
