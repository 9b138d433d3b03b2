"""What the cleaner takes over from earlier files changes nothing of what it makes."""

from collections.abc import Iterator

import pytest
from ecdysis.deid.instance import InstanceCleaner, instance_cleaner
from ecdysis.deid.opened import STEADY, Opener
from ecdysis.key import Key
from pydicom import Dataset, Sequence

from tests.canary.builder import Canaries, base, written

OPTIONS = ["clean_descriptors", "retain_dates_modified", "retain_safe_private"]


def slices(count: int) -> Iterator[bytes]:
    """Yield files that differ in few elements; one in the middle has others, and another order."""
    for number in range(count):
        ds = base(Canaries())
        ds.SOPInstanceUID = f"1.2.3.{number}"
        ds.InstanceNumber, ds.ImagePositionPatient = number, [0, 0, number]
        block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", str(1000 * (number % 3)))
        item = Dataset()
        item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        item.ReferencedSOPInstanceUID = "1.2.3.4"
        ds.ReferencedImageSequence = Sequence([item])
        ds["ReferencedImageSequence"].is_undefined_length = bool(number % 2)
        if number == count // 2:
            ds.SeriesDescription, ds.StationName = "T2 tse", "OTHER1"
            other = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
            other.add_new(0x10, "OB", b"nothing")
            del ds.ImageType
        yield written(ds)


def cleaner(*, divided: bool) -> InstanceCleaner:
    made = instance_cleaner({"options": OPTIONS}, Key(bytes(range(32))), "sub-01")
    made._opener = Opener(divided=divided)
    return made


@pytest.mark.parametrize("learned_before", [False, True])
def test_taking_over_elements_changes_no_byte(*, learned_before: bool) -> None:
    files = list(slices(4 * STEADY))
    whole, divided = cleaner(divided=False), cleaner(divided=True)
    for made in (whole, divided) if learned_before else ():
        for data in files:
            made.learn(data)
    for data in files:
        one, other = whole.clean(data), divided.clean(data)
        assert b"".join(one.chunks) == b"".join(other.chunks)
    assert whole.identity == divided.identity


def test_elements_that_recur_are_one_object() -> None:
    opener = Opener(divided=True)
    runs = [opener.open(data).runs for data in slices(4 * STEADY)]
    assert len(runs[STEADY + 1]) < len(runs[0]) / 2
    assert len(runs[-1]) < len(runs[0]) / 2
    assert {id(run) for run in runs[-1]} & {id(run) for run in runs[-2] if run.parts}
