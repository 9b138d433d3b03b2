"""Statistical maps: figures of the maps of the dataset or of other folders, by nilearn."""


rule statmaps:
    """Draw the statistical maps of a subject or of the group."""
    input:
        maps=map_files,
        background=background_of_maps,
    output:
        record=statmaps_file("{unit}"),
    log:
        "logs/{unit}/statmaps.log",
    benchmark:
        "benchmarks/{unit}/statmaps.tsv"
    conda:
        "../envs/python.yaml"
    container:
        None  # see report.smk
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    params:
        maps=maps_of_unit,
        threshold=STUDY.settings["statmaps"]["threshold"],
        cut_coords=STUDY.settings["statmaps"]["cut_coords"],
        code=fingerprint("statmaps", *VIEWER),
    message:
        "Drawing the statistical maps of {wildcards.unit}"
    script:
        "../scripts/statmaps.py"
