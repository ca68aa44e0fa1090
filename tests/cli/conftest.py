from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line on no database yet, with the demo model."""
    found = Cli(tmp_path)
    yield found
    found.close()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits for the approval of a write."""

    run_id: str
    thread_id: str
    approval_id: str
    document: dict[str, Any]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A database with a finished run and, in a thread of its own, one that waits; and what `run --json` said."""
    made = Cli(tmp_path_factory.mktemp("template"))
    made("run", "list").expect(0)
    waits = made("run", "write notes.txt: buy milk", "--json").expect(3)
    return made.db, waits.json


@pytest.fixture
def waiting(cli: Cli, template: tuple[Path, dict[str, Any]]) -> Waiting:
    """That database under `cli`. Its folder is the template's, where the tools will act."""
    database, document = template
    cli.db.parent.mkdir()
    shutil.copy(database, cli.db)
    return Waiting(
        document["run_id"],
        document["thread_id"],
        document["pending_approvals"][0]["approval_id"],
        document,
    )
