from pathlib import Path

import pytest
from ecdysis import fingerprint as module
from ecdysis.fingerprint import fingerprint


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    (tmp_path / "ecdysis" / "pack").mkdir(parents=True)
    files = {
        "a.py": "import numpy\nfrom ecdysis import near as n  # close by\n",
        "ecdysis/near.py": "def thing():\n"
        "    from ecdysis.pack import (\n        far as distant,\n    )\n",
        "ecdysis/pack/__init__.py": "",
        "ecdysis/pack/far.py": "import ecdysis.near\n",
        "ecdysis/pack/table.tsv": "1",
        "ecdysis/other.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "SCRIPTS", tmp_path)
    module._imported.cache_clear()
    yield tmp_path
    module._imported.cache_clear()


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ("ecdysis/near.py", True),
        ("ecdysis/pack/far.py", True),
        ("ecdysis/pack/table.tsv", True),
        ("ecdysis/other.py", False),
        ("a.py", False),
    ],
)
def test_a_change_is_seen_where_the_script_reaches(scripts, changed, seen):
    before = fingerprint("a")
    path = Path(scripts, changed)
    path.write_text(path.read_text() + "\n#")
    assert (fingerprint("a") != before) == seen


def test_a_changed_template_is_seen(tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "scripts/a.py").write_text("")
    monkeypatch.setattr(module, "SCRIPTS", tmp_path / "scripts")
    module._imported.cache_clear()
    page = tmp_path / "report/page.j2"
    found = set()
    for text in ("one", "two"):
        page.write_text(text)
        found.add(fingerprint("a", "page.j2"))
    assert len(found) == 2
