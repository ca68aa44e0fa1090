"""A long result in the conversation, and the way to the whole of it."""

from __future__ import annotations

from tests.app.conftest import Driven, Start

COMMAND = "seq 1 9000"


async def ran(driven: Driven) -> None:
    """A command with a long output has run, and its call is under the cursor."""
    await driven.say(f"run: {COMMAND}")
    await driven.until_state("waiting")
    [request] = await driven.main.gateway.requests()
    await driven.main.gateway.decide(request, "allow")
    await driven.until_state("done")
    conversation = driven.main.conversation
    conversation.focus()
    call = next(entry for entry in conversation.pages.entries if entry.kind == "call")
    await driven.until(lambda: call.item is not None and bool(call.item.output_sha), "the result to be there")
    conversation.cursor_key = call.key


async def test_o_opens_the_whole_result_of_the_call_under_the_cursor(start: Start) -> None:
    async with start() as driven:
        await ran(driven)
        await driven.pilot.press("enter", "enter")
        await driven.pilot.press("o")
        await driven.until_screen("OutputScreen")
        await driven.until_shown(f"run_command {COMMAND}")
        await driven.pilot.press("end")
        await driven.until_shown("9001  9000")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert driven.main.conversation.has_focus


async def test_a_click_on_what_says_so_opens_it_too(start: Start) -> None:
    async with start() as driven:
        await ran(driven)
        await driven.pilot.press("enter")
        await driven.until_shown("the whole result is kept")
        row = next(
            n for n, line in enumerate(driven.text().split("\n")) if "the whole result is kept" in line
        )
        column = driven.text().split("\n")[row].index("whole result")
        await driven.pilot.click(offset=(column, row))
        await driven.until_screen("OutputScreen")
        await driven.until_shown("of 9,001 lines")


async def test_the_command_opens_the_last_long_result(start: Start) -> None:
    async with start() as driven:
        await ran(driven)
        await driven.say("/output")
        await driven.until_screen("OutputScreen")
        await driven.until_shown("of 9,001 lines")
        await driven.pilot.press("q")
        await driven.until_screen("MainScreen")


async def test_where_all_is_shown_it_says_so(start: Start) -> None:
    async with start() as driven:
        said = driven.notices()
        await driven.say("/output")
        await driven.until(lambda: "A new conversation has no results yet." in said, "to be told")
        await driven.say("list")
        await driven.until_state("done")
        driven.main.conversation.focus()
        await driven.pilot.press("up", "o")
        await driven.until(lambda: any("All of it is shown here" in text for text in said), "to be told")
        await driven.say("/output")
        await driven.until(lambda: any("No result of this thread" in text for text in said), "to be told")
        assert driven.app.screen is driven.main
