"""A made-up output directory, and its pages."""

from collections.abc import Callable
from pathlib import Path

import pytest

import report
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
