"""Check that brain masks are good enough for defacing.

With a doubtful mask, defacing may keep the face or remove brain. So the masks must have passed
their self-check, be made by hand, or be accepted by a rater.
"""

from collections.abc import Iterable
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import read_remembered


def require_good_masks(records: Iterable[Path], *, accepted: bool) -> None:
    """Check the masks by the status records of the skull stripping of an image, and of its T1w.

    `accepted` is whether raters accept the image.

    Raises
    ------
    InputError
        A mask did not pass its self-check, and no rater accepted it.
    """
    if accepted:
        return
    for path in records:
        details = read_remembered(path).get("details") or {}
        check = details.get("check", {})
        verdict = check.get("verdict", "not recorded")
        if verdict == "ok" or details.get("manual"):
            continue
        reasons = "; ".join(check.get("reasons", [])) or "it has no reasons"
        raise InputError(
            path.parent.name,
            f"it is not defaced, since the self-check of the brain mask is {verdict}: {reasons}",
            "Look at the mask; then give a mask by skullstrip.masks, or rate the image accept (an"
            " image whose self-check is fail stays failed, unless skullstrip.on_fail is flag)",
        )
