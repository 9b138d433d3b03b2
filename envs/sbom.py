"""Write envs/sbom.cdx.json: what requirements.txt pins, as a CycloneDX bill of materials.

    uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements envs/requirements.txt \
        --output-reproducible | python envs/sbom.py

Where a package is fetched from is left to whoever installs it, so places are left out; the
hashes by which it is recognised stand in requirements.txt.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("sbom.cdx.json")


def without_places(bill: dict[str, Any]) -> dict[str, Any]:
    """Return the bill without addresses and without the lines that it was made from."""
    components = [
        {key: one[key] for key in ("bom-ref", "name", "version", "purl", "type")}
        for one in bill["components"]
    ]
    kept = {key: bill[key] for key in ("$schema", "bomFormat", "specVersion", "version")}
    for one in components:
        one["bom-ref"] = one["purl"]
    return {**kept, "components": components}


if __name__ == "__main__":
    content = json.dumps(without_places(json.load(sys.stdin)), indent=2)
    TARGET.write_text(content + "\n", encoding="utf-8")
