"""A process killed while it makes a summary: what its model is asked, before and after, as a server sees it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from afk.llms.protocol import ChatMessage, ModelRequest
from afk.llms.summary_request import record_in
from tests.crash.matrix import Matrix, Stage
from tests.crash.plot import Plot, plot_of


def _fits(plot: Plot) -> bool:
    return (
        plot.outgrows
        and plot.over_http
        and plot.nested == "no"
        and plot.compacts == "never"
        and not plot.older_file
    )


def _is_for_a_summary(request: dict[str, Any]) -> bool:
    messages = tuple(ChatMessage(m["role"], m["content"]) for m in request["messages"])
    return record_in(ModelRequest("m", messages)) is not None


@pytest.mark.parametrize(("when", "asked_again"), [("before", 1), ("amid", 1), ("inside", 1), ("after", 0)])
def test_a_killed_summary_is_made_again_or_not_at_all_and_a_resume_sends_the_very_same_one(
    stage: Stage, tmp_path: Path, when: str, asked_again: int
) -> None:
    matrix = Matrix(stage)
    seed = next(seed for seed in range(100_000) if _fits(plot_of(seed)))
    calm, killed = (matrix.telling(seed, tmp_path / name) for name in ("calm", "killed"))
    stage.server.exchanges.clear()
    assert calm.finish()
    undisturbed = [json.dumps(request) for request in stage.server.requests]
    stage.server.exchanges.clear()
    assert killed.play(kill=("record_summary", when, 1)) == -signal.SIGKILL
    rows = killed.rows("SELECT value FROM state WHERE key = 'summary'")
    assert len(rows) == 1 - asked_again
    assert killed.finish()
    seen = [json.dumps(request) for request in stage.server.requests]
    summaries = [text for text in seen if _is_for_a_summary(json.loads(text))]
    assert len(summaries) == len(set(summaries)) + asked_again
    # but for the summary that was asked for again, byte for byte what an undisturbed process sends
    if asked_again:
        seen.remove(summaries[0])
    assert seen == undisturbed
    assert killed.rows(
        "SELECT value ->> '$.text' FROM state WHERE key = 'summary' ORDER BY ordinal"
    ) == calm.rows("SELECT value ->> '$.text' FROM state WHERE key = 'summary' ORDER BY ordinal")
    assert matrix.report.violations == []
