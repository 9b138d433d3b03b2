"""Demo: make a small study of invented patients and run the whole workflow on it."""


localrules:
    demo_scans,
    demo,


rule demo_scans:
    """Make the scans of two invented patients."""
    output:
        scans=directory("demo/scans"),
    log:
        "demo/logs/demo_scans.log",
    conda:
        "../envs/python.yaml"
    message:
        "Making the scans of two invented patients"
    script:
        "../scripts/demo.py"


rule demo:
    """Run the whole workflow on the scans of two invented patients."""
    input:
        scans=rules.demo_scans.output.scans,
    log:
        "demo/logs/demo.log",
    retries: 0
    conda:
        "../envs/python.yaml"
    threads: all_cores
    params:
        python=sys.executable,
        snakefile=ROOT / "Snakefile",
    message:
        "Running the whole workflow on the demo"
    shell:
        "{params.python:q} -m snakemake --snakefile {params.snakefile:q} --cores {threads}"
        " --config dicom_dir={input.scans:q} bids_dir=demo/study 2>&1 | tee {log:q}"
