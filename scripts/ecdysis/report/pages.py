"""The HTML pages of the report: one for each subject, and the group page."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ecdysis import ratings
from ecdysis.bids.discovery import Exclusion
from ecdysis.ordering import grouped
from ecdysis.report import wording
from ecdysis.report.figure_files import FigureFile, Figures, figures_of, thumb_of, viewer_of
from ecdysis.report.methods import keys_of, methods_of, numbered, write_methods
from ecdysis.report.model import ProcessedImage, Run, Subject
from ecdysis.report.overview import PACKAGES, ahead, cases, costs_of, programs_of, summary
from ecdysis.report.provenance import log_tail, parameters_of
from ecdysis.report.quality import Comparison, Place
from ecdysis.report.quality_table import write_table
from ecdysis.report.references import bibtex
from ecdysis.report.rendering import templates_digest, write_page
from ecdysis.report.statmap_files import MapFiles, statmaps_of
from ecdysis.report.status import (
    NEEDS_REVIEW,
    NOT_USED,
    PROBLEMS,
    Entry,
    Status,
    counts_of,
    entries_of,
    worst,
)
from ecdysis.report.table import columns_of, rows_of, table_data
from ecdysis.version import package_versions

THUMB_BYTES = 2_000_000
"""Bytes of thumbnails inside the index; when all are more, all are linked."""
DIGEST_WITHIN = 4096
"""Number of bytes at the start of a page that contain its digest."""
NEAR = 50
"""A subject's page knows its own images and so many that follow; with all of them, the pages of a
large study would grow with its square, and each new image would outdate every page."""
TAGS = {
    "motion": "m", "ghosting": "g", "noise": "o", "inhomogeneity": "i", "field of view": "v",
    "brain mask": "b", "anatomy": "a", "metal": "e",
}  # fmt: skip
"""Tags that raters can choose, with their keys; files of ratings may hold others."""


@dataclass(frozen=True)
class View:
    """An image on a subject's page, or one that was left out and still can be judged."""

    entry: Entry
    figures: Figures
    viewer: str | None
    places: Sequence[Place]


