from typing import get_args

from textual.geometry import Offset

from afk_tui.gateway.views import CallStatus
from afk_tui.widgets.conversation import Conversation
from tests.widgets.conversation_kit import item, running, screen, shown, until

WORDS = {
    "waiting": "waiting",
    "running": "running",
    "ran": "ran",
    "failed": "failed",
    "denied": "denied",
    "answered": "answered",
    "interrupted": "interrupted",
    "unknown": "outcome unknown",
    "proposed": "proposed",
}


async def test_every_status_is_a_word_and_no_two_look_the_same():
    async with running((80, 20)) as (pilot, app):
        conversation = app.conversation
        for status in get_args(CallStatus):
            conversation.append(item(status, "call", title="write_file notes.txt", status=status))
        await pilot.pause()
        lines = [line for line in screen(conversation) if line]
        assert len(lines) == len(WORDS)
        for status, line in zip(get_args(CallStatus), lines, strict=True):
            assert f" {WORDS[status]} " in line
            assert "write_file notes.txt" in line
        assert len({line.split()[1] for line in lines}) == len(WORDS)


async def test_enter_unfolds_a_call_in_two_steps_and_folds_it_again():
    output = "\n".join(f"line {i}" for i in range(30))
    async with running((80, 60)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("c", "call", output, title="run it", detail="make all", status="ran"))
        conversation.focus()
        await pilot.press("up")
        assert "make all" not in shown(conversation)
        await pilot.press("enter")
        assert "make all" in shown(conversation)
        assert "line 11" in shown(conversation)
        assert "line 12" not in shown(conversation)
        assert "18 more lines" in shown(conversation)
        await pilot.press("enter")
        assert "line 29" in shown(conversation)
        assert "more lines" not in shown(conversation)
        await pilot.press("enter")
        assert len([line for line in screen(conversation) if line]) == 1
        await until(pilot, lambda: app.messages.count(Conversation.ItemActivated("c")) == 3)


async def test_an_output_of_one_endless_line_is_cut_too():
    async with running((80, 60)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("c", "call", "x" * 1_000_000, title="run it", status="ran"))
        conversation.focus()
        await pilot.press("up", "enter")
        assert "998,000 more characters" in shown(conversation)
        await pilot.press("enter")
        assert conversation.pages.total > 5_000


async def test_a_call_that_changes_keeps_its_fold():
    async with running((80, 30)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("c", "call", "first", title="run it", status="running"))
        conversation.focus()
        await pilot.press("up", "enter")
        conversation.update(item("c", "call", "first\nsecond", title="run it", status="failed"))
        assert "second" in shown(conversation)
        assert "failed" in shown(conversation)
        assert "running" not in shown(conversation)


async def test_a_click_sets_the_cursor_and_unfolds_a_call_but_a_drag_does_not():
    async with running((80, 30)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="words"))
        conversation.append(item("c", "call", "the output", title="run it", status="ran"))
        await pilot.pause()
        await pilot.mouse_down(Conversation, offset=Offset(20, 2))
        await pilot.hover(Conversation, offset=Offset(24, 2))
        await pilot.mouse_up(Conversation, offset=Offset(24, 2))
        assert "the output" not in shown(conversation)
        await pilot.click(Conversation, offset=Offset(20, 2))
        await until(pilot, lambda: "the output" in shown(conversation))
        assert conversation.cursor_key == "c"
        await pilot.click(Conversation, offset=Offset(3, 0))
        assert conversation.cursor_key == "a"


async def test_the_cursor_is_a_bar_at_the_left_and_moves_item_by_item():
    async with running((80, 30)) as (pilot, app):
        conversation = app.conversation
        for key in ("a", "b", "c"):
            conversation.append(item(key))
        conversation.focus()
        await pilot.press("up", "up")
        assert [line[0] for line in screen(conversation) if line] == [" ", "▌", " "]
        await pilot.press("down")
        assert [line[0] for line in screen(conversation) if line] == [" ", " ", "▌"]


async def test_unfolding_at_the_end_leaves_the_line_where_it_is():
    async with running((80, 10)) as (pilot, app):
        conversation = app.conversation
        for index in range(20):
            conversation.append(item(f"a{index}"))
        conversation.append(item("c", "call", "out\n" * 30, title="run it", status="ran"))
        conversation.focus()
        await pilot.press("up")
        assert "run it" in screen(conversation)[9]
        await pilot.press("enter")
        assert "run it" in screen(conversation)[9]
        await pilot.press("pagedown")
        assert "out" in shown(conversation)


async def test_a_long_item_is_read_line_by_line_with_the_arrows():
    async with running((80, 10)) as (pilot, app):
        conversation = app.conversation
        conversation.append(item("a", text="\n\n".join(f"paragraph {i}" for i in range(9))))
        conversation.append(item("b", text="the last"))
        conversation.focus()
        await pilot.press("home", "down")
        assert conversation.cursor_key == "a"
        assert "paragraph 0" not in shown(conversation)
        for _ in range(14):
            await pilot.press("down")
        assert conversation.cursor_key == "b"
        assert "the last" in shown(conversation)
