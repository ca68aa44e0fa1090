"""Writing in the app: commands and files that complete, what was sent before, and large pastes."""

from __future__ import annotations

from textual import events

from afk_tui.actions import ACTIONS
from afk_tui.screens.main_writing import commands_like
from afk_tui.widgets.completion_list import CompletionList
from afk_tui.widgets.conversation import Conversation


def popup(driven) -> CompletionList:
    return driven.main.query_one(CompletionList)


def test_every_action_is_offered_with_its_key_by_its_command() -> None:
    offered = commands_like("")
    assert {one.value for one in offered} == {f"/{action.command}" for action in ACTIONS}
    for action in ACTIONS:
        first = commands_like(action.command)[0]
        assert first.value == f"/{action.command}"
        assert action.key_label in first.label
        assert first.about == action.about


async def test_a_command_is_offered_while_it_is_typed_and_enter_does_it(start) -> None:
    async with start() as driven:
        await driven.pilot.press("/", "h", "e")
        await driven.until_shown("Every key and command")
        await driven.pilot.press("enter")
        await driven.until_screen("HelpScreen")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert driven.main.composer.draft == ""


async def test_files_of_the_folder_are_offered_after_an_at_sign(start) -> None:
    async with start() as driven:
        (driven.folder / "my notes.txt").write_text("")
        (driven.folder / ".env").write_text("")
        await driven.pilot.press(*"see @")
        await driven.until(lambda: popup(driven).is_open, "the files")
        for name in ("a.txt", "my notes.txt", ".env"):
            await driven.until_shown(name)
        await driven.pilot.press("n", "o", "t")
        await driven.until(lambda: popup(driven).token == driven.main.composer._token, "the files like it")
        await driven.pilot.press("tab")
        assert driven.main.composer.draft == 'see @"my notes.txt" '


async def test_files_are_those_of_the_threads_folder_wherever_the_app_was_started(start, tmp_path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "elsewhere.txt").write_text("")
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        store = driven.main.gateway._store
        await store._connection.write(
            "FULL", lambda db: db.execute("UPDATE thread SET workspace = ?", (str(other),))
        )
        await driven.pilot.press("@")
        await driven.until_shown("elsewhere.txt")


async def test_what_was_sent_in_this_folder_comes_back_over_threads_and_restarts(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: driven.main.thread_id is None, "a new thread")
        await driven.say("read a.txt")
        await driven.until_state("done")
    async with start() as driven:
        composer = driven.main.composer
        await driven.until(lambda: driven.main.has_begun, "the app to be ready")
        await driven.pilot.press("x", "up")
        await driven.until(lambda: composer.text == "read a.txt", "the newest")
        await driven.pilot.press("up")
        assert composer.text == "list"
        await driven.pilot.press("down", "down")
        assert composer.text == "x"


async def test_a_megabyte_is_pasted_looked_at_kept_over_a_restart_and_sent_whole(start) -> None:
    text = "word of a long file\n" * 52_000
    async with start() as driven:
        composer = driven.main.composer
        await driven.until(lambda: driven.main.has_begun, "the app to be ready")
        await driven.pilot.press(*"see ")
        composer.post_message(events.Paste(text))
        await driven.until_shown("[pasted 1: 52,000 lines")
        await driven.pilot.press("ctrl+o")
        await driven.until_screen("PasteScreen")
        await driven.until_shown("word of a long file")
        await driven.pilot.press("end")
        await driven.until(lambda: driven.app.screen.query_one(Conversation).top.piece > 100, "the end of it")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")

        async def is_kept() -> bool:
            return await driven.main.gateway.recall("draft", driven.main.draft_key) == composer.kept_draft

        await driven.until(is_kept, "the draft to be on disk")
    async with start() as driven:
        await driven.until_shown("[pasted 1: 52,000 lines")
        await driven.pilot.press("enter")
        await driven.until(lambda: driven.main.thread_id is not None, "a thread")
        [first] = (await driven.main.gateway._store.messages(driven.main.thread_id))[:1]
        assert first.text == f"see {text}"
        await driven.until_state("done")


async def test_page_keys_scroll_the_conversation_while_one_writes(start) -> None:
    async with start(size=(80, 20)) as driven:
        await driven.say("help")
        await driven.until_state("done")
        await driven.pilot.press("pageup")
        await driven.until(lambda: not driven.main.conversation.follow, "the end to be left")
        assert driven.main.composer.has_focus
        for _ in range(5):
            await driven.pilot.press("pagedown")
        await driven.until(lambda: driven.main.conversation.follow, "the end")
