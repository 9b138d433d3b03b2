"""What rules ask of the images of the study: their files, those beside them, what was refused."""


def raw_image(wildcards):
    """The raw file of an image."""
    try:
        return STUDY.image(**wildcards).path
    except InputError as error:
        raise WorkflowError(str(error)) from None


def refused_image(wildcards):
    """The name of an image that was refused before the DAG."""
    return STUDY.refused[wildcards.token][0]


def reason_of_refusal(wildcards):
    """Why an image was refused."""
    return STUDY.refused[wildcards.token][1]


def image_of(wildcards):
    """The image that wildcards name; where they have no suffix, it is a T1w."""
    return STUDY.image(**{"suffix": "T1w", **wildcards})


def raw_sources(wildcards):
    """What an image was made of: the BIDS URI of its raw file."""
    return [f"bids:raw:{wildcards.folder}/{Path(image_of(wildcards).path).name}"]


def t1w_of_session(image):
    """The T1w that an image of another kind takes its mask from, if it does."""
    return None if METHOD in ANY_CONTRAST else STUDY.t1w_beside(image)


def full_mask(wildcards):
    """The brain mask before cropping, when there is skull stripping.

    Beside a T1w of the same session an image of another kind gets the mask of that one.
    """
    if METHOD == "none":
        return []
    image = image_of(wildcards)
    found = "transferred" if t1w_of_session(image) else "reoriented"
    return f".ecdysis/{image.folder}/{image.entities}_desc-{found}Brain_{image.suffix}_mask.nii.gz"


def t1w_beside(wildcards):
    """The reoriented T1w of the session of an image of another kind, and its brain mask."""
    t1w = t1w_of_session(STUDY.image(**wildcards))
    if t1w is None:
        raise WorkflowError(
            "{entities}_{suffix} has no T1w beside it".format(**wildcards)
        )
    stem = f".ecdysis/{t1w.folder}/{t1w.entities}_desc-reoriented"
    return {"t1w": f"{stem}_T1w.nii", "t1w_mask": f"{stem}Brain_T1w_mask.nii.gz"}


def raw_images(wildcards):
    """The raw files of a subject."""
    return [image.path for image in STUDY.by_subject[wildcards.subject]]


def preproc_images(wildcards):
    """The reoriented and cropped images of a subject, without faces where these go."""
    file_of = defaced_file if DEFACE else preproc_file
    return [file_of(*image.key) for image in STUDY.by_subject[wildcards.subject]]


def faced_images(wildcards):
    """The images of a subject before their faces go, when they go."""
    images = STUDY.by_subject[wildcards.subject] if DEFACE else []
    return [preproc_file(*image.key, hidden=True) for image in images]


def brain_mask_of(wildcards):
    """The brain mask of an image."""
    return mask_file(**wildcards)


def affines_from_template(wildcards):
    """What leads from the template to an image, by way of the T1w beside it if there is one."""
    image = STUDY.image(**wildcards)
    t1w = t1w_of_session(image)
    head = t1w or image
    affine = recipe_file(*head.key, "affine.mat")
    beside = (
        f"{image.folder}/{image.entities}_from-{image.suffix}_to-T1w_mode-image_xfm.txt"
    )
    return [affine, beside] if t1w else [affine]


