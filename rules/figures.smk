"""Figures: the figures of each subject, and the page that shows them."""


rule figures:
    """Draw the figures of a subject and write its page."""
    input:
        unpack(shown_of_subject),
    output:
        figures=report(
            directory("sub-{subject}/figures"),
            patterns=["{figure}.jpg"],
            category="Figures",
            subcategory="sub-{subject}",
            caption="../report/captions/figure.rst",
        ),
        page=report(
            "sub-{subject}.html",
            category="Subjects",
            caption="../report/captions/subject.rst",
        ),
    log:
        "logs/sub-{subject}/figures.log",
    benchmark:
        "benchmarks/sub-{subject}/figures.tsv"
    conda:
        "../envs/python.yaml"
    # Page templates are in the folder of the workflow, which a container cannot read.
    container:
        None
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        images=names_of_subject,
        t1w=t1w_by_image,
        lesions=lesions_by_image,
        code=fingerprint("figures", *VIEWER),
    message:
        "Drawing the figures of sub-{wildcards.subject}"
    script:
        "../scripts/figures.py"
