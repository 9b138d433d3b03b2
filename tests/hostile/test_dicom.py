"""Every hostile DICOM file, by the index and the cleaner, in bounded memory and time."""

from pathlib import Path

import pytest
from ecdysis.audit.session import audit
from ecdysis.deid.session import deidentify
from ecdysis.dicom.index import index
from ecdysis.errors import InputError
from ecdysis.key import Key
from ecdysis.private_files import write_private_json

from tests.hostile.case import bounded
from tests.hostile.dicom_cases import CASES, SECRET, instance


def outcome_of(root: Path, out: Path) -> tuple[str, str]:
    """Index a folder with one file and de-identify what is in the index."""
    found = index(root, out / "index.json")
    if not found.instances:
        return "excluded", "; ".join(found.skipped.values())
    paths = [str(root / one.path) for one in found.instances]
    listing = {"session": "sub-01", "subject": "01", "series": {"s": paths}}
    write_private_json(out / "list.json", listing)
    try:
        deidentify(out / "list.json", out / "clean", Key(bytes(range(32))), {})
        audit(out / "list.json", out / "clean", [], {})
    except InputError as error:
        return "excluded", str(error)
    for path in (out / "clean").rglob("*.dcm"):
        if SECRET.encode() in path.read_bytes():
            return "processed", "the name is still there"
    return "processed", ""


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Import what the cases need once, in the process that they are forked from."""
    root = tmp_path_factory.mktemp("warm")
    instance(root / "in", "a")
    assert outcome_of(root / "in", root)[0] == "processed"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_has_its_outcome_in_bounded_memory_and_time(case, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    case.make(tmp_path / "in", "a")
    before = sorted(tmp_path.iterdir())
    told = bounded(lambda: outcome_of(tmp_path / "in", tmp_path / "out"))
    assert isinstance(told, tuple), told
    outcome, reason = told
    assert (outcome, case.says in reason) == (case.outcome, True), told
    assert reason == "" or outcome == "excluded"
    assert SECRET not in reason
    assert sorted(tmp_path.iterdir()) == before