def brain_masks(wildcards):
    """The brain masks of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [mask_file(*image.key) for image in images]


def brain_images(wildcards):
    """The skull-stripped images of a subject, when there is skull stripping."""
    images = STUDY.by_subject[wildcards.subject] if METHOD != "none" else []
    return [brain_file(*image.key) for image in images]


def tissue_maps(wildcards):
    """The tissue labels of a subject, which come with probabilities and a corrected image."""
    images = images_with_tissues(wildcards.subject)
    return [derived_file(*image.key, "dseg") for image in images]


def bias_fields(wildcards):
    """The bias fields of a subject, on the working grid of skull stripping."""
    images = images_with_tissues(wildcards.subject)
    return [recipe_file(*image.key, "field.nii.gz") for image in images]


def images_with_tissues(subject):
    """The images of a subject that are registered by themselves, with the method ants."""
    images = STUDY.by_subject[subject] if METHOD == "ants" else []
    return [image for image in images if t1w_of_session(image) is None]


def probability_maps(wildcards):
    """The tissue maps of an image, or of the T1w beside it."""
    if METHOD != "ants":
        return []
    image = STUDY.image(**wildcards)
    key = (t1w_of_session(image) or image).key
    return [derived_file(*key, f"label-{one}_probseg") for one in ("CSF", "GM", "WM")]


def points_to_t1w(wildcards):
    """What takes points of an image to the T1w beside it, where its tissue maps are."""
    image = STUDY.image(**wildcards)
    if METHOD != "ants" or t1w_of_session(image) is None:
        return []
    return (
        f"{image.folder}/{image.entities}_from-T1w_to-{image.suffix}_mode-image_xfm.txt"
    )


def left_by_recipe(wildcards):
    """What the workflow's own skull stripping left of an image, when it worked on that image."""
    image = STUDY.image(**wildcards)
    if METHOD != "ants" or t1w_of_session(image):
        return {}
    return {
        "bias_field": recipe_file(*image.key, "field.nii.gz"),
        "posteriors": recipe_file(*image.key, "probseg.nii.gz"),
        "affine": recipe_file(*image.key, "affine.mat"),
        "template_tissues": rules.template.output.tissue_maps,
    }


def quality_of_subject(wildcards):
    """The quality measures of a subject, which its page shows."""
    return [quality_file(*image.key) for image in STUDY.by_subject[wildcards.subject]]


def images_of_subject(wildcards):
    """What the manifest says of a subject's images, without their places."""
    return [
        {
            key: getattr(image, key)
            for key in ("folder", "entities", "suffix", "session")
        }
        for image in STUDY.by_subject[wildcards.subject]
    ]


def statmap_records(wildcards):
    """The proofs that the statistical maps were drawn, if there are any."""
    return [f".ecdysis/statmaps/{unit}.json" for unit in STUDY.statmaps_by_unit]


def map_files(wildcards):
    """The statistical maps of a subject, or of the group, that Snakemake can watch.

    It takes brackets in a name for its own.
    """
    maps = STUDY.statmaps_by_unit[wildcards.unit]
    return [one.path for one in maps if not set("<>{}\n") & set(one.path)]


def maps_of_unit(wildcards):
    """Where each statistical map lies, what it is called in the results and how it is titled."""
    return [asdict(one) for one in STUDY.statmaps_by_unit[wildcards.unit]]


def background_of_maps(wildcards):
    """The head beneath maps that are in their subject's own space, if it is in the study."""
    images = STUDY.by_subject.get(wildcards.unit.removeprefix("sub-"), [])
    own = any(one.own_space for one in STUDY.statmaps_by_unit[wildcards.unit])
    file_of = defaced_file if DEFACE else preproc_file
    return [file_of(*image.key) for image in images[:1]] if own else []


def subject_pages(wildcards):
    """The pages of all subjects that have an image to process."""
    return [f"sub-{subject}.html" for subject in STUDY.by_subject]


def subjects_of_batch():
    """The subjects that this run makes: all, or the share that --batch takes of the pages."""
    batch = workflow.dag_settings.batch
    if batch is None:
        return list(STUDY.by_subject)
    subjects = dict(zip(subject_pages(None), STUDY.by_subject))
    return [subjects[page] for page in batch.get_batch(list(subjects))]


def told_besides(wildcards):
    """What the index tells of besides the subjects; in a batch, only these are divided."""
    if workflow.dag_settings.batch:
        return []
    return [*audited_results(wildcards), *statmap_records(wildcards)]


def subject_results():
    """What the pages and the table of measures tell of.

    These are written after a failure too, so that they are there says nothing of the rest.
    """
    subjects = [SimpleNamespace(subject=subject) for subject in subjects_of_batch()]
    figures = [f"sub-{one.subject}/figures" for one in subjects]
    kinds = (preproc_images, brain_images, tissue_maps, quality_of_subject)
    return [*figures, *(path for of in kinds for one in subjects for path in of(one))]
