"""What is refused before a job is submitted to Slurm."""

from pathlib import Path

import pytest
from ecdysis.errors import InputError
from ecdysis.slurm import check_accounting, check_command, jobs_of

NONE = {"AccountingStorageType": "accounting_storage/none"}


def test_with_accounts_both_commands_will_do():
    slurm = {"AccountingStorageType": "accounting_storage/slurmdbd", "MinJobAge": "2 sec"}
    check_accounting(slurm, "sacct", 40)
    check_accounting(slurm, "squeue", 40)


def test_without_accounts_sacct_would_wait_for_ever():
    with pytest.raises(InputError, match="--slurm-status-command squeue"):
        check_accounting(NONE | {"MinJobAge": "3600 sec"}, "sacct", 40)


@pytest.mark.parametrize(
    ("age", "pause", "remedy"),
    [
        ("300 sec", 40, None),
        ("200 sec", 40, None),
        ("199 sec", 40, "larger MinJobAge"),
        ("0 sec", 40, "larger MinJobAge"),
        ("300 sec", 101, "--slurm-init-seconds-before-status-checks 100"),
    ],
)
def test_a_job_must_be_remembered_until_it_is_looked_at(age, pause, remedy):
    slurm = NONE | {"MinJobAge": age}
    if remedy is None:
        check_accounting(slurm, "squeue", pause)
    else:
        with pytest.raises(InputError, match=remedy):
            check_accounting(slurm, "squeue", pause)


def test_the_place_of_identified_files_is_not_given_where_logs_show_it():
    check_command({"bids_dir": "study"})
    with pytest.raises(InputError, match="--configfile"):
        check_command({"dicom_dir": "scans", "bids_dir": "study"})


def test_jobs_are_known_by_where_they_write():
    rows = [
        ("7", "/data/out/.snakemake/slurm_logs/group_a/%j.log"),
        ("8", "/data/out2/.snakemake/slurm_logs/group_a/%j.log"),
        ("9", "/data/out/.snakemake/slurm_logs/rule_b/%j.log"),
        ("10", "/home/me/other.log"),
    ]
    listing = "\n".join(f"{number:<20}{log:<1000}" for number, log in rows)
    assert jobs_of(Path("/data/out"), listing) == ["7", "9"]
    assert jobs_of(Path("/data/out"), "") == []
