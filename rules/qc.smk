"""Figures by which a person judges a subject, and its page; all of a subject in one process."""


rule figures:
    input:
        images=raw_images,
        preproc=preproc_images,
        masks=brain_masks,
        faced=faced_images,
        brains=brain_images,
        tissues=tissue_maps,
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
        figures_text="logs/sub-{subject}/figures.log",
        figures_status="logs/sub-{subject}/figures.status.json",
        page_text="logs/sub-{subject}/page.log",
        page_status="logs/sub-{subject}/page.status.json",
    benchmark:
        "benchmarks/sub-{subject}/figures.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        images=images_of_subject,
        code=fingerprint("figures"),
    message:
        "Drawing the figures of sub-{wildcards.subject}"
    script:
        "../scripts/figures.py"
