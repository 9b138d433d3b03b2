"""The brain is found by the method of the config, and cut out."""

# The recipe has a rule of its own, since it leaves more than a mask.
if METHOD != "ants":

    rule skullstrip:
        input:
            image=rules.reorient.output.image,
        output:
            mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii.gz",
        log:
            text="logs/{folder}/{entities}_{suffix}/skullstrip.log",
            status="logs/{folder}/{entities}_{suffix}/skullstrip.status.json",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
        conda:
            "../envs/ants.yaml"
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
        params:
            template=STUDY.settings["skullstrip"]["template"],
            masks=STUDY.settings["skullstrip"]["masks"],
            code=fingerprint(f"skullstrip_{METHOD}"),
        message:
            "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
        script:
            f"../scripts/skullstrip_{METHOD}.py"


rule transfer:
    """An image beside a T1w gets the brain mask of that one."""
    input:
        unpack(t1w_beside),
        image=rules.reorient.output.image,
    output:
        mask=".ecdysis/{folder}/{entities}_desc-transferredBrain_{suffix}_mask.nii.gz",
        to_t1w="{folder}/{entities}_from-{suffix}_to-T1w_mode-image_xfm.txt",
        from_t1w="{folder}/{entities}_from-T1w_to-{suffix}_mode-image_xfm.txt",
        to_sidecar="{folder}/{entities}_from-{suffix}_to-T1w_mode-image_xfm.json",
        from_sidecar="{folder}/{entities}_from-T1w_to-{suffix}_mode-image_xfm.json",
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
        sources=raw_sources,
        code=fingerprint("transfer"),
    message:
        "Aligning {wildcards.entities}_{wildcards.suffix} to its T1w"
    script:
        "../scripts/transfer.py"


rule brain:
    """Cropping and cutting out are one job: to start another costs as much as it does."""
    input:
        image=".ecdysis/{folder}/{entities}_desc-reoriented_T1w.nii",
        facts=".ecdysis/{folder}/{entities}_desc-reoriented_T1w.json",
        mask=full_mask,
    output:
        image=intermediate(PREPROC_T1W) if DEFACE else PREPROC_T1W,
        sidecar=sidecar_of(PREPROC_T1W),
        mask="{folder}/{entities}_desc-brain_mask.nii.gz",
        mask_sidecar="{folder}/{entities}_desc-brain_mask.json",
        brain="{folder}/{entities}_desc-brain_T1w.nii.gz",
        brain_sidecar="{folder}/{entities}_desc-brain_T1w.json",
    log:
        crop_text="logs/{folder}/{entities}_T1w/crop.log",
        crop_status="logs/{folder}/{entities}_T1w/crop.status.json",
        brain_text="logs/{folder}/{entities}_T1w/brain.log",
        brain_status="logs/{folder}/{entities}_T1w/brain.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/brain.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        crop=STUDY.settings["crop"],
        sources=raw_sources,
        code=fingerprint("brain"),
    message:
        "Cropping {wildcards.entities}_T1w and cutting out its brain"
    script:
        "../scripts/brain.py"


# A T1w's mask is the brain mask; that of another contrast names its space.
if OTHER_SUFFIXES:

    use rule brain as brain_beside_T1w with:
        input:
            image=rules.reorient.output.image,
            facts=rules.reorient.output.facts,
            mask=full_mask,
        output:
            image=intermediate(PREPROC) if DEFACE else PREPROC,
            sidecar=sidecar_of(PREPROC),
            mask="{folder}/{entities}_space-{suffix}_desc-brain_mask.nii.gz",
            mask_sidecar="{folder}/{entities}_space-{suffix}_desc-brain_mask.json",
            brain="{folder}/{entities}_desc-brain_{suffix}.nii.gz",
            brain_sidecar="{folder}/{entities}_desc-brain_{suffix}.json",
        log:
            crop_text="logs/{folder}/{entities}_{suffix}/crop.log",
            crop_status="logs/{folder}/{entities}_{suffix}/crop.status.json",
            brain_text="logs/{folder}/{entities}_{suffix}/brain.log",
            brain_status="logs/{folder}/{entities}_{suffix}/brain.status.json",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/brain.tsv"
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
        params:
            crop=STUDY.settings["crop"],
            sources=raw_sources,
            code=fingerprint("brain"),
        message:
            "Cropping {wildcards.entities}_{wildcards.suffix} and cutting out its brain"
