"""`compact`: what it removes, what it says, what it refuses."""

from __future__ import annotations

import asyncio
from contextlib import closing

from afk.core.schedule import CompactionSchedule, write_schedule
from afk.memory import SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.retention import Retention
from tests.cli.conftest import Waiting
from tests.cli.kit import Cli
from tests.memory.compaction_kit import compactions
from tests.support.tables import writable

RESULT_KEYS = {
    "events_removed",
    "states_removed",
    "events_before",
    "events_after",
    "states_before",
    "states_after",
    "states_protected",
    "bytes_reclaimed",
}


def test_a_dry_run_counts_and_removes_nothing(cli: Cli, waiting: Waiting) -> None:
    before = cli("checkpoints", waiting.thread_id, "--json").json
    options = ("compact", waiting.thread_id, "--max-entries", "1")
    dry = cli(*options, "--dry-run", "--json").expect(0).json
    assert set(dry) >= RESULT_KEYS
    assert (dry["events_removed"], dry["states_removed"]) == (0, 1)
    assert cli("checkpoints", waiting.thread_id, "--json").json == before
    wet = cli(*options, "--json").expect(0).json
    assert {**wet, "bytes_reclaimed": 0} == dry
    assert len(cli("checkpoints", waiting.thread_id, "--json").json) == len(before) - 1


def test_with_one_option_the_other_kind_is_left_alone(cli: Cli, waiting: Waiting) -> None:
    with closing(writable(cli.db)) as db, db:
        db.execute("UPDATE event SET created_at_ms = created_at_ms - 10000")
    by_age = cli("compact", waiting.thread_id, "--max-age", "1s", "--dry-run", "--json").expect(0).json
    assert by_age["events_removed"] == by_age["events_before"] > 0
    assert by_age["states_removed"] == 0


def test_all_is_a_list_with_the_thread_of_each(cli: Cli, waiting: Waiting) -> None:
    results = cli("compact", "--all", "--json").expect(0).json
    threads = cli("threads", "--json").json
    assert [one["thread_id"] for one in results] == [one["thread_id"] for one in threads]
    # the defaults: 24h and 50 states, and everything here is new
    assert all(one["events_removed"] == one["states_removed"] == 0 for one in results)
    table = cli("compact", "--all", "--max-entries", "1").expect(0).out
    assert "REMOVED" in table
    assert "given back" in table


def test_a_waiting_run_goes_on_after_a_compaction(cli: Cli) -> None:
    asked = cli("run", "list and then write notes.txt: milk", "--json").expect(3).json
    cli("compact", asked["thread_id"], "--max-entries", "1", "--json").expect(0)
    cli("approve", asked["pending_approvals"][0]["approval_id"], "--resume").expect(0)
    assert (cli.workspace / "notes.txt").read_text() == "milk"


def test_an_unknown_thread_is_an_error(cli: Cli, waiting: Waiting) -> None:
    for words in (("compact", "nope"), ("checkpoints", "nope")):
        assert "nope" in cli(*words, "--json").expect(1).json["error"]
    assert "nope" in cli("export", "nope").expect(1).err


def test_wrong_usage_ends_with_2_and_with_json_also_says_so_there(cli: Cli) -> None:
    for words in (
        ("compact",),
        ("compact", "t", "--all"),
        ("compact", "t", "--max-age", "5"),
        ("compact", "t", "--max-age", "0h"),
        ("compact", "t", "--max-entries", "0"),
        ("compact", ""),
    ):
        done = cli(*words, "--json").expect(2)
        assert done.json["error"]
        assert "Usage:" in done.err


def test_a_resume_compacts_its_thread_first_where_it_is_told_to(cli: Cli, waiting: Waiting) -> None:
    async def keep_one() -> None:
        store = SQLiteMemoryStore(cli.db)
        await store.open()
        newest = Retention(None, StateRetentionPolicy(max_entries=1))
        await write_schedule(store, CompactionSchedule(retention=newest))
        await store.close()

    asyncio.run(keep_one())
    cli("approve", waiting.approval_id).expect(0)
    done = cli("resume", waiting.run_id, "--compact", "--json").expect(0).json
    assert done["state"] == "completed"
    assert compactions(cli.db) == [(waiting.thread_id, "resume", True)]
    assert cli("resume", waiting.run_id, "--compact", "--json").expect(0).json == done
    assert len(compactions(cli.db)) == 1
