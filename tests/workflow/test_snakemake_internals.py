"""The undocumented parts of Snakemake that `rules/snakemake_internals.smk` uses still exist."""

import ast
import inspect
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import snakemake.common
import snakemake.rules
import snakemake.sourcecache
from snakemake import __version__
from snakemake.cli import get_argument_parser
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import flag, is_flagged
from snakemake.settings.types import DAGSettings
from snakemake.workflow import Workflow

ROOT = Path(__file__).parents[2]
INTERNALS = (ROOT / "rules/snakemake_internals.smk").read_text()
USED = sorted(set(re.findall(r"workflow\.(\w+)", INTERNALS)))


@pytest.mark.parametrize("name", USED)
def test_the_workflow_has_the_attribute(name):
    source = inspect.getsource(Workflow)
    assert hasattr(Workflow, name) or re.search(
        rf"^    {name}:|self\.{name}\b", source, re.MULTILINE
    )


def test_no_other_rule_file_uses_the_workflow_object():
    for file in [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]:
        if file.name != "snakemake_internals.smk":
            used = set(re.findall(r"workflow\.(\w+)", file.read_text()))
            assert used <= {"basedir", "current_basedir"}, file.name


def test_update_needrun_is_the_method_that_decides_which_jobs_run():
    assert inspect.iscoroutinefunction(DAG.update_needrun)
    source = inspect.getsource(DAG)
    assert "await self.update_needrun(create_inventory=True)" in source
    assert "self.depending" in inspect.getsource(DAG.update_needrun)


def test_the_command_line_can_be_parsed():
    parsed = get_argument_parser().parse_args(["--dry-run", "report"])
    assert (parsed.targets, parsed.dryrun) == (["report"], True)


def test_files_can_have_a_flag_of_our_own():
    assert is_flagged(flag("a", "remakeable"), "remakeable")
    assert not is_flagged("a", "remakeable")


def test_the_functions_that_are_cached_depend_on_their_argument_alone():
    params, parse = snakemake.common.get_function_params, snakemake.common.parse_uri
    assert snakemake.rules.get_function_params is params
    assert snakemake.sourcecache.parse_uri is parse
    for function, names in ((params, {"func"}), (parse, {"path_or_uri"})):
        assert set(inspect.signature(function).parameters) == names
        used = inspect.getclosurevars(function)
        assert not used.nonlocals
        assert set(used.globals) <= {
            *("FUNC_OVERWRITE_PARAMS_ATTR", "inspect", "collections", "parse_uri"),
        }


def test_the_functions_that_are_cached_are_called_for_each_job():
    for caller, call in (
        (snakemake.rules.Rule.apply_input_function, "get_function_params(func)"),
        (snakemake.common.get_input_function_aux_params, "get_function_params(func)"),
        (snakemake.sourcecache.SourceFile.get_cache_path, "parse_uri("),
    ):
        assert call in inspect.getsource(caller)


def test_a_batch_is_part_of_the_settings_of_the_graph():
    assert "batch" in DAGSettings.__annotations__


@pytest.mark.parametrize(("version", "works"), [("9.27.1", True), ("9.99", True), ("10.0", False)])
def test_untested_major_versions_are_refused(version, works):
    names = {"FIRST_UNTESTED", "SNAKEMAKE_VERSION"}
    tree = ast.parse(INTERNALS)
    used = [
        {name.id for name in ast.walk(part) if isinstance(name, ast.Name)} for part in tree.body
    ]
    tree.body = [part for part, inside in zip(tree.body, used, strict=True) if inside & names]
    code = compile(tree, "snakemake_internals.smk", "exec")
    with nullcontext() if works else pytest.raises(WorkflowError, match="below 10"):
        exec(code, {"SNAKEMAKE_VERSION": version, "WorkflowError": WorkflowError})


def test_the_oldest_version_is_the_pinned_one():
    oldest = re.search(r'min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text())[1]
    assert __version__.startswith(f"{oldest}.")
