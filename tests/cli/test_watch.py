"""`watch`: compacts what is due, tells each in a line, runs nothing, and ends in order."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli, wait_for
from tests.cli.many_threads import multiply
from tests.core.kit import rows
from tests.memory.compaction_kit import add_events


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def noise(cli: Cli) -> int:
    return rows(cli.db, "SELECT count(*) FROM event WHERE type = 'noise'")[0][0]


def test_one_round_compacts_what_is_due_and_tells_each_in_a_line(cli: Cli, waiting: Waiting) -> None:
    names = multiply(cli.db, 3, events=7)
    done = cli("watch", "--every", "daily", "--once").expect(0)
    first, *rest = done.out.splitlines()
    assert "compacting every thread daily: events older than 1d, all but the newest 50 states go" in first
    assert len(rest) == 3
    for name, line in zip(names, rest, strict=True):
        assert f"({name}): 7 events and 0 states removed" in line
    assert noise(cli) == 0
    # and a second round on the same day does nothing
    add_events(cli.db, names[0], 7)
    assert len(cli("watch", "--once").expect(0).out.splitlines()) == 1
    assert noise(cli) == 7


def test_with_json_each_thing_is_a_document_in_a_line(cli: Cli, waiting: Waiting) -> None:
    (name,) = multiply(cli.db, 1, events=7)
    done = cli("watch", "--every", "hourly", "--max-age", "1h", "--once", "--json").expect(0)
    schedule, compacted = lines(done.out)
    assert schedule == {
        "event": "schedule",
        "every": "hourly",
        "events": {"max_age_ms": 3_600_000, "max_events": None, "keep_event_types": []},
        "states": None,
    }
    assert (compacted["event"], compacted["thread_id"], compacted["stopped"]) == ("compacted", name, False)
    assert (compacted["events_removed"], compacted["states_removed"]) == (7, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_until_it_is_told_to_stop_and_then_ends_with_0(
    cli: Cli, waiting: Waiting, number: signal.Signals
) -> None:
    (name,) = multiply(cli.db, 1, events=7)
    process = cli.start("watch", "--every", "hourly", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "schedule"
    assert json.loads(process.stdout.readline())["thread_id"] == name
    process.send_signal(number)
    done = cli.finish(process).expect(0)
    assert (done.out, done.err) == ("", "")
    owners = cli.db.with_name(f"{cli.db.name}-owners")
    assert not owners.exists() or not list(owners.iterdir())


def test_what_is_set_elsewhere_is_followed(cli: Cli, waiting: Waiting) -> None:
    process = cli.start("watch", "--every", "daily", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["every"] == "daily"
    cli("watch", "--every", "hourly", "--once").expect(0)
    assert json.loads(process.stdout.readline())["every"] == "hourly"
    process.send_signal(signal.SIGTERM)
    cli.finish(process).expect(0)


def test_no_run_goes_on_by_it_and_no_model_is_asked(cli: Cli, waiting: Waiting) -> None:
    cli("approve", waiting.approval_id).expect(0)
    before = rows(cli.db, "SELECT id, state, epoch FROM run")
    cli.env = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": "sk-none"}
    cli("watch", "--every", "hourly", "--once", before=()).expect(0)
    assert rows(cli.db, "SELECT id, state, epoch FROM run") == before


def test_without_a_schedule_it_says_how_to_set_one(cli: Cli, waiting: Waiting) -> None:
    done = cli("watch").expect(1)
    assert "afk-tui watch --every daily" in done.err
    cli("watch", "--every", "daily", "--once").expect(0)
    assert "the schedule is off" in cli("watch", "--every", "off").expect(0).out
    cli("watch", "--once").expect(1)


def test_a_schedule_that_is_not_understood_can_be_set_anew(cli: Cli, waiting: Waiting) -> None:
    from tests.support.failing import change

    cli("watch", "--every", "daily", "--once").expect(0)
    change(cli.db, "UPDATE preference SET value = 'x' WHERE key LIKE 'schedule:%'")
    assert "can't be understood" in cli("watch", "--once").expect(1).err
    cli("watch", "--every", "daily", "--once").expect(0)


def test_where_there_is_no_database_it_says_so(cli: Cli) -> None:
    assert "no database" in cli("watch", "--every", "daily").expect(1).err
    assert not cli.db.exists()


def test_stopped_in_the_middle_what_is_removed_stays_removed(cli: Cli, waiting: Waiting) -> None:
    names = multiply(cli.db, 2, events=0)
    add_events(cli.db, names[0], 300_000)
    process = cli.start("watch", "--every", "hourly", "--once", "--json")
    wait_for(lambda: 0 < noise(cli) < 300_000)
    process.send_signal(signal.SIGTERM)
    cli.finish(process).expect(4)
    left = noise(cli)
    assert 0 < left < 300_000
    assert rows(cli.db, "PRAGMA integrity_check") == [("ok",)]
    (_, compacted) = lines(cli("watch", "--once", "--json").expect(0).out)
    assert compacted["events_removed"] == left
