"""No text of a file or a setting reaches a shell, a path or an object unchecked."""

import re
from pathlib import Path

import pytest
from ecdysis.errors import InputError
from ecdysis.planning.participants_map import read_map
from ecdysis.planning.rulings import read_rulings, read_study_rules
from ecdysis.run_lock import unlocking
from ecdysis.settings import resolve
from ecdysis.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
HOSTILE = ["../x", "/etc/x", "C:x", "C:\\x", "a\0b", "a;b", "$(x)", "`x`", "a b", "'x", '"x',
           "x/../y", "\u202ex", "~", "-rf", "*"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_label_of_a_table_is_a_path_or_a_command(text, tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text(f"patient_id\tparticipant_label\nA1\t{text}\n")
    with pytest.raises(InputError):
        read_map(table)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["acq-{}_T1w", "{}_T1w", "acq-a_{}", "{}"])
def test_no_name_of_a_plan_or_a_rule_is_a_path_or_a_command(text, form, tmp_path):
    name = form.format(text)
    table = tmp_path / "plan.tsv"
    table.write_text(f"series\tname\nabcd\t{name}\n")
    with pytest.raises(InputError):
        read_rulings(table)
    rules = tmp_path / "rules.yaml"
    quoted = name.replace("'", "''").replace("\0", "")
    rules.write_text(f"rules:\n  - when: {{description: x}}\n    name: '{quoted}'\n")
    if "\0" not in name:
        with pytest.raises(InputError):
            read_study_rules(rules)


@pytest.mark.parametrize("text", ["a{b}", "a\nb", "a<b>", "a\x1bb", "a\udcff"])
@pytest.mark.parametrize("key", ["bids_dir", "output_dir", "private_dir", "key_file"])
def test_places_that_snakemake_would_misread_are_refused(key, text, tmp_path):
    (tmp_path / "study").mkdir()
    given = {"bids_dir": str(tmp_path / "study"), key: str(tmp_path / text)}
    with pytest.raises(InputError, match=key):
        resolve(given, tmp_path)


def test_commands_that_are_shown_are_quoted():
    shown = unlocking(["snakemake", "--config", "bids_dir=it's; $(rm)"])
    assert shown == """snakemake --unlock --config 'bids_dir=it'"'"'s; $(rm)'"""


def test_every_value_in_a_shell_command_is_quoted():
    shells = 0
    for path in (ROOT / "rules").glob("*.smk"):
        for command in re.findall(r"\n {4}shell:\n((?: {8}.*\n)+)", path.read_text()):
            shells += 1
            values = re.findall(r"(?<!\{)\{([^{}]+)\}", command)
            assert [one for one in values if not one.endswith(":q") and one != "threads"] == []
    assert shells


@pytest.mark.parametrize(
    "call",
    [r"shell=True", r"os\.system", r"os\.popen", r"\beval\(", r"\bexec\(", r"\bpickle\b",
     r"marshal", r"yaml\.(load|full_load|unsafe_load)\(", r"allow_pickle=True", r"^    run:$"],
)  # fmt: skip
def test_nothing_runs_or_loads_what_it_is_given(call):
    sources = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "rules").glob("*.smk")]
    assert [str(path) for path in sources if re.search(call, path.read_text(), re.MULTILINE)] == []


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch pwned']",
        "a: &a [*a]",
        "a: &a [x, x]\nb: [*a, *a]",
        "[" * 5000,
        "\0",
    ],
)
def test_yaml_of_no_good_is_refused(text, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        read_yaml(path)
