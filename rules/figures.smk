"""Figures: the figures and the viewer of each image."""


rule figures:
    """Draw the figures and the viewer of an image."""
    input:
        unpack(shown_files),
    output:
        figures=report(
            directory(figures_folder("{image}", subject="sub-{subject}")),
            patterns=["{figure}.jpg"],
            category="Figures",
            subcategory="sub-{subject}",
            caption="../report/captions/figure.rst",
        ),
    log:
        "logs/sub-{subject}/figures/{image}/figures.log",
    benchmark:
        "benchmarks/sub-{subject}/figures/{image}/figures.tsv"
    conda:
        "../envs/python.yaml"
    # Page templates are in the folder of the workflow, which a container cannot read.
    container:
        None
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        name=image_name,
        code=fingerprint("figures", *VIEWER),
    message:
        "Drawing the figures of {wildcards.image}"
    script:
        "../scripts/figures.py"
