"""What is installed is pinned with hashes, has a licence and is in the bill of materials."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(
    r"^([A-Za-z0-9_.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)", re.MULTILINE
)
REFUSED = re.compile(r"\bA?GPL|General Public|propriet|commercial|unknown", re.IGNORECASE)
LOOKED_AT = {
    "docutils": "its GPL part is an editor mode that is not imported; the rest is public domain",
    "text-unidecode": "of its two licences the Artistic License applies; imported as it is",
    "frozendict": "LGPL: imported as it is, replaceable by anyone",
    "num2words": "LGPL: imported as it is, replaceable by anyone",
    "nimare": "the terms of its template are told in README",
}


def pins(name):
    return PIN.findall((ROOT / "envs" / name).read_text())


@pytest.mark.parametrize("name", ["requirements.txt", "test.txt"])
def test_every_pin_has_a_hash(name):
    found = pins(name)
    assert len(found) > 5
    assert [package for package, _, hashes in found if "sha256" not in hashes] == []


def test_the_bill_of_materials_lists_what_is_pinned():
    bill = json.loads((ROOT / "envs/sbom.cdx.json").read_text())
    listed = {one["name"]: one["version"] for one in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert listed == {name: version for name, version, _ in pins("requirements.txt")}


def test_every_licence_is_listed_and_lets_itself_be_used_from_apache_2():
    lines = (ROOT / "docs/licences.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines if line[:2] == "| "]
    listed = {name: (version, licence) for name, version, licence in rows}
    for name, version, _ in pins("requirements.txt"):
        assert listed[name][0] == version, f"run envs/licences.py: {name}"
    doubtful = {name for name, (_, licence) in listed.items() if REFUSED.search(licence)}
    assert doubtful <= set(LOOKED_AT), doubtful - set(LOOKED_AT)
