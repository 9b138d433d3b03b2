"""Defacing: remove the face from the image that is shared."""


def records_of_masks(wildcards):
    """Return the records of the masks of an image and of the T1w it has its mask from.

    The step that crops checks a mask by hand. It does not replace what the T1w gave to others.
    """
    image = image_of(wildcards)
    own = image.record("crop" if manual_mask(STUDY.settings, image) else "skullstrip")
    t1w = t1w_of_session(image)
    return [str(own)] + ([str(t1w.record("skullstrip"))] if t1w else [])


def is_accepted(wildcards):
    """Return whether the raters of an image accept it."""
    ratings = by_image(STUDY.ratings).get(image_of(wildcards).file, [])
    return bool(ratings) and ratings[0].rating == "accept"


def affines_from_template(wildcards):
    """Return the transforms of points from the template to an image, in this order."""
    image = image_of(wildcards)
    t1w = t1w_of_session(image)
    # Points are mapped in the opposite direction to images.
    return [image.affine] if t1w is None else [t1w.affine, image.to_t1w]


rule deface:
    """Remove the face from the cropped image."""
    input:
        image=IMAGE.undefaced,
        mask=brain_mask,
        template=TEMPLATE_FOLDER,
        affines=affines_from_template,
    output:
        image=IMAGE.defaced,
        mask=IMAGE.defacemask,
    log:
        "logs/{folder}/{entities}_{suffix}/deface.log",
    benchmark:
        "benchmarks/{folder}/{entities}_{suffix}/deface.tsv"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
    params:
        sources=raw_sources,
        records=records_of_masks,
        accepted=is_accepted,
        code=fingerprint("deface"),
    message:
        "Removing the face from {wildcards.entities}_{wildcards.suffix}"
    script:
        "../scripts/deface.py"
