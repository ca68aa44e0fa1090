"""`delete`: what went is said, forks stay, and a live run or an unknown thread is an error."""

from __future__ import annotations

import asyncio

from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.cli.conftest import Waiting
from tests.cli.kit import Cli, wait_for


def threads(cli: Cli) -> list[str]:
    return [thread["thread_id"] for thread in cli("threads", "--json").expect(0).json]


async def fork_of(cli: Cli, run_id: str) -> str:
    """A fork of a run's beginning, as the app makes it."""
    store = SQLiteMemoryStore(cli.db)
    try:
        return await Runner(memory_store=store).fork(run_id, f"{run_id}.0")
    finally:
        await store.close()


def test_a_deleted_thread_is_gone_with_all_that_waits_and_nothing_is_asked(
    cli: Cli, waiting: Waiting
) -> None:
    gone = cli("delete", waiting.thread_id, "--json").expect(0).json
    assert gone["thread_id"] == waiting.thread_id
    assert (gone["messages"], gone["calls"], gone["runs"], gone["pending_approvals"]) == (2, 1, 1, 1)
    assert (gone["forks"], gone["messages_kept"]) == (0, 0)
    assert waiting.thread_id not in threads(cli)
    assert cli.waiting() == []
    for words in (("export", waiting.thread_id), ("checkpoints", waiting.thread_id)):
        assert "No thread" in cli(*words).expect(1).err
    assert "No request" in cli("approve", waiting.approval_id).expect(1).err
    cli("resume", waiting.run_id).expect(1)


def test_for_people_it_says_what_went_and_which_forks_stay(cli: Cli, waiting: Waiting) -> None:
    cli("run", "list", "--thread", waiting.thread_id).expect(0)
    fork = asyncio.run(fork_of(cli, waiting.run_id))
    done = cli("delete", waiting.thread_id).expect(0)
    assert "Deleted: write notes.txt: buy milk" in done.out
    assert "0 waiting requests" in done.out
    assert "1 fork of it stays, with 1 of those messages" in done.out
    assert fork in threads(cli)
    assert "buy milk" in cli("export", fork).expect(0).out


def test_an_unknown_thread_is_an_error(cli: Cli, waiting: Waiting) -> None:
    failed = cli("delete", "thread_none", "--json").expect(1)
    assert "No thread 'thread_none'" in failed.json["error"]
    cli("delete", waiting.thread_id).expect(0)
    cli("delete", waiting.thread_id).expect(1)
    cli("delete", "").expect(2)


def test_a_thread_that_runs_in_another_process_is_not_deleted(cli: Cli) -> None:
    [request] = cli("run", "run: touch began; sleep 60", "--json").expect(3).json["pending_approvals"]
    running = cli.start("approve", request["approval_id"], "--resume")
    wait_for((cli.workspace / "began").exists)
    refused = cli("delete", request["thread_id"], "--json").expect(1)
    assert f"pid {running.pid}" in refused.json["error"]
    assert threads(cli) == [request["thread_id"]]
    running.terminate()
    cli.finish(running)
    cli("delete", request["thread_id"]).expect(0)
    assert threads(cli) == []
