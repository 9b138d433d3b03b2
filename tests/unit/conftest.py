"""A made-up output directory and its pages, and a de-identified session."""

from collections.abc import Callable
from pathlib import Path

import pytest

import report
from tests.unit.audited_session import made_session
from tests.unit.html_page import Page
from tests.unit.made_output import MadeOutput


@pytest.fixture
def made(tmp_path: Path) -> MadeOutput:
    return MadeOutput(tmp_path)


@pytest.fixture
def updated(made: MadeOutput) -> Callable[..., Page]:
    def update(name: str = "index.html") -> Page:
        report.update(made.root)
        return Page(made.root / name)

    return update


@pytest.fixture
def session(tmp_path: Path) -> tuple[Path, Path]:
    return made_session(tmp_path)
