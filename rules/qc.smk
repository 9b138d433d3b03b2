"""What a person judges an image by: its measures, figures, and the page of its subject."""


rule figures:
    input:
        images=raw_images,
        preproc=preproc_images,
        masks=brain_masks,
        faced=faced_images,
        brains=brain_images,
        tissues=tissue_maps,
        fields=bias_fields,
        measures=quality_of_subject,
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


rule quality:
    input:
        unpack(left_by_recipe),
        image=raw_image,
        mask=full_mask,
        tissues=probability_maps,
        to_t1w=points_to_t1w,
    output:
        record=quality_file(*KEY),
    log:
        text="logs/{folder}/{entities}_{suffix}/quality.log",
        status="logs/{folder}/{entities}_{suffix}/quality.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/quality.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        orientation=STUDY.settings["reorient"]["orientation"],
        method=METHOD,
        code=fingerprint("quality"),
    message:
        "Measuring the quality of {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/quality.py"
