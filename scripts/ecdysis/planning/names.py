"""BIDS names of the images of a session, remembered so that none is ever renumbered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.series import Series, at_once
from ecdysis.private_files import write_private_table

COLUMNS = ("key", "session", "series", "kind", "entities", "content")


@dataclass(frozen=True)
class Name:
    """What distinguishes an image among those of its session.

    Parameters
    ----------
    kind : str
        BIDS suffix, see `ecdysis.bids.schema`.
    entities : str
        Those after subject and session, as ``acq-2D_run-1``; may be empty.
    content : str
        Digest of the instances at the time when the image was last planned.
    """

    kind: str
    entities: str
    content: str

    def full(self, session: str) -> str:
        """Return the name of the file without suffix, as ``sub-01_ses-01_run-1``."""
        return f"{session}_{self.entities}" if self.entities else session


class Names:
    """The names that were given before, and those of new series.

    Parameters
    ----------
    path : Path
        ``names.tsv`` of the private folder.
    key : Key
        Names given under another key are forgotten: the series are not recognised.
    """

    def __init__(self, path: Path, key: Key) -> None:
        self._path, self._key = path, key
        self._names: dict[tuple[str, str], Name] = {}
        for row in read_tsv(path).rows if path.exists() else []:
            if row.get("key") == key.fingerprint:
                name = Name(row["kind"], row.get("entities", ""), row["content"])
                self._names[row["session"], row["series"]] = name

    def give(
        self,
        session: str,
        kind: str,
        series: Sequence[Series],
        bases: Mapping[str, str],
        ruled: Mapping[str, str],
    ) -> dict[str, Name]:
        """Name the series of one kind in a session, in the order given.

        A name given earlier stays. Acquisitions that nothing else distinguishes are repeats:
        ``run-1``, ``run-2``... without leading zeros, in the order of `series`; all echoes,
        parts and reconstructions of one acquisition have the same run. A repeat that comes
        after the first was named without a run becomes ``run-2``.

        Parameters
        ----------
        session, kind : str
            As ``sub-01_ses-01`` and ``T1w``.
        series : sequence of Series
        bases : mapping of str
            Series identifier -> the entities that a new name begins with.
        ruled : mapping of str
            Series identifier -> entities that a person decided on.

        Returns
        -------
        dict
            Series identifier -> name. Its content is that of the first time, until
            `follow` is called.
        """
        given: dict[str, Name] = {}
        for one in series:
            known = self._names.get((session, one.id))
            if one.id in ruled and (known is None or known.entities != ruled[one.id]):
                given[one.id] = Name(kind, ruled[one.id], self.content(one))
            elif known and known.kind == kind:
                given[one.id] = known
        taken = self._taken(session, kind, given)
        for shared, acquired in _acquisitions(series, bases, given).items():
            last = max((_run(entities, shared) for entities in taken), default=0)
            for acquisition in acquired:
                new = [one for one in acquisition if one.id not in given]
                runs = [given[one.id].entities for one in acquisition if one.id in given]
                run = schema.labels_of(runs[0]).get("run", "") if runs else None
                if run is None and new:
                    run = "" if len(acquired) == 1 and last == 0 else str(last + 1)
                for one in new:
                    # A companion has the run of the image that it belongs to.
                    own = schema.labels_of(bases[one.id]).get("run", run or "")
                    entities = schema.with_entities(bases[one.id], run=own)
                    while entities in taken:
                        last += 1
                        entities = schema.with_entities(bases[one.id], run=str(last + 1))
                    taken.add(entities)
                    given[one.id] = Name(kind, entities, self.content(one))
                if new and not runs:
                    last += 1
        self._names |= {(session, name): known for name, known in given.items()}
        return given

    def _taken(self, session: str, kind: str, given: Mapping[str, Name]) -> set[str]:
        """Return the entities of the names of one kind in a session."""
        others = (
            name.entities
            for (where, series), name in self._names.items()
            if where == session and name.kind == kind and series not in given
        )
        return {*others, *(name.entities for name in given.values())}

    def forget(self, session: str, series: str) -> None:
        """Forget the name of a series that becomes no image."""
        self._names.pop((session, series), None)

    def rename(self, session: str, series: str, name: Name) -> None:
        """Give a series another name."""
        self._names[session, series] = name

    def content(self, series: Series) -> str:
        """Return the digest of the instances of a series."""
        return self.digest(series.content())

    def digest(self, text: str) -> str:
        """Return the digest of a text that identifies."""
        return self._key.token("content", text, 16)

    def follow(self, session: str, series: Series) -> None:
        """Take the present content of a series as the one that will be converted."""
        name = self._names[session, series.id]
        self._names[session, series.id] = replace(name, content=self.content(series))

    def write(self) -> None:
        """Write the names when they changed."""
        rows = [
            (self._key.fingerprint, *identity, name.kind, name.entities, name.content)
            for identity, name in self._names.items()
        ]
        write_private_table(self._path, COLUMNS, rows)


OF_AN_ACQUISITION = ("run", "echo", "part", "inv", "rec")
"""Entities in which the images of one acquisition, or its repeats, differ."""


def core(entities: str) -> str:
    """Return the entities that all images of an acquisition, and its repeats, share."""
    labels = schema.labels_of(entities)
    return schema.join({key: labels[key] for key in labels if key not in OF_AN_ACQUISITION})


def _acquisitions(
    series: Sequence[Series], bases: Mapping[str, str], given: Mapping[str, Name]
) -> dict[str, list[list[Series]]]:
    """Group series by the entities that their acquisition has, then by acquisition.

    Two series of one acquisition never have the same base.
    """

    def base(one: Series) -> str:
        if one.id in given:
            return schema.with_entities(given[one.id].entities, run="")
        return bases[one.id]

    groups: defaultdict[str, list[list[Series]]] = defaultdict(list)
    for one in series:
        same = (
            acquisition
            for acquisition in groups[core(base(one))]
            if _one_acquisition(acquisition, one)
            and all(base(one) != base(other) for other in acquisition)
        )
        acquisition = next(same, None)
        if acquisition is None:
            groups[core(base(one))].append([one])
        else:
            acquisition.append(one)
    return groups


def _one_acquisition(acquisition: Sequence[Series], one: Series) -> bool:
    if one.acquired() is not None:
        return any(at_once(other, one) for other in acquisition)
    numbers = acquisition[-1].header["SeriesNumber"], one.header["SeriesNumber"]
    return all(isinstance(number, int) for number in numbers) and numbers[1] - numbers[0] == 1


def _run(entities: str, shared: str) -> int:
    """Return the run of a name with these shared entities: 1 without a run, 0 for others."""
    run = schema.labels_of(entities).get("run", "1")
    return int(run) if core(entities) == shared and run.isdecimal() else 0
