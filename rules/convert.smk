"""De-identified DICOM becomes BIDS."""


rule convert:
    input:
        dicom=dicom_of_image,
        description=ancient(f"{BIDS_DIR}/dataset_description.json"),
    output:
        image=f"{BIDS_DIR}/{{folder}}/{{entities}}_{{suffix}}.nii.gz",
        sidecar=f"{BIDS_DIR}/{{folder}}/{{entities}}_{{suffix}}.json",
    log:
        text="logs/{folder}/{entities}_{suffix}/convert.log",
        status="logs/{folder}/{entities}_{suffix}/convert.status.json",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/convert.tsv"
    conda:
        "../envs/dcm2niix.yaml"
    params:
        series=series_of_image,
        files=files_of_series,
        code=fingerprint("convert"),
    message:
        "Converting {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/convert.py"


rule dataset_files:
    output:
        description=update(f"{BIDS_DIR}/dataset_description.json"),
    log:
        text="logs/dataset/dataset_files.log",
        status="logs/dataset/dataset_files.status.json",
    conda:
        "../envs/python.yaml"
    message:
        "Describing the BIDS dataset"
    script:
        "../scripts/dataset_files.py"
