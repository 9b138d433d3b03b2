"""Figures by which a person judges a subject; all of a subject in one process."""


rule figures:
    input:
        images=raw_images,
        preproc=preproc_images,
        masks=brain_masks,
        faced=faced_images,
        tissues=tissue_maps,
        fields=bias_fields,
    output:
        figures=report(
            directory("sub-{subject}/figures"),
            patterns=["{figure}.png"],
            category="Figures",
            subcategory="sub-{subject}",
            caption="../report/captions/figure.rst",
        ),
    log:
        text="logs/sub-{subject}/figures.log",
        status="logs/sub-{subject}/figures.status.json",
    benchmark:
        "benchmarks/sub-{subject}/figures.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        images=images_of_subject,
        code=fingerprint("figures", *VIEWER),
    message:
        "Drawing the figures of sub-{wildcards.subject}"
    script:
        "../scripts/figures.py"
