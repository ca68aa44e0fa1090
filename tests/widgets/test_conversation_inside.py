"""What a subagent did, under the line of the call it works for."""

from __future__ import annotations

from afk_tui.gateway.views import InsideItem
from tests.widgets.conversation_kit import item, running, screen, shown


def inside(count: int, depth: int = 0) -> tuple[InsideItem, ...]:
    return tuple(
        InsideItem(depth, item(f"m{n}", "call", "out", title=f"read_file {n}.txt", status="ran"))
        for n in range(count)
    )


async def test_the_last_of_it_first_and_then_all_of_it() -> None:
    async with running((80, 60)) as (pilot, app):
        conversation = app.conversation
        call = item(
            "c", "call", "the answer", title="helper", status="ran", inside=inside(30), inside_earlier=7
        )
        conversation.append(call)
        conversation.focus()
        await pilot.press("up")
        assert "read_file" not in shown(conversation)
        await pilot.press("enter")
        text = shown(conversation)
        assert ("read_file 17.txt" in text, "read_file 18.txt" in text, "read_file 29.txt" in text) == (
            False,
            True,
            True,
        )
        assert "25 earlier" in text
        await pilot.press("enter")
        assert "read_file 0.txt" in shown(conversation)
        assert "7 earlier · afk-tui export has them" in shown(conversation)
        await pilot.press("enter")
        assert len([line for line in screen(conversation) if line]) == 1


async def test_what_it_says_and_deeper_levels_are_set_in() -> None:
    said = InsideItem(0, item("m1", "assistant", "I will look."))
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.append(
            item("c", "call", "x", title="lead", status="running", inside=(said, *inside(1), *inside(1, 1)))
        )
        conversation.focus()
        await pilot.press("up", "enter")
        lines = screen(conversation)
        words = next(line for line in lines if "I will look." in line)
        shallow, deep = (line for line in lines if "read_file 0.txt" in line)
        assert deep.index("✓") == shallow.index("✓") + 2 == words.index("I") + 2


async def test_what_it_asks_for_is_seen_however_long_its_task_is() -> None:
    async with running((70, 10)) as (pilot, app):
        app.conversation.append(
            item(
                "c",
                "call",
                title="helper " + "a very long task " * 10,
                status="waiting",
                inside=inside(1),
                footnote="asks: write_file b.txt · 1 call",
            )
        )
        await pilot.pause()
        assert "asks: write_file b.txt · 1 call" in shown(app.conversation)
