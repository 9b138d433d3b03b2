"""Read the ratings of images that people saved from the report's pages.

A file is a TSV or a JSON document with one row per image and rater: the image's name
(``sub-01_ses-1_T1w``), ``rating`` (accept, exclude or unsure), ``tags``, ``note``, ``rater`` and
``time`` (ISO 8601, UTC). If a rater rated an image twice, the later row is used. If raters
disagree, the most careful rating is used: one exclude excludes, and the reason names the others.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ecdysis.bids.discovery import Exclusion, Image
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.ordering import grouped

Verdict = Literal["exclude", "unsure", "accept"]
VERDICTS: tuple[Verdict, ...] = ("exclude", "unsure", "accept")
"""The most careful first: if raters disagree, the first of these is used."""
FORMAT = "ecdysis-ratings"
COLUMNS = ("image", "rating", "tags", "note", "rater", "time")
NEEDED = ("image", "rating")
REMEDY = "Export the ratings again from the report, or repair the file; see docs/report.md"


@dataclass(frozen=True)
class Rating:
    """The rating of one image by one rater; `time` is ISO 8601 or empty."""

    image: str
    rating: Verdict
    tags: tuple[str, ...] = ()
    note: str = ""
    rater: str = ""
    time: str = ""

    @property
    def sentence(self) -> str:
        """Return the rating as a sentence.

        Examples
        --------
        >>> Rating("sub-01_T1w", "exclude", ("motion",), "rings", "Ann").sentence
        'Ann rated it exclude (motion): rings'
        """
        tags = f" ({', '.join(self.tags)})" if self.tags else ""
        note = f": {self.note}" if self.note else ""
        return f"{self.rater or 'a rater without name'} rated it {self.rating}{tags}{note}"


def read_ratings(paths: Sequence[str | Path]) -> list[Rating]:
    """Read files of ratings, TSV or JSON.

    Raises
    ------
    InputError
        A file is missing or is not a file of ratings, or a row is not valid.
    """
    latest: dict[tuple[str, str], Rating] = {}
    for path in map(Path, paths):
        for rating in _read(path):
            key = rating.image, rating.rater
            if key not in latest or rating.time >= latest[key].time:
                latest[key] = rating
    return sorted(latest.values(), key=lambda rating: (rating.image, rating.rater))


def check_known(
    ratings: Iterable[Rating], names: Iterable[str], exists: Callable[[str], bool]
) -> None:
    """Raise an InputError for the first rating of an image that the dataset does not have.

    `names` are the images of this run, such as ``sub-01_T1w``; `exists` says whether the dataset
    has an image that is not of this run, such as one of another suffix.
    """
    known = sorted(set(names))
    for rating in ratings:
        if rating.image not in known and not exists(rating.image):
            near = difflib.get_close_matches(rating.image, known, n=3, cutoff=0.0)
            raise InputError(
                "config ratings",
                f"there is no image {rating.image!r} in the dataset; the nearest are "
                f"{', '.join(near) or '(none)'}",
                "Correct its name in the file of ratings, or delete its line",
            )


def by_image(ratings: Iterable[Rating]) -> dict[str, list[Rating]]:
    """Group ratings by image, the one to be used first."""
    found = grouped((rating.image, rating) for rating in ratings)
    return {
        image: sorted(of_image, key=lambda rating: VERDICTS.index(rating.rating))
        for image, of_image in found.items()
    }


def reason_of(of_image: Sequence[Rating]) -> str:
    """Name the raters who exclude an image, and those who disagree.

    Examples
    --------
    >>> reason_of([Rating("a", "exclude", rater="Ann"), Rating("a", "accept", rater="Bob")])
    'Ann rated it exclude; raters disagree, and one exclude excludes: Bob rated it accept'
    """
    against = [rating.sentence for rating in of_image if rating.rating == "exclude"]
    others = [rating.sentence for rating in of_image if rating.rating != "exclude"]
    words = "; ".join(against)
    if others:
        words += f"; raters disagree, and one exclude excludes: {'; '.join(others)}"
    return words


def leave_out(
    images: Sequence[Image], exclusions: Sequence[Exclusion], ratings: Sequence[Rating]
) -> tuple[list[Image], list[Exclusion]]:
    """Remove the images that are rated exclude from those to process.

    They become exclusions, which do not make the run fail. A refused image that is rated exclude
    becomes such an exclusion too, because a person has decided on it.
    """
    rejected = {
        image: reason_of(of_image)
        for image, of_image in by_image(ratings).items()
        if of_image[0].rating == "exclude"
    }
    kept = [image for image in images if _short(image.name) not in rejected]
    left_out = [
        Exclusion(image.name, image.subject, rejected[_short(image.name)], fault=False, rated=True)
        for image in images
        if _short(image.name) in rejected
    ]
    others = [
        replace(
            item, fault=False, rated=True, reason=f"{item.reason} {rejected[_short(item.image)]}"
        )
        if item.image and _short(item.image) in rejected
        else item
        for item in exclusions
    ]
    return kept, sorted([*others, *left_out], key=lambda item: item.image or f"sub-{item.subject}")


def to_json(ratings: Iterable[Rating]) -> list[dict[str, Any]]:
    """Return ratings as the manifest has them."""
    return [asdict(rating) | {"tags": list(rating.tags)} for rating in ratings]


def from_json(items: Iterable[Mapping[str, Any]]) -> list[Rating]:
    """Read what `to_json` returned."""
    return [Rating(**{**item, "tags": tuple(item["tags"])}) for item in items]


def _short(name: str) -> str:
    """Return the name of an image without its folder."""
    return name.rpartition("/")[2]


def _read(path: Path) -> list[Rating]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            "config ratings", f"there is no file {path}", "Correct the path"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        problem = f"it cannot be read as text ({type(error).__name__})"
        raise InputError(path, problem, REMEDY) from error
    rows = _json_rows(path, text) if text.lstrip()[:1] in ("{", "[") else _tsv_rows(path)
    return [_rating(f"{path}, {place}", row) for place, row in rows]


def _json_rows(path: Path, text: str) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        problem = f"it is not JSON (line {error.lineno}: {error.msg})"
        raise InputError(path, problem, REMEDY) from error
    rows = content.get("ratings") if isinstance(content, dict) else None
    if (
        not isinstance(rows, list)
        or content.get("format") != FORMAT
        or not all(isinstance(row, dict) for row in rows)
    ):
        problem = f'it is not a file of ratings: it lacks "format": "{FORMAT}" or a list "ratings"'
        raise InputError(path, problem, REMEDY)
    return [(f"rating {number}", row) for number, row in enumerate(rows, 1)]


def _tsv_rows(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    table = read_tsv(path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        problem = (
            f"its first line lacks the column {', '.join(missing)};"
            f" expected are {', '.join(COLUMNS)}"
        )
        raise InputError(path, problem, REMEDY)
    if table.ragged:
        where = f"{path}, line {table.ragged[0]}"
        raise InputError(where, "it does not have as many cells as the first", REMEDY)
    return [
        (f"line {number}", {**row, "tags": _tags(row.get("tags", ""))})
        for number, row in zip(table.lines, table.rows, strict=True)
    ]


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def _rating(where: str, row: Mapping[str, Any]) -> Rating:
    given = {key: row[key] for key in COLUMNS if row.get(key) is not None}
    texts = {key: value for key, value in given.items() if key != "tags"}
    tags = given.get("tags", [])
    if not all(isinstance(value, str) for value in (*texts.values(), *tags)) or isinstance(
        tags, str
    ):
        raise InputError(where, "values must be strings, and tags a list of strings", REMEDY)
    if not texts.get("image"):
        raise InputError(where, "it does not name an image", REMEDY)
    if texts.get("rating") not in VERDICTS:
        problem = f"{texts.get('rating', '')!r} is no rating; expected one of {', '.join(VERDICTS)}"
        raise InputError(where, problem, REMEDY)
    return Rating(**{**texts, "image": _short(texts["image"]), "tags": tuple(tags)})
