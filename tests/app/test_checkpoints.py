"""From a line of the timeline to its place in the conversation."""

from __future__ import annotations

import pytest

from tests.app.conftest import Start


@pytest.mark.parametrize("key", ["enter", "g"])
async def test_a_line_of_the_timeline_leads_to_its_message_and_marks_it(start: Start, key: str) -> None:
    async with start() as driven:
        for number, text in enumerate(("read a.txt", *["list"] * 12), start=1):
            await driven.say(text)

            # the status line still says "done" of the run before
            async def is_over(number: int = number) -> bool:
                thread_id = driven.main.thread_id
                if thread_id is None or driven.main.gateway.is_working(thread_id):
                    return False
                timeline = driven.main.gateway.timeline(thread_id)
                await timeline.count()
                return timeline.counts.runs == number

            await driven.until(is_over, f"run {number} to be over")
            await driven.until_state("done")
        conversation = driven.main.conversation
        entries = conversation.pages.entries
        call = next(entry for entry in entries if entry.kind == "call")
        assert conversation.shown_range[0] > 2
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        await driven.until_shown("13 runs")
        await driven.pilot.press("end")
        await driven.until_shown("the thread begins here")
        await driven.pilot.press("up", "up")
        await driven.until_shown("open → ran")
        await driven.pilot.press(key)
        await driven.until_screen("MainScreen")
        await driven.until(lambda: conversation.cursor_key == call.key, "the mark")
        assert conversation.has_focus
        assert conversation.shown_range[0] == entries.index(call)
        await driven.until_shown("read_file a.txt")


async def test_escape_leaves_the_conversation_where_it_was(start: Start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert driven.main.conversation.cursor_key is None
