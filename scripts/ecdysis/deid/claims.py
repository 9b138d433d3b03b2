"""The elements that say what was done to a file (PS3.15, section E.1.1, step 6)."""

import re
from functools import lru_cache

from ecdysis.deid.actions import code_item
from ecdysis.deid.profile import BASIC_CODE, CODES, Profile
from ecdysis.deid.words import Words
from ecdysis.dicom.elements import Buffer, Encoding, element, sequence
from ecdysis.dicom.tables import EDITION, vocabulary

METHOD = 0x00120063
LONGEST_METHOD = 64
OWN = re.compile(r"Ecdysis [\w.+]{1,16}, PS3\.15 \d{4}[a-z] Basic Profile(, with exceptions)?")
"""What an earlier version of this program wrote."""


class Claims:
    """Writes the claims about de-identification; each only when it is true for the file.

    Parameters
    ----------
    profile : Profile
        What happens to each attribute.
    label : str
        The subject's label.
    version : str
        Of this program.
    """

    def __init__(self, profile: Profile, label: str, version: str) -> None:
        self._profile, self._label, self._version = profile, label, version
        self._words = Words(vocabulary("method"))
        self.elements = lru_cache(maxsize=256)(self._elements)

    def _elements(
        self, encoding: Encoding, earlier: str, *, exceptions: bool, blanked: bool
    ) -> list[tuple[int, Buffer]]:
        """Return the tags and bytes of the elements.

        Parameters
        ----------
        encoding : Encoding
            Of the file.
        earlier : str
            Deidentification Method of an earlier de-identification.
        exceptions : bool
            An edit with ``override`` or an admitted kind of file may leave identity in it.
        blanked : bool
            Its pixels were blanked.
        """
        options = set(self._profile.options) - ({"clean_pixel_data"} if not blanked else set())
        times = "REMOVED"
        times = "MODIFIED" if "retain_dates_modified" in options else times
        times = "UNMODIFIED" if "retain_dates_full" in options else times
        basic = [] if exceptions else [BASIC_CODE]
        codes = [*basic, *sorted(CODES[option] for option in options)]
        items = [code_item(encoding, code, "DCM", meaning) for code, meaning in codes]
        label = self._label.encode("ascii")
        written = [
            element(encoding, 0x00100010, "PN", label),
            element(encoding, 0x00100020, "LO", label),
            element(encoding, METHOD, "LO", self._method(earlier, exceptions).encode("ascii")),
            sequence(encoding, 0x00120064, items),
            element(encoding, 0x00280303, "CS", times.encode("ascii")),
        ]
        tags = [0x00100010, 0x00100020, METHOD, 0x00120064, 0x00280303]
        if not exceptions:
            tags.append(0x00120062)
            written.append(element(encoding, 0x00120062, "CS", b"YES"))
        return list(zip(tags, written, strict=True))

    def _method(self, earlier: str, exceptions: bool) -> str:  # noqa: FBT001
        """Return the method of de-identification, after the known words of an earlier method."""
        suffix = ", with exceptions" if exceptions else ""
        own = f"Ecdysis {self._version}, PS3.15 {EDITION} Basic Profile{suffix}"[:LONGEST_METHOD]
        before = [
            part.strip() if OWN.fullmatch(part.strip()) else self._words.kept(part.strip())
            for part in earlier.split("\\")
        ]
        return "\\".join([*(part for part in before if part and part not in own), own])
