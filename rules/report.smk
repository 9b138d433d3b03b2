"""Report: the group page, and the descriptions that make the results a BIDS derivative."""


localrules:
    group_page,
    report,
    derivative_description,


# Page templates are in the folder of the workflow, which a container cannot read, so pages and
# viewers are written outside of containers.


rule group_page:
    """Write the table of quality measures, the subject pages and the group page."""
    input:
        all_figures,
        group_inputs,
    output:
        page=report(
            "index.html", category="Study", caption="../report/captions/index.rst"
        ),
        methods="methods.md",
        references="references.bib",
        table=QUALITY_TABLE,
        dictionary="participants_qc.json",
    log:
        "logs/dataset/group_page.log",
    conda:
        "../envs/python.yaml"
    container:
        None
    params:
        norms=STUDY.norms,
        ratings=STUDY.ratings_hash,
        problems=problems_of_last_run,
        code=fingerprint("group_page"),
    message:
        "Writing the table of quality measures and the pages"
    script:
        "../scripts/group_page.py"


rule report:
    """Rebuild the report at any time, even during a run."""
    log:
        ".snakemake/log/report.log",
    retries: 0
    conda:
        "../envs/python.yaml"
    container:
        None
    params:
        python=sys.executable,
        script=SCRIPTS / "report.py",
        output_dir=STUDY.settings["output_dir"],
    message:
        "Updating the report"
    shell:
        "{params.python:q} {params.script:q} {params.output_dir:q} 2>&1 | tee {log:q}"


rule derivative_description:
    """Describe the results as a BIDS derivative dataset."""
    output:
        description="dataset_description.json",
        descriptions="descriptions.tsv",
        bidsignore=".bidsignore",
    log:
        "logs/dataset/derivative_description.log",
    conda:
        "../envs/python.yaml"
    params:
        bids_dir=STUDY.settings["bids_dir"],
        dataset="results",
        labels=labels_of_results(),
        code=fingerprint("derivative_description"),
    message:
        "Describing the results as a BIDS derivative"
    script:
        "../scripts/derivative_description.py"
