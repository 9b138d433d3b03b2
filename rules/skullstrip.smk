"""Skull stripping: the brain mask of each image, by the method of the settings."""

if METHOD not in ("none", "ants"):

    rule skullstrip:
        """Find the brain mask of an image by the method of the settings."""
        input:
            image=reoriented_image,
            raw_image=raw_image,
        output:
            mask=IMAGE.uncropped_mask,
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
            reorient=REORIENT,
            method=METHOD,
            skullstrip=STRIPPING,
            code=fingerprint(
                "skullstrip", module=f"ecdysis.skullstrip.methods.{METHOD}"
            ),
        message:
            "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
        script:
            "../scripts/skullstrip.py"


if METHOD == "ants":

    localrules:
        template,

    rule template:
        """Prepare the head template for registration."""
        output:
            folder=directory(TEMPLATE_FOLDER),
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
        """Find the brain mask of an image, its tissues and its transforms with ANTs."""
        input:
            image=reoriented_image,
            raw_image=raw_image,
            template=rules.template.output.folder,
            lesion=lesion_of,
        output:
            mask=IMAGE.uncropped_mask,
            posteriors=IMAGE.posteriors,
            bias_field=IMAGE.bias_field,
            affine=IMAGE.affine,
            warped_template=IMAGE.warped_template,
            to_template=IMAGE.transform("{suffix}", SPACE, "h5"),
            from_template=IMAGE.transform(SPACE, "{suffix}", "h5"),
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
            reorient=REORIENT,
            provider=STUDY.settings["ants"]["provider"],
            skullstrip=STRIPPING,
            fault_of_lesions=fault_of_lesions,
            sources=raw_sources,
            code=fingerprint("skullstrip_ants"),
        message:
            "Stripping the skull from {wildcards.entities}_{wildcards.suffix}"
        script:
            "../scripts/skullstrip_ants.py"


if METHOD != "none" and OTHER_SUFFIXES:

    rule skullstrip_transfer:
        """Align an image to the T1w of its session and resample the brain mask to it."""
        input:
            unpack(t1w_of_session_files),
            image=reoriented_image,
            raw_image=raw_image,
        output:
            mask=IMAGE.transferred_mask,
            to_t1w=IMAGE.to_t1w,
            from_t1w=IMAGE.from_t1w,
        log:
            "logs/{folder}/{entities}_{suffix}/skullstrip.log",
        benchmark:
            "benchmarks/{folder}/{entities}_{suffix}/skullstrip.tsv"
        conda:
            "../envs/ants.yaml"
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 1500 * attempt,
        params:
            reorient=REORIENT,
            provider=STUDY.settings["ants"]["provider"],
            sources=raw_sources,
            code=fingerprint("skullstrip_transfer"),
        message:
            "Aligning {wildcards.entities}_{wildcards.suffix} to its T1w"
        script:
            "../scripts/skullstrip_transfer.py"
