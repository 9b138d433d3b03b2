"""The workflow's own skull stripping: ANTs through nipype, with tissues and transforms."""


localrules:
    template,


rule template:
    output:
        folder=directory(".ecdysis/template"),
    log:
        "logs/template/template.log",
    benchmark:
        "benchmarks/template/template.tsv"
    conda:
        "../envs/python.yaml"
    params:
        template=STUDY.settings["skullstrip"]["template"],
        code=fingerprint("template"),
    message:
        "Preparing the head template"
    script:
        "../scripts/template.py"


rule skullstrip_ants:
    input:
        image=raw_image,
        template=rules.template.output.folder,
    output:
        mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii.gz",
        byproducts=directory(byproducts_folder(*KEY)),
        to_template=f"{{folder}}/{{entities}}_from-{{suffix}}_to-{SPACE}_mode-image_xfm.h5",
        from_template=f"{{folder}}/{{entities}}_from-{SPACE}_to-{{suffix}}_mode-image_xfm.h5",
    log:
        "logs/{folder}/{entities}_{suffix}/skullstrip.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
    conda:
        "../envs/ants.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        orientation=STUDY.settings["reorient"]["orientation"],
        provider=STUDY.settings["ants"]["provider"],
        template=STUDY.settings["skullstrip"]["template"],
        sources=raw_sources,
        code=fingerprint("skullstrip_ants"),
    message:
        "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/skullstrip_ants.py"
