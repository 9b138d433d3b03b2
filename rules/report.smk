"""What people read: a page a subject, an index over all, and what makes the results BIDS."""


localrules:
    index_page,
    derivative_description,


# Templates lie in the folder of the workflow, which containers do not see; so what needs them,
# pages and viewers, is written outside of them.


rule subject_page:
    input:
        figures=rules.figures.output.figures,
        brains=brain_images,
        tissues=tissue_maps,
    output:
        page=report(
            "sub-{subject}.html",
            category="Subjects",
            caption="../report/captions/subject.rst",
        ),
    log:
        text="logs/sub-{subject}/subject_page.log",
        status="logs/sub-{subject}/subject_page.status.json",
    conda:
        "../envs/python.yaml"
    container:
        None
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        code=fingerprint("subject_page"),
    message:
        "Writing the page of sub-{wildcards.subject}"
    script:
        "../scripts/subject_page.py"


rule index_page:
    input:
        pages=subject_pages,
        audits=audited_results,
        statmaps=statmap_records,
    output:
        page=report(
            "index.html", category="Study", caption="../report/captions/index.rst"
        ),
    log:
        text="logs/dataset/index_page.log",
        status="logs/dataset/index_page.status.json",
    conda:
        "../envs/python.yaml"
    container:
        None
    params:
        code=fingerprint("index_page"),
    message:
        "Writing the index page"
    script:
        "../scripts/index_page.py"


rule derivative_description:
    output:
        description="dataset_description.json",
        bidsignore=".bidsignore",
    log:
        text="logs/dataset/derivative_description.log",
        status="logs/dataset/derivative_description.status.json",
    conda:
        "../envs/python.yaml"
    params:
        bids_dir=STUDY.settings["bids_dir"],
        code=fingerprint("derivative_description"),
    message:
        "Describing the results as a BIDS derivative"
    script:
        "../scripts/derivative_description.py"
