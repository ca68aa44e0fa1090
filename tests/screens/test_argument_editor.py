"""Arguments are edited before a yes: weighed before the editor closes, shown anew, and decided by nobody yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import TextArea

from afk.agents import PolicyRule
from afk.agents.policy import Policy
from afk_tui.screens.argument_editor import ArgumentEditor
from tests.screens.desk import LONG, Desk, desk, staged
from tests.screens.stage import plain_text, until_run, waiting


async def open_editor(it: Desk) -> ArgumentEditor:
    await it.decide("e")
    await it.until(lambda: isinstance(it.app.screen, ArgumentEditor) and it.app.focused is not None)
    assert isinstance(it.app.screen, ArgumentEditor)
    return it.app.screen


def area(editor: ArgumentEditor, name: str) -> TextArea:
    return next(field.area for field in editor.fields if field.field.name == name)


async def close(it: Desk) -> None:
    await it.press("ctrl+s")
    await until_closed(it)


async def until_closed(it: Desk) -> None:
    """Wait until the editor is left, and what was written is shown."""
    await it.until(lambda: it.app.screen is it.screen)
    await it.until(lambda: all(worker.is_finished for worker in it.app.workers if worker.group == "edit"))


async def test_what_is_edited_is_shown_as_it_would_run_and_then_runs(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: echo one >> ran.txt") as (it, thread_id):
        editor = await open_editor(it)
        area(editor, "command").text = "echo two >> ran.txt\necho three >> ran.txt"
        await close(it)
        assert "echo three >> ran.txt" in it.text
        assert "Allow run_command with your changes?" in it.text
        assert await it.untouched(), "closing the editor decides nothing"
        await it.press("a")
        assert await it.untouched(), "what was edited is deaf anew"
        await it.decide("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert (tmp_path / "ran.txt").read_text() == "two\nthree\n"
        [approval] = await it.gateway._store.list_approvals(pending_only=False)
        assert approval.edited_arguments is not None
        assert approval.edited_arguments["command"].startswith("echo two")


async def test_an_edited_write_is_a_diff_of_what_it_would_write_now(tmp_path: Path) -> None:
    async with staged(tmp_path, "write notes.txt: hello") as (it, thread_id):
        editor = await open_editor(it)
        (tmp_path / "other.txt").write_text("before\n")
        area(editor, "path").text = "other.txt"
        area(editor, "content").text = "after\n"
        await close(it)
        await it.until(lambda: "-before" in it.text and "+after" in it.text)
        await it.decide("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert (tmp_path / "other.txt").read_text() == "after\n"
        assert not (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("timeout_s", '"soon"', "valid integer"),
        ("timeout_s", "12 seconds", "This is no JSON: Extra data: line 1 column 4"),
        ("timeout_s", "", "This is no JSON"),
    ],
)
async def test_what_does_not_fit_the_schema_is_said_at_its_place_and_the_editor_stays(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        editor = await open_editor(it)
        area(editor, name).text = text
        area(editor, "command").focus()
        await it.press("ctrl+s")
        await it.until(lambda: says in plain_text(it.app))
        lines = plain_text(it.app).split("\n")
        at = next(n for n, line in enumerate(lines) if "timeout_s" in line)
        assert any(says in line for line in lines[at : at + 4])
        assert it.app.focused is area(editor, name)
        area(editor, name).text = "20"
        await close(it)
        assert "stops after 20 s" in it.words


async def test_what_a_rule_denies_is_said_before_the_editor_closes(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: ls") as (gateway, _), desk(gateway) as it:
        rule = PolicyRule("run_command", "deny", {"command": "rm *"}, reason="Removing is mine.")
        gateway._runner._policy = Policy((rule,))
        editor = await open_editor(it)
        area(editor, "command").text = "rm -rf x"
        await it.press("ctrl+s")
        await it.until(lambda: "Removing is mine." in plain_text(it.app))
        assert it.app.screen is editor
        assert await it.untouched()


async def test_the_way_back_leaves_it_as_it_was_and_asks_once_about_changes(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        editor = await open_editor(it)
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.screen)
        editor = await open_editor(it)
        await it.press("x")
        await it.press("escape")
        assert "Your changes would be lost" in plain_text(it.app)
        assert it.app.screen is editor
        await it.press("escape")
        await it.until(lambda: it.app.screen is it.screen)
        assert it.shown.edited is None
        assert await it.untouched()


async def test_saved_as_it_was_it_is_no_edit(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, thread_id):
        await open_editor(it)
        await close(it)
        assert it.shown.edited is None
        await it.decide("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        [approval] = await it.gateway._store.list_approvals(pending_only=False)
        assert approval.edited_arguments is None


async def test_editing_needs_the_last_line_too_and_no_key_of_the_editor_answers(tmp_path: Path) -> None:
    async with staged(tmp_path, LONG, size=(80, 24)) as (it, _):
        await it.decide("e")
        assert "Scroll to the end first" in it.notice
        assert it.app.screen is it.screen
    async with staged(tmp_path, "run: ls") as (it, _):
        await open_editor(it)
        await it.press(*"adtwrpl", "enter", "space", "f4", "ctrl+n")
        assert isinstance(it.app.screen, ArgumentEditor)
        assert it.app.pressed == []
        assert await it.untouched()


async def test_a_text_with_hidden_characters_is_edited_as_json_that_shows_them(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: echo \u202efdp \x1b[2J p\u0430y", size=(80, 24)) as (it, _):
        editor = await open_editor(it)
        assert area(editor, "command").text == '"echo \\u202efdp \\u001b[2J p\\u0430y"'
        assert "command (JSON)" in plain_text(it.app)
        await close(it)
        assert it.shown.edited is None, "unchanged, it is the very same call"


async def test_always_remembers_what_was_edited(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: rm -rf build") as (it, thread_id):
        editor = await open_editor(it)
        area(editor, "command").text = "echo ok"
        await close(it)
        await it.decide("t")
        assert "no other: run_command echo ok" in it.notice
        await it.decide("t")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        [grant] = await it.gateway.grants()
        assert "echo ok" in grant.covers


async def test_a_list_that_was_read_meanwhile_does_not_undo_the_edit(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        before = await it.gateway.requests()
        editor = await open_editor(it)
        area(editor, "command").text = "ls -l"
        it.screen.refresh_requests(before)
        await close(it)
        it.screen.refresh_requests(before)
        await it.pilot.pause()
        assert it.shown.preview == "ls -l"


@pytest.mark.parametrize("size", [(40, 15), (20, 5), (1, 1)])
async def test_it_stands_a_terminal_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await open_editor(it)
        await it.pilot.resize_terminal(*size)
        await it.press("x", "ctrl+s") if size == (40, 15) else await it.press("tab")
        if size == (40, 15):
            await until_closed(it)
            assert it.shown.preview == "xls"
