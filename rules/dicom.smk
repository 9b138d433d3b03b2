"""DICOM: de-identify and audit the files of each session."""


localrules:
    deidentify,
    list_headers,
    headers,


def session_files(wildcards):
    """Return the list of the files of a DICOM session, which is in the private directory."""
    return STUDY.sessions[wildcards.session].files


def published_dicom(path):
    """Keep de-identified DICOM if the user set `deid_dir`; otherwise it is intermediate."""
    folder = directory(path)
    return folder if STUDY.settings["deid_dir"] else intermediate(folder)


def results_of_session(wildcards):
    """Return the converted files of a DICOM session, and the results that the audit waits for.

    The audit also reads the records of all steps; figures are the last step of an image.
    """
    images = STUDY.images_of_session.get(wildcards.session, [])
    raw = [image.path for image in images]
    sidecars = [path.replace(".nii.gz", ".json") for path in raw]
    shared = [shared_file(image) for image in images]
    shared += [file for image in images for file in extra_results(image)]
    figures = [image.figures for image in images]
    return {"converted": [*raw, *sidecars], "made": [*shared, *figures]}


def record_of_session(wildcards):
    """Return the record of the other series of a session, if it has any."""
    session = wildcards.session
    return [converted_file(session)] if session in STUDY.converted_sessions else []


rule deidentify:
    """De-identify and audit the DICOM files, without conversion."""
    input:
        published_sessions,


rule deidentify_session:
    """Remove identifying data from the DICOM files of a session, and audit the result."""
    input:
        files=session_files,
        edits=[
            edit for edit in STUDY.settings["deid"]["edits"] if isinstance(edit, str)
        ],
    output:
        dicom=published_dicom(f"{DEID_DIR}/{{session}}"),
    log:
        f"{PRIVATE_DIR}/logs/{{session}}_deidentify.log",
    benchmark:
        "benchmarks/{session}/deidentify.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        key_file=STUDY.settings["key_file"],
        private_dir=PRIVATE_DIR,
        keep=bool(STUDY.settings["deid_dir"]),
        deid=STUDY.settings["deid"],
        code=fingerprint("deidentify"),
    message:
        "De-identifying {wildcards.session}"
    script:
        "../scripts/deidentify.py"


rule audit_results:
    """Search the results of a session, their sidecars and records for identifying values."""
    input:
        unpack(results_of_session),
        files=session_files,
        record=record_of_session,
    output:
        touch(audited_file("{session}")),
    log:
        f"{PRIVATE_DIR}/logs/{{session}}_audit_results.log",
    benchmark:
        "benchmarks/{session}/audit_results.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
    params:
        deid=STUDY.settings["deid"],
        private_dir=PRIVATE_DIR,
        bids_dir=BIDS_DIR,
        code=fingerprint("audit_results"),
    message:
        "Auditing the results of {wildcards.session}"
    script:
        "../scripts/audit_results.py"


rule list_headers:
    """Write a table of the elements of the DICOM headers."""
    input:
        index=f"{PRIVATE_DIR}/dicom_index.json",
    output:
        table=f"{PRIVATE_DIR}/headers.tsv",
    log:
        f"{PRIVATE_DIR}/logs/headers.log",
    conda:
        "../envs/python.yaml"
    params:
        deid=STUDY.settings["deid"],
        select=STUDY.settings["headers"]["select"],
        show=STUDY.settings["headers"]["show"],
        code=fingerprint("headers"),
    message:
        "Reading the headers"
    script:
        "../scripts/headers.py"


rule headers:
    """Print the elements of the DICOM headers, to write rules for editing."""
    input:
        table=rules.list_headers.output.table,
    log:
        f"{PRIVATE_DIR}/logs/print_headers.log",
    retries: 0
    conda:
        "../envs/python.yaml"
    message:
        "{input.table}:"
    shell:
        "column -t -s $'\\t' {input.table:q} 2> {log:q}"