class Pages:
    """The pages of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def comparison(self) -> Comparison:
        """The measures of all images."""
        return Comparison(self.run)

    @cached_property
    def entries(self) -> list[Entry]:
        """The status of every image."""
        qualities = self.comparison.images.items()
        return entries_of(self.run, {name: quality.flags for name, quality in qualities})

    @cached_property
    def statmaps(self) -> list[MapFiles]:
        """The statistical maps of the study."""
        return statmaps_of(self.run.output_dir)

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        return grouped((entry.subject.label, entry) for entry in self.entries)

    def write(self) -> None:
        """Write the pages of subjects that are missing or out of date, the table and the index."""
        for label in self.outdated():
            self.write_subject(label)
        # The rule `group_page` writes these from the pages, so they must be the newest.
        if self.run.images:
            write_table(self.run)
        self.write_index()

    def write_subject(self, label: str) -> Path:
        """Write the page of one subject into the output directory; return its path."""
        run, subject = self.run, self.run.subject(label)
        place = run.place_of[label]
        views = list(self._views(label))
        entries = self._entries[label]
        return write_page(
            run,
            "subject.html.j2",
            wording.page_of(subject),
            ("page.js", "ratings.js", "rate.js", "layers.js"),
            linked=True,
            digest=self.digest(label),
            data=self._data(self._near(label)) | {"here": [view.entry.name for view in views]},
            tags=TAGS,
            subject=subject,
            before=run.subjects[place - 1] if place else None,
            after=run.subjects[place + 1] if place + 1 < len(run.subjects) else None,
            status=worst(entries),
            verdict=wording.verdict(subject, entries),
            views=views,
            reviews=cases(entries, NEEDS_REVIEW),
            not_used=cases(entries, NOT_USED),
            faults=[
                (name, stage, log_tail(run.output_dir, stage)) for name, stage in subject.faults
            ],
            provenance=[
                (name, stage, parameters_of(run.settings, stage.name))
                for name, stage in subject.all_stages
                if stage.started
            ],
        )

    def write_index(self) -> Path:
        """Write the page over all subjects, and the methods text; return the path of the page."""
        run = self.run
        thumbs, linked = self._thumbs()
        maps = self.statmaps
        columns = columns_of(self.comparison)
        rows = rows_of(run, self.entries, columns, thumbs)
        paragraphs = methods_of(run)
        text, references = numbered(paragraphs)
        write_methods(run)
        return write_page(
            run,
            "index.html.j2",
            "index.html",
            ("page.js", "ratings.js", "table.js", "strips.js", "sheet.js", "group_ratings.js"),
            linked=linked or bool(maps),
            digest="",
            data=self._data(self._judged) | table_data(columns, rows),
            counts=counts_of(self.entries),
            size=wording.size(run, self.entries),
            statuses=list(Status),
            problems=cases(self.entries, PROBLEMS),
            reviews=cases(self.entries, [Status.REVIEW]),
            not_used=cases(self.entries, NOT_USED),
            ahead=ahead(run),
            summary=summary(run, self.comparison, self.entries),
            columns=[column for column in columns if column.shown],
            measured=bool(self.comparison.measures),
            rows=rows,
            methods=text,
            references=references,
            bibtex=bibtex(keys_of(paragraphs)),
            costs=costs_of(run),
            statmaps=maps,
            map_counts=counts_of(maps),
            bad_maps=[item for item in maps if item.status in NEEDS_REVIEW],
            programs=programs_of(run),
            packages=package_versions(PACKAGES),
        )

    def outdated(self) -> list[str]:
        """Return the labels of subjects whose page is missing or says what is no longer so."""
        run = self.run
        return [
            subject.label
            for subject in run.subjects
            if not _says(run.output_dir / wording.page_of(subject), self.digest(subject.label))
        ]

    def digest(self, label: str) -> str:
        """Hash the content of a subject's page: records, statuses, flags, neighbours, templates.

        The measures of other subjects are included only when no stage is running or pending. During
        a run they change with every job, and all pages would be written again each time.
        """
        run, place = self.run, self.run.place_of[label]
        content = (
            run.subject(label),
            [
                (str(entry.status), [flag.key for flag in entry.flags])
                for entry in self._entries[label]
            ],
            [item.label for item in run.subjects[max(place - 1, 0) : place + 2]],
            self._data(self._near(label)),
        )
        return hashlib.sha256(f"{content!r}{self._shared}".encode()).hexdigest()[:16]

    @cached_property
    def _shared(self) -> str:
        """What is the same for all pages of subjects."""
        run = self.run
        compared = run.complete and self.comparison.measures
        others = self.comparison.digest() if compared else ""
        content = (run.dataset, run.template, run.settings, others)
        return hashlib.sha256(f"{content!r}{templates_digest()}".encode()).hexdigest()

    def _views(self, label: str) -> Iterator[View]:
        root = self.run.output_dir
        for entry in self._entries[label]:
            name = entry.name
            if entry.is_image:
                processed = isinstance(entry.item, ProcessedImage)
                places = self.comparison.places(name) if processed else ()
                yield View(entry, figures_of(root, name), viewer_of(root, name), places)

    def _thumbs(self) -> tuple[dict[str, FigureFile | None], bool]:
        """Return the thumbnails by image, and whether they are files beside the index."""
        root = self.run.output_dir
        thumbs = {name: thumb_of(root, name) for name in self._judged}
        # Base64 takes four characters for three bytes.
        characters = sum(len(thumb.source or "") for thumb in thumbs.values() if thumb)
        return thumbs, characters * 3 / 4 > THUMB_BYTES

    @cached_property
    def _judged(self) -> dict[str, Subject]:
        """All images that a rater may judge, in the order of the subjects."""
        return {item.name: subject for subject in self.run.subjects for item in _judged_of(subject)}

    def _near(self, label: str) -> list[str]:
        """Return a subject's images and those that follow, the first after the last."""
        names, places = self._order
        mine = _judged_of(self.run.subject(label))
        start = places[mine[0].name] if mine else 0
        count = min(len(mine) + NEAR, len(names))
        return [names[place % len(names)] for place in range(start, start + count)]

    @cached_property
    def _order(self) -> tuple[list[str], dict[str, int]]:
        """The names of all images that may be judged, and the place of each."""
        names = list(self._judged)
        return names, {name: place for place, name in enumerate(names)}

    def _data(self, names: Collection[str]) -> dict[str, Any]:
        """Return what the scripts of a page need to know, of the images called `names`."""
        run = self.run
        # Of nearly all images the script knows the page by the name.
        images = [
            name if page == f"{name.partition('_')[0]}.html" else [name, page]
            for name in names
            if (page := wording.page_of(self._judged[name]))
        ]
        return {
            "study": run.identity,
            "dataset": run.dataset,
            "images": images,
            "total": len(self._judged),
            "ratings": ratings.to_json(
                [item for name in names for item in run.ratings.get(name, ())]
            ),
            "tags": list(TAGS),
        }


def _judged_of(subject: Subject) -> list[ProcessedImage | Exclusion]:
    """Return the images of a subject that a rater may judge, also those left out."""
    return [*subject.images, *subject.rejected]


def _says(page: Path, expected: str) -> bool:
    try:
        with page.open("rb") as stream:
            return expected.encode() in stream.read(DIGEST_WITHIN)
    except OSError:
        return False
