"""The brain is found by the method of the config."""

# The recipe has a rule of its own, since it leaves more than a mask.
if METHOD != "ants":

    rule skullstrip:
        input:
            image=raw_image,
        output:
            mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii.gz",
        log:
            "logs/{folder}/{entities}_{suffix}/skullstrip.log",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
        conda:
            "../envs/ants.yaml"
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
        params:
            orientation=STUDY.settings["reorient"]["orientation"],
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
        image=raw_image,
    output:
        mask=".ecdysis/{folder}/{entities}_desc-transferredBrain_{suffix}_mask.nii.gz",
        to_t1w="{folder}/{entities}_from-{suffix}_to-T1w_mode-image_xfm.txt",
        from_t1w="{folder}/{entities}_from-T1w_to-{suffix}_mode-image_xfm.txt",
    log:
        "logs/{folder}/{entities}_{suffix}/skullstrip.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
    conda:
        "../envs/ants.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        orientation=STUDY.settings["reorient"]["orientation"],
        provider=STUDY.settings["ants"]["provider"],
        sources=raw_sources,
        code=fingerprint("transfer"),
    message:
        "Aligning {wildcards.entities}_{wildcards.suffix} to its T1w"
    script:
        "../scripts/transfer.py"
