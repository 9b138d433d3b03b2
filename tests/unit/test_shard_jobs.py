"""A study in shards on Slurm: the jobs that are submitted, to a stand-in for `sbatch`."""

import json
import subprocess
import sys

import command_line
import pytest
from ecdysis.errors import InputError
from ecdysis.shard_jobs import script_of, shard_commands, submit

SBATCH = f"""#!{sys.executable}
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["SUBMITTED"])
number = len(list(folder.iterdir())) + 41
(folder / str(number)).write_text(json.dumps([sys.argv[1:], sys.stdin.read()]))
print(f"{{number}};cluster")
"""


@pytest.fixture
def submitted(tmp_path, monkeypatch):
    """Put the stand-in on PATH; return what was submitted, options and script of each job."""
    programs, folder = tmp_path / "bin", tmp_path / "jobs"
    programs.mkdir()
    folder.mkdir()
    (programs / "sbatch").write_text(SBATCH)
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("SUBMITTED", str(folder))
    return lambda: [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


def arguments(*more):
    return ["/a study", "/the results", "participant", "--shards", "3", *more]


def test_one_command_submits_the_shards_and_the_joined_report(submitted, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(arguments("--cores", "16", "--sbatch=--account=A --time=9:00:00"))
    assert not ended.value.code
    (options, run), (after, join) = submitted()
    assert {"--array=1-3", "--cpus-per-task=16", "--account=A", "--time=9:00:00"} <= set(options)
    assert {"--dependency=afterany:41", "--account=A"} <= set(after)
    assert words_of(run, "2")[-3:] == [
        *("bids_dir=/a study", "shard=2/3", "output_dir=/the results-shard-2of3"),
    ]
    assert words_of(join, "")[-5:] == [
        *("1", "--config", "bids_dir=/a study", "output_dir=/the results"),
        'shards=["/the results-shard-*of3"]',
    ]
    assert "report" in words_of(join, "")
    assert "job 42 joins" in capsys.readouterr().out


def words_of(script, number):
    """The words that the shell makes of a script's command."""
    shown = script.replace("exec ", "printf '%s\\0' ", 1)
    variables = {"SLURM_ARRAY_TASK_ID": number}
    done = subprocess.run(["bash", "-c", shown], env=variables, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def test_nothing_in_a_path_is_a_command():
    evil = ["echo", "it's", "$(touch x)", 'a"b', "output_dir=@SHARD@"]
    assert words_of(script_of(evil), "1")[1:] == ["it's", "$(touch x)", 'a"b', "output_dir=1"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "--shards needs --cores N"),
        (["--cores", "2", "--profile", "slurm"], "and no --profile"),
        (["--cores", "2", "--dicom-dir", "scans"], "starts with a BIDS dataset"),
    ],
)
def test_what_does_not_fit_is_refused(more, words, submitted, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(arguments(*more))
    assert ended.value.code == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert submitted() == []


def test_without_slurm_there_is_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    run, join = shard_commands(command_line.snakemake_command(arguments("--cores", "1")), 3)
    with pytest.raises(InputError, match="Slurm did not accept the job"):
        submit(3, 1, run, join)
