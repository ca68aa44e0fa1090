"""What becomes of a run whose terminal does not read, or goes away."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.model_server import ModelServer, text
from tests.support.raw_terminal import RawTerminal

LINE = "A line that is long enough to fill the screen of a large terminal from the left to the right. " * 2
# some seconds of frames, each of the whole screen
LONG = "".join(f"{number} {LINE}\n\n" for number in range(400)) + "the very last words"
DEADLINE_S = 60.0
CLOSED = "The program that ran it was closed."


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture
def held() -> Iterator[ModelServer]:
    """A server that begins an answer and does not go on."""
    with ModelServer([text(LONG, hold_after=20)]) as server:
        yield server


def app(db: Path, folder: Path, server: ModelServer) -> RawTerminal:
    program = [sys.executable, "-m", "afk_tui", "--trust", "--db", str(db), "--workspace", str(folder)]
    return RawTerminal(program, size=(200, 60), OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="none")


def run(db: Path) -> tuple[str, str]:
    """The state of the only run, and why it stopped."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        [(state, interruption)] = connection.execute("SELECT state, interruption FROM run").fetchall()
    return state, json.loads(interruption)["detail"] if interruption else ""


def begin(terminal: RawTerminal, server: ModelServer) -> None:
    terminal.until_written("Write a message")
    terminal.until_written("\u25cb ready")
    terminal.type("go on")
    pressed_s = time.monotonic()

    def is_asked() -> bool:
        nonlocal pressed_s
        # an enter in one burst with the keys before it is a paste, one before the conversation is shown waits
        if time.monotonic() - pressed_s > 1:
            terminal.type("\r")
            pressed_s = time.monotonic()
        return bool(server.exchanges)

    terminal.until(is_asked, "the model to be asked")


def wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_run_goes_on_while_its_terminal_does_not_read_and_is_shown_afterwards(
    db: Path, folder: Path
) -> None:
    with (
        ModelServer([text(LONG, chunk_chars=32, delay_s=0.003)]) as server,
        app(db, folder, server) as terminal,
    ):
        begin(terminal, server)
        wait_for(lambda: run(db)[0] == "completed", "the run to be over while nothing is read")
        terminal.until_written("the very last words")
        terminal.type("still here")
        terminal.until_written("here")


def test_a_run_whose_terminal_is_closed_while_it_streams_is_kept(
    db: Path, folder: Path, held: ModelServer
) -> None:
    with app(db, folder, held) as terminal:
        begin(terminal, held)
        terminal.until_written("A line that is long")
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP
    assert run(db) == ("interrupted", CLOSED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_whose_app_is_told_to_end_while_it_streams_is_kept(
    db: Path, folder: Path, held: ModelServer, number: signal.Signals
) -> None:
    with app(db, folder, held) as terminal:
        begin(terminal, held)
        terminal.until_written("A line that is long")
        os.kill(terminal.pid, number)
        assert terminal.wait() == 128 + number
    assert run(db) == ("interrupted", CLOSED)
