"""Conversion: de-identified DICOM is converted to BIDS."""


localrules:
    dataset_files,


rule run_dcm2niix:
    """Convert the DICOM series of a session that the dataset lacks, once for all images."""
    input:
        dicom=f"{DEID_DIR}/{{session}}",
    output:
        nifti=temp(directory(nifti_folder("{session}"))),
    log:
        "logs/{session}/run_dcm2niix.log",
    benchmark:
        "benchmarks/{session}/run_dcm2niix.tsv"
    conda:
        "../envs/dcm2niix.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        series=series_of_session,
        bids_dir=BIDS_DIR,
        code=fingerprint("run_dcm2niix"),
    message:
        "Converting {wildcards.session} with dcm2niix"
    script:
        "../scripts/run_dcm2niix.py"


rule convert:
    """Place a converted anatomical image in the dataset."""
    input:
        nifti=nifti_of_image,
        description=ancient(f"{BIDS_DIR}/dataset_description.json"),
    output:
        image=f"{BIDS_DIR}/{{folder}}/{{entities}}_{{suffix}}.nii.gz",
        sidecar=f"{BIDS_DIR}/{{folder}}/{{entities}}_{{suffix}}.json",
    log:
        "logs/{folder}/{entities}_{suffix}/convert.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/convert.tsv"
    conda:
        "../envs/dcm2niix.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        series=series_of_image,
        metadata=metadata_of_series,
        code=fingerprint("convert"),
    message:
        "Placing {wildcards.entities}_{wildcards.suffix} in the dataset"
    script:
        "../scripts/convert.py"


rule convert_session:
    """Place the other converted images of a session in the dataset."""
    input:
        unpack(nifti_of_session),
        dicom=f"{DEID_DIR}/{{session}}",
        description=ancient(f"{BIDS_DIR}/dataset_description.json"),
    output:
        record=converted_file("{session}"),
    log:
        "logs/{session}/convert_session.log",
    benchmark:
        "benchmarks/{session}/convert_session.tsv"
    conda:
        "../envs/dcm2niix.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        series=others_of_session,
        keep_sourcedata=STUDY.settings["keep_sourcedata"],
        code=fingerprint("convert_session"),
    message:
        "Placing the other images of {wildcards.session} in the dataset"
    script:
        "../scripts/convert_session.py"


if VALIDATOR:

    rule validate:
        """Run the BIDS validator on the dataset."""
        input:
            images=converted_images,
            sessions=session_records,
        output:
            record=VALIDATION,
        log:
            "logs/dataset/validate.log",
        benchmark:
            "benchmarks/dataset/validate.tsv"
        conda:
            "../envs/python.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
        params:
            bids_dir=BIDS_DIR,
            program=VALIDATOR,
            code=fingerprint("validate"),
        message:
            "Running the BIDS validator"
        script:
            "../scripts/validate.py"


rule dataset_files:
    """Write the description of the BIDS dataset."""
    output:
        description=update(f"{BIDS_DIR}/dataset_description.json"),
    log:
        "logs/dataset/dataset_files.log",
    conda:
        "../envs/python.yaml"
    message:
        "Describing the BIDS dataset"
    script:
        "../scripts/dataset_files.py"
