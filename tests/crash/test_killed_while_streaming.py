"""Killed while the answer streams in over HTTP."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.kit import rows
from tests.crash.conftest import Case
from tests.support.model_server import ModelServer, Reply, calls, text


@pytest.fixture
def server() -> Iterator[ModelServer]:
    def answer(request: dict[str, Any]) -> Reply:
        answers = sum(1 for message in request["messages"] if message["role"] == "assistant")
        first = len(server.exchanges) == 1
        if answers == 0:
            return calls(("act", {"what": "3"}), text="I will act now.", hold_after=3 if first else None)
        return text("All done.")

    with ModelServer(answer) as server:
        yield server
        assert server.refused == []


def test_half_an_answer_is_no_answer(case: Case, server: ModelServer) -> None:
    scenario = case.scenario(base_url=server.base_url)
    child = case.nursery.start(scenario, case.output)
    server.wait_until_held()
    os.kill(child, signal.SIGKILL)
    assert case.nursery.wait() == -signal.SIGKILL
    case.check_database()
    assert rows(case.db, "SELECT role, text FROM message") == [("user", "go")]
    said = case.go_on(scenario)
    assert (said["state"], said["final_text"]) == ("completed", "All done.")
    assert case.effects == ["act 3"]
    assert [message[1] for message in case.transcript] == ["user", "assistant", "tool", "assistant"]
    assert case.transcript[1][2] == "I will act now."
