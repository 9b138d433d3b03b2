"""Cropping: the image, its brain mask and the brain on one grid."""


rule crop:
    """Crop the reoriented image and its brain mask, and write the brain."""
    input:
        unpack(uncropped_mask),
        image=reoriented_image,
        raw_image=raw_image,
    output:
        **cropped_files(T1W),
    log:
        "logs/{folder}/{entities}_T1w/crop.log",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/crop.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        reorient=REORIENT,
        crop=STUDY.settings["crop"],
        sources=raw_sources,
        manual=has_manual_mask,
        code=fingerprint("crop"),
    message:
        "Cropping {wildcards.entities}_T1w"
    script:
        "../scripts/crop.py"


if OTHER_SUFFIXES:

    # Masks of other images than T1w have the image's space in their names.
    use rule crop as crop_others with:
        output:
            **cropped_files(IMAGE),
        log:
            "logs/{folder}/{entities}_{suffix}/crop.log",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/crop.tsv"
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
        message:
            "Cropping {wildcards.entities}_{wildcards.suffix}"
