"""What a run keeps of its settings names no place of the machine."""

import pytest
from ecdysis.places import MANIFEST
from ecdysis.settings import resolve
from ecdysis.study import Study

PLACES = {
    "key_file": "secret/key",
    "participants_map": "secret/map.tsv",
    "plan": "secret/plan.tsv",
    "private_dir": "secret/private",
    "ratings": ["secret/ratings.tsv"],
    "skullstrip": {
        "method": "none",
        "masks": "secret/masks",
        "template": {
            "t1w": "secret/head.nii",
            "brain_mask": "secret/mask.nii",
            "registration_mask": "secret/where.nii",
            "priors": ["secret/1.nii", "secret/2.nii", "secret/3.nii"],
        },
    },
    "deid": {"edits": ["secret/edits.yaml"], "linkage_dir": "secret/linkage"},
    "quality": {"norms": "secret/norms.tsv"},
    "statmaps": {"folders": ["secret/maps"]},
}


@pytest.fixture
def manifest(tmp_path):
    """What a run with a place in every setting writes down."""
    (tmp_path / "study").mkdir()
    (tmp_path / "secret" / "maps").mkdir(parents=True)
    (tmp_path / "secret" / "norms.tsv").write_text("key\tsuffix\tlow\thigh\ncjv\tT1w\t1\t2\n")
    given = {**PLACES, "bids_dir": "study", "output_dir": "results"}
    study = Study(resolve(given, tmp_path))
    study.save()
    return (tmp_path / "results" / MANIFEST).read_text()


def test_places_of_files_are_left_out_but_their_names_stay(manifest):
    assert "secret" not in manifest
    for name in ("head.nii", "mask.nii", "where.nii", "2.nii", "ratings.tsv"):
        assert name in manifest
