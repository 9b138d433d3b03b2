"""Building a cleaner from the configuration's ``deid`` section."""

from collections.abc import Mapping
from typing import Any

from lib.deid.instance import InstanceCleaner
from lib.deid.key import Key
from lib.deid.private import keep_private
from lib.deid.profile import Profile
from lib.version import __version__


def instance_cleaner(settings: Mapping[str, Any], key: Key, label: str) -> InstanceCleaner:
    """Return the cleaner for the files of one subject.

    Parameters
    ----------
    settings : mapping
        ``profile`` (``basic``, ``none``), ``options`` and ``admit`` (lists).
    key : Key
        The study's key.
    label : str
        The subject's label, ``sub-01``.

    Raises
    ------
    InputError
        An option is unknown or contradicts another.
    """
    profile = Profile(settings.get("profile", "basic"), settings.get("options", ()))
    private = keep_private if "retain_safe_private" in profile.options else None
    return InstanceCleaner(
        profile,
        key,
        label,
        private=private,
        version=__version__,
        admit=[reason.replace("_", " ") for reason in settings.get("admit", ())],
    )
