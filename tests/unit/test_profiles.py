"""The profiles name the rules that there are, and what both say is the same."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
RULES = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
TARGETS = {"deidentify", "headers", "plan"}


def profile(name):
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())


def rules():
    """All rules, and those that Snakemake runs where it was started."""
    names = re.findall(r"^ *rule (\w+):|^ *use rule \w+ as (\w+)", RULES, re.MULTILINE)
    local = re.findall(r"^ *localrules:\n((?: +\w+,\n)+)", RULES, re.MULTILINE)
    return {one or other for one, other in names}, set(re.findall(r"\w+", "".join(local)))


def test_every_submitted_rule_has_its_time():
    every, local = rules()
    assert set(profile("slurm")["set-resources"]) == every - local


def test_groups_are_of_submitted_rules():
    every, local = rules()
    assert set(profile("slurm")["groups"]) <= every - local


def test_no_group_holds_what_belongs_to_the_user():
    """The outputs of a whole group are removed when one of its jobs fails."""
    assert not {"convert", "convert_session", "deidentify_session"} & set(
        profile("slurm")["groups"]
    )


def test_the_slurm_profile_has_what_the_default_has():
    default, slurm = profile("default"), profile("slurm")
    # A site's own profile names account and partition as default resources.
    del default["default-resources"]
    assert default.items() <= slurm.items()
    assert "default-resources" not in slurm
    assert "slurm-array-jobs" not in slurm
