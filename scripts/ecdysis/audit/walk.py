"""Every element of a data set, at any depth: pydicom's own walk ends where Python's stack does."""

from collections.abc import Iterator

from pydicom import DataElement, Dataset


def elements(ds: Dataset) -> Iterator[DataElement]:
    """Yield the elements of a data set and of its sequences, in the order of the file."""
    open_items = [iter(ds)]
    while open_items:
        element = next(open_items[-1], None)
        if element is None:
            open_items.pop()
            continue
        yield element
        if element.VR == "SQ":
            open_items += [iter(item) for item in reversed(element.value)]
