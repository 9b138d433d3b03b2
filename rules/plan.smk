"""What would become of every DICOM series, as a table that a person may edit."""


localrules:
    plan,


rule plan:
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
