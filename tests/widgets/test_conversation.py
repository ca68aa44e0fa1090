import asyncio

import pytest
from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.selection import Selection

from afk_tui.gateway.views import ConversationItem
from afk_tui.widgets import conversation_source
from afk_tui.widgets.conversation import Conversation
from tests.widgets.conversation_kit import CountingSource, item, running, screen, shown, until


def long_items(count: int) -> list[ConversationItem]:
    """Items whose real height is not what their length promises."""
    return [item(f"k{i}", text=f"start of {i}\n\n" + "- a line of it\n" * (i % 7 + 1)) for i in range(count)]


async def test_a_conversation_opens_at_its_end_and_follows():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource(long_items(200)))
        await until(pilot, lambda: "start of 199" in shown(conversation))
        assert conversation.follow
        assert conversation.place is None
        conversation.append(item("new", "user", "the newest"))
        assert "the newest" in screen(conversation)[-1]


async def test_ten_thousand_items_load_only_a_window_of_bodies():
    source = CountingSource(long_items(10_000))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        await until(pilot, lambda: "start of 9999" in shown(conversation))
        conversation.focus()
        await pilot.press("home")
        await until(pilot, lambda: "start of 0" in shown(conversation))
        await pilot.press("pagedown")
        assert sum(last - first for first, last in source.asked) < 300


async def test_a_remembered_place_is_at_the_top_again():
    source = CountingSource(long_items(300))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, place="k120")
        await until(pilot, lambda: "start of 120" in screen(conversation)[0])
        assert conversation.place == "k120"
        assert not conversation.follow
        await conversation.open(source, place="gone", at_end=False)
        await until(pilot, lambda: "start of 0" in screen(conversation)[0])


async def test_the_top_item_stays_through_corrections_above_it():
    source = CountingSource(long_items(300))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, place="k150")
        await until(pilot, lambda: conversation.pages.entries[135].item is not None)
        before = screen(conversation)
        line = conversation.pages.line_of(conversation.top)
        for key in ("k10", "k11", "k149"):
            conversation.update(item(key, text="grown\n\n" * 50))
        assert screen(conversation) == before
        assert conversation.pages.line_of(conversation.top) > line + 50


async def test_scrolling_up_and_down_again_shows_each_line_once():
    source = CountingSource(long_items(60))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        await until(pilot, lambda: "start of 59" in shown(conversation))
        upward: list[str] = []
        while conversation.scroll_offset.y > 0:
            conversation.move(-1)
            await until(pilot, lambda: "…" not in shown(conversation))
            upward.append(screen(conversation)[0])
        starts = [line.strip() for line in reversed(upward) if "start" in line]
        assert starts == [f"start of {i}" for i in range(len(starts))]
        assert len(starts) > 50


@pytest.mark.parametrize("size", [(40, 20), (80, 7), (33, 33), (200, 50)])
async def test_the_top_item_stays_through_a_resize(size: tuple[int, int]):
    text = "words that wrap somewhere else at another width " * 6
    source = CountingSource([item(f"k{i}", text=f"start of {i} {text}") for i in range(200)])
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, place="k100")
        await until(pilot, lambda: "start of 100" in shown(conversation))
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: conversation.size.width in (size[0], size[0] - 1))
        assert "start of 100 " in screen(conversation)[0]
        assert conversation.place == "k100"


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 40), (9, 2), (200, 1)])
async def test_no_size_breaks_it_and_the_end_is_still_the_end_afterwards(size: tuple[int, int]):
    items = [
        item("a", "user", "日本語 words\n\ttab"),
        item(
            "b",
            text="# T\n\n> > > deep\n\n- - - a\n\n|a|b|c|d|\n|-|-|-|-|\n|1|2|3|4|\n\n```py\nx = 1\n```\n日本語",
        ),
        item("c", "call", "out", title="run it", detail='{"a": 1}', status="ran"),
        item("d", "note", "noted", footnote="f"),
    ]
    async with running((60, 30), "nothing here") as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource(items))
        await pilot.resize_terminal(*size)
        await pilot.pause()
        for y in range(conversation.size.height):
            conversation.render_line(y)
        conversation.focus()
        await pilot.press("up", "enter", "pageup", "end", "home", "end")
        await pilot.resize_terminal(60, 30)
        await until(pilot, lambda: "noted" in shown(conversation))
        assert conversation.follow


