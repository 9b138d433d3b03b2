"""Discovery: the plan of the DICOM series, and the images that cannot be processed."""


localrules:
    refuse,


def reason_of_refusal(wildcards):
    """Return why an image was refused."""
    return STUDY.refused[wildcards.token][1]


def plan_table(wildcards):
    """Return the path of the edited plan: as set, in the private or in the working directory."""
    folder = PRIVATE_DIR or started_in()
    return STUDY.settings["plan"] or f"{folder}/plan.tsv"


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
