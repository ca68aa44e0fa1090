"""The crash matrix in short, and that it notices when a mechanism is missing. The long form: python -m tests.crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.crash.matrix import Disturbance, Matrix
from tests.crash.report import point_name
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
    assert report.disturbed >= seeds * 0.6, "too few stories were disturbed to prove anything"


def test_a_run_may_be_killed_five_times_in_a_row(matrix: MakeMatrix) -> None:
    report = matrix(only="kills").tell(range(300, 400), until=lambda report: report.rows[5] > 0)
    assert report.violations == []
    assert report.rows[5] == 1


OF_A_MIGRATION = [
    *(("copy", when) for when in ("before", "inside", "after")),
    *(("upgrade", when) for when in ("before", "amid", "inside", "after")),
]
OF_OWNERSHIP = [
    *(("hold", when) for when in ("before", "amid", "inside", "after")),
    *(("release", when) for when in ("before", "inside", "after")),
    *(("take_run", when) for when in ("before", "amid", "inside", "after")),
    *(("stop_run", when) for when in ("before", "amid", "inside", "after")),
]
OF_A_COMPACTION = [
    *(("batch", when) for when in ("before", "inside", "after")),
    *(("vacuum", when) for when in ("before", "inside", "after")),
]


@pytest.mark.parametrize("point", OF_A_MIGRATION + OF_OWNERSHIP + OF_A_COMPACTION, ids=":".join)
def test_a_kill_anywhere_in_what_no_boundary_covers_leaves_nothing_torn(
    matrix: MakeMatrix, point: tuple[str, str]
) -> None:
    """A migration with its copy, an owner's lock, a compaction. Not every story comes by each: told until one did."""
    name = point_name(*point)
    report = matrix(only="kills", point=point).tell(range(200), until=lambda report: report.kills[name] > 0)
    assert report.violations == []
    assert report.kills[name] > 0


@pytest.mark.parametrize(
    ("mechanism", "way", "point", "found"),
    [
        ("intent", "kills", "effect", "with 0 wishes to repeat it"),
        ("claim", "takeover", ("begin_effect", "before"), "a process that was woken began calls"),
        ("epoch", "takeover", "record_answer", "a process that was woken changed the conversation"),
        ("decision", "takeover", "decide", "was decided 2 times"),
        ("owner", "rivals", None, "which never took a run from a living one"),
    ],
)
def test_a_missing_mechanism_is_noticed(
    matrix: MakeMatrix, mechanism: Sabotage, way: Disturbance, point: Any, found: str
) -> None:
    report = matrix(without=mechanism, only=way, point=point).tell(
        range(100), until=lambda report: any(found in violation for violation in report.violations)
    )
    assert [violation for violation in report.violations if found in violation]
