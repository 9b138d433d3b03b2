"""The brain is found by ANTs, through nipype, and cut out."""


localrules:
    template,


rule template:
    output:
        t1w=".ecdysis/template/T1w.nii.gz",
        brain_mask=".ecdysis/template/brain_mask.nii.gz",
        registration_mask=".ecdysis/template/registration_mask.nii.gz",
        facts=".ecdysis/template/template.json",
    log:
        text="logs/template/template.log",
        status="logs/template/template.status.json",
    benchmark:
        "benchmarks/template/template.tsv"
    conda:
        "../envs/python.yaml"
    params:
        template=STUDY.settings["skullstrip"]["template"],
        code=fingerprint("template"),
    message:
        "Preparing the head template"
    script:
        "../scripts/template.py"


rule skullstrip:
    input:
        image=rules.reorient.output.image,
        template_t1w=rules.template.output.t1w,
        template_mask=rules.template.output.brain_mask,
        template_registration_mask=rules.template.output.registration_mask,
    output:
        mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii",
    log:
        text="logs/{folder}/{entities}_{suffix}/skullstrip.log",
        status="logs/{folder}/{entities}_{suffix}/skullstrip.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
    conda:
        "../envs/ants.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        provider=STUDY.settings["ants"]["provider"],
        template=STUDY.settings["skullstrip"]["template"],
        code=fingerprint(f"skullstrip_{METHOD}"),
    message:
        "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
    script:
        f"../scripts/skullstrip_{METHOD}.py"


rule brain:
    input:
        preproc="{folder}/{entities}_desc-preproc_T1w.nii.gz",
        sidecar="{folder}/{entities}_desc-preproc_T1w.json",
        mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_T1w_mask.nii",
    output:
        mask="{folder}/{entities}_desc-brain_mask.nii.gz",
        mask_sidecar="{folder}/{entities}_desc-brain_mask.json",
        brain="{folder}/{entities}_desc-brain_T1w.nii.gz",
        brain_sidecar="{folder}/{entities}_desc-brain_T1w.json",
    log:
        text="logs/{folder}/{entities}_T1w/brain.log",
        status="logs/{folder}/{entities}_T1w/brain.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/brain.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        sources=lambda wildcards, input: [f"bids::{input.preproc}"],
        code=fingerprint("brain"),
    message:
        "Cutting out the brain of {wildcards.entities}_T1w"
    script:
        "../scripts/brain.py"


# A T1w's mask is the brain mask; that of another contrast names its space.
ruleorder: brain > brain_beside_T1w


use rule brain as brain_beside_T1w with:
    input:
        preproc="{folder}/{entities}_desc-preproc_{suffix}.nii.gz",
        sidecar="{folder}/{entities}_desc-preproc_{suffix}.json",
        mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii",
    output:
        mask="{folder}/{entities}_space-{suffix}_desc-brain_mask.nii.gz",
        mask_sidecar="{folder}/{entities}_space-{suffix}_desc-brain_mask.json",
        brain="{folder}/{entities}_desc-brain_{suffix}.nii.gz",
        brain_sidecar="{folder}/{entities}_desc-brain_{suffix}.json",
    log:
        text="logs/{folder}/{entities}_{suffix}/brain.log",
        status="logs/{folder}/{entities}_{suffix}/brain.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/brain.tsv"
    params:
        sources=lambda wildcards, input: [f"bids::{input.preproc}"],
        code=fingerprint("brain"),
    message:
        "Cutting out the brain of {wildcards.entities}_{wildcards.suffix}"
