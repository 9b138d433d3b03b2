"""Write the tables of settings: docs/configuration.md and config/README.md.

Defaults and explanations come from config/config.yaml, types and marks from config/schema.yaml.
Run ``python docs/configuration.py`` after a change to either file.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from ecdysis.config_schema import CONFIG, Setting, all_settings, load_schema, resolved  # noqa: E402

SECTION = re.compile(r"# -- (.+?) -+")
KEY = re.compile(r"( *)(\w+):(.*)")
GENERATED = "<!-- written by docs/configuration.py from config.yaml and schema.yaml -->"
INTRO = """\
Give your own settings in any of three places; later ones win:

1. `STUDY/code/ecdysis.yaml`: settings that belong to the study
2. `--configfile FILE`: settings of one run
3. `--config key=value ...`: the same on the command line

On the command line a nested setting is written `--config 'crop={modes: [auto], margin: 5}'`.
Unknown keys and values that are not allowed are refused before any job starts. Relative paths
start from the directory where snakemake is started; in `STUDY/code/ecdysis.yaml`, from the study.

Labels are text: `010`, `10` and `8` are different participants. Quotes are not needed in the three
places above. If another workflow passes its settings on to this one, it must quote labels.
"""
PAGES = {
    ROOT / "docs" / "configuration.md": "# Settings",
    CONFIG / "README.md": "# Configuration of Ecdysis",
}


@dataclass
class Entry:
    """A key of config.yaml: its section, its place, and the comment above it."""

    section: str
    key: tuple[str, ...]
    comment: str
    default: str


def entries(text: str) -> Iterator[Entry]:
    """Yield the keys of config.yaml with the comments above them."""
    section, comment, above = "", [], []
    for line in text.splitlines():
        bare = line.strip()
        if heading := SECTION.fullmatch(bare):
            section, comment = heading[1], []
        elif bare.startswith("#"):
            comment.append(bare.removeprefix("#").strip())
        elif match := KEY.fullmatch(line):
            above = [*above[: len(match[1]) // 2], match[2]]
            yield Entry(section, tuple(above), " ".join(comment), match[3].strip())
            comment = []
        else:
            comment = []


def kind_of(schema: Mapping[str, Any]) -> str:
    """Describe the values that a part of the schema allows."""
    schema = resolved(schema, load_schema())
    if "enum" in schema:
        return ", ".join(f"`{'null' if value is None else value}`" for value in schema["enum"])
    names = schema.get("type", "value")
    names = [names] if isinstance(names, str) else names
    words = [_kind(name, schema) for name in names if name != "null"]
    return " or ".join(words) + (" or null" if "null" in names else "")


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    if name == "array":
        items = resolved(schema.get("items", {}), load_schema())
        return f"list of {'values' if 'enum' in items else kind_of(items)}"
    if name == "object":
        return "mapping"
    if name == "boolean":
        return "true, false"
    if name in ("number", "integer"):
        low, high = schema.get("minimum"), schema.get("maximum")
        limits = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
        return ", ".join([name, *limits])
    return "path" if "x-path" in schema else "text"


def table(section: str, keys: list[Entry], settings: Mapping[str, Setting]) -> Iterator[str]:
    """Yield the lines of one section."""
    yield from (
        f"## {section}",
        "",
        "| setting | default | values | meaning |",
        "|---|---|---|---|",
    )
    for entry in keys:
        name = ".".join(entry.key)
        setting = settings.get(name)
        default = f"`{entry.default}`" if setting else ""
        kind = kind_of(setting.schema) if setting else ""
        meaning = entry.comment.replace("|", "\\|").replace("<", "&lt;")
        yield f"| `{name}` | {default} | {kind} | {meaning} |"
    yield ""


def page(title: str) -> str:
    """Return one page with all settings."""
    text = (CONFIG / "config.yaml").read_text(encoding="utf-8")
    settings = {setting.name: setting for setting in all_settings()}
    described = [
        entry for entry in entries(text) if ".".join(entry.key) in settings or entry.comment
    ]
    sections = dict.fromkeys(entry.section for entry in described)
    lines = [title, "", GENERATED, "", *INTRO.splitlines(), ""]
    for section in sections:
        lines += table(
            section, [entry for entry in described if entry.section == section], settings
        )
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    for path, title in PAGES.items():
        path.write_text(page(title), encoding="utf-8")
