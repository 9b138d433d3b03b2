"""No image is defaced on a doubtful brain mask."""

import pytest
from ecdysis.deface.permission import require_good_masks
from ecdysis.errors import InputError
from ecdysis.files import write_json


@pytest.fixture
def record(tmp_path):
    """Write the record of skull stripping; return its path."""

    def write(name, verdict, **details):
        path = tmp_path / name / "skullstrip.status.json"
        check = {"verdict": verdict, "reasons": ["volume of the mask in ml is 80"]}
        write_json(path, {"state": "done", "details": {"check": check, **details}})
        return path

    return write


def test_masks_that_passed_or_were_made_by_hand_are_good(record):
    masks = [record("sub-01_T1w", "ok"), record("sub-01_T2w", "look", manual=True)]
    require_good_masks(masks, accepted=False)


@pytest.mark.parametrize("verdict", ["look", "fail"])
def test_a_doubtful_mask_is_refused_with_the_reason_until_a_rater_accepts(record, verdict):
    masks = [record("sub-01_T2w", "ok"), record("sub-01_T1w", verdict)]
    with pytest.raises(InputError, match=f"sub-01_T1w.*{verdict}: volume of the mask in ml is 80"):
        require_good_masks(masks, accepted=False)
    require_good_masks(masks, accepted=True)


def test_a_mask_without_a_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="not recorded"):
        require_good_masks([tmp_path / "sub-01_T1w" / "skullstrip.status.json"], accepted=False)
