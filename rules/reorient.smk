"""Reorientation: permute and flip the axes of an image."""


rule reorient:
    """Write the image in the orientation of the settings, uncompressed, for the next steps."""
    input:
        image=raw_image,
    output:
        image=intermediate(IMAGE.reoriented),
    log:
        "logs/{folder}/{entities}_{suffix}/reorient.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/reorient.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        **REORIENT,
    message:
        "Reorienting {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/reorient.py"
