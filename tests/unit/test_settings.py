from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from ecdysis.config_schema import CONFIG
from ecdysis.errors import InputError
from ecdysis.settings import given_as_text, resolve, without_copied_defaults
from hypothesis import given
from hypothesis import strategies as st
from snakemake.cli import parse_config


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "dataset_description.json").write_text("{}")
    return folder


def _leaves(schema, prefix=""):
    for key, inner in schema["properties"].items():
        if "properties" in inner and key != "slices":
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield prefix + key


def _keys(settings, prefix=""):
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_defaults_and_schema_name_the_same_keys():
    schema = yaml.safe_load((CONFIG / "schema.yaml").read_text())
    defaults = yaml.safe_load((CONFIG / "config.yaml").read_text())
    assert sorted(_keys(defaults)) == sorted(_leaves(schema))


def test_the_defaults_are_valid(study):
    defaults = yaml.safe_load((CONFIG / "config.yaml").read_text())
    assert resolve(defaults | {"bids_dir": str(study)}, study.parent)["crop"]["fov"] == 170


def test_places_follow_from_the_dataset(study):
    settings = resolve({"bids_dir": "study"}, study.parent)
    assert settings["bids_dir"] == str(study)
    assert settings["output_dir"] == str(study / "derivatives" / "ecdysis")
    assert settings["key_file"] == f"{study}-private/key"


def test_the_working_directory_is_the_dataset_when_it_is_one(study):
    assert resolve({}, study)["bids_dir"] == str(study)
    assert resolve({}, study.parent)["bids_dir"] is None


def test_the_study_comes_after_the_defaults_and_before_the_command_line(study):
    (study / "code").mkdir()
    (study / "code" / "ecdysis.yaml").write_text(
        "crop: {fov: 150, margin: 5}\nskullstrip: {template: {t1w: code/head.nii}}\n"
    )
    settings = resolve({"bids_dir": str(study), "crop": {"margin": "7"}}, study.parent)
    assert settings["crop"] == {"modes": ["auto", "fov"], "slices": {}, "margin": 7.0, "fov": 150}
    assert settings["skullstrip"]["template"]["t1w"] == str(study / "code" / "head.nii")


def test_text_of_the_command_line_gets_its_type(study):
    given = {
        "bids_dir": str(study),
        "participant_label": "01,sub-2",
        "suffixes": "T2w",
        "keep_intermediates": "true",
        "crop": {"modes": "slices", "slices": {"x": ["32", "-32"], "z": ["null", "-4"]}},
        "filters": {"T1w": {"run": ["1", "2"], "reconstruction": "null"}},
        "skullstrip": {"template": {"name": "null"}},
    }
    settings = resolve(given, study.parent)
    assert settings["participant_label"] == ["01", "sub-2"]
    assert settings["suffixes"] == ["T2w"]
    assert settings["keep_intermediates"] is True
    assert settings["crop"]["slices"] == {"x": [32, -32], "z": [None, -4]}
    assert settings["filters"]["T1w"]["reconstruction"] is None
    assert settings["skullstrip"]["template"]["name"] is None


LABELS = "[010, 1e3, NO, on, 0x10, 1_0, 1.0, 2026-01-01, sub-01]"
AS_WRITTEN = ["010", "1e3", "NO", "on", "0x10", "1_0", "1.0", "2026-01-01", "sub-01"]


def test_labels_in_yaml_are_read_as_they_are_written(study):
    (study / "code").mkdir()
    own = study / "code" / "ecdysis.yaml"
    own.write_text(f"participant_label: {LABELS}\nfilters: {{T1w: {{acquisition: 010}}}}\n")
    settings = resolve({}, study)
    assert settings["participant_label"] == AS_WRITTEN
    assert settings["filters"] == {"T1w": {"acquisition": "010"}}
    file = study.parent / "settings.yaml"
    file.write_text(f"exclude_participant_label: {LABELS}\n")
    config = yaml.safe_load(file.read_text())
    given = given_as_text(config, [], [file])
    assert resolve(given, study)["exclude_participant_label"] == AS_WRITTEN


@pytest.mark.parametrize(
    ("argument", "labels"),
    [
        ("participant_label=01", ["01"]),
        ("participant_label=01,02", ["01", "02"]),
        ("participant_label=[010, 'x']", ["010", "x"]),
        ("participant_label=1e3", ["1e3"]),
        ("participant_label=1_0", ["1_0"]),
        ("participant_label=True", ["True"]),
        ("participant_label=", []),
    ],
)
def test_labels_of_the_command_line_are_read_as_they_are_written(study, argument, labels):
    config = parse_config([argument])
    given = given_as_text(config, [argument], [])
    assert resolve(given, study)["participant_label"] == labels


@pytest.mark.parametrize("label", [8, 1000.0, False])
def test_a_label_that_lost_its_text_is_refused_with_the_remedy(study, label):
    with pytest.raises(InputError, match=r"participant_label.* is not text.*in quotes"):
        resolve({"participant_label": [label]}, study)


