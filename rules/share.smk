"""Share: one folder to publish, made of the results of a finished run."""


localrules:
    share,


rule share:
    """Make and check the folder to publish: defaced images, results without faces, a report."""
    log:
        ".snakemake/log/share.log",
    retries: 0
    conda:
        "../envs/python.yaml"
    container:
        None  # see report.smk
    threads: all_cores
    params:
        settings=STUDY.settings,
        validator=VALIDATOR,
    message:
        "Making the folder to publish"
    script:
        "../scripts/share.py"
