from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from afk.core import Runner, RunnerConfig
from afk.memory import SQLiteMemoryStore
from tests.core.kit import Ledger

MakeRunner = Callable[..., Runner]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
async def runner(db: Path, tmp_path: Path) -> AsyncGenerator[MakeRunner, None]:
    """Makes runners on one database, closed at the end. Options of RunnerConfig are keywords too."""
    made: list[Runner] = []

    def make(llm: Any, **options: Any) -> Runner:
        own = {"memory_store", "interaction_provider", "policy", "workspace"}
        settings: dict[str, Any] = {"retry_base_delay_s": 0.001}
        given: dict[str, Any] = {"memory_store": SQLiteMemoryStore(db), "workspace": tmp_path}
        for name, value in options.items():
            (given if name in own else settings)[name] = value
        runner = Runner(llm=llm, config=RunnerConfig(**settings), **given)
        made.append(runner)
        return runner

    yield make
    for runner in made:
        await runner.close()
