"""Input functions of the rules: DICOM sessions and series."""


def session_files(wildcards):
    """Return the list of the files of a DICOM session, which is in the private directory."""
    return STUDY.sessions[wildcards.session].files


def nifti_of_image(wildcards):
    """Return the folder with the converted images of the session of an image.

    An image that is already in the dataset is not converted again: no rule makes its input, so
    Snakemake treats the existing image as a source file.
    """
    return nifti_folder(image_of(wildcards).dicom_session or "none/none")


def nifti_of_session(wildcards):
    """Return the folder with the converted images of a session with non-anatomical images."""
    session = wildcards.session
    return {"nifti": nifti_folder(session)} if session in STUDY.others else {}


def published_dicom(path):
    """Keep de-identified DICOM if the user set `deid_dir`; otherwise it is intermediate."""
    folder = directory(path)
    return folder if STUDY.settings["deid_dir"] else intermediate(folder)


def published_sessions(wildcards):
    """Return the folders of the DICOM sessions that passed their audits."""
    return [f"{DEID_DIR}/{session}" for session in STUDY.sessions]


def results_of_session(wildcards):
    """Return the converted files of a DICOM session, and the results that the audit waits for.

    The audit also reads the records of all steps; figures are the last step of an image.
    """
    images = STUDY.images_of_session.get(wildcards.session, [])
    raw = [image.path for image in images]
    sidecars = [path.replace(".nii.gz", ".json") for path in raw]
    shared = [shared_file(image) for image in images]
    shared += [file for image in images for file in extra_results(image)]
    figures = [image.figures for image in images]
    return {"converted": [*raw, *sidecars], "made": [*shared, *figures]}


def record_of_session(wildcards):
    """Return the record of the other series of a session, if it has any."""
    session = wildcards.session
    return [converted_file(session)] if session in STUDY.converted_sessions else []


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


def series_of_image(wildcards):
    """Return the pseudonymous series that an image is converted from."""
    return image_of(wildcards).series


def series_of_session(wildcards):
    """Return all series of a session that become images, with their images."""
    return [
        {
            "series": item.series,
            "files": item.facts.files,
            "outputs": [asdict(output) for output in item.outputs],
            "keep": item.keep,
        }
        for item in STUDY.series_of_session[wildcards.session]
    ]


def metadata_of_series(wildcards):
    """Return the sidecar fields that the rules of the study set for an image."""
    return STUDY.series[series_of_image(wildcards)].metadata


def others_of_session(wildcards):
    """Return the other series of a session, which are converted together."""
    return [asdict(item) for item in STUDY.others.get(wildcards.session, [])]


def session_records(wildcards):
    """Return the records of the sessions whose other series are converted."""
    return [converted_file(session) for session in STUDY.converted_sessions]


def converted_images(wildcards):
    """Return the raw files of the images that were converted from DICOM, in this run or before."""
    names = {item.name for item in (*STUDY.plan.images, *STUDY.plan.present)}
    return [image.path for image in STUDY.images if image.name in names]


def plan_table(wildcards):
    """Return the path of the edited plan: as set, in the private or in the working directory."""
    folder = PRIVATE_DIR or started_in()
    return STUDY.settings["plan"] or f"{folder}/plan.tsv"
