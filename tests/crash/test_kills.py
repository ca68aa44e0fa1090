"""Killed with SIGKILL at any moment and started again, a run ends as if it had never been killed, unless a person
was asked; and what must not happen twice does not."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.kit import rows
from tests.crash.conftest import Case

BOUNDARIES = [
    ("begin_run", 1),  # S
    ("record_answer", 1),  # A, that asks
    ("record_answer", 3),  # A, that ends the run
    ("record_result", 1),  # B
    ("record_result", 2),
    ("stop_run", 1),  # E
    ("decide", 1),  # D
    ("take_run", 1),
    ("begin_effect", 1),  # I, of the idempotent call
    ("begin_effect", 2),  # I, of the call that must not be repeated
]


@pytest.mark.parametrize("when", ["before", "inside", "after"])
@pytest.mark.parametrize(("point", "n"), BOUNDARIES)
def test_a_kill_at_a_boundary_leaves_nothing_half_done(
    case: Case, unharmed: Callable[[], Case], point: str, n: int, when: str
) -> None:
    said = case.kill_and_go_on(kill=(point, when, n), settle="run_again")
    assert said["state"] == "completed"
    assert case.effects.count("act 3") == 1
    assert {what: len(keys) for what, keys in case.keys.items()} == dict.fromkeys(case.keys, 1)
    if (point, n, when) == ("begin_effect", 2, "after"):
        # the intent is on disk and the tool never ran: nobody can know, so a person was asked
        assert said["asked"] == ["uncertain"]
    else:
        assert "uncertain" not in said["asked"]
    assert case.transcript == unharmed().transcript


@pytest.mark.parametrize("when", ["before", "inside"])
def test_a_kill_at_the_result_of_a_once_call_asks_a_person(case: Case, when: str) -> None:
    """The third result is act's: its effect happened, its outcome is not on disk."""
    said = case.kill_and_go_on(kill=("record_result", when, 3), settle="happened")
    assert said["asked"] == ["uncertain"]
    assert case.effects.count("act 3") == 1


@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_kill_at_a_long_result_leaves_the_message_and_the_whole_or_neither(
    case: Case, unharmed: Callable[[], Case], when: str
) -> None:
    """The third result is act's, which says more than the model is shown."""
    assert case.run(case.scenario(kill=("record_result", when, 3))) == -signal.SIGKILL
    kept, referred = rows(case.db, "SELECT (SELECT count(*) FROM output), count(output_sha) FROM message")[0]
    assert (kept, referred) == ((1, 1) if when == "after" else (0, 0))
    said = case.go_on(case.scenario(settle="run_again"))
    assert said["asked"] == ([] if when == "after" else ["uncertain"])
    assert case.transcript == unharmed().transcript
    [(sha,)] = rows(case.db, "SELECT sha256 FROM output")
    assert sha == hashlib.sha256(b"act did 3\n" * 200).hexdigest()
    assert "Not shown here" in case.transcript[4][2]


@pytest.mark.parametrize(("settle", "ran"), [("run_again", 2), ("happened", 1), ("skip", 1)])
def test_a_kill_inside_a_once_tool_after_its_effect_asks_and_does_what_the_person_says(
    case: Case, unharmed: Callable[[], Case], settle: Any, ran: int
) -> None:
    said = case.kill_and_go_on(kill=("act", "after", 1), settle=settle)
    assert said["asked"] == ["uncertain"]
    assert case.effects.count("act 3") == ran
    assert len(case.keys["act 3"]) == 1
    same = case.transcript == unharmed().transcript
    assert same is (settle == "run_again")


@pytest.mark.parametrize("when", ["before", "inside", "after"])
@pytest.mark.parametrize("point", ["ask_about", "decide"])
def test_a_second_kill_while_a_person_is_asked_about_the_first_runs_nothing_twice(
    case: Case, point: str, when: str
) -> None:
    first = case.scenario(kill=("act", "after", 1), settle="happened")
    assert case.run(first) < 0
    said = case.kill_and_go_on(kill=(point, when, 1), settle="happened")
    assert said["state"] == "completed"
    assert case.effects.count("act 3") == 1
    assert "is not known" in case.transcript[4][2]


@pytest.mark.parametrize(("tool", "what"), [("look", "look 1"), ("stamp", "stamp 2")])
def test_a_kill_inside_a_tool_that_may_be_repeated_repeats_it_under_the_same_key(
    case: Case, unharmed: Callable[[], Case], tool: str, what: str
) -> None:
    said = case.kill_and_go_on(kill=(tool, "after", 1))
    assert "uncertain" not in said["asked"]
    assert case.effects.count(what) == 2
    assert len(case.keys[what]) == 1
    assert case.effects.count("act 3") == 1
    assert case.transcript == unharmed().transcript


@pytest.mark.parametrize(("verify", "ran"), [(True, 1), (False, 2)])
def test_a_tool_that_can_tell_whether_it_happened_is_believed(case: Case, verify: bool, ran: int) -> None:
    said = case.kill_and_go_on(kill=("act", "after", 1), verify=verify)
    assert said["asked"] == []
    assert case.effects.count("act 3") == ran


def test_a_request_that_was_on_disk_is_the_very_same_after_a_kill(case: Case) -> None:
    assert case.run(case.scenario(kill=("decide", "before", 1))) < 0
    before = rows(case.db, "SELECT id, args_sha, requested_at_ms, status FROM approval")
    case.go_on(case.scenario())
    after = rows(case.db, "SELECT id, args_sha, requested_at_ms, status FROM approval")
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert [row[3] for row in before + after] == ["pending", "allowed"]


@pytest.mark.parametrize(
    "kill", [("batch", "before", 1), ("batch", "inside", 2), ("vacuum", "before", 1), ("compact", "after", 1)]
)
def test_a_kill_during_compaction_loses_nothing_that_is_needed(
    case: Case, unharmed: Callable[[], Case], kill: Any
) -> None:
    said = case.kill_and_go_on(kill=kill, compact=True)
    assert said["state"] == "completed"
    assert case.effects.count("act 3") == 1
    assert case.transcript == unharmed().transcript


def test_killed_again_and_again_a_run_still_ends_as_if_it_had_never_been(
    case: Case, unharmed: Callable[[], Case]
) -> None:
    for kill in [("begin_run", "after", 1), ("record_answer", "after", 1), ("stamp", "after", 1)]:
        assert case.run(case.scenario(kill=kill)) < 0
    assert case.run(case.scenario(kill=("take_run", "after", 1))) < 0
    assert case.run(case.scenario(kill=("record_answer", "inside", 1))) < 0
    assert case.go_on(case.scenario())["state"] == "completed"
    assert case.effects.count("act 3") == 1
    assert case.transcript == unharmed().transcript
