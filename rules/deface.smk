"""Defacing: remove the face from the image that is shared."""


rule deface:
    """Remove the face from the cropped image."""
    input:
        image=IMAGE.undefaced,
        mask=brain_mask,
        template=TEMPLATE_FOLDER,
        affines=affines_from_template,
    output:
        image=IMAGE.defaced,
        mask=IMAGE.defacemask,
    log:
        "logs/{folder}/{entities}_{suffix}/deface.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/deface.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        sources=raw_sources,
        records=records_of_masks,
        accepted=is_accepted,
        code=fingerprint("deface"),
    message:
        "Removing the face from {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/deface.py"
