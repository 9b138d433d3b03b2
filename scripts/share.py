"""Rule share: make the folder to publish from a finished run, and check it."""

if "snakemake" in globals():
    from ecdysis.job import recorded
    from ecdysis.share.make import share
    from ecdysis.study import Study

    job = globals()["snakemake"]
    with recorded(job, "share") as details:
        study = Study.load(job.params.settings)
        details.update(share(study, job.params.validator, job.threads))
    print(f"{details['shared']} images are in {study.settings['share_dir']}; see SHARE.md there")
