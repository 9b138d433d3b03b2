"""Quality: the measures of each image."""


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
