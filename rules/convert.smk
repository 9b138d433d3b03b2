"""Conversion: de-identified DICOM is converted to BIDS."""


localrules:
    dataset_files,


def series_of_image(wildcards):
    """Return the pseudonymous series that an image is converted from."""
    return image_of(wildcards).series


def series_of_session(wildcards):
    """Return all series of a session that become images, with their images."""
    return [
        {
            "series": item.series,
            "files": item.facts.files,
            "outputs": [asdict(output) for output in item.outputs],
            "keep": item.keep,
        }
        for item in STUDY.series_of_session[wildcards.session]
    ]


def metadata_of_series(wildcards):
    """Return the sidecar fields that the rules of the study set for an image."""
    return STUDY.series[series_of_image(wildcards)].metadata


def others_of_session(wildcards):
    """Return the other series of a session, which are converted together."""
    return [asdict(item) for item in STUDY.others.get(wildcards.session, [])]


def nifti_of_image(wildcards):
    """Return the folder with the converted images of the session of an image.

    An image that is already in the dataset is not converted again: no rule makes its input, so
    Snakemake treats the existing image as a source file.
    """
    return nifti_folder(image_of(wildcards).dicom_session or "none/none")


def nifti_of_session(wildcards):
    """Return the folder with the converted images of a session with non-anatomical images."""
    session = wildcards.session
    return {"nifti": nifti_folder(session)} if session in STUDY.others else {}


def converted_images(wildcards):
    """Return the raw files of the images that were converted from DICOM, in this run or before."""
    names = {item.name for item in (*STUDY.plan.images, *STUDY.plan.present)}
    return [image.path for image in STUDY.images if image.name in names]


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
