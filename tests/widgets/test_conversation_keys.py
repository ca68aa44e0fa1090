"""The keys of a conversation that has the focus."""

from __future__ import annotations

import pytest

from afk_tui.widgets.below_bar import BelowBar
from afk_tui.widgets.conversation import Conversation
from tests.widgets.conversation_kit import (
    ConversationApp,
    CountingSource,
    item,
    running,
    screen,
    shown,
    until,
)


def talk(turns: int) -> CountingSource:
    kinds = ("user", "assistant", "call")
    return CountingSource(
        item(f"{kind}{n}", kind, title="look around", status="ran") for n in range(turns) for kind in kinds
    )


def under_cursor(conversation: Conversation) -> str:
    return "\n".join(line for line in screen(conversation) if line.startswith("▌"))


@pytest.mark.parametrize(("up", "down"), [("up", "down"), ("k", "j")])
async def test_arrows_and_letters_move_the_cursor_item_by_item(up: str, down: str) -> None:
    async with running((60, 12)) as (pilot, app):
        await app.conversation.open(talk(3))
        app.conversation.focus()
        await pilot.press(up)
        assert app.conversation.cursor_key == "call2"
        await pilot.press(up, up)
        assert app.conversation.cursor_key == "user2"
        await pilot.press(down)
        assert app.conversation.cursor_key == "assistant2"
        assert "text of assistant2" in under_cursor(app.conversation)


async def test_brackets_go_from_one_message_of_the_persons_to_the_next_also_to_those_not_loaded() -> None:
    source = talk(3_000)
    async with running((60, 12)) as (pilot, app):
        await app.conversation.open(source)
        app.conversation.focus()
        await pilot.press("[")
        assert app.conversation.cursor_key == "user2999"
        for _ in range(500):
            app.conversation.to_user_message(-1)
        await until(pilot, lambda: "text of user2499" in screen(app.conversation)[0])
        assert app.conversation.cursor_key == "user2499"
        assert sum(last - first for first, last in source.asked) < 1_500
        await pilot.press("]")
        await until(pilot, lambda: "text of user2500" in screen(app.conversation)[0])


async def test_below_the_last_message_is_the_end_and_above_the_first_nothing() -> None:
    async with running((60, 12)) as (pilot, app):
        await app.conversation.open(talk(20), at_end=False)
        app.conversation.focus()
        await pilot.press("[", "[")
        assert "text of user0" in screen(app.conversation)[0]
        assert not app.conversation.to_user_message(-1)
        for _ in range(21):
            await pilot.press("]")
        assert app.conversation.follow
        assert app.conversation.cursor_key == "call19"


async def test_a_call_that_was_unfolded_stays_so_however_far_one_scrolls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from afk_tui.widgets import conversation_source

    monkeypatch.setattr(conversation_source, "KEPT_CHARS", 500)
    source = talk(300)
    source.items[2] = item("call0", "call", "deep inside", title="look", status="ran")
    async with running((60, 12)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, at_end=False)
        conversation.focus()
        await pilot.press("down", "down", "down", "enter")
        assert "deep inside" in shown(conversation)
        await pilot.press("end")
        await until(pilot, lambda: conversation.pages.entries[2].item is None, "the call to be given up")
        await pilot.press("home")
        await until(pilot, lambda: "deep inside" in shown(conversation), "it to be unfolded")


async def test_an_unfolded_call_tells_what_the_journal_knows_between_arguments_and_output() -> None:
    facts = (
        ("asked", "12:00:01 · It changes something."),
        ("decided", "allowed by ada, 12:00:09 " + "x" * 70),
    )
    async with running((70, 20)) as (pilot, app):
        call = item("c", "call", "done!", title="run it", detail="make all", status="ran", facts=facts)
        app.conversation.append(call)
        app.conversation.focus()
        await pilot.press("up")
        assert "asked" not in shown(app.conversation)
        await pilot.press("enter")
        lines = screen(app.conversation)
        order = [next(n for n, line in enumerate(lines) if word in line) for word in
                 ("run it", "make all", "asked", "decided", "done!")]  # fmt: skip
        assert order == sorted(order)
        assert max(len(line) for line in lines) <= 70
        assert sum(line.count("x") for line in lines) == 70


async def test_what_is_to_be_copied_is_asked_for_by_key() -> None:
    async with running((60, 12)) as (pilot, app):

        def copies() -> list[object]:
            return [one for one in app.messages if isinstance(one, Conversation.CopyAsked)]

        app.conversation.append(item("a", "assistant"))
        app.conversation.focus()
        await pilot.press("C", "up", "c", "b")
        await until(pilot, lambda: len(copies()) == 3)
        assert copies() == [
            Conversation.CopyAsked(None, "all"),
            Conversation.CopyAsked("a", "item"),
            Conversation.CopyAsked("a", "code"),
        ]


def last_told(app: ConversationApp) -> Conversation.FollowChanged:
    return next(m for m in reversed(app.messages) if isinstance(m, Conversation.FollowChanged))


async def test_what_comes_while_one_reads_above_is_counted_as_new() -> None:
    async with running((60, 12)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(talk(20))
        conversation.focus()
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: last_told(app).below > 0)
        assert last_told(app).new == 0
        was = screen(conversation)
        conversation.append(item("x", "assistant"))
        conversation.append(item("n", "note", "Queued"))
        conversation.begin_stream("s")
        await until(pilot, lambda: last_told(app).new == 2)
        assert screen(conversation) == was
        await pilot.press("end")
        await until(pilot, lambda: last_told(app) == Conversation.FollowChanged(True, 0, 0))
        await pilot.press("pageup")
        await until(pilot, lambda: not last_told(app).following)
        assert last_told(app).new == 0


@pytest.mark.parametrize("width", [80, 40, 24, 8])
def test_the_line_below_fits_and_says_the_new_first(width: int) -> None:
    class Narrow(BelowBar):
        size = type("S", (), {"width": width})()  # pyright: ignore

    bar = Narrow("ctrl+end")
    bar.set_reactive(BelowBar.below, (12, 3))
    line = bar.render().plain
    assert line.startswith("↓ 3")
    if width >= 40:
        assert line.startswith("↓ 3 new below · 12 below · ctrl+end")
        assert len(line) <= width
