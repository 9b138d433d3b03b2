"""The face is removed from what will be shared; the image with face stays hidden."""


rule deface:
    input:
        preproc=PREPROC,
        sidecar=sidecar_of(PREPROC),
        mask=brain_mask_of,
        template_mask=rules.template.output.brain_mask,
        affines=affines_from_template,
    output:
        image="{folder}/{entities}_desc-defaced_{suffix}.nii.gz",
        sidecar="{folder}/{entities}_desc-defaced_{suffix}.json",
        defacemask="{folder}/{entities}_mod-{suffix}_defacemask.nii.gz",
        defacemask_sidecar="{folder}/{entities}_mod-{suffix}_defacemask.json",
    log:
        text="logs/{folder}/{entities}_{suffix}/deface.log",
        status="logs/{folder}/{entities}_{suffix}/deface.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/deface.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        sources=raw_sources,
        code=fingerprint("deface"),
    message:
        "Removing the face from {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/deface.py"
