"""Everything of this workflow that uses parts of Snakemake that are not documented."""

import atexit
import functools
import gc

import smart_open
from snakemake.dag import DAG
from snakemake.io import flag, is_flagged

# The job graph is many small objects that live until the end: frequent garbage collection and
# freeing them one by one at exit are wasted work.
gc.set_threshold(50_000, 20, 100)
atexit.register(gc.freeze)
# Snakemake parses the path of a job's script three times, and each result makes a new class.
smart_open.parse_uri = functools.cache(smart_open.parse_uri)

REMAKEABLE = "remakeable"


def remakeable(file):
    """Mark a temporary input: making it again for one reader does not rerun its other readers.

    Snakemake's `ancient` does this only for files that exist. Each reader must have as inputs and
    parameters what the file is made from.
    """
    return flag(file, REMAKEABLE)


_update_needrun = DAG.update_needrun


async def _update_needrun_by_readers(dag, *arguments, **options):
    """Decide which jobs run; jobs that make a remakeable file run for a reader that runs."""
    hidden = [
        (readers, reader, files)
        for readers in dag.depending.values()
        for reader, files in readers.items()
        if all(is_flagged(file, REMAKEABLE) for file in files)
    ]
    for readers, reader, _ in hidden:
        del readers[reader]
    await _update_needrun(dag, *arguments, **options)
    for readers, reader, files in hidden:
        readers[reader] = files


DAG.update_needrun = _update_needrun_by_readers


def is_batch():
    """Return whether --batch divides this run."""
    return workflow.dag_settings.batch is not None


def share_of_batch(items):
    """Return the items that --batch selects, all of them without --batch."""
    batch = workflow.dag_settings.batch
    return batch.get_batch(items) if batch else items