async def test_scrolling_up_lets_go_and_the_end_follows_again():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource(long_items(50)))
        await until(pilot, lambda: "start of 49" in shown(conversation))
        conversation.focus()
        await pilot.press("pageup")
        assert not conversation.follow
        before = screen(conversation)
        conversation.append(item("new", text="the newest"))
        conversation.append(item("newer", text="the newer"))
        assert screen(conversation) == before
        await until(pilot, lambda: bool(app.messages))
        last = app.messages[-1]
        assert isinstance(last, Conversation.FollowChanged)
        assert not last.following
        assert last.below >= 2
        conversation.scroll_to_end()
        assert conversation.follow
        assert "the newer" in screen(conversation)[-1]
        await until(pilot, lambda: app.messages[-1] == Conversation.FollowChanged(True, 0))


async def test_wheel_and_scrollbar_move_the_view_and_let_go():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource(long_items(500)))
        await until(pilot, lambda: "start of 499" in shown(conversation))
        conversation.post_message(MouseScrollUp(conversation, 5, 5, 0, -1, 0, False, False, False))
        await until(pilot, lambda: not conversation.follow)
        await until(pilot, lambda: conversation.allow_vertical_scroll)
        conversation.scroll_to(y=conversation.max_scroll_y // 2, animate=False)
        await until(pilot, lambda: "…" not in shown(conversation) and "start of 2" in shown(conversation))
        assert not conversation.follow


async def test_items_are_replaced_by_key_and_taken_out():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        for key in ("a", "b", "c"):
            conversation.append(item(key))
        conversation.update(item("b", text="changed"))
        conversation.append(item("a", text="once more"))
        conversation.remove_item("c")
        conversation.remove_item("unknown")
        await pilot.pause()
        assert [line.strip() for line in screen(conversation) if line] == ["once more", "changed"]
        assert conversation.copy_text("b") == "changed"
        assert conversation.copy_text("c") is None
        conversation.clear()
        assert not shown(conversation).strip()


async def test_what_happens_while_a_conversation_opens_is_not_lost():
    source = CountingSource(long_items(5))
    source.gate = asyncio.Event()
    async with running((80, 40)) as (pilot, app):
        conversation = app.conversation
        opening = asyncio.create_task(conversation.open(source))
        await pilot.pause()
        conversation.update(item("k4", text="newer than on disk"))
        conversation.begin_stream("s")
        conversation.feed("streamed")
        source.gate.set()
        await opening
        await until(pilot, lambda: "streamed" in shown(conversation))
        assert "newer than on disk" in shown(conversation)
        assert "start of 4" not in shown(conversation)


async def test_opened_anew_it_keeps_its_cursor_and_another_one_begins_without():
    source = CountingSource(item(f"i{n}") for n in range(5))
    async with running((60, 20)) as (_pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        conversation.go_to("i2")
        await conversation.open(source)
        assert conversation.cursor_key == "i2"
        source.items = source.items[3:]
        await conversation.open(source)
        assert conversation.cursor_key is None
        conversation.go_to("i4")
        await conversation.open(CountingSource(source.items))
        assert conversation.cursor_key is None


async def test_an_earlier_open_does_not_overtake_a_later_one():
    slow = CountingSource([item("slow")])
    slow.gate = asyncio.Event()
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        first = asyncio.create_task(conversation.open(slow))
        await pilot.pause()
        await conversation.open(CountingSource([item("quick")]))
        slow.gate.set()
        await first
        assert "text of quick" in shown(conversation)
        assert "slow" not in shown(conversation)


async def test_an_error_of_the_source_is_shown_and_enter_tries_again():
    source = CountingSource(long_items(3))
    source.error = OSError("the disk is gone [/nope]")
    async with running((80, 30)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source)
        await until(pilot, lambda: "the disk is gone [/nope]" in shown(conversation))
        await until(pilot, lambda: any(isinstance(m, Conversation.LoadFailed) for m in app.messages))
        source.error = None
        conversation.focus()
        for _ in range(3):
            await pilot.press("up", "enter")
        await until(pilot, lambda: "start of 0" in shown(conversation) and "gone" not in shown(conversation))


async def test_an_empty_conversation_says_what_to_do():
    async with running((40, 11), "Write below to begin") as (_pilot, app):
        conversation = app.conversation
        await conversation.open(CountingSource([]))
        lines = screen(conversation)
        assert "Write below to begin" in lines[5]
        assert 8 <= lines[5].index("Write") <= 11
        conversation.append(item("a", text="something"))
        assert "Write below" not in shown(conversation)


async def test_a_selection_copies_the_lines_as_they_are_shown_without_bars():
    async with running((60, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("u", "user", "my question\nsecond line"))
        conversation.append(item("a", text="an *answer*\n\n- with an item"))
        await pilot.pause()
        begin = screen(conversation)[0].index("question")
        await pilot.mouse_down(Conversation, offset=(begin, 0))
        await pilot.hover(Conversation, offset=(begin + 4, 3))
        await pilot.mouse_up(Conversation, offset=(begin + 4, 3))
        await until(pilot, lambda: bool(app.screen.selections))
        copied = app.screen.get_selected_text()
        assert copied is not None
        assert copied.startswith("question\nsecond line\n\nan answ")
        # what comes above does not move the selection
        everything = conversation.get_selection(Selection(None, None))
        assert everything is not None
        assert everything[0].splitlines() == [
            "my question", "second line", "", "an answer", "", " • with an item",
        ]  # fmt: skip


async def test_a_selection_stays_on_its_text_when_the_text_above_grows():
    async with running((60, 40)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="above"))
        conversation.append(item("b", text="the selected words"))
        await pilot.pause()
        number = conversation.render_line(2).text.index("selected")
        meta = next(s.style.meta for s in conversation.render_line(2) if s.style and s.style.meta)
        _, line = meta["offset"]
        selection = Selection(Offset(number, line), Offset(number + 8, line))
        assert conversation.get_selection(selection) == ("selected", "\n")
        conversation.update(item("a", text="above\n\nand\n\nmore"))
        assert conversation.get_selection(selection) == ("selected", "\n")


async def test_a_place_opened_while_hidden_is_at_the_top_when_shown():
    async with running((80, 20), hidden=True) as (pilot, app):
        conversation = app.conversation
        assert conversation.pages.width == 0
        await conversation.open(CountingSource(long_items(300)), place="k120")
        conversation.display = True
        await until(pilot, lambda: conversation.size.height > 0 and "start of 120" in screen(conversation)[0])


async def test_another_theme_is_drawn_in_its_own_colours():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="# Title\n\n```python\nx = 1\n```"))
        await pilot.pause()

        def colours() -> set[object]:
            return {
                s.style.color
                for y in range(4)
                for s in conversation.render_line(y)
                if s.style and s.text.strip()
            }

        dark = colours()
        app.theme = "textual-light"
        await until(pilot, lambda: not dark & colours())


