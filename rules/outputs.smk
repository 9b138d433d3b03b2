"""Results for other programs, each made only if the setting `outputs` names it."""

if "fmriprep" in STUDY.settings["outputs"]:

    rule full_grid:
        """Write the T1w as fMRIPrep takes it over: not cropped, with mask, tissues, transforms."""
        input:
            image=reoriented_image,
            raw_image=raw_image,
            mask=T1W.uncropped_mask,
            posteriors=T1W.posteriors,
            bias_field=T1W.bias_field,
            lesion=lesion_of,
            to_template=T1W.transform("T1w", SPACE, "h5"),
            from_template=T1W.transform(SPACE, "T1w", "h5"),
        output:
            preproc=T1W.on_full_grid.preproc,
            mask=T1W.on_full_grid.mask,
            dseg=T1W.on_full_grid.dseg,
            probsegs=tissue_maps(T1W.on_full_grid),
            to_template=T1W.on_full_grid.transform("T1w", SPACE, "h5"),
            from_template=T1W.on_full_grid.transform(SPACE, "T1w", "h5"),
        log:
            "logs/{folder}/{entities}_T1w/full_grid.log",
        benchmark:
            "benchmarks/{folder}/{entities}_T1w/full_grid.tsv"
        conda:
            "../envs/python.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 2500 * attempt,
        params:
            reorient=REORIENT,
            sources=raw_sources,
            code=fingerprint("full_grid"),
        message:
            "Writing {wildcards.entities}_T1w for fMRIPrep"
        script:
            "../scripts/full_grid.py"

    localrules:
        full_grid_description,

    use rule derivative_description as full_grid_description with:
        output:
            description=f"{FULL_GRID}/dataset_description.json",
            descriptions=f"{FULL_GRID}/descriptions.tsv",
            bidsignore=f"{FULL_GRID}/.bidsignore",
        log:
            "logs/dataset/full_grid_description.log",
        params:
            bids_dir=STUDY.settings["bids_dir"],
            dataset="full_grid",
            labels=["preproc", "brain"],
            code=fingerprint("derivative_description"),
        message:
            "Describing the files for fMRIPrep as a BIDS derivative"


if "template" in STUDY.settings["outputs"]:

    rule template_space:
        """Resample a T1w, its brain mask and its tissues to the template."""
        input:
            images=segmented_images(T1W),
            transform=T1W.transform("T1w", SPACE, "h5"),
        output:
            segmented_images(T1W.in_template(SPACE)),
        log:
            "logs/{folder}/{entities}_T1w/template_space.log",
        benchmark:
            "benchmarks/{folder}/{entities}_T1w/template_space.tsv"
        conda:
            "../envs/ants.yaml"
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
        params:
            template=STUDY.settings["skullstrip"]["template"],
            provider=STUDY.settings["ants"]["provider"],
            code=fingerprint("template_space"),
        message:
            "Resampling {wildcards.entities}_T1w to the template"
        script:
            "../scripts/template_space.py"
