"""What a person judges images by: figures, and the page of their subject."""


rule figures:
    input:
        unpack(shown_of_subject),
    output:
        figures=report(
            directory("sub-{subject}/figures"),
            patterns=["{figure}.png"],
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
    container:
        None  # see report.smk
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        images=images_of_subject,
        code=fingerprint("figures", *VIEWER),
    message:
        "Drawing the figures of sub-{wildcards.subject}"
    script:
        "../scripts/figures.py"
