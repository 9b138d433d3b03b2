"""The validator's summary: counted by kind, errors first; and no summary is an error."""

import json
import sys
from pathlib import Path

import pytest
from ecdysis.bids.validator import find_validator, validate
from ecdysis.errors import InputError

ISSUES = {
    "issues": [
        {"code": "KEY", "subCode": "Station", "severity": "warning", "location": "/sub-1/a.json"},
        {"code": "KEY", "subCode": "Station", "severity": "warning", "location": "/sub-2/a.json"},
        {"code": "EMPTY", "severity": "error", "location": "/sub-1/b.nii.gz"},
    ],
    "codeMessages": {"EMPTY": "The file\nis empty."},
}
SUMMARY = {"schemaVersion": "1.2", "subjects": ["1", "2"], "totalFiles": 7}


def program(folder: Path, output: str) -> str:
    path = folder / "validator"
    path.write_text(f"#!{sys.executable}\nprint({output!r})\nraise SystemExit(16)\n")
    path.chmod(0o755)
    return str(path)


def test_issues_are_counted_by_kind(tmp_path: Path) -> None:
    output = json.dumps({"issues": ISSUES, "summary": SUMMARY})
    assert validate(tmp_path, program(tmp_path, output)) == {
        "validator": "bids-validator-deno",
        "schema": "1.2",
        "subjects": 2,
        "files": 7,
        "errors": 1,
        "warnings": 2,
        "issues": [
            {
                "severity": "error",
                "code": "EMPTY",
                "message": "The file is empty.",
                "count": 1,
                "examples": ["sub-1/b.nii.gz"],
            },
            {
                "severity": "warning",
                "code": "KEY Station",
                "message": "",
                "count": 2,
                "examples": ["sub-1/a.json", "sub-2/a.json"],
            },
        ],
    }


@pytest.mark.parametrize("output", ["cannot open", "{}", '{"summary": 1, "issues": 2}'])
def test_no_summary_is_an_error(tmp_path: Path, output: str) -> None:
    with pytest.raises(InputError, match=r"no summary.*16"):
        validate(tmp_path, program(tmp_path, output))


def test_the_real_one_finds_what_is_wrong(tmp_path: Path) -> None:
    found = find_validator()
    if found is None:
        pytest.skip("the validator is not installed")
    (tmp_path / "dataset_description.json").write_text('{"Name": "x"}')
    told = validate(tmp_path, found)
    assert told["errors"] > 0
    assert any("BIDSVersion" in issue["code"] for issue in told["issues"])
