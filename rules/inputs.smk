"""Input functions of the rules: images, and the files that belong to them."""

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


def reason_of_refusal(wildcards):
    """Return why an image was refused."""
    return STUDY.refused[wildcards.token][1]


def reoriented_image(wildcards):
    """Return the reoriented image, which is made again if it is missing.

    Its readers have the raw image as an input and `REORIENT` as a parameter, so that they run again
    when the reoriented image would change, and not when it was only removed.
    """
    return remakeable(image_of(wildcards).reoriented)


def t1w_of_session(image):
    """Return the T1w whose brain mask an image of another contrast gets, or None."""
    return None if ANY_CONTRAST else STUDY.t1w_beside(image)


def t1w_of_session_files(wildcards):
    """Return the T1w of the session of an image, reoriented, with its raw file and brain mask."""
    image = image_of(wildcards)
    t1w = t1w_of_session(image)
    if t1w is None:
        raise WorkflowError(f"{image.file} has no T1w in its session")
    mask = t1w.uncropped_mask
    return {"t1w": remakeable(t1w.reoriented), "raw_t1w": t1w.path, "t1w_mask": mask}


def uncropped_mask(wildcards):
    """Return the brain mask of an image before cropping: by hand, its own, or that of its T1w."""
    if METHOD == "none":
        return {}
    image = image_of(wildcards)
    if by_hand := manual_mask(STUDY.settings, image):
        return {"mask": str(by_hand)}
    own = t1w_of_session(image) is None
    return {"mask": image.uncropped_mask if own else image.transferred_mask}


def has_manual_mask(wildcards):
    """Return whether the mask of an image was made by hand."""
    return manual_mask(STUDY.settings, image_of(wildcards)) is not None


def lesion_of(wildcards):
    """Return the lesion mask of an image, or an empty list."""
    return lesion_of_image(image_of(wildcards)) or []


def lesion_of_image(image):
    """Return the lesion mask of an image, or None."""
    folder = STUDY.settings["skullstrip"]["lesions"]
    mask = lesion_mask(Path(folder), image) if folder else None
    return str(mask) if mask else None


def fault_of_lesions(wildcards):
    """Return why the lesion masks of a session cannot be used for an image, or None."""
    folder, image = STUDY.settings["skullstrip"]["lesions"], image_of(wildcards)
    others = STUDY.by_subject[image.subject]
    session = [other for other in others if other.session == image.session]
    return lesion_fault(Path(folder), image, session) if folder else None


def cropped_files(image):
    """Return the outputs of cropping; with defacing, the image with its face is intermediate."""
    preproc = intermediate(image.undefaced) if DEFACE else image.preproc
    if METHOD == "none":
        return {"preproc": preproc}
    return {"preproc": preproc, "mask": image.mask, "brain": image.brain}


def shared_file(image):
    """Return the cropped image, or the defaced image if faces are removed."""
    return image.defaced if DEFACE else image.preproc


def shared_image(wildcards):
    """Return the image that is shared."""
    return shared_file(image_of(wildcards))


def brain_mask(wildcards):
    """Return the brain mask on the grid of the cropped image."""
    return image_of(wildcards).mask


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


def measured_with(wildcards):
    """Return the files, besides the image, that its quality measures are computed from."""
    if METHOD != "ants":
        return uncropped_mask(wildcards)
    image = image_of(wildcards)
    t1w = t1w_of_session(image)
    maps = segmented_files(t1w or image)["probsegs"]
    files = {**uncropped_mask(wildcards), "tissues": maps}
    if t1w:
        return {**files, "points_to_t1w": image.from_t1w}
    return {
        **files,
        "posteriors": image.posteriors,
        "bias_field": image.bias_field,
        "affine": image.affine,
        "template": TEMPLATE_FOLDER,
    }


def image_name(wildcards):
    """Return the parts of the name of an image."""
    image = image_of(wildcards)
    return {key: getattr(image, key) for key in ("folder", "entities", "suffix")}


def shown_files(wildcards):
    """Return the files that the figures of an image show, called as in `ImageFiles`."""
    image = image_of(wildcards)
    files = {"raw": image.path, "preproc": shared_file(image)}
    if DEFACE:
        files["faced"] = image.undefaced
    if METHOD != "none":
        files["mask"] = image.mask
        if t1w := t1w_of_session(image):
            files |= {"t1w": shared_file(t1w), "from_t1w": image.from_t1w}
    if has_own_tissues(image):
        files |= {
            "dseg": image.dseg,
            "corrected": image.corrected,
            "field": image.bias_field,
            "template": image.warped_template,
        }
        if manual_mask(STUDY.settings, image):
            files["automatic_mask"] = image.uncropped_mask
    if lesion := lesion_of_image(image):
        files["lesion"] = lesion
    return files


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


def labels_of_results():
    """Return the labels of the entity `desc` in the names of the results."""
    labels = ["defaced" if DEFACE else "preproc"]
    labels += ["brain"] if METHOD != "none" else []
    return labels + (["biascorrected"] if METHOD == "ants" else [])


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
