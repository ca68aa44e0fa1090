"""Reading a conversation in the app: copying what was said, and finding the way in it."""

from __future__ import annotations

import pytest

from afk_tui.screens import main_reading
from afk_tui.screens.ask_text import AskTextScreen
from afk_tui.screens.fields import LineField
from afk_tui.widgets.below_bar import BelowBar


async def to_item(driven, kind: str) -> None:
    """Put the cursor on the last item of a kind."""
    driven.main.conversation.focus()
    await driven.pilot.press("end")

    def is_there() -> bool:
        conversation = driven.main.conversation
        at = conversation.pages.find(conversation.cursor_key or "")
        return at is not None and conversation.pages.entries[at].kind == kind

    for _ in range(12):
        if is_there():
            return
        await driven.pilot.press("up")
    raise AssertionError(f"no {kind} above")


async def until_copied(driven, text: str) -> None:
    await driven.until(lambda: driven.app.clipboard == text, f"{text!r} to be copied")


async def test_a_message_is_copied_as_it_was_written_not_as_it_is_drawn(start) -> None:
    async with start(size=(50, 30)) as driven:
        text = "search first\tline\n" + "and a long line " * 12
        await driven.say(text)
        await driven.until_state("done")
        await to_item(driven, "user")
        await driven.pilot.press("c")
        await until_copied(driven, text)


async def test_a_call_is_copied_with_its_arguments_and_its_output(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await to_item(driven, "call")
        await driven.pilot.press("c")
        await driven.until(lambda: "first line" in driven.app.clipboard, "the call to be copied")
        assert driven.app.clipboard.startswith("read_file a.txt\n\n{\n")
        assert '"path": "a.txt"' in driven.app.clipboard


async def test_code_is_copied_without_its_fence_from_the_item_or_the_last_answer(start) -> None:
    code = "write notes.txt: buy milk and then read notes.txt"
    async with start() as driven:
        await driven.say("help")
        await driven.until_state("done")
        await driven.say("/code")
        await until_copied(driven, code)
        driven.app.copy_to_clipboard("")
        await to_item(driven, "assistant")
        await driven.pilot.press("b")
        await until_copied(driven, code)
        await driven.say("/copy")
        await driven.until(lambda: "| say | and I |" in driven.app.clipboard, "the answer as Markdown")


async def test_asked_again_the_next_code_block_is_copied(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await to_item(driven, "call")
        said = driven.notices()
        for expected, which in (("first line", "1 of 2"), ('"path"', "2 of 2"), ("first line", "1 of 2")):
            said.clear()
            await driven.pilot.press("b")
            await driven.until(lambda: bool(said), "it to be told")
            assert expected in driven.app.clipboard
            assert which in said[0]


async def test_all_is_copied_as_the_export_writes_it(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        driven.main.conversation.focus()
        await driven.pilot.press("C")
        await driven.until(lambda: "### Call: `read_file`" in driven.app.clipboard, "all of it")
        assert "> read a.txt" in driven.app.clipboard
        assert "first line" in driven.app.clipboard


async def test_what_may_be_too_much_for_a_clipboard_is_asked_about_and_can_become_a_file(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_reading, "COPY_BYTES", 100)
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.say("/copy-all")
        await driven.until_screen("ConfirmScreen")
        await driven.until_shown("Nothing was copied")
        assert driven.app.clipboard == ""
        await driven.until(lambda: driven.app.screen.is_ready, "the question to hear")
        await driven.pilot.press("f")
        await driven.until_screen("AskTextScreen")
        assert isinstance(driven.app.screen, AskTextScreen)
        line = driven.app.screen.query_one("#line", LineField)
        line.value = "a.txt"  # which is there: it is left alone, and asked again
        await driven.pilot.press("enter")
        await driven.until_shown("already. Take")
        await driven.until_screen("AskTextScreen")
        driven.app.screen.query_one("#line", LineField).value = "saved.md"
        await driven.pilot.press("enter")
        await driven.until(lambda: (driven.folder / "saved.md").exists(), "the file")
        await driven.until_screen("MainScreen")
        assert "### Call: `read_file`" in (driven.folder / "saved.md").read_text()
        assert (driven.folder / "a.txt").read_text() == "first line\n"


async def test_a_conversation_is_exported_under_its_title(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.say("/export")
        await driven.until_screen("AskTextScreen")
        await driven.pilot.press("enter")
        await driven.until(lambda: (driven.folder / "read-a-txt.md").exists(), "the file")


async def test_scrolled_up_a_line_says_what_is_below_and_a_click_or_a_key_goes_there(start) -> None:
    async with start(size=(80, 20)) as driven:
        await driven.say("help")
        await driven.until_state("done")
        conversation, bar = driven.main.conversation, driven.main.query_one(BelowBar)
        assert not bar.display
        for way in ("key", "click"):
            await driven.pilot.press("alt+up")
            await driven.until(lambda: not conversation.follow, "the end to be left")
            await driven.until_shown("ctrl+end goes to the end")
            if way == "key":
                assert driven.main.composer.has_focus
                await driven.pilot.press("ctrl+end")
            else:
                await driven.pilot.click(BelowBar)
            await driven.until(lambda: conversation.follow and not bar.display, f"the end, by a {way}")


async def test_what_a_run_adds_below_is_told_as_new(start) -> None:
    async with start(size=(80, 20)) as driven:
        await driven.say("help")
        await driven.until_state("done")
        await driven.pilot.press("alt+up")
        await driven.until(lambda: not driven.main.conversation.follow, "the end to be left")
        await driven.main.gateway.send(driven.main.thread_id, "list")
        await driven.until_shown("new below")
        assert not driven.main.conversation.follow
