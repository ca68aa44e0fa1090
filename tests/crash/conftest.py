from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.kit import rows, transcript
from tests.crash.children import Nursery
from tests.crash.matrix import Stage
from tests.crash.program import Scenario


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with closing(Stage()) as made:
        yield made


@pytest.fixture(scope="session")
def nursery(stage: Stage) -> Nursery:
    return stage.one


class Case:
    """One database, killed as a scenario says, and gone on with until its run has completed."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.nursery = nursery
        self.db = folder / "afk.db"
        self.ledger = folder / "ledger"
        self.output = folder / "output.json"

    def scenario(self, **fields: Any) -> Scenario:
        return Scenario(str(self.db), str(self.ledger), **fields)

    def run(self, scenario: Scenario) -> int:
        ended = self.nursery.run(scenario, self.output)
        assert ended is not None, "it stopped itself"
        return ended

    def kill_and_go_on(self, **fields: Any) -> dict[str, Any]:
        """Die where the scenario says, then go on without dying; what the second process said."""
        scenario = self.scenario(**fields)
        assert self.run(scenario) == -signal.SIGKILL, "it was not killed where it should have been"
        if self.db.exists():
            self.check_database()
        return self.go_on(scenario)

    def go_on(self, scenario: Scenario) -> dict[str, Any]:
        assert self.run(replace(scenario, kill=None)) == 0
        self.check_database()
        self.check_calls()
        return json.loads(self.output.read_text())

    def check_database(self) -> None:
        assert rows(self.db, "PRAGMA integrity_check") == [("ok",)]

    def check_calls(self) -> None:
        """Every call has exactly one result, at its place, and the run is over."""
        calls = [
            c["id"]
            for (text,) in rows(
                self.db, "SELECT tool_calls FROM message WHERE tool_calls IS NOT NULL ORDER BY seq"
            )
            for c in json.loads(text)
        ]
        results = [
            r[0] for r in rows(self.db, "SELECT call_id FROM message WHERE role = 'tool' ORDER BY seq")
        ]
        assert results == calls
        assert rows(self.db, "SELECT count(*) FROM effect WHERE finished_at_ms IS NULL") == [(0,)]
        assert rows(self.db, "SELECT state, owner FROM run") == [("completed", None)]

    @property
    def effects(self) -> list[str]:
        """What the tools wrote down, in order, without the keys."""
        return [" ".join(line.split()[:2]) for line in self.ledger.read_text().splitlines()]

    @property
    def keys(self) -> dict[str, set[str]]:
        """The idempotency keys under which each call ran."""
        found: dict[str, set[str]] = {}
        for line in self.ledger.read_text().splitlines():
            name, what, key = line.split()
            found.setdefault(f"{name} {what}", set()).add(key)
        return found

    @property
    def transcript(self) -> list[tuple[Any, ...]]:
        return transcript(self.db, "th")


@pytest.fixture
def case(nursery: Nursery, tmp_path: Path) -> Case:
    return Case(nursery, tmp_path / "case")


@pytest.fixture(scope="session")
def unharmed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Case]:
    """The same program, never killed."""
    made: list[Case] = []

    def make() -> Case:
        if not made:
            case = Case(nursery, tmp_path_factory.mktemp("unharmed"))
            assert case.run(case.scenario()) == 0
            case.check_calls()
            made.append(case)
        return made[0]

    return make
