"""A database that fails: the app stays up, says what happened, what is safe and what to do, and nothing runs twice."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from afk.memory.sqlite import connection
from afk.memory.sqlite.schema import VERSION
from tests.app.conftest import Driven
from tests.app.test_stopping import Held
from tests.core.kit import rows
from tests.support.failing import Holder, change, locked, mounted, overwrite_page

COMMAND = "run: touch began; while [ ! -f go ]; do sleep 0.02; done; echo went >> effects.txt"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "afk.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that waits a tenth of a second for a lock."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 100)


def words(driven: Driven) -> str:
    """The screen as one line, however it is wrapped."""
    return re.sub(r"[\s│▕▌]+", " ", driven.text())


async def until_said(driven: Driven, text: str) -> None:
    """On the screen, or in passing."""

    def said() -> bool:
        return text in words(driven) or any(text in note.message for note in driven.app._notifications)

    await driven.until(
        said, f"{text!r} to be said, and not only {[n.message for n in driven.app._notifications]}"
    )


async def until_exit(driven: Driven) -> str:
    """What the app says when it has not started."""
    await driven.until_left()
    assert driven.app.return_code == 1
    return driven.app.last_words


async def leave_interrupted(start) -> None:
    """Begin a run in the app, and leave it."""
    async with start(llm=Held()) as driven:
        await driven.say("hello")
        await driven.until_shown("thinking aloud")


async def begin_command(driven: Driven) -> None:
    """Until a command runs that ends when `go` is there."""
    await driven.say(COMMAND)
    await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
    [request] = await driven.main.gateway.requests()
    await driven.main.gateway.decide(request, "allow")
    await driven.until(lambda: (driven.folder / "began").exists(), "the command to run")


async def test_an_outcome_that_a_locked_database_keeps_out_is_told_and_written_when_it_can_be(
    start, db: Path
) -> None:
    async with start() as driven:
        await begin_command(driven)
        with locked(db) as holder:
            (driven.folder / "go").touch()
            await until_said(driven, "has ended. Its outcome is kept here")
            await until_said(driven, "leave the app open")
            await until_said(driven, "its outcome can't be recorded yet")
            assert rows(db, "SELECT phase FROM effect") == [("executing",)]
            await asyncio.to_thread(holder.let_go)
        await driven.until_state("done")
        assert rows(db, "SELECT phase, attempt FROM effect") == [("done", 1)]
        assert rows(db, "SELECT kind FROM approval") == [("call",)]
    assert (driven.folder / "effects.txt").read_text() == "went\n"


async def test_a_message_that_a_locked_database_keeps_out_is_given_back(start, db: Path) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        holder = await asyncio.to_thread(Holder, db)
        await driven.say("write b.txt: hello")
        await until_said(driven, "is locked by another program. Try again when that one is done")
        await driven.until(
            lambda: driven.main.composer.draft == "write b.txt: hello", "the message to be back"
        )
        await asyncio.to_thread(holder.let_go)
        await driven.pilot.press("enter")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")


async def test_on_a_full_disk_the_run_stops_says_so_and_goes_on_with_a_key_when_there_is_room(
    start, db: Path, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk") as disk:
        db.symlink_to(disk.folder / "afk.db")
        async with start() as driven:
            await begin_command(driven)
            disk.fill()
            (driven.folder / "go").touch()
            await until_said(driven, "the disk is full. Free some space, then resume")
            await until_said(driven, "ctrl+r goes on from here")
            assert driven.app.is_running
            disk.free()
            await driven.pilot.press("ctrl+r")
            await driven.until_state("done")
            assert rows(db, "SELECT phase, attempt FROM effect") == [("done", 1)]
        assert (driven.folder / "effects.txt").read_text() == "went\n"


async def test_on_a_read_only_disk_it_says_so_and_what_to_do(start, db: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        db.symlink_to(disk.folder / "afk.db")
        await leave_interrupted(start)
        disk.make_read_only()
        async with start(ready=False) as driven:
            told = await until_exit(driven)
    assert "read-only" in told
    assert "AFK_DB" in told or "--db" in told


async def test_with_a_page_of_messages_overwritten_it_says_how_to_save_the_rest(start, db: Path) -> None:
    await leave_interrupted(start)
    overwrite_page(db, "message_row")
    async with start() as driven:
        await until_said(
            driven, "it is damaged. Save what can be read of it with: afk-tui doctor --salvage OUT"
        )
        # nobody is kept from the rest: a new conversation is open, and every key works
        assert driven.main.thread_id is None
        assert driven.main.composer.has_focus
        await driven.pilot.press("f2")
        await driven.until_screen("MenuScreen")


async def test_of_a_checkpoint_with_a_wrong_checksum_it_says_where_to_go_on_from(start, db: Path) -> None:
    await leave_interrupted(start)
    change(db, "UPDATE checkpoint SET checksum = 'x'")
    async with start() as driven:
        await driven.pilot.press("ctrl+r")
        await until_said(driven, "its checksum does not fit. The run was left as it is.")
        await until_said(driven, "ctrl+r goes on from here")
        assert rows(db, "SELECT state, owner FROM run") == [("interrupted", None)]


async def test_of_a_message_that_is_missing_it_says_how_to_save_the_rest(start, db: Path) -> None:
    await leave_interrupted(start)
    change(db, "DELETE FROM message WHERE seq = 1")
    async with start() as driven:
        await driven.pilot.press("ctrl+r")
        await until_said(driven, "refers to 1 messages, 0 are there. It was left as it is.")
        await until_said(driven, "afk-tui doctor --salvage OUT")
        assert rows(db, "SELECT state, owner FROM run") == [("interrupted", None)]


async def test_of_a_database_of_a_newer_version_it_says_so_and_leaves_it_alone(start, db: Path) -> None:
    await leave_interrupted(start)
    connection_bytes = db.read_bytes()
    change_version(db, VERSION + 1)
    async with start(ready=False) as driven:
        told = await until_exit(driven)
    assert "written by a newer version" in told
    assert "Nothing was changed" in told
    change_version(db, VERSION)
    assert len(db.read_bytes()) == len(connection_bytes)


def change_version(db: Path, version: int) -> None:
    import sqlite3

    opened = sqlite3.connect(db)
    opened.execute(f"PRAGMA user_version = {version}")
    opened.close()
