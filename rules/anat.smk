"""A raw image is turned to one orientation and cropped; no voxel's value changes."""


localrules:
    refuse,


rule refuse:
    """An image that was refused before the DAG fails here, so that it counts and is seen."""
    output:
        ".ecdysis/refused/{token}.accepted",
    log:
        text="logs/refused/{token}/preflight.log",
        status="logs/refused/{token}/preflight.status.json",
    retries: 0
    conda:
        "../envs/python.yaml"
    params:
        image=refused_image,
        reason=reason_of_refusal,
    message:
        "Refusing {params.image}"
    script:
        "../scripts/refuse.py"


rule reorient:
    input:
        image=raw_image,
    output:
        image=intermediate(".ecdysis/{folder}/{entities}_desc-reoriented_{suffix}.nii"),
        facts=".ecdysis/{folder}/{entities}_desc-reoriented_{suffix}.json",
    log:
        text="logs/{folder}/{entities}_{suffix}/reorient.log",
        status="logs/{folder}/{entities}_{suffix}/reorient.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/reorient.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        orientation=STUDY.settings["reorient"]["orientation"],
        code=fingerprint("reorient"),
    message:
        "Reorienting {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/reorient.py"


if METHOD == "none":

    rule crop:
        input:
            image=rules.reorient.output.image,
            facts=rules.reorient.output.facts,
        output:
            image=intermediate(PREPROC) if DEFACE else PREPROC,
            sidecar=sidecar_of(PREPROC),
        log:
            text="logs/{folder}/{entities}_{suffix}/crop.log",
            status="logs/{folder}/{entities}_{suffix}/crop.status.json",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/crop.tsv"
        conda:
            "../envs/python.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
        params:
            crop=STUDY.settings["crop"],
            sources=raw_sources,
            code=fingerprint("crop"),
        message:
            "Cropping {wildcards.entities}_{wildcards.suffix}"
        script:
            "../scripts/crop.py"
