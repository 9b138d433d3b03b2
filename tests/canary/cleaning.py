"""Images of an invented patient, and what the cleaner leaves of them."""

import io
from typing import Any

import pydicom
from ecdysis.deid.instance import InstanceCleaner
from ecdysis.deid.profile import CODES
from ecdysis.key import Key
from pydicom import Dataset
from text_unidecode import unidecode

from tests.canary.builder import Canaries, base, written
from tests.canary.test_canary import OPTIONS

KEY = Key(bytes(range(32)))
SETS = OPTIONS | {option: [option] for option in CODES}
PERSON = {"PatientName": "Quist^Xanthe", "PatientID": "ZQ-77120", "PatientBirthDate": "19310203",
          "StudyDate": "20190314", "SeriesDate": "20190314", "StudyTime": "101112",
          "InstitutionName": "Kreuzberg Infirmary", "OperatorsName": "Oakley^Tim"}  # fmt: skip


def cleaned(ds: Dataset, options: list[str], **settings: Any) -> Dataset:
    cleaner = InstanceCleaner({"options": options, **settings}, KEY, "sub-01")
    return pydicom.dcmread(io.BytesIO(b"".join(cleaner.clean(written(ds)).chunks)))


def image(**values: Any) -> Dataset:
    ds = base(Canaries())
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in (PERSON | values).items():
        setattr(ds, keyword, value)
    return ds


def texts(ds: Dataset) -> str:
    """Return all text of a file in lower-case ASCII, but for the project's own statements."""
    own = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")
    for keyword in own:
        if keyword in ds:
            del ds[keyword]
    values = (element.value for element in ds.iterall() if element.VR not in ("SQ", "OW"))
    parts = (value if isinstance(value, bytes) else str(value).encode() for value in values)
    return unidecode("\n".join(part.decode("utf-8", "replace") for part in parts)).lower()
