"""`threads`, `runs`, `approvals` and `checkpoints`."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli

THREAD_KEYS = {
    "thread_id",
    "title",
    "agent_name",
    "workspace",
    "state",
    "created_at_ms",
    "updated_at_ms",
    "message_count",
    "last_run_id",
    "pending_approvals",
    "pinned_at_ms",
    "archived_at_ms",
    "is_unread",
}
CHECKPOINT_KEYS = {
    "checkpoint_id",
    "run_id",
    "number",
    "step",
    "phase",
    "created_at_ms",
    "message_count",
    "size_bytes",
}


def test_where_there_is_no_database_lists_are_empty_and_none_is_made(cli: Cli) -> None:
    for word in ("threads", "runs", "approvals"):
        done = cli(word, "--json").expect(0)
        assert done.json == []
    told = cli("threads").expect(0)
    assert told.out == ""
    assert str(cli.db) in told.err
    assert cli("compact", "--all", "--json").expect(0).json == []
    assert not cli.db.parent.exists()


def test_threads_and_runs_are_listed_newest_first(cli: Cli, waiting: Waiting) -> None:
    threads = cli("threads", "--json").expect(0).json
    assert [thread["title"] for thread in threads] == ["write notes.txt: buy milk", "list"]
    assert all(set(thread) == THREAD_KEYS for thread in threads)
    assert threads[0]["pending_approvals"] == 1
    runs = cli("runs", "--json").expect(0).json
    assert runs[0]["run_id"] == waiting.run_id
    assert [run["state"] for run in runs] == ["awaiting_approval", "completed"]


def test_a_named_workspace_shows_its_own_threads_runs_and_requests(cli: Cli, waiting: Waiting) -> None:
    elsewhere = ("--workspace", str(cli.workspace))
    for word in ("threads", "runs", "approvals"):
        assert cli(word, "--json", before=elsewhere).expect(0).json == []
    theirs = cli("threads", "--json").json[0]["workspace"]
    assert len(cli("approvals", "--json", before=("--workspace", theirs)).expect(0).json) == 1


def test_a_table_is_aligned_and_whole_where_no_terminal_is(cli: Cli, waiting: Waiting) -> None:
    lines = cli("threads").expect(0).out.splitlines()
    assert lines[0].split() == ["THREAD", "STATE", "AGE", "TITLE"]
    at = lines[0].index("TITLE")
    assert [line[at:] for line in lines[1:]] == ["write notes.txt: buy milk", "list"]


def test_a_table_ends_at_the_edge_of_a_terminal(cli: Cli, waiting: Waiting) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = cli.start("threads", stdout=theirs)
    os.close(theirs)
    assert process.wait(timeout=20) == 0
    written = os.read(ours, 10_000).decode()
    os.close(ours)
    lines = written.splitlines()
    assert max(len(line) for line in lines) == 60
    assert lines[1].endswith("…")


def test_requests_are_shown_whole_with_the_commands_that_decide(cli: Cli, waiting: Waiting) -> None:
    out = cli("approvals", before=("--db", str(cli.db))).expect(0).out
    assert "content: buy milk" in out
    assert f"afk-tui --db {cli.db} approve {waiting.approval_id} --resume" in out


def test_checkpoints_of_a_thread_newest_first(cli: Cli, waiting: Waiting) -> None:
    found = cli("checkpoints", waiting.thread_id, "--json").expect(0).json
    assert all(set(one) == CHECKPOINT_KEYS for one in found)
    assert [one["number"] for one in found] == [1, 0]
    assert found[0]["run_id"] == waiting.run_id
    table = cli("checkpoints", waiting.thread_id).expect(0).out
    assert found[0]["checkpoint_id"] in table


def test_a_reader_that_leaves_early_is_no_error_to_read_about(cli: Cli, waiting: Waiting) -> None:
    process = cli.start("export", waiting.thread_id, "--format", "json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr.read() == ""
