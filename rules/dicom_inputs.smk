"""What rules ask of the plan: sessions and series of DICOM, and what comes of them."""


def session_files(wildcards):
    """The list of a DICOM session's files, which lies in the private directory."""
    return STUDY.sessions[wildcards.session]["files"]


def dicom_of_image(wildcards):
    """The de-identified session that an image is converted from.

    An image that is in the dataset already is not converted again. Snakemake learns so from
    an input that nothing makes: then it takes the existing image as a source file.
    """
    image = STUDY.image(**wildcards)
    return f"{DEID_DIR}/{image.dicom_session or 'none'}"


def audit_of_image(wildcards):
    """The proof that the session of an image may be converted."""
    return f".ecdysis/audited/{STUDY.image(**wildcards).dicom_session}.dicom"


def kept_dicom(path):
    """De-identified DICOM stays, and is brought up to date, where the user gave it a place."""
    if STUDY.settings["deid_dir"]:
        return update(directory(path))
    return intermediate(directory(path))


def audited_sessions(wildcards):
    """The proofs that the DICOM files of all sessions are clean."""
    return [
        f".ecdysis/audited/{item['session']}.dicom" for item in STUDY.plan["sessions"]
    ]


def results_of_session(wildcards):
    """What was converted of a DICOM session, and what must be made of it before the audit.

    A page is written again when its audit is done, which is no reason for another audit.
    """
    images = STUDY.images_of_session.get(wildcards.session, [])
    raw = [image.path for image in images]
    sidecars = [path.replace(".nii.gz", ".json") for path in raw]
    file_of = defaced_file if DEFACE else preproc_file
    preproc = [file_of(*image.key) for image in images]
    pages = [
        ancient(f"sub-{subject}.html") for subject in {one.subject for one in images}
    ]
    return {"converted": [*raw, *sidecars], "made": [*preproc, *pages]}


def record_of_session(wildcards):
    """The list of what else was converted of a session, if anything was."""
    session = wildcards.session
    return [converted_file(session)] if session in STUDY.converted_sessions else []


def audited_results(wildcards):
    """The proofs that what was made of DICOM sessions is clean."""
    if not STUDY.settings["dicom_dir"]:
        return []
    made = set(STUDY.converted_sessions)
    sessions = [item["session"] for item in STUDY.plan["sessions"]]
    return [
        f".ecdysis/audited/{name}.results"
        for name in sessions
        if name in made or name in STUDY.images_of_session
    ]


def series_of_image(wildcards):
    """The pseudonymous series that an image is converted from."""
    return STUDY.image(**wildcards).series


def plan_of_series(wildcards):
    """What the plan says of the series that an image is converted from."""
    return STUDY.series[STUDY.image(**wildcards).series]


def outputs_of_series(wildcards):
    """The images that come of the series of an image: several echoes or parts, or itself."""
    return plan_of_series(wildcards)["outputs"]


def files_of_series(wildcards):
    """How many files the series of an image has."""
    return plan_of_series(wildcards)["files"]


def metadata_of_series(wildcards):
    """What the study's rules give for the sidecar of an image."""
    return plan_of_series(wildcards)["metadata"]


def keep_series(wildcards):
    """Whether a person wants the series of an image although it is incomplete."""
    return plan_of_series(wildcards)["keep"]


def others_of_session(wildcards):
    """The series of a session that are converted with it."""
    return STUDY.others.get(wildcards.session, [])


def session_records(wildcards):
    """The records of the sessions that are converted beside the images."""
    return [converted_file(session) for session in STUDY.converted_sessions]


def converted_images(wildcards):
    """The raw files of the images that came of DICOM, in this run or before."""
    planned = (*STUDY.plan["images"], *STUDY.plan["present"])
    names = {"{folder}/{entities}_{suffix}".format(**item) for item in planned}
    return [image.path for image in STUDY.images if image.name in names]


def plan_table(wildcards):
    """The edited plan: the one given, that of the study, or one in the working directory."""
    place = PRIVATE_DIR or workflow.workdir_init
    return STUDY.settings["plan"] or f"{place}/plan.tsv"
