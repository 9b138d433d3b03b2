"""Statistical maps: figures of the maps of the dataset or of other folders, by nilearn."""


def map_files(wildcards):
    """Return the statistical maps of a subject or the group that Snakemake can watch.

    Snakemake would read brackets in a file name as wildcards, and stop where a file is missing, so
    such maps are left out; the job reports a missing one.
    """
    maps = STUDY.statmaps_by_unit[wildcards.unit]
    return [
        item.path
        for item in maps
        if not set("<>{}\n") & set(item.path) and Path(item.path).exists()
    ]


def maps_of_unit(wildcards):
    """Return the path, the name in the results and the title of each statistical map."""
    return [asdict(item) for item in STUDY.statmaps_by_unit[wildcards.unit]]


def background_of_maps(wildcards):
    """Return the image that maps in their subject's own space are drawn on, if there is one."""
    images = STUDY.by_subject.get(wildcards.unit.removeprefix("sub-"), [])
    own = any(item.own_space for item in STUDY.statmaps_by_unit[wildcards.unit])
    return [shared_file(image) for image in images[:1]] if own else []


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
