"""The workflow's own skull stripping: ANTs through nipype, with tissues and transforms."""


localrules:
    template,


rule template:
    output:
        t1w=".ecdysis/template/T1w.nii.gz",
        brain_mask=".ecdysis/template/brain_mask.nii.gz",
        registration_mask=".ecdysis/template/registration_mask.nii.gz",
        tissue_maps=expand(
            ".ecdysis/template/{label}_probseg.nii.gz", label=("CSF", "GM", "WM")
        ),
        facts=".ecdysis/template/template.json",
    log:
        text="logs/template/template.log",
        status="logs/template/template.status.json",
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
        image=rules.reorient.output.image,
        template_t1w=rules.template.output.t1w,
        template_mask=rules.template.output.brain_mask,
        template_registration_mask=rules.template.output.registration_mask,
        tissue_maps=rules.template.output.tissue_maps,
    output:
        mask=".ecdysis/{folder}/{entities}_desc-reorientedBrain_{suffix}_mask.nii.gz",
        posteriors=recipe_file(*KEY, "probseg.nii.gz"),
        bias_field=recipe_file(*KEY, "field.nii.gz"),
        affine=recipe_file(*KEY, "affine.mat"),
        to_template=f"{{folder}}/{{entities}}_from-{{suffix}}_to-{SPACE}_mode-image_xfm.h5",
        from_template=f"{{folder}}/{{entities}}_from-{SPACE}_to-{{suffix}}_mode-image_xfm.h5",
        to_sidecar=f"{{folder}}/{{entities}}_from-{{suffix}}_to-{SPACE}_mode-image_xfm.json",
        from_sidecar=f"{{folder}}/{{entities}}_from-{SPACE}_to-{{suffix}}_mode-image_xfm.json",
    log:
        text="logs/{folder}/{entities}_{suffix}/skullstrip.log",
        status="logs/{folder}/{entities}_{suffix}/skullstrip.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
    conda:
        "../envs/ants.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        provider=STUDY.settings["ants"]["provider"],
        template=STUDY.settings["skullstrip"]["template"],
        sources=raw_sources,
        code=fingerprint("skullstrip_ants"),
    message:
        "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/skullstrip_ants.py"


rule tissues:
    input:
        preproc=shareable("T1w"),
        sidecar=sidecar_of(shareable("T1w")),
        mask=rules.brain.output.mask,
        posteriors=recipe_file(*KEY_T1W, "probseg.nii.gz"),
        bias_field=recipe_file(*KEY_T1W, "field.nii.gz"),
    output:
        multiext("{folder}/{entities}_desc-biascorrected_T1w", ".nii.gz", ".json"),
        multiext("{folder}/{entities}_dseg", ".nii.gz", ".json", ".tsv"),
        multiext("{folder}/{entities}_label-CSF_probseg", ".nii.gz", ".json"),
        multiext("{folder}/{entities}_label-GM_probseg", ".nii.gz", ".json"),
        multiext("{folder}/{entities}_label-WM_probseg", ".nii.gz", ".json"),
    log:
        text="logs/{folder}/{entities}_T1w/tissues.log",
        status="logs/{folder}/{entities}_T1w/tissues.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_T1w/tissues.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        sources=lambda wildcards, input: [f"bids::{input.preproc}"],
        code=fingerprint("tissues"),
    message:
        "Mapping the tissues of {wildcards.entities}_T1w"
    script:
        "../scripts/tissues.py"


if OTHER_SUFFIXES:

    use rule tissues as tissues_beside_T1w with:
        input:
            preproc=shareable("{suffix}"),
            sidecar=sidecar_of(shareable("{suffix}")),
            mask=rules.brain_beside_T1w.output.mask,
            posteriors=rules.skullstrip_ants.output.posteriors,
            bias_field=rules.skullstrip_ants.output.bias_field,
        output:
            multiext(
                "{folder}/{entities}_desc-biascorrected_{suffix}", ".nii.gz", ".json"
            ),
            multiext(
                "{folder}/{entities}_space-{suffix}_dseg", ".nii.gz", ".json", ".tsv"
            ),
            multiext(
                "{folder}/{entities}_space-{suffix}_label-CSF_probseg",
                ".nii.gz",
                ".json",
            ),
            multiext(
                "{folder}/{entities}_space-{suffix}_label-GM_probseg",
                ".nii.gz",
                ".json",
            ),
            multiext(
                "{folder}/{entities}_space-{suffix}_label-WM_probseg",
                ".nii.gz",
                ".json",
            ),
        log:
            text="logs/{folder}/{entities}_{suffix}/tissues.log",
            status="logs/{folder}/{entities}_{suffix}/tissues.status.json",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/tissues.tsv"
        wildcard_constraints:
            suffix="|".join(OTHER_SUFFIXES),
        message:
            "Mapping the tissues of {wildcards.entities}_{wildcards.suffix}"
