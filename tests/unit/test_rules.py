"""What every rule has, read from the rules as text."""

import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "rules"
RULE = re.compile(r"(?ms)^ *(?:use )?rule (?:\w+ as )?(\w+).*?(?=^ *(?:use )?rule |\Z)")
LOCAL = re.compile(r"^ *localrules:\n((?: +\w+,\n)+)", re.MULTILINE)


def _rules():
    for file in sorted(RULES.glob("*.smk")):
        text = file.read_text()
        local = {name for names in LOCAL.findall(text) for name in re.findall(r"\w+", names)}
        for match in RULE.finditer(text):
            yield pytest.param(match.group(0), match.group(1) in local, id=match.group(1))


@pytest.mark.parametrize(("text", "local"), list(_rules()))
def test_a_rule_is_local_or_measured(text, local):
    inherits = text.lstrip().startswith("use rule")
    assert local or inherits or "benchmark:" in text


@pytest.mark.parametrize(("text", "local"), list(_rules()))
def test_a_rule_says_what_it_does(text, local):
    assert text.lstrip().startswith("use rule") or '"""' in text.partition(":")[2][:20]
    assert "message:" in text or not re.search(r"^ +(script|shell):", text, re.MULTILINE)
