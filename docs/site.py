"""Hook of MkDocs: pages from files outside `docs/`, pages made from the code, and links to files.

The names `on_files` and `on_page_markdown` are those of MkDocs' events.
"""

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "index.md": "README.md",
    "changes.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "contributing.md": "CONTRIBUTING.md",
    "code-of-conduct.md": "CODE_OF_CONDUCT.md",
}
"""Pages of the site that are files of the top folder."""
CITATION = ("citation.md", "CITATION.cff")
LINK = re.compile(r"\]\((\.\./)?([^)#:\s]+)(#[^)\s]*)?\)")
RULE = re.compile(r'^ *rule (\w+):\n\s+"""(.*?)"""', re.MULTILINE | re.DOTALL)
SHOWN = {source: page for page, source in PAGES.items()} | {CITATION[1]: CITATION[0]}


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not in `docs/`, and the files outside it that pages link to."""
    sys.path.insert(0, str(ROOT / "scripts"))
    made = {page: (ROOT / source).read_text(encoding="utf-8") for page, source in PAGES.items()}
    citation = (ROOT / CITATION[1]).read_text(encoding="utf-8")
    made[CITATION[0]] = f"# How to cite\n\nFrom `{CITATION[1]}`:\n\n```yaml\n{citation}```\n"
    made |= {"measures.md": measures(), "rules.md": rules(), "command-line.md": command_line()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    for page in sorted((ROOT / "docs").glob("*.md")):
        for outside, name, _ in LINK.findall(page.read_text(encoding="utf-8")):
            source, target = ROOT / name, f"source/{name}"
            if outside and source.is_file() and name not in SHOWN and target not in files.src_uris:
                files.append(File.generated(config, target, abs_src_path=str(source)))
    return files


def on_page_markdown(text: str, page: Any, **_: Any) -> str:
    """Point links at the pages and files of the site."""
    of_top = page.file.src_uri in PAGES

    def link(match: re.Match[str]) -> str:
        outside, name, anchor = match[1], match[2], match[3] or ""
        if not (outside or of_top):
            return match[0]
        if name in SHOWN:
            return f"]({SHOWN[name]}{anchor})"
        if name.startswith("docs/"):
            return f"]({name.removeprefix('docs/')}{anchor})"
        return f"](source/{name})" if (ROOT / name).is_file() else "](architecture.md)"

    return LINK.sub(link, text)


def measures() -> str:
    """Return the page of the quality measures, from the dictionary of their table."""
    from ecdysis.quality.dictionary import markdown

    return f"""# Quality measures

The columns of `participants_qc.tsv`; [how they are measured](quality.md).

{markdown()}
"""


def rules() -> str:
    """Return the page of the rules, from their docstrings."""
    lines = [
        "# Rules",
        "",
        "Each step is a rule of Snakemake ([architecture](architecture.md)).",
        "",
    ]
    for file in sorted((ROOT / "rules").glob("*.smk")):
        found = RULE.findall(file.read_text(encoding="utf-8"))
        if found:
            lines += [f"## {file.stem}", "", "| rule | what it does |", "|---|---|"]
            lines += [f"| `{name}` | {' '.join(text.split())} |" for name, text in found]
            lines.append("")
    return "\n".join(lines)


def command_line() -> str:
    """Return the page of the command `ecdysis`, from its own help."""
    from command_line import TARGETS, help_of

    lines = [
        "# Command line",
        "",
        "`ecdysis` starts Snakemake with the same settings as `snakemake --config`.",
        "The exit status is 0 when every image was processed, 1 when something failed or nothing",
        "could run, 2 for a wrong argument.",
        "",
    ]
    for target in ("", *TARGETS):
        lines += [f"## ecdysis {target}".rstrip(), "", "```text", help_of(target), "```", ""]
    return "\n".join(lines)
