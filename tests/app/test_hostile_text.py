"""Hostile text in every place that shows text of others: the raw bytes that reach a terminal are read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.raw_terminal import RawTerminal

# as a terminal would obey or hide them; the app's own sequences have none of these
COMMANDS = {
    "a window title": b"\x1b]0;OWNED",
    "a C1 control": "\x9b".encode(),
    "a direction": "\u202e".encode(),
    "an invisible space": "\u200b".encode(),
    "a tag": b"\xf3\xa0",
}
PLACES = [
    "trust",
    "conversation",
    "request bar",
    "approval of a write",
    "argument editor",
    "inbox",
    "inbox of two",
    "several requests",
    "approval of a command",
    "deny all",
    "what always would remember",
    "output of a command",
    "grants",
    "checkpoints",
    "compaction",
    "past compactions",
    "filters of the threads",
    "threads behind the filters",
    "threads that are done",
    "find",
    "long result",
    "new title",
    "deleting",
    "message to be sent again",
    "names of files",
    "paste",
    "summary",
    "notification",
]


@pytest.mark.parametrize("net", ["bare", "net"])
def test_no_screen_lets_hostile_text_command_the_terminal(tmp_path: Path, net: str) -> None:
    report = tmp_path / "report"
    report.touch()
    program = [sys.executable, "-m", "tests.app.hostile", str(tmp_path), str(report), net]
    with RawTerminal(program, size=(130, 40)) as terminal:
        terminal.until(lambda: report.read_text().endswith("over\n"), "the end of the tour", deadline_s=120)
        terminal.until_written("\x1b[?1049l")
    assert report.read_text().splitlines() == [*PLACES, "over"]
    told = terminal.bytes.decode(errors="surrogateescape")
    assert "\x1b]9;afk-tui: Waiting for you: run_command ␛]0;OWNED␇⟨9b⟩31m⟨U+202E⟩" in told
    assert "\x1b]2;(2) afk-tui · nope] end\x07" in told
    assert [what for what, command in COMMANDS.items() if command in terminal.bytes] == []
