"""The file that Snakemake's own log goes to, and what is told when it cannot grow."""

import logging
from pathlib import Path

import pytest
from ecdysis.run_log import move_log

FULL = Path("/dev/full")


@pytest.fixture
def logger():
    made = logging.getLogger("run_log")
    made.propagate = False
    yield made
    for handler in list(made.handlers):
        made.removeHandler(handler)


def handler_of(logger, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    logger.addHandler(handler)
    return handler


def test_the_log_goes_on_where_it_was_moved_to(logger, tmp_path):
    before, results = tmp_path / "study/.snakemake/log/a.log", tmp_path / "results"
    handlers = {handler_of(logger, before): str(before)}
    logger.warning("before")
    move_log(handlers, results)
    logger.warning("after")
    assert (results / "a.log").read_text() == "before\nafter\n"
    assert list(handlers.values()) == [str(results / "a.log")]
    assert not (tmp_path / "study/.snakemake").exists()


def test_a_run_that_is_refused_leaves_no_log(logger, tmp_path):
    before = tmp_path / ".snakemake/log/a.log"
    move_log({handler_of(logger, before): str(before)}, None)
    logger.warning("to the console alone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_full_disk_is_reported_once_in_a_sentence(logger, tmp_path, capsys):
    before = tmp_path / "here/log/a.log"
    handler = handler_of(logger, before)
    move_log({handler: str(before)}, tmp_path / "results")
    handler.setStream(FULL.open("w"))
    for line in ("one", "two"):
        logger.warning(line)
    told = capsys.readouterr().err
    assert told == f"{tmp_path / 'results/a.log'} lacks lines: No space left on device\n"


def test_another_fault_of_the_log_is_shown_whole(logger, tmp_path, capsys):
    before = tmp_path / "here/log/a.log"
    handler = handler_of(logger, before)
    move_log({handler: str(before)}, tmp_path / "results")
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    assert "TypeError" in capsys.readouterr().err
