"""Identified scanner files become de-identified ones, a session at a time."""


rule deidentify:
    input:
        files=session_files,
    output:
        dicom=intermediate(directory(".ecdysis/dicom/{session}")),
    log:
        text=f"{PRIVATE_DIR}/logs/{{session}}_deidentify.log",
        status="logs/{session}/deidentify.status.json",
    benchmark:
        "benchmarks/{session}/deidentify.tsv"
    conda:
        "../envs/python.yaml"
    params:
        key_file=STUDY.settings["key_file"],
        deid={"profile": "basic", "options": []},
        code=fingerprint("deidentify"),
    message:
        "Removing the identity from {wildcards.session}"
    script:
        "../scripts/deidentify.py"
