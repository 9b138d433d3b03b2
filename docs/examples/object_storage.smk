"""Ecdysis on a BIDS dataset in object storage: each subject is fetched, processed and sent back.

    snakemake --snakefile object_storage.smk --cores 8 \
        --config dataset=s3://LAB/STUDY results=s3://LAB/RESULTS ecdysis=ECDYSIS subjects=01,02

Needs snakemake-storage-plugin-s3. A subject is a shard of its own, in RESULTS/shards/sub-<label>, with
all results. RESULTS/joined has the report on all of them, with tables, records and figures, without images.
"""

import os

DATASET, RESULTS = config["dataset"], config["results"]
SUBJECTS = str(config["subjects"]).split(",")
ECDYSIS = os.path.abspath(config["ecdysis"])


storage:
    provider="s3",


rule all:
    input:
        storage.s3(f"{RESULTS}/joined"),


rule subject:
    input:
        description=storage.s3(f"{DATASET}/dataset_description.json"),
        images=storage.s3(f"{DATASET}/sub-{{subject}}"),
    output:
        shard=storage.s3(directory(f"{RESULTS}/shards/sub-{{subject}}")),
    log:
        "logs/sub-{subject}.log",
    threads: 2
    shell:
        "snakemake --snakefile {ECDYSIS:q}/Snakefile --cores {threads} --config"
        ' bids_dir="$(dirname {input.description:q})" participant_label={wildcards.subject}'
        " output_dir={output.shard:q} > {log:q} 2>&1"


rule join:
    input:
        shards=[storage.s3(f"{RESULTS}/shards/sub-{subject}") for subject in SUBJECTS],
    output:
        joined=storage.s3(directory(f"{RESULTS}/joined")),
    log:
        "logs/join.log",
    params:
        shards=lambda wildcards, input: ", ".join(input.shards),
    shell:
        "snakemake --snakefile {ECDYSIS:q}/Snakefile --cores 1 report --config"
        ' output_dir=joined shards="[{params.shards}]" > {log:q} 2>&1'
        " && mkdir -p {output.joined:q}"
        " && tar -C joined --dereference --exclude='*.nii.gz' --exclude='*.h5' -c ."
        " | tar -C {output.joined:q} -x"
