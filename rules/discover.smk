"""Discovery: the plan of the DICOM series, and the images that cannot be processed."""


localrules:
    refuse,


if STUDY.settings["dicom_dir"]:

    localrules:
        plan,

    rule plan:
        """Write a table of all DICOM series and the images they will become, to be edited."""
        log:
            ".snakemake/log/plan.log",
        retries: 0
        conda:
            "../envs/python.yaml"
        params:
            settings=STUDY.settings,
            table=plan_table,
            found=bool(BIDS_DIR or STUDY.settings["plan"]),
        message:
            "Planning the conversion"
        script:
            "../scripts/plan.py"


rule refuse:
    """Fail for an image that the check before the run refused, so that it is reported."""
    output:
        refused_file("{token}"),
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
