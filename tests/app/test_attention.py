"""A new request calls a person who looks elsewhere; the window's title counts what waits, and is given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afk_tui.attention import Attention, alerts_of
from tests.memory.children import environment
from tests.support.raw_terminal import RawTerminal


class Terminal:
    """Stands in for an app: notes what is written to its terminal."""

    is_headless = False

    def __init__(self, *, focus: bool) -> None:
        self.app_focus = focus
        self.written: list[str] = []
        self._driver = self

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        return


def told(environ: dict[str, str], *titles: str, focus: bool = False, alerts: Any = "notify") -> list[str]:
    """What is written when these requests arrive."""
    terminal = Terminal(focus=focus)
    attention = Attention(terminal, environ)  # type: ignore[arg-type]
    attention.alerts = alerts
    attention.show_waiting([], "/w")
    del terminal.written[:]
    attention.show_waiting([(f"apr_{n}", title) for n, title in enumerate(titles)], "/w")
    return terminal.written


XTERM = {"TERM": "xterm-256color"}


def test_a_request_that_arrives_while_nobody_looks_notifies_and_rings() -> None:
    assert told(XTERM, "run_command ls") == [
        "\x1b]2;(1) afk-tui · w\x07",
        "\x1b]9;afk-tui: Waiting for you: run_command ls\x07\x07",
    ]
    assert told(XTERM, "run_command ls", "write_file a")[1].startswith(
        "\x1b]9;afk-tui: Waiting for you: run_command ls (and 1 more)\x07"
    )


def test_while_the_terminal_has_the_focus_it_only_counts() -> None:
    assert told(XTERM, "run_command ls", focus=True) == ["\x1b]2;(1) afk-tui · w\x07"]


@pytest.mark.parametrize(("alerts", "written"), [("off", []), ("bell", ["\x07"])])
def test_it_can_be_a_bell_alone_or_nothing(alerts: str, written: list[str]) -> None:
    assert told(XTERM, "run_command ls", alerts=alerts)[1:] == written


@pytest.mark.parametrize(
    ("environ", "written"),
    [
        ({"TERM": "foot"}, "\x1b]777;notify;afk-tui;Waiting for you: a, b\x07\x07"),
        ({"TERM": "xterm", "VTE_VERSION": "7600"}, "\x1b]777;notify;afk-tui;Waiting for you: a, b\x07\x07"),
        (
            {"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0", "STY": "x"},
            "\x1bPtmux;\x1b\x1b]9;afk-tui: Waiting for you: a; b\x07\x1b\\\x07",
        ),
    ],
)
def test_each_terminal_is_told_in_its_own_words(environ: dict[str, str], written: str) -> None:
    assert told(environ, "a; b")[1:] == [written]


@pytest.mark.parametrize(
    "environ", [{"TERM": "linux"}, {"TERM": "dumb"}, {}, {"TERM": "screen", "STY": "1.pts"}]
)
def test_a_terminal_that_would_print_it_gets_the_bell_alone(environ: dict[str, str]) -> None:
    assert told(environ, "run_command ls") == ["\x07"]


def test_what_waits_at_a_start_and_what_is_known_calls_nobody() -> None:
    terminal = Terminal(focus=False)
    attention = Attention(terminal, XTERM)  # type: ignore[arg-type]
    for waiting in ([("a", "x")], [("a", "x")], [], [("a", "x"), ("b", "y")]):
        attention.show_waiting(waiting, "/w")
    assert sum("]9;" in text for text in terminal.written) == 1, "a came back, and b is new: told at once"


def test_only_clean_text_reaches_the_terminal_and_what_is_cut_is_said() -> None:
    hostile = "rm \x1b]0;OWNED\x07\x9b31m\u202e\u200b\U000e0041\n" + "x" * 400
    title, note = told(XTERM, hostile)
    assert title == "\x1b]2;(1) afk-tui · w\x07"
    inside = note.removeprefix("\x1b]9;").removesuffix("\x07\x07")
    assert inside.isprintable()
    assert "␛]0;OWNED␇⟨9b⟩31m⟨U+202E⟩⟨U+200B⟩⟨U+E0041⟩⏎" in inside
    assert inside.endswith(" characters)")
    terminal = Terminal(focus=True)
    Attention(terminal, XTERM).show_waiting([], "/tmp/w\x07\x1b[2J")  # type: ignore[arg-type]
    assert terminal.written == ["\x1b[22;2t\x1b]2;afk-tui · w␇␛[2J\x07"]


def test_what_was_chosen_in_the_app_comes_before_the_environment() -> None:
    assert alerts_of(None, {}) == "notify"
    assert alerts_of(None, {"AFK_ALERTS": "bell"}) == "bell"
    assert alerts_of("off", {"AFK_ALERTS": "bell"}) == "off"
    assert alerts_of("nonsense", {"AFK_ALERTS": "?"}) == "notify"


PROGRAM = """
import asyncio, pathlib, sys
from afk_tui.app import AfkApp
from afk_tui.gateway.launch import Settings
folder = pathlib.Path(sys.argv[1])
app = AfkApp(Settings(workspace=folder, db=folder / "afk.db", demo=True, trust=True), cursor_blink=False)
app.run()
"""


def ask_elsewhere(workspace: Path, message: str) -> None:
    """Have another process begin a run that comes to wait for a decision."""
    options = ["--db", str(workspace / "afk.db"), "--workspace", str(workspace), "--demo", "--trust"]
    done = subprocess.run(
        [sys.executable, "-m", "afk_tui", *options, "run", message],
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stderr


def test_in_a_terminal_without_focus_a_request_is_told_and_the_title_counts_it_until_it_is_given_back(
    tmp_path: Path,
) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    with RawTerminal([sys.executable, "-c", PROGRAM, str(workspace)], size=(100, 30)) as terminal:
        terminal.until_written("\x1b[22;2t\x1b]2;afk-tui · work\x07")
        ask_elsewhere(workspace, "run: ls")
        terminal.until_written("\x1b]2;(1) afk-tui · work\x07")
        assert b"\x1b]9;" not in terminal.bytes, "a terminal that said nothing of its focus has it"
        terminal.type("\x1b[O")
        ask_elsewhere(workspace, "run: date")
        terminal.until_written("\x1b]9;afk-tui: Waiting for you: run_command date\x07\x07")
        terminal.until_written("\x1b]2;(2) afk-tui · work\x07")
        terminal.type("\x1b[I")
        terminal.type("\x11")
        terminal.until_written("\x1b[23;2t")
        terminal.until_written("\x1b[?1049l")
