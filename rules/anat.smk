"""What is made of each image once its brain is found, and what stands for one that was refused."""


localrules:
    refuse,


rule refuse:
    """An image that was refused before the DAG fails here, so that it counts and is seen."""
    output:
        ".ecdysis/refused/{token}.accepted",
    log:
        "logs/refused/{token}/preflight.log",
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


rule derivatives:
    """Reorient and crop, cut out the brain, remove the face, map the tissues, measure.

    One job: to start another costs more than most of these do.
    """
    input:
        unpack(left_by_skullstrip),
        image=raw_image,
    output:
        **results_of("T1w"),
    log:
        "logs/{folder}/{entities}_T1w/derivatives.log",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/derivatives.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        orientation=STUDY.settings["reorient"]["orientation"],
        crop=STUDY.settings["crop"],
        method=METHOD,
        sources=raw_sources,
        code=fingerprint("derivatives"),
    message:
        "Making the derivatives of {wildcards.entities}_T1w"
    script:
        "../scripts/derivatives.py"


if OTHER_SUFFIXES:

    use rule derivatives as derivatives_of_others with:
        output:
            **results_of("{suffix}"),
        log:
            "logs/{folder}/{entities}_{suffix}/derivatives.log",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/derivatives.tsv"
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
            folder=FOLDER_WITHOUT_T1W,
        message:
            "Making the derivatives of {wildcards.entities}_{wildcards.suffix}"

    # It has the T1w's brain mask, and so no tissues of its own.
    use rule derivatives_of_others as derivatives_beside_T1w with:
        output:
            **results_of("{suffix}", beside=True),
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
            folder=FOLDER_WITH_T1W,
