"""Check that brain masks are good enough for defacing.

With a doubtful mask, defacing may keep the face or remove brain. So the masks must have passed
their self-check, be made by hand, or be accepted by a rater.
"""

from collections.abc import Iterable
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.files import read_remembered


def require_good_masks(records: Iterable[Path], *, accepted: bool) -> None:
    """Check the masks by the records of their skull stripping.

    Parameters
    ----------
    records : iterable of Path
        The status records of the image and of the T1w from which it has its mask.
    accepted : bool
        Whether raters accept the image.

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
