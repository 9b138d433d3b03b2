"""DICOM: de-identify and audit the files of each session."""


localrules:
    deidentify,
    list_headers,
    headers,


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
