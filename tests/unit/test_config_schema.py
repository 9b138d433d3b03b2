"""What the schema says of the settings, and what follows from it."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ecdysis.config_schema import all_settings, with_absolute_paths, without_paths
from ecdysis.settings import resolve

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def configuration():
    spec = importlib.util.spec_from_file_location("configuration", ROOT / "docs/configuration.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["configuration"] = module
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_settings_are_up_to_date(configuration):
    for path, title in configuration.PAGES.items():
        assert path.read_text() == configuration.page(title), "run python docs/configuration.py"


def test_every_setting_is_explained(configuration):
    text = (ROOT / "config" / "config.yaml").read_text()
    explained = {".".join(entry.key) for entry in configuration.entries(text) if entry.comment}
    assert [one.name for one in all_settings() if one.name not in explained] == []


def test_settings_whose_name_says_that_they_are_paths_are_marked():
    names = [one.name for one in all_settings() if one.name.endswith(("_dir", "_file", "folders"))]
    marked = {one.name for one in all_settings() if one.is_path}
    assert [name for name in names if name not in marked] == []


def test_paths_are_replaced_at_every_depth():
    given = {
        "bids_dir": "a",
        "output_dir": None,
        "ratings": ["b", "c"],
        "deid": {"edits": ["d", {"remove": "PatientName"}]},
        "skullstrip": {"template": {"priors": ["e"], "name": "MNI"}},
    }
    assert with_absolute_paths(given, Path("/")) == {
        "bids_dir": "/a",
        "output_dir": None,
        "ratings": ["/b", "/c"],
        "deid": {"edits": ["/d", {"remove": "PatientName"}]},
        "skullstrip": {"template": {"priors": ["/e"], "name": "MNI"}},
    }
    assert given["bids_dir"] == "a"


def test_the_manifest_gets_names_and_counts_instead_of_paths():
    given = {
        "bids_dir": "/a",
        "ratings": ["/b/c"],
        "deid": {"edits": ["/d", {"remove": "PatientName"}]},
        "statmaps": {"folders": ["/e", "/f"]},
        "skullstrip": {"masks": "/g", "template": {"t1w": "/h/i"}},
    }
    assert without_paths(given) == {
        "ratings": ["c"],
        "deid": {"edits": [{"remove": "PatientName"}]},
        "statmaps": {"folders": 2},
        "skullstrip": {"masks": "given", "template": {"t1w": "i"}},
    }


def test_a_new_path_setting_takes_the_schema_and_the_defaults_only(tmp_path):
    """As docs/architecture.md says, in a copy of the workflow."""
    for folder in ("config", "scripts", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / "copy" / folder)
    schema, defaults = (tmp_path / "copy/config" / name for name in ("schema.yaml", "config.yaml"))
    text = schema.read_text()
    schema.write_text(text.replace("\n  deface:", '\n  extra: {$ref: "#/$defs/path"}\n  deface:'))
    defaults.write_text(f"{defaults.read_text()}\n# Something more.\nextra: null\n")
    (tmp_path / "study").mkdir()
    script = """
import json, sys
from pathlib import Path
from ecdysis.settings import resolve
from ecdysis.study import Study
settings = resolve({"bids_dir": "study", "extra": "patient_x/file"}, Path(sys.argv[1]))
Study(settings).save()
print(json.dumps([settings["extra"], settings["output_dir"]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=tmp_path / "copy/scripts", check=True, capture_output=True, text=True,
    )  # fmt: skip
    extra, output = json.loads(done.stdout)
    assert extra == str(tmp_path / "patient_x/file")
    assert "patient_x" not in Path(output, ".ecdysis/manifest.json").read_text()
    page = [sys.executable, "docs/configuration.py"]
    subprocess.run(page, cwd=tmp_path / "copy", check=True)
    row = "| `extra` | `null` | path or null | Something more. |"
    assert row in (tmp_path / "copy/config/README.md").read_text()


def test_private_paths_must_not_lie_in_shared_folders(tmp_path):
    private = {one.name for one in all_settings() if "x-private" in one.schema}
    assert private == {"private_dir", "key_file", "plan", "deid.linkage_dir"}
    shared = {name for one in all_settings() for name in one.outside if one.name in private}
    assert shared == {"bids_dir", "dicom_dir", "deid_dir", "output_dir", "share_dir"}
    (tmp_path / "study").mkdir()
    assert resolve({"bids_dir": "study"}, tmp_path)["key_file"].endswith("study-private/key")