@pytest.mark.parametrize("place", ["sub-01/anat", "sub-01", "sourcedata/x", "code"])
def test_results_do_not_lie_among_raw_files(study, place):
    with pytest.raises(InputError, match="holds its raw files"):
        resolve({"output_dir": str(study / place)}, study)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bids_dri": "x"}, ["bids_dri", "Did you mean bids_dir"]),
        ({"crop": {"fov": 10}}, ["crop.fov", "10", "at least 50"]),
        ({"crop": {"modes": ["air"]}}, ["crop.modes", "air", "slices, auto, fov"]),
        ({"crop": {"slices": {"x": [1]}}}, ["crop.slices.x", "2 values"]),
        ({"reorient": {"orientation": "RRS"}}, ["RRS", "one of each pair"]),
        ({"reorient": {"orientation": "ras"}}, ["ras", "one of each pair"]),
        ({"reorient": {"orientation": "RA"}}, ["RA", "one of each pair"]),
        ({"reorient": {"orientation": "RASS"}}, ["RASS", "one of each pair"]),
        ({"reorient": {"orientation": "XYZ"}}, ["XYZ", "one of each pair"]),
        ({"crop": {"margin": -1}}, ["crop.margin", "-1"]),
        ({"suffixes": []}, ["suffixes", "at least 1"]),
        ({"filters": {"bold": {}}}, ["filters", "bold", "T1w"]),
        ({"filters": {"T1w": {"acq": "x"}}}, ["acq", "acquisition"]),
        ({"skullstrip": {"method": "bet3"}}, ["skullstrip.method", "bet3", "ants"]),
        ({"crop": None}, ["crop", "None", "object"]),
        ({"bids_dir": "nowhere"}, ["bids_dir", "nowhere"]),
        ({"bids_dir": "study", "dicom_dir": "nowhere"}, ["dicom_dir", "nowhere"]),
        ({"bids_dir": "study", "output_dir": "study"}, ["output_dir", "bids_dir itself"]),
        ({"bids_dir": "study", "private_dir": "study/p"}, ["private_dir", "shared"]),
        ({"bids_dir": "study", "key_file": "study/key"}, ["key_file", "shared"]),
        ({"bids_dir": "scans/study", "dicom_dir": "scans"}, ["bids_dir", "never written"]),
        ({"bids_dir": "study", "output_dir": "a{b}"}, ["output_dir", "one of {}<>"]),
    ],
)
def test_what_is_impossible_is_refused_with_key_value_and_what_is_allowed(study, given, says):
    (study.parent / "scans").mkdir()
    with pytest.raises(InputError) as error:
        resolve(given, study.parent)
    for words in says:
        assert words in str(error.value)


def test_a_study_file_that_is_no_yaml_is_named(study):
    (study / "code").mkdir()
    own = study / "code" / "ecdysis.yaml"
    own.write_text("crop: [")
    with pytest.raises(InputError, match=r"ecdysis\.yaml"):
        resolve({}, study)
    own.write_text("- crop")
    with pytest.raises(InputError, match="has no keys"):
        resolve({}, study)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
_keys_of_config = st.sampled_from(
    ["crop", "reorient", "skullstrip", "filters", "suffixes", "participant_label", "ants"]
)


@given(st.dictionaries(_keys_of_config | st.text(max_size=8), _values, max_size=4))
def test_whatever_is_given_is_taken_or_refused_by_name(given):
    with suppress(InputError):
        assert resolve(given, Path("/nonexistent")).keys() == resolve({}, Path("/")).keys()


def test_a_folder_of_clean_dicom_alone_has_its_report_and_secrets_beside_it(tmp_path):
    (tmp_path / "scans").mkdir()
    settings = resolve({"dicom_dir": "scans", "deid_dir": "clean", "key_file": "k"}, tmp_path)
    assert settings["bids_dir"] is None
    assert settings["output_dir"] == str(tmp_path / "clean-report")
    assert settings["private_dir"] == str(tmp_path / "clean-private")
    assert settings["key_file"] == str(tmp_path / "k")
    with pytest.raises(InputError, match="dicom_dir is not given"):
        resolve({"deid_dir": "clean"}, tmp_path)
    with pytest.raises(InputError, match="linkage_dir"):
        resolve({"dicom_dir": "scans", "deid_dir": "c", "deid": {"linkage_dir": "c/l"}}, tmp_path)


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o704])
def test_a_private_folder_that_others_can_read_is_refused(tmp_path, mode):
    (tmp_path / "scans").mkdir()
    (tmp_path / "clean-private").mkdir()
    (tmp_path / "clean-private").chmod(mode)
    given = {"dicom_dir": "scans", "deid_dir": "clean"}
    with pytest.raises(InputError, match=rf"mode {mode:o}.*chmod 700 .*clean-private"):
        resolve(given, tmp_path)
    (tmp_path / "clean-private").chmod(0o700)
    resolve(given, tmp_path)


def test_wrong_norms_are_refused_before_any_job(study):
    (study / "norms.tsv").write_text("key\tsuffix\tlow\thigh\nsnr\tT1w\t1\t2\n")
    given = {"bids_dir": "study", "quality": {"norms": "study/norms.tsv"}}
    with pytest.raises(InputError, match="line 2"):
        resolve(given, study.parent)


def test_copied_defaults_are_no_settings_unless_given():
    copied = {"deface": False, "crop": {"fov": 170, "margin": 5}, "unknown": 1}
    assert without_copied_defaults(copied, {}) == {"crop": {"margin": 5}, "unknown": 1}
    given = {"deface": False, "crop": {"fov": 170}}
    assert without_copied_defaults(copied, given) == copied
