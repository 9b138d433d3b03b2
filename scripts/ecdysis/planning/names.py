"""BIDS names of the images of a session, remembered so that none is ever renumbered."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecdysis.bids import schema
from ecdysis.errors import InputError
from ecdysis.files import read_tsv
from ecdysis.key import Key
from ecdysis.planning.rulings import TABLE
from ecdysis.planning.series import Series
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

        A name given earlier stays. Images that nothing else tells apart are repeats:
        ``run-1``, ``run-2``... without leading zeros. A repeat that comes after the first was
        named without a run becomes ``run-2``.

        Parameters
        ----------
        session, kind : str
            As ``sub-01_ses-01`` and ``T1w``.
        series : sequence of Series
            All that are to be named now.
        bases : mapping of str
            Series identifier -> the entities that a new name begins with.
        ruled : mapping of str
            Series identifier -> entities that a person decided on.

        Returns
        -------
        dict
            Series identifier -> name. Its content is that of the first time, until
            `follow` is called.

        Raises
        ------
        InputError
            A person gave one name to two series.
        """
        given: dict[str, Name] = {}
        for one in series:
            known = self._names.get((session, one.id))
            if one.id in ruled and (known is None or known.entities != ruled[one.id]):
                given[one.id] = Name(kind, ruled[one.id], self.content(one))
            elif known and known.kind == kind:
                given[one.id] = known
        taken = {
            name.entities
            for (where, other), name in self._names.items()
            if where == session and name.kind == kind and other not in given
        } | {name.entities for name in given.values()}
        alike: defaultdict[str, list[Series]] = defaultdict(list)
        for one in series:
            if one.id not in given:
                alike[bases[one.id]].append(one)
        for base, repeats in alike.items():
            last = max((_run(entities, base) for entities in taken), default=0)
            for run, one in enumerate(repeats, start=last + 1):
                alone = len(repeats) == 1 and last == 0
                entities = base if alone else schema.with_entities(base, run=str(run))
                given[one.id] = Name(kind, entities, self.content(one))
        self._names |= {(session, name): known for name, known in given.items()}
        _check_different(session, [*given.values()])
        return given

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


def _check_different(session: str, names: Sequence[Name]) -> None:
    """Raise an InputError when two images have one name, as only a person's table can make it."""
    counts = Counter(f"{name.full(session)}_{schema.suffix_of(name.kind)}" for name in names)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(
            TABLE, f"two series are named {' and '.join(twice)}", "Give each its own name"
        )


def _run(entities: str, base: str) -> int:
    """Return the run that a name is of its base: 1 for the base alone, 0 for another base."""
    labels = schema.labels_of(entities)
    run = labels.pop("run", "1")
    return int(run) if schema.join(labels) == base and run.isdecimal() else 0
