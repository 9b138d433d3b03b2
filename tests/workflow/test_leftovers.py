"""No sidecar stays in the results whose image went with a failed job."""

from ecdysis.phantom.bids import write_bids
from ecdysis.phantom.head import HeadSettings

OPTIONS = ("--config", "skullstrip={method: none}")


def test_sidecars_go_with_the_images_of_a_failed_job(snakemake, tmp_path):
    study = tmp_path / "study"
    write_bids(study, 1, settings=HeadSettings(spacing_mm=(8.0, 8.0, 8.0)))
    made = study / "derivatives/ecdysis/sub-01/anat"
    first = snakemake(study, *OPTIONS)
    assert first.returncode == 0, first.stdout
    image, sidecar = (made / f"sub-01_desc-preproc_T1w{end}" for end in (".nii.gz", ".json"))
    assert image.is_file()
    assert sidecar.is_file()

    own = made / "sub-01_desc-manual_mask.json"
    own.write_text("{}")
    beyond = snakemake(study, *OPTIONS, "crop={modes: [slices], slices: {x: [500, 510]}}")
    assert beyond.returncode != 0
    assert "Change crop.slices" in beyond.stdout
    assert list(made.iterdir()) == [own]
