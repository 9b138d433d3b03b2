"""De-identified DICOM becomes BIDS."""


localrules:
    dataset_files,


rule convert:
    """Convert a DICOM series to an anatomical image of the dataset."""
    input:
        dicom=dicom_of_image,
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
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        series=series_of_image,
        outputs=outputs_of_series,
        files=files_of_series,
        metadata=metadata_of_series,
        keep=keep_series,
        code=fingerprint("convert"),
    message:
        "Converting {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/convert.py"


rule convert_session:
    """Convert the other DICOM series of a session."""
    input:
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
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        series=others_of_session,
        keep_sourcedata=STUDY.settings["keep_sourcedata"],
        code=fingerprint("convert_session"),
    message:
        "Converting the other series of {wildcards.session}"
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
            "Asking the BIDS validator"
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
