"""The main path, as a person goes it: chat, be asked, be killed, come back, allow, browse, compact."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a file in it."""
    made = tmp_path / "work"
    made.mkdir()
    (made / "a.txt").write_text("first line\n")
    return made


def command_line(terminal: Terminal, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`afk-tui` on the same database, in another process."""
    return subprocess.run(
        [sys.executable, "-m", "afk_tui", *arguments],
        env={**os.environ, **terminal.env},
        cwd=terminal.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_killed_while_a_request_waits_it_shows_the_very_same_request_and_the_tool_runs_once(
    folder: Path,
) -> None:
    with Terminal(folder, "--demo") as terminal:
        terminal.wait_for("May the agent work in this folder")
        terminal.press_until("y", "Write a message")
        terminal.type("run: echo once >> log.txt")
        terminal.press("Enter")
        terminal.wait_for("1 call waits")
        before = json.loads(command_line(terminal, "approvals", "--json").stdout)
        assert len(before) == 1

        terminal.kill()
        terminal.restart()
        terminal.wait_for("echo once >> log.txt")
        terminal.wait_for("allow once")
        assert json.loads(command_line(terminal, "approvals", "--json").stdout) == before
        assert not (folder / "log.txt").exists()

        terminal.wait_for("ready")
        terminal.press("a")
        terminal.wait_for("exit code 0|Done")
        terminal.wait_for("done")
        assert (folder / "log.txt").read_text() == "once\n"
        assert command_line(terminal, "approvals", "--json").stdout.strip() == "[]"


def test_a_decision_in_another_terminal_is_seen_and_the_run_goes_on(folder: Path) -> None:
    with Terminal(folder, "--demo", "--trust") as terminal:
        terminal.wait_for("demo model")
        terminal.type("write b.txt: hello")
        terminal.press("Enter")
        terminal.wait_for("1 call waits")
        [request] = json.loads(command_line(terminal, "approvals", "--json").stdout)
        done = command_line(terminal, "approve", request["approval_id"])
        assert done.returncode == 0, done.stderr
        terminal.wait_for("1 call waits", gone=True)
        terminal.wait_for("✓ done")
        assert (folder / "b.txt").read_text() == "hello"


def test_checkpoints_and_compaction_are_a_key_away_and_the_counts_are_those_of_the_tables(
    folder: Path,
) -> None:
    with Terminal(folder, "--demo", "--trust") as terminal:
        terminal.wait_for("demo model")
        terminal.type(" and then ".join([*["list"] * 29, "read a.txt"]), end="read a.txt")
        terminal.press("Enter")
        terminal.wait_for("✓ done")
        terminal.press("F5")
        terminal.wait_for("latest")
        terminal.press("Escape")
        terminal.wait_for("latest", gone=True)
        terminal.press("F6")
        terminal.wait_for("[Bb]efore")
        terminal.wait_for("What would go:")
        before = counts(terminal)
        assert shown_counts(terminal.screen(), 0) == before
        assert before[1] > 50
        terminal.press("c")
        terminal.wait_for("Keep everything")
        terminal.press("y")
        terminal.wait_for("Done:")
        after = shown_counts(terminal.screen(), -1)
        assert counts(terminal) == after
        assert after == (before[0], 50)


def counts(terminal: Terminal) -> tuple[int, int]:
    """Rows of events and states in the tables."""
    with sqlite3.connect(f"file:{terminal.env['AFK_DB']}?mode=ro", uri=True) as db:
        [events] = db.execute("SELECT count(*) FROM event").fetchone()
        [checkpoints] = db.execute("SELECT count(*) FROM checkpoint").fetchone()
        [others] = db.execute("SELECT count(*) FROM state").fetchone()
    return events, checkpoints + others


def shown_counts(screen: str, column: int) -> tuple[int, int]:
    """The same as the table on the screen says them: its first column is before, its last one after."""

    def count(kind: str) -> int:
        # the bars have a row of the same name: theirs begins with a block
        found = re.search(rf"{kind} +([\d,]+(?: +[\d,]+)+)", screen)
        assert found, screen
        return int(found[1].split()[column].replace(",", ""))

    return count("events"), count("checkpoints") + count("summaries") + count("metadata")


def test_a_draft_is_there_again_after_a_kill(folder: Path) -> None:
    with Terminal(folder, "--demo", "--trust") as terminal:
        terminal.wait_for("demo model")
        terminal.type("a thought, half written")

        def kept() -> bool:
            with sqlite3.connect(f"file:{terminal.env['AFK_DB']}?mode=ro", uri=True) as db:
                rows = db.execute("SELECT value FROM preference WHERE key LIKE 'draft:%'").fetchall()
            return ("a thought, half written",) in rows

        terminal.until(kept, "the draft on disk")
        terminal.kill()
        terminal.restart()
        terminal.wait_for("a thought, half written")


def test_a_terminal_too_small_says_so_and_brings_the_draft_back(folder: Path) -> None:
    with Terminal(folder, "--demo", "--trust") as terminal:
        terminal.wait_for("demo model")
        terminal.type("keep me")
        terminal.resize(20, 5)
        terminal.wait_for("[Tt]oo small")
        terminal.resize(100, 30)
        terminal.wait_for("keep me")
