"""The measures of all images: ``participants_qc.tsv`` and its data dictionary.

Read from the status records alone, so the table can be written after a failure too: an image
without measures has a line, and ``n/a`` in it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecdysis.files import atomic
from ecdysis.places import QUALITY_TABLE
from ecdysis.quality.dictionary import MEASURES, OF_SKULLSTRIP
from ecdysis.quality.norms import Norm, from_json
from ecdysis.quality.outliers import RULE, Flag, Values, flags
from ecdysis.report.model import Image, Run

STAGE = "quality"
NONE = "n/a"


def values_of(run: Run) -> dict[str, dict[str, float | None]]:
    """Return all measures of all images, by name of image and key; None is no value."""
    keys = [one.key for one in MEASURES]
    measured = {image.name: _measures(image) for _, image in run.images}
    return {name: {key: found.get(key) for key in keys} for name, found in measured.items()}


def reasons_of(run: Run) -> dict[str, dict[str, str]]:
    """Return why images that were measured have no value of a measure, by name and key."""
    return {image.name: _reasons(image) for _, image in run.images}


def norms_of(run: Run) -> list[Norm]:
    """Return the norms of the user's own, from the manifest."""
    return from_json(run.settings.get("quality", {}).get("norms") or [])


def flags_of(run: Run) -> dict[str, list[Flag]]:
    """Return what stands out of each image, by its name."""
    return flags(values_of(run), norms_of(run))


def write_table(run: Run) -> None:
    """Write the table and its dictionary into the output directory."""
    table = run.output_dir / QUALITY_TABLE
    _write(table, _rows(run, values_of(run), flags_of(run)))
    dictionary = json.dumps(data_dictionary(), indent=2, ensure_ascii=False)
    _write(table.with_suffix(".json"), dictionary + "\n")


def data_dictionary() -> dict[str, dict[str, str]]:
    """Describe the columns, in the terms of BIDS for tabular files."""
    columns = {
        "participant_id": {"Description": "The participant"},
        "session_id": {"Description": "The session; n/a without one"},
        "image": {"Description": "The image: its entities and suffix"},
    }
    for one in MEASURES:
        direction = f"{one.better} is better" if one.better else "neither high nor low is better"
        columns[one.key] = {
            "LongName": one.label,
            "Description": f"{one.description}. n/a where it is not computable",
            "Units": one.units,
            "Source": one.source,
            "Direction": direction,
        }
    columns["flags"] = {
        "Description": "What stands out, parted by '; ': the measure with its modified z-score and"
        " the number of images compared, or 'norm'. 'none' where nothing does",
        "Rule": RULE,
    }
    columns["rating"] = {
        "Description": "What people rated it: of several the most careful one. An image rated"
        " exclude is not processed, so it has no measures; n/a where nobody rated it",
        "Levels": "accept, unsure or exclude",
    }
    return columns


def _rows(run: Run, values: Values, found: Mapping[str, list[Flag]]) -> str:
    keys = [one.key for one in MEASURES]
    lines = [["participant_id", "session_id", "image", *keys, "flags", "rating"]]
    for subject in run.subjects:
        for image in subject.images:
            mine = values[image.name]
            cells = [NONE if mine[key] is None else f"{mine[key]:.6g}" for key in keys]
            session = f"ses-{image.session}" if image.session else NONE
            ratings = run.ratings.get(image.name)
            rating = ratings[0].rating if ratings else NONE
            short = "; ".join(map(_short, found[image.name])) or (
                "none" if any(cell != NONE for cell in cells) else NONE
            )
            lines.append([subject.name, session, image.name, *cells, short, rating])
        for item in subject.exclusions:
            if item.rated and item.image:
                visit = next((part for part in item.image.split("/") if part[:4] == "ses-"), NONE)
                nothing = [NONE] * (len(keys) + 1)
                lines.append([subject.name, visit, item.name, *nothing, "exclude"])
    return "".join("\t".join(line) + "\n" for line in lines)


def _short(flag: Flag) -> str:
    return f"{flag.key} (norm)" if flag.z is None else f"{flag.key} (z {flag.z:.1f}, n {flag.n})"


def _measures(image: Image) -> dict[str, float]:
    stripped = _details(image, "skullstrip").get("measures", {})
    taken = {key: stripped[name] for key, name in OF_SKULLSTRIP.items() if name in stripped}
    return {**_details(image, STAGE).get("measures", {}), **taken}


def _reasons(image: Image) -> dict[str, str]:
    details = _details(image, STAGE)
    if not details:
        return {}
    taken = _measures(image)
    left = {key: "skull stripping did not take it" for key in OF_SKULLSTRIP if key not in taken}
    return {**details.get("not_computable", {}), **left}


def _details(image: Image, stage: str) -> Mapping[str, Any]:
    """Return what a stage of an image said when it was done."""
    done = (one for one in image.stages if one.name == stage and one.state == "done")
    return next((one.details or {} for one in done), {})


def _write(path: Path, text: str) -> None:
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")
