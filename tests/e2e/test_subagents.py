"""A subagent's request outlives kill -9, and its work is done once."""

from __future__ import annotations

from pathlib import Path

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux


def test_a_killed_apps_subagent_asks_the_very_same_request_and_acts_once(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with Terminal(folder, "--demo", "--trust", "--agent", "tests.app.team:boss") as terminal:
        terminal.wait_for("Write a message")
        terminal.type("ask lead: ask helper: run: echo once >> ran.txt")
        terminal.press("Enter")
        terminal.wait_for("asks: run_command")
        terminal.kill()
        terminal.restart()
        terminal.wait_for("boss › lead › helper")
        assert not (folder / "ran.txt").exists()
        terminal.press_until("a", "ran +lead")
        terminal.wait_for("done")
        assert (folder / "ran.txt").read_text() == "once\n"
        terminal.kill()
        terminal.restart()
        terminal.wait_for("ran +lead")
        assert (folder / "ran.txt").read_text() == "once\n"
