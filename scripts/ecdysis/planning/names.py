"""BIDS names of images. They are kept in the private folder, so that names never change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.series import Series, same_acquisition
from ecdysis.private_files import write_private_table

COLUMNS = ("key", "session", "series", "kind", "entities", "content")


@dataclass(frozen=True)
class Name:
    """The name of an image within its session."""

    kind: str
    """BIDS suffix, see `ecdysis.bids.schema`."""
    entities: str
    """Entities after subject and session, for example ``acq-2D_run-1``; may be empty."""
    content: str
    """Digest of the instances that the image is converted from."""


class Names:
    """The names of earlier runs, from ``names.tsv`` of the private folder, and of new series.

    Names under another key are ignored, because their series cannot be recognised.
    """

    def __init__(self, path: Path, key: Key) -> None:
        self._path, self._key = path, key
        self._names: dict[tuple[str, str], Name] = {}
        for row in read_tsv(path).rows if path.exists() else []:
            if row.get("key") == key.fingerprint:
                name = Name(row["kind"], row.get("entities", ""), row["content"])
                self._names[row["session"], row["series"]] = name

    def name_series(
        self,
        session: str,
        kind: str,
        series: Sequence[Series],
        bases: Mapping[str, str],
        ruled: Mapping[str, str],
    ) -> dict[str, Name]:
        """Return the names of the series of one kind in a session.

        Names of earlier runs do not change. Acquisitions with equal entities are repeats and get
        ``run-1``, ``run-2``... in the order of `series`. All echoes, parts and reconstructions of
        one acquisition get the same run. If the first acquisition was named without a run in an
        earlier run of the workflow, the repeat becomes ``run-2``.

        Session and kind are for example ``sub-01_ses-01`` and ``T1w``. By the identifier of a
        series, `bases` are the entities of a new name, before a run is added, and `ruled` those
        that the user set. The result is by identifier, too; the `content` of a name is that of the
        first run, until `update_content` is called.
        """
        names: dict[str, Name] = {}
        for item in series:
            known = self._names.get((session, item.id))
            if item.id in ruled and (known is None or known.entities != ruled[item.id]):
                names[item.id] = Name(kind, ruled[item.id], self.content(item))
            elif known and known.kind == kind:
                names[item.id] = known
        taken = self._taken(session, kind, names)
        for shared, acquired in _acquisitions(series, bases, names).items():
            last = max((_run(entities, shared) for entities in taken), default=0)
            for acquisition in acquired:
                new = [item for item in acquisition if item.id not in names]
                runs = [names[item.id].entities for item in acquisition if item.id in names]
                run = schema.labels_of(runs[0]).get("run", "") if runs else None
                if run is None and new:
                    run = "" if len(acquired) == 1 and last == 0 else str(last + 1)
                for item in new:
                    # A companion has the run of the image that it belongs to.
                    own = schema.labels_of(bases[item.id]).get("run", run or "")
                    entities = schema.with_entities(bases[item.id], run=own)
                    while entities in taken:
                        last += 1
                        entities = schema.with_entities(bases[item.id], run=str(last + 1))
                    taken.add(entities)
                    names[item.id] = Name(kind, entities, self.content(item))
                if new and not runs:
                    last += 1
        self._names |= {(session, identifier): name for identifier, name in names.items()}
        return names

    def _taken(self, session: str, kind: str, names: Mapping[str, Name]) -> set[str]:
        """Return the entities of all names of one kind in a session."""
        others = (
            name.entities
            for (where, series), name in self._names.items()
            if where == session and name.kind == kind and series not in names
        )
        return {*others, *(name.entities for name in names.values())}

    def forget(self, session: str, series: str) -> None:
        """Remove the name of a series that does not become an image."""
        self._names.pop((session, series), None)

    def rename(self, session: str, series: str, name: Name) -> None:
        """Give a series another name."""
        self._names[session, series] = name

    def content(self, series: Series) -> str:
        """Return the digest of the instances of a series."""
        return self._key.token("content", series.content(), 16)

    def update_content(self, session: str, series: Series) -> None:
        """Store the current content of a series as the content that is converted."""
        name = self._names[session, series.id]
        self._names[session, series.id] = replace(name, content=self.content(series))

    def write(self) -> None:
        """Write the names if they changed."""
        rows = [
            (self._key.fingerprint, *identity, name.kind, name.entities, name.content)
            for identity, name in self._names.items()
        ]
        write_private_table(self._path, COLUMNS, rows)


WITHIN_ACQUISITION = ("run", "echo", "part", "inv", "rec")
"""Entities in which the images of one acquisition, or its repeats, may differ."""


def shared_entities(entities: str) -> str:
    """Return the entities that all images of an acquisition and its repeats have."""
    labels = schema.labels_of(entities)
    return schema.join({key: labels[key] for key in labels if key not in WITHIN_ACQUISITION})


def _acquisitions(
    series: Sequence[Series], bases: Mapping[str, str], names: Mapping[str, Name]
) -> dict[str, list[list[Series]]]:
    """Group series by `shared_entities`, and each group by acquisition.

    The series of one acquisition have different entities.
    """

    def base(item: Series) -> str:
        if item.id in names:
            return schema.with_entities(names[item.id].entities, run="")
        return bases[item.id]

    groups: defaultdict[str, list[list[Series]]] = defaultdict(list)
    for item in series:
        fitting = (
            acquisition
            for acquisition in groups[shared_entities(base(item))]
            if _belongs_to(acquisition, item)
            and all(base(item) != base(other) for other in acquisition)
        )
        acquisition = next(fitting, None)
        if acquisition is None:
            groups[shared_entities(base(item))].append([item])
        else:
            acquisition.append(item)
    return groups


def _belongs_to(acquisition: Sequence[Series], series: Series) -> bool:
    if series.acquired() is not None:
        return any(same_acquisition(other, series) for other in acquisition)
    numbers = acquisition[-1].header["SeriesNumber"], series.header["SeriesNumber"]
    return all(isinstance(number, int) for number in numbers) and numbers[1] - numbers[0] == 1


def _run(entities: str, shared: str) -> int:
    """Return the run of a name; 1 without a run, 0 if it has other shared entities."""
    run = schema.labels_of(entities).get("run", "1")
    return int(run) if shared_entities(entities) == shared and run.isdecimal() else 0
