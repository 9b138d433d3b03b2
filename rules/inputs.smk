"""Functions that several rules share: images, targets, and the files that belong to them."""

# Images


def image_of(wildcards):
    """Return the image that the wildcards name; without a suffix it is a T1w."""
    names = dict(wildcards.items())
    name = names.get("image") or f"{names['entities']}_{names.get('suffix', 'T1w')}"
    try:
        return STUDY.image(name, names.get("folder"))
    except InputError as error:
        raise WorkflowError(str(error)) from None


def raw_image(wildcards):
    """Return the raw file of an image."""
    return image_of(wildcards).path


def raw_sources(wildcards):
    """Return the BIDS URI of the raw file of an image."""
    return [f"bids:raw:{wildcards.folder}/{Path(raw_image(wildcards)).name}"]


def refused_image(wildcards):
    """Return the name of an image that was refused before the run."""
    return STUDY.refused[wildcards.token][0]


def reoriented_image(wildcards):
    """Return the reoriented image, which is made again if it is missing.

    Its readers have the raw image as an input and `REORIENT` as a parameter, so that they run again
    when the reoriented image would change, and not when it was only removed.
    """
    return remakeable(image_of(wildcards).reoriented)


def t1w_of_session(image):
    """Return the T1w whose brain mask an image of another contrast gets, or None."""
    return None if ANY_CONTRAST else STUDY.t1w_beside(image)


def uncropped_mask(wildcards):
    """Return the brain mask of an image before cropping: by hand, its own, or that of its T1w."""
    if METHOD == "none":
        return {}
    image = image_of(wildcards)
    if by_hand := manual_mask(STUDY.settings, image):
        return {"mask": str(by_hand)}
    own = t1w_of_session(image) is None
    return {"mask": image.uncropped_mask if own else image.transferred_mask}


def lesion_of(wildcards):
    """Return the lesion mask of an image, or an empty list."""
    return lesion_of_image(image_of(wildcards)) or []


def lesion_of_image(image):
    """Return the lesion mask of an image, or None."""
    folder = STUDY.settings["skullstrip"]["lesions"]
    mask = lesion_mask(Path(folder), image) if folder else None
    return str(mask) if mask else None


def shared_file(image):
    """Return the cropped image, or the defaced image if faces are removed."""
    return image.defaced if DEFACE else image.preproc


def brain_mask(wildcards):
    """Return the brain mask on the grid of the cropped image."""
    return image_of(wildcards).mask


def tissue_maps(image):
    """Return the probability maps of the tissues."""
    return [image.probseg(tissue) for tissue in template.TISSUES]


def segmented_files(image):
    """Return the outputs of segmentation."""
    maps = tissue_maps(image)
    return {"corrected": image.corrected, "dseg": image.dseg, "probsegs": maps}


def segmented_images(image):
    """Return the bias-corrected image, its brain mask, its tissue labels and its tissue maps."""
    return [image.corrected, image.mask, image.dseg, *tissue_maps(image)]


def is_first_t1w(image):
    """Return whether an image is the first T1w of its session."""
    images = STUDY.by_subject[image.subject]
    t1ws = [
        other.name
        for other in images
        if (other.suffix, other.session) == ("T1w", image.session)
    ]
    return image.name in t1ws[:1]


def extra_results(image):
    """Return the results of an image that the setting `outputs` asks for."""
    outputs = STUDY.settings["outputs"]
    extra = []
    if "fmriprep" in outputs and is_first_t1w(image):
        extra.append(image.on_full_grid.dseg)
    if "template" in outputs and image.suffix == "T1w":
        extra.append(image.in_template(SPACE).dseg)
    return extra


def has_own_tissues(image):
    """Return whether an image is registered to the template itself, with the method ants."""
    return METHOD == "ants" and t1w_of_session(image) is None


# Targets


def all_figures(wildcards):
    """Return the figures of all images; --batch divides this list."""
    return [image.figures for image in STUDY.images]


def image_results():
    """Return the results of the images of this run: all, or the share of --batch."""
    share = set(share_of_batch(all_figures(None)))
    results = []
    for image in STUDY.images:
        if image.figures not in share:
            continue
        results += [image.figures, image.quality, shared_file(image)]
        results += [image.brain] if METHOD != "none" else []
        results += [image.dseg] if has_own_tissues(image) else []
        results += extra_results(image)
    return results


def group_inputs(wildcards):
    """Return the inputs of the group page except figures; --batch divides figures only."""
    if is_batch():
        return []
    measured = [image.quality for image in STUDY.images]
    return [*measured, *audited_results(wildcards), *statmap_records(wildcards)]


# Statistical maps


def statmap_records(wildcards):
    """Return the records that the statistical maps were drawn, if there are any."""
    return [statmaps_file(unit) for unit in STUDY.statmaps_by_unit]


# DICOM sessions and series


def published_sessions(wildcards):
    """Return the folders of the DICOM sessions that passed their audits."""
    return [f"{DEID_DIR}/{session}" for session in STUDY.sessions]


def audited_results(wildcards):
    """Return the records that the results of DICOM sessions passed their audits."""
    if not STUDY.settings["dicom_dir"]:
        return []
    made = set(STUDY.converted_sessions)
    return [
        audited_file(name)
        for name in STUDY.sessions
        if name in made or name in STUDY.images_of_session
    ]


def session_records(wildcards):
    """Return the records of the sessions whose other series are converted."""
    return [converted_file(session) for session in STUDY.converted_sessions]
