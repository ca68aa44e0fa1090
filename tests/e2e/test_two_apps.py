"""Two apps on one database: one run has one owner, and the one that lost it says so and can be closed."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from pathlib import Path

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux

SIZE = (150, 40)
COMMAND = "run: echo $$ > group; while [ ! -f go ]; do sleep 0.05; done; echo went >> effects.txt"


def wrapped(pattern: str) -> str:
    """A pattern of a sentence in a box, wherever its lines break."""
    return pattern.replace(" ", r"[\s│]+")


def begin_command(app: Terminal) -> None:
    """Have the app make a call that lasts until the file `go` is there."""
    app.wait_for("Write a message")
    app.type(COMMAND)
    app.press("Enter")
    app.wait_for("call waits")
    app.press("Enter")
    app.wait_for("allow once")
    app.press_until("a", "running +run_command")
    group = app.folder / "group"
    app.until(lambda: group.exists() and group.read_text().endswith("\n"), "the command to run")


def close(app: Terminal) -> None:
    """Leave with the key; the terminal is then as it was before."""
    app.press("C-q")
    left = app.wait_for(r"ended with 0[\s\S]*-?extproc")
    assert re.search(r"(?<!-)icanon", left)
    assert re.search(r"(?<!-)echo ", left)
    assert app.modes == "0 0 0"


def state_of(pid: int) -> str:
    """A letter, as the kernel says it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def rows(app: Terminal, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{app.env['AFK_DB']}?mode=ro", uri=True) as db:
        return db.execute(sql).fetchall()


def test_an_app_that_was_frozen_while_another_took_its_run_over_says_so_and_can_be_closed(
    folder: Path,
) -> None:
    with Terminal(folder, "--demo", "--trust", size=SIZE, in_shell=True) as one:
        begin_command(one)
        frozen = one.pid
        os.kill(frozen, signal.SIGSTOP)
        one.until(lambda: state_of(frozen) == "T", "the app to be frozen")
        with Terminal(folder, "--demo", "--trust", size=SIZE, in_shell=True, name="-two") as two:
            two.wait_for("This run goes on in another process")
            two.press_until("C-r", "Take it over")
            two.press_until("t", "call waits")
            two.press_until("F4", "it happened")
            two.wait_for(wrapped(rf"{frozen}\) still runs, and is still at it"))

            assert state_of(frozen) == "T"
            (folder / "go").touch()
            two.until((folder / "effects.txt").exists, "the command's effect")
            os.kill(frozen, signal.SIGCONT)
            one.wait_for("This run was taken over by another process")
            two.wait_for(wrapped("nothing of this call does any more"))
            close(one)

            two.press_until("h", "✓ done")
            assert rows(two, "SELECT phase, attempt FROM effect") == [("done", 1)]
            assert rows(two, "SELECT state FROM run") == [("completed",)]
            close(two)
    assert (folder / "effects.txt").read_text() == "went\n"


def test_of_two_apps_that_decide_at_once_one_decision_counts_and_both_go_on(folder: Path) -> None:
    with Terminal(folder, "--demo", "--trust", size=SIZE, in_shell=True) as one:
        one.wait_for("Write a message")
        one.type("run: echo went >> effects.txt")
        one.press("Enter")
        one.wait_for("call waits")
        one.press_until("F4", "allow once")
        with Terminal(folder, "--demo", "--trust", size=SIZE, in_shell=True, name="-two") as two:
            two.wait_for("allow once")
            for app in (one, two):
                app.wait_for("ready")
            one.press("a")
            two.press("d")
            for app in (one, two):
                app.press_until("Escape", "Write a message")
                app.wait_for("✓ done")
            statuses = rows(two, "SELECT status FROM approval")
            assert statuses in ([("allowed",)], [("denied",)])
            effects = folder / "effects.txt"
            ran = "went\n" if statuses == [("allowed",)] else ""
            assert (effects.read_text() if effects.exists() else "") == ran
            close(one)
            close(two)


def test_a_command_that_outlives_its_killed_app_is_shown_as_still_running_and_is_not_begun_again(
    folder: Path,
) -> None:
    with Terminal(folder, "--demo", "--trust", size=SIZE, in_shell=True) as app:
        begin_command(app)
        app.kill()
        group = int((folder / "group").read_text())
        app.restart()
        app.wait_for("interrupted +run_command")
        app.press_until("C-r", "call waits")
        app.press_until("F4", "it happened")
        app.wait_for(wrapped(rf"what it started still runs \(process group {group}\)"))
        app.press_until("g", "outcome unknown +run_command")
        app.press_until("F4", "it happened")
        app.wait_for("still running")
        os.killpg(group, signal.SIGKILL)
        app.wait_for(wrapped("nothing of it runs any more"))
        app.press_until("s", "✓ done")
        assert rows(app, "SELECT phase, attempt FROM effect") == [("skipped", 1)]
        close(app)
    assert not (folder / "effects.txt").exists()
