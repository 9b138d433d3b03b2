"""The plugin that checks a command line before Snakemake reads it finds this workflow alone."""

import sys
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

ROOT = Path(__file__).parents[2]
SNAKEFILE = str(ROOT / "Snakefile")


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "plugin"))
    import snakemake_logger_plugin_ecdysis

    yield snakemake_logger_plugin_ecdysis
    del sys.modules["snakemake_logger_plugin_ecdysis"]


def test_snakemake_accepts_it_as_a_plugin(plugin) -> None:
    LoggerPluginRegistry().validate_plugin("ecdysis", plugin)
    handler = plugin.LogHandler(None, None)
    assert not handler.writes_to_stream
    assert not handler.writes_to_file


@pytest.mark.parametrize(
    "words",
    [["-s", SNAKEFILE], ["--snakefile", SNAKEFILE], [f"--snakefile={SNAKEFILE}", "--cores", "1"]],
)
def test_it_finds_the_checks_of_this_workflow(plugin, words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert plugin.checks_of(["/bin/snakemake", *words]) == ROOT / "scripts/command_line.py"


def test_in_the_checkout_the_snakefile_need_not_be_named(plugin, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert plugin.checks_of(["/bin/snakemake", "--cores", "1"]) == ROOT / "scripts/command_line.py"


def test_it_leaves_other_programs_workflows_and_jobs_alone(plugin, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    assert plugin.checks_of(["/bin/snakemake", "--cores", "1"]) is None
    assert plugin.checks_of(["/bin/pytest", "-s", SNAKEFILE]) is None
    assert plugin.checks_of(["/bin/snakemake", "-s", SNAKEFILE, "--mode", "subprocess"]) is None