async def test_however_short_no_more_than_so_many_bodies_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_source, "KEPT_ITEMS", 60)
    source = CountingSource(item(f"m{n}", "user", f"start of {n}") for n in range(600))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, at_end=False)
        entries, before = conversation.pages.entries, -1

        def is_read() -> bool:
            first, last = conversation.shown_range
            return first > before and all(entry.item is not None for entry in entries[first : last + 1])

        while before < 500:
            await until(pilot, is_read)
            before = conversation.shown_range[0]
            conversation.move(60)
        # those on the screen and around it always are
        near = 20 + 4 * conversation_source.MARGIN
        assert sum(entry.item is not None for entry in conversation.pages.entries) <= 60 + near
        await pilot.press("home")
        await until(pilot, lambda: "start of 0" in screen(conversation)[0])


async def test_bodies_long_out_of_sight_are_given_up_and_come_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(conversation_source, "KEPT_CHARS", 2_000)
    source = CountingSource(long_items(300))
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        await conversation.open(source, at_end=False)
        conversation.focus()
        await pilot.press("end")
        await until(pilot, lambda: "start of 299" in shown(conversation))
        assert sum(entry.item is not None for entry in conversation.pages.entries) < 100
        await pilot.press("home")
        await until(pilot, lambda: "start of 0" in screen(conversation)[0])
