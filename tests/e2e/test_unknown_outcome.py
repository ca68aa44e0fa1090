"""A call that a crash caught, as a person meets it afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux


def caught_by_a_crash(terminal: Terminal) -> None:
    """Kill the app, and then the command that it runs; start the app again."""
    terminal.type("run: echo $$ > pid; while [ ! -f go ]; do sleep 0.05; done; echo went > done.txt")
    terminal.press("Enter")
    terminal.wait_for("call waits")
    terminal.press("Enter")
    terminal.wait_for("allow once")
    terminal.press_until("a", "running +run_command")
    pid = terminal.folder / "pid"
    terminal.until(lambda: pid.exists() and pid.read_text().endswith("\n"), "the command to run")
    terminal.kill()
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    terminal.restart()
    terminal.wait_for("interrupted +run_command")


def test_a_call_of_unknown_outcome_is_named_so_and_is_running_while_it_is_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with Terminal(folder, "--demo", "--trust", size=(190, 36)) as terminal:
        terminal.wait_for("Write a message")
        caught_by_a_crash(terminal)
        terminal.press_until("C-r", "call waits")
        terminal.wait_for("outcome unknown run_command")
        terminal.press("F4")
        terminal.wait_for("it happened")
        terminal.press_until("g", "running +run_command")
        (folder / "go").touch()
        terminal.wait_for("ran +run_command.* · run again by ")
        assert (folder / "done.txt").read_text() == "went\n"
