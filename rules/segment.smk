"""Segmentation: tissue maps and bias-corrected image, from the estimates of the method ants."""


rule segment:
    """Write the bias-corrected image and the tissue maps."""
    input:
        image=shared_image,
        mask=brain_mask,
        posteriors=T1W.posteriors,
        bias_field=T1W.bias_field,
        lesion=lesion_of,
    output:
        **segmented_files(T1W),
    log:
        "logs/{folder}/{entities}_T1w/segment.log",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/segment.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        code=fingerprint("segment"),
    message:
        "Mapping the tissues of {wildcards.entities}_T1w"
    script:
        "../scripts/segment.py"


if OTHER_SUFFIXES:

    use rule segment as segment_others with:
        input:
            image=shared_image,
            mask=brain_mask,
            posteriors=IMAGE.posteriors,
            bias_field=IMAGE.bias_field,
            lesion=lesion_of,
        output:
            **segmented_files(IMAGE),
        log:
            "logs/{folder}/{entities}_{suffix}/segment.log",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/segment.tsv"
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
        message:
            "Mapping the tissues of {wildcards.entities}_{wildcards.suffix}"
