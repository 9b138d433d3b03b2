"""The descriptors for other launchers name the options that `ecdysis` has."""

import json
import re
from pathlib import Path

import pytest
import yaml
from command_line import help_of, snakemake_command
from ecdysis.version import __version__

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture
def descriptor():
    return json.loads((EXAMPLES / "boutiques.json").read_text())


def test_the_boutiques_descriptor_fits_the_command(descriptor):
    keys = re.findall(r"\[\w+\]", descriptor["command-line"])
    assert keys == [item["value-key"] for item in descriptor["inputs"]]
    assert descriptor["tool-version"] == __version__
    flags = {item.get("command-line-flag") for item in descriptor["inputs"]} - {None}
    assert flags <= set(re.findall(r"--[\w-]+", help_of("")))


def test_a_command_line_of_the_descriptor_is_accepted(descriptor):
    values = {"[BIDS_DIR]": "in", "[OUTPUT_DIR]": "out", "[ANALYSIS_LEVEL]": "participant"}
    words = []
    for item in descriptor["inputs"]:
        flag = [item["command-line-flag"]] if "command-line-flag" in item else []
        value = [] if item["type"] == "Flag" else [values.get(item["value-key"], "2")]
        if item["id"] != "bids_filter_file":
            words += [*flag, *value]
    assert 'participant_label=["2"]' in snakemake_command(words)


def test_the_example_of_babs_fits_the_command():
    example = yaml.safe_load((EXAMPLES / "babs.yaml").read_text())
    given = example["bids_app_args"]
    flags = {given.pop("$SUBJECT_SELECTION_FLAG"), *given}
    assert flags <= set(re.findall(r"--[\w-]+", help_of("")))
