"""The crash matrix in short, and that it notices when a mechanism is missing. The long form: python -m tests.crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.matrix import Disturbance, Matrix, Stage
from tests.crash.plot import Plot, plot_of
from tests.crash.report import point_name
from tests.crash.sabotage import Sabotage


@pytest.mark.parametrize(("way", "seeds"), [("kills", 8), ("takeover", 8), ("rivals", 5), ("supersedes", 6)])
def test_whatever_is_done_to_a_run_nothing_is_lost_and_nothing_runs_twice(
    stage: Stage, way: Disturbance, seeds: int
) -> None:
    report = Matrix(stage, only=way).tell(range(seeds))
    assert report.violations == []
    assert report.disturbed >= seeds * 0.6, "too few stories were disturbed to prove anything"


def test_a_run_may_be_killed_five_times_in_a_row(stage: Stage) -> None:
    long = (
        seed for seed in range(1000) if len(plot_of(seed).calls) == 9 and plot_of(seed).compacts == "never"
    )
    report = Matrix(stage, only="kills", in_a_row=(5,)).tell(long, until=lambda report: report.rows[5] > 0)
    assert report.violations == []
    assert report.rows[5] > 0


POINTS: dict[str, tuple[str, ...]] = {
    "copy": ("before", "inside", "after"),
    "upgrade": ("before", "amid", "inside", "after"),
    "hold": ("before", "amid", "inside", "after"),
    "release": ("before", "inside", "after"),
    "take_run": ("before", "amid", "inside", "after"),
    "stop_run": ("before", "amid", "inside", "after"),
    "begin_child": ("before", "amid", "inside", "after"),
    "stop_child": ("before", "amid", "inside", "after"),
    "record_summary": ("before", "amid", "inside", "after"),
    "batch": ("before", "inside", "after"),
    "vacuum": ("before", "inside", "after"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_in_a_migration_a_lock_a_compaction_a_summary_or_a_subagent_leaves_nothing_torn(
    stage: Stage, point: str
) -> None:
    """At every moment of it. Not every story comes by: they are told until one did."""
    seeds = [seed for seed in range(400) if _comes_by(point, plot_of(seed))]
    for when in POINTS[point]:
        name = point_name(point, when)
        matrix = Matrix(stage, only="kills", point=(point, when))
        report = matrix.tell(seeds, until=lambda report, name=name: report.kills[name] > 0)
        assert report.violations == []
        assert report.kills[name] > 0


def _comes_by(point: str, plot: Plot) -> bool:
    """Whether a short story surely does."""
    works_and_then_waits = any(name in ("stamp", "send", "ship") for name, _ in plot.calls) and any(
        name in ("act", "check") for name, _ in plot.calls
    )
    of_plot: dict[str, Callable[[], bool]] = {
        "copy": lambda: plot.older_file,
        "upgrade": lambda: plot.older_file,
        "batch": lambda: plot.compacts == "beside",
        "vacuum": lambda: plot.compacts == "beside",
        "stop_run": lambda: works_and_then_waits,
        "begin_child": lambda: plot.nested != "no",
        "stop_child": lambda: plot.nested in ("all", "deep") and works_and_then_waits,
    }
    if point == "record_summary":
        return plot.outgrows and plot.nested == "no" and plot.compacts == "never"
    return len(plot.steps) == 1 and of_plot.get(point, lambda: True)()


@pytest.mark.parametrize(
    ("mechanism", "way", "point", "found"),
    [
        ("intent", "kills", "effect", "with 0 wishes to repeat it"),
        ("claim", "takeover", ("begin_effect", "before"), "a process that was woken began calls"),
        ("epoch", "takeover", "record_answer", "a process that was woken changed the conversation"),
        ("decision", "takeover", "decide", "was decided 2 times"),
        ("lifeline", "takeover", "effect", "begun beside an attempt that still ran"),
        ("child", "kills", ("record_result", "before"), "the run ended as"),
        ("summary", "kills", None, "a summary that is not on disk"),
        ("owner", "rivals", None, "which never took a run from a living one"),
    ],
)
def test_a_missing_mechanism_is_noticed(
    stage: Stage, mechanism: Sabotage, way: Disturbance, point: Any, found: str
) -> None:
    report = Matrix(stage, without=mechanism, only=way, point=point).tell(
        range(100), until=lambda report: any(found in violation for violation in report.violations)
    )
    assert [violation for violation in report.violations if found in violation]
