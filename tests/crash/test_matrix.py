"""The crash matrix in short, and that it notices when a mechanism is missing. The long form: python -m tests.crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.crash.matrix import Disturbance, Matrix
from tests.crash.sabotage import Sabotage

MakeMatrix = Callable[..., Matrix]


@pytest.fixture
def matrix() -> Iterator[MakeMatrix]:
    made: list[Matrix] = []

    def make(**options: Any) -> Matrix:
        made.append(Matrix(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("way", "seeds"), [("kills", 18), ("takeover", 14), ("rivals", 8), ("supersedes", 8)]
)
def test_whatever_is_done_to_a_run_nothing_is_lost_and_nothing_runs_twice(
    matrix: MakeMatrix, way: Disturbance, seeds: int
) -> None:
    report = matrix(only=way).tell(range(seeds))
    assert report.violations == []
    assert report.kills.total() >= seeds * 0.6, "too few stories were disturbed to prove anything"


@pytest.mark.parametrize(
    ("mechanism", "way", "point", "found"),
    [
        ("intent", "kills", "effect", "with 0 wishes to repeat it"),
        ("epoch", "takeover", "record_answer", "a process that was woken changed the conversation"),
        ("decision", "takeover", "decide", "was decided 2 times"),
        ("owner", "rivals", None, "which never took a run from a living one"),
    ],
)
def test_a_missing_mechanism_is_noticed(
    matrix: MakeMatrix, mechanism: Sabotage, way: Disturbance, point: str | None, found: str
) -> None:
    report = matrix(without=mechanism, only=way, point=point).tell(
        range(100), until=lambda report: any(found in violation for violation in report.violations)
    )
    assert [violation for violation in report.violations if found in violation]
