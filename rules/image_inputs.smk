"""What rules ask of the images of the study: their files, those beside them, what was refused."""


def image_of(wildcards):
    """The image that wildcards name; where they have no suffix, it is a T1w."""
    try:
        return STUDY.image(**{"suffix": "T1w", **wildcards})
    except InputError as error:
        raise WorkflowError(str(error)) from None


def raw_image(wildcards):
    """The raw file of an image."""
    return image_of(wildcards).path


def refused_image(wildcards):
    """The name of an image that was refused before the DAG."""
    return STUDY.refused[wildcards.token][0]


def reason_of_refusal(wildcards):
    """Why an image was refused."""
    return STUDY.refused[wildcards.token][1]


def raw_sources(wildcards):
    """What an image was made of: the BIDS URI of its raw file."""
    return [f"bids:raw:{wildcards.folder}/{Path(image_of(wildcards).path).name}"]


def t1w_of_session(image):
    """The T1w that an image of another kind takes its mask from, if it does."""
    return None if METHOD in ANY_CONTRAST else STUDY.t1w_beside(image)


def reoriented_mask(image):
    """The brain mask of an image before it is cropped.

    Beside a T1w of the same session an image of another kind gets the mask of that one.
    """
    found = "transferred" if t1w_of_session(image) else "reoriented"
    return f".ecdysis/{image.folder}/{image.entities}_desc-{found}Brain_{image.suffix}_mask.nii.gz"


def t1w_beside(wildcards):
    """The T1w of the session of an image of another kind, and its brain mask."""
    t1w = t1w_of_session(STUDY.image(**wildcards))
    if t1w is None:
        raise WorkflowError(
            "{entities}_{suffix} has no T1w beside it".format(**wildcards)
        )
    return {"t1w": t1w.path, "t1w_mask": reoriented_mask(t1w)}


def folders_by_t1w():
    """Patterns of the folders whose images of other kinds have no T1w beside them, and one.

    Names stand in them for the fewer folders alone: a pattern is tried on every file.
    """
    kinds = {False: set(), True: set()}
    for image in STUDY.images:
        if image.suffix != "T1w":
            kinds[t1w_of_session(image) is not None].add(image.folder)
    fewer = min(kinds, key=lambda kind: len(kinds[kind]))
    named = "|".join(sorted(kinds[fewer])) or "none"
    patterns = {fewer: named, not fewer: f"(?!({named})/){FOLDER}"}
    return patterns[False], patterns[True]


FOLDER_WITHOUT_T1W, FOLDER_WITH_T1W = folders_by_t1w()


def left_by_skullstrip(wildcards):
    """What skull stripping found out about an image, or about the T1w beside it."""
    if METHOD == "none":
        return {}
    image = image_of(wildcards)
    t1w = t1w_of_session(image)
    left = {"mask": reoriented_mask(image)}
    if METHOD != "ants":
        return left
    left["byproducts"] = byproducts_folder(*(t1w or image).key)
    if t1w:
        stem, suffix = f"{image.folder}/{image.entities}", image.suffix
        left["t1w_tissues"] = probability_maps(t1w.key)
        # A transform leads points the other way than images.
        left["points_to_t1w"] = f"{stem}_from-T1w_to-{suffix}_mode-image_xfm.txt"
        left["points_from_t1w"] = f"{stem}_from-{suffix}_to-T1w_mode-image_xfm.txt"
    left["template"] = rules.template.output.folder
    return left


def results_of(suffix, beside=False):
    """All images that are made of one of a kind; without tissues when it lies beside a T1w."""
    key = ("{folder}", "{entities}", suffix)
    tissues = METHOD == "ants" and not beside
    preproc = preproc_file(*key, hidden=DEFACE)
    made = {"preproc": intermediate(preproc) if DEFACE else preproc}
    if METHOD != "none":
        made |= {"mask": mask_file(*key), "brain": brain_file(*key)}
    if DEFACE:
        mask = f"{{folder}}/{{entities}}_mod-{suffix}_defacemask.nii.gz"
        made |= {"defaced": defaced_file(*key), "defacemask": mask}
    if tissues:
        corrected = f"{{folder}}/{{entities}}_desc-biascorrected_{suffix}.nii.gz"
        made |= {"corrected": corrected, "dseg": derived_file(*key, "dseg")}
        made["probsegs"] = probability_maps(key)
    return made


def probability_maps(key):
    """The maps of how probable each tissue is, of an image or of all of a kind."""
    labels = [f"label-{tissue}_probseg" for tissue in template.TISSUES]
    return [derived_file(*key, label) for label in labels]


def shown_of_subject(wildcards):
    """The files of a subject that its figures show, in the order of its images."""
    images = STUDY.by_subject[wildcards.subject]
    shown = {"images": [image.path for image in images]}
    shown["preproc"] = [shareable(image) for image in images]
    if METHOD != "none":
        shown["masks"] = [mask_file(*image.key) for image in images]
    if DEFACE:
        shown["faced"] = [preproc_file(*image.key, hidden=True) for image in images]
    alone = images_with_tissues(images)
    shown["tissues"] = [derived_file(*image.key, "dseg") for image in alone]
    shown["byproducts"] = [byproducts_folder(*image.key) for image in alone]
    return shown


def shareable(image):
    """The cropped image, without its face where faces go."""
    file_of = defaced_file if DEFACE else preproc_file
    return file_of(*image.key)


def images_with_tissues(images):
    """Those images that are registered by themselves, with the method ants."""
    return [image for image in images if METHOD == "ants" and not t1w_of_session(image)]


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
    return [shareable(image) for image in images[:1]] if own else []


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
    subjects = subjects_of_batch()
    images = [image for subject in subjects for image in STUDY.by_subject[subject]]
    made = [f"sub-{subject}/figures" for subject in subjects]
    made += [shareable(image) for image in images]
    if METHOD != "none":
        made += [brain_file(*image.key) for image in images]
    made += [derived_file(*image.key, "dseg") for image in images_with_tissues(images)]
    return made
