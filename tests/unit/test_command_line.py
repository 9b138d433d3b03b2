"""The command ``ecdysis`` gives Snakemake what the user asked for."""

import json

import pytest
import yaml
from command_line import ROOT, check_cache, check_config, snakemake_command


def settings(arguments: list[str]) -> dict[str, object]:
    """The settings that Snakemake gets, as it reads them."""
    command = snakemake_command(arguments)
    first = command.index("--config") + 1
    pairs = [word.split("=", 1) for word in command[first:] if not word.startswith("-")]
    return {name: yaml.safe_load(value) for name, value in pairs}


def test_a_bids_app_command_line() -> None:
    labels = ["--participant-label", "010", "sub-02"]
    given = settings(["/data/study", "/data/out", "participant", *labels, "--deface"])
    assert given == {
        "bids_dir": "/data/study",
        "output_dir": "/data/out",
        "participant_label": ["010", "sub-02"],
        "deface": True,
    }


def test_relative_paths_start_where_the_command_is_given(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(["plan", "--dicom-dir", "010"]) == {"dicom_dir": str(tmp_path / "010")}


def test_what_follows_two_dashes_goes_to_snakemake() -> None:
    command = snakemake_command(["demo", "--cores", "2", "--", "--forceall", "--verbose"])
    assert command[-2:] == ["--forceall", "--verbose"]
    assert command[1:6] == ["-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "demo"]
    assert command[command.index("--cores") + 1] == "2"


def test_the_output_of_snakemake_can_be_asked_for() -> None:
    assert "--verbose" in snakemake_command(["in", "out", "participant", "--verbose"])
    assert "--verbose" not in snakemake_command(["in", "out", "participant"])


@pytest.mark.parametrize(("level", "target"), [("participant", "all"), ("group", "report")])
def test_the_level_chooses_the_target(level: str, target: str) -> None:
    assert snakemake_command(["in", "out", level])[5] == target


def test_a_filter_file_of_fmriprep(tmp_path) -> None:
    file = tmp_path / "filter.json"
    entries = {
        "t1w": {"datatype": "anat", "suffix": "T1w", "session": "01", "acquisition": None},
        "flair": {"run": [1, 2]},
        "bold": {"task": "rest"},
    }
    file.write_text(json.dumps(entries))
    given = settings(["in", "out", "participant", "--bids-filter-file", str(file)])
    assert given["filters"] == {
        "T1w": {"session": "01", "acquisition": None},
        "FLAIR": {"run": [1, 2]},
    }


def test_profiles_are_found_by_name() -> None:
    command = snakemake_command(["in", "out", "participant", "--profile", "slurm"])
    assert command[command.index("--workflow-profile") + 1] == str(ROOT / "profiles" / "slurm")


def test_stop_on_first_crash_leaves_out_keep_going_alone() -> None:
    command = snakemake_command(["in", "out", "participant", "--stop-on-first-crash"])
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text())
    assert "--keep-going" not in command
    assert command[command.index("--retries") + 1] == str(profile["retries"])
    assert "--rerun-incomplete" in command
    assert "--show-failed-logs" not in command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["in"], "OUTPUT_DIR"),
        (["in", "out", "session"], "invalid choice"),
        (["plan", "--deface"], "unrecognized arguments"),
        (["in", "out", "group", "--bids-filter-file", "missing.json"], "not a JSON file"),
    ],
)
def test_a_wrong_argument_ends_with_status_2(arguments, words, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        snakemake_command(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--config", "bids_dir", "../study"], "--config bids_dir=../study"),
        (["--config", "deface=true", "bids_dir"], "--config bids_dir=VALUE"),
        (["-C", "bids_dir", "a=b"], "--config bids_dir=VALUE"),
    ],
)
def test_a_setting_without_a_value_ends_with_the_remedy(words, remedy) -> None:
    with pytest.raises(SystemExit) as ended:
        check_config(["snakemake", "--cores", "2", *words, "--forceall"])
    assert str(ended.value).endswith(f"{remedy}. Targets come before --config")


def test_sound_settings_pass(tmp_path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("crop: {fov: 150}\n")
    check_config(["snakemake", "all", f"--configfile={file}", "--config", "crop={margin: 5}", "-n"])
    file.write_text("")
    check_config(["snakemake", "--configfile", str(file), "--cores", "2"])


def test_a_cache_folder_that_can_be_made_passes(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new" / "cache"))
    check_cache()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    with pytest.raises(SystemExit, match="cannot be written to"):
        check_cache()
