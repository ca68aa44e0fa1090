"""Sending a message again otherwise, and changing what is queued."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.edit_message import EditMessageScreen
from afk_tui.screens.main import MainScreen
from afk_tui.widgets.composer import Composer
from screenshots.stage import HeldDemo
from tests.app.test_reading import to_item


async def texts(driven, thread_id: str | None, role: str = "user") -> list[str]:
    messages = await driven.main.gateway._store.messages(thread_id)
    return [message.text for message in messages if message.role == role]


async def write(driven, text: str) -> None:
    """Put another text in the dialog and send it."""
    await driven.until_screen("EditMessageScreen")
    assert isinstance(driven.app.screen, EditMessageScreen)
    composer = driven.app.screen.query_one(Composer)
    await driven.until(lambda: composer.has_focus, "the dialog's composer")
    composer.set_draft(text)
    await driven.pilot.press("enter")


async def test_a_message_is_sent_again_otherwise_in_a_new_thread_and_the_old_one_stays(start) -> None:
    async with start() as driven:
        for text in ("list", "read a.txt", "help"):
            await driven.say(text)
            await driven.until_state("done")
        old = driven.main.thread_id
        before = await driven.main.gateway._store.messages(old)
        driven.main.conversation.focus()
        await driven.pilot.press("[", "[", "e")
        await driven.until_screen("EditMessageScreen")
        assert driven.app.screen.query_one(Composer).draft == "read a.txt"
        await write(driven, "search first")
        await driven.until(lambda: driven.main.thread_id not in (None, old), "the new thread")
        await driven.until_state("done")
        assert await texts(driven, driven.main.thread_id) == ["list", "search first"]
        await driven.until_shown("a.txt:1")
        assert await driven.main.gateway._store.messages(old) == before


async def test_a_message_of_a_fork_can_be_sent_again_too(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        for text in ("read a.txt", "search first"):
            old = driven.main.thread_id
            await driven.say("/edit")
            await write(driven, text)
            await driven.until(lambda: driven.main.thread_id not in (None, old), "the new thread")  # noqa: B023
            await driven.until_state("done")
            assert await texts(driven, driven.main.thread_id) == [text]


async def test_what_was_sent_again_goes_on_whatever_is_opened_in_that_moment(start, monkeypatch) -> None:
    opened, may_go_on = asyncio.Event(), asyncio.Event()
    open_thread = MainScreen.open_thread

    async def open_slowly(self: MainScreen, thread_id: str | None) -> None:
        opened.set()
        await may_go_on.wait()
        await open_thread(self, thread_id)

    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        old = driven.main.thread_id
        await driven.say("/edit")
        monkeypatch.setattr(MainScreen, "open_thread", open_slowly)
        await write(driven, "read a.txt")
        await driven.until(opened.is_set, "the fork to be made")
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        may_go_on.set()
        await driven.until(lambda: driven.main.thread_id not in (None, old), "the new thread")
        await driven.pilot.press("escape")
        await driven.until_state("done")
        assert await texts(driven, driven.main.thread_id) == ["read a.txt"]


async def test_what_could_not_be_sent_again_is_there_when_one_comes_back(start, monkeypatch) -> None:
    async def full(*_: object) -> str:
        raise GatewayError("The disk is full.")

    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        monkeypatch.setattr(driven.main.gateway.resending, "fork_at", full)
        said = driven.notices()
        await driven.say("/edit")
        await write(driven, "read a.txt")
        await driven.until(lambda: any("The disk is full." in text for text in said), "the error")
        await driven.say("/edit")
        await driven.until_screen("EditMessageScreen")
        await driven.until(lambda: driven.app.screen.query_one(Composer).draft == "read a.txt", "the text")


async def test_what_was_written_and_left_is_there_when_one_comes_back(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.say("/edit")
        await driven.until_screen("EditMessageScreen")
        await driven.pilot.press(*" more", "escape")
        await driven.until_screen("MainScreen")
        await driven.say("/edit")
        await driven.until_screen("EditMessageScreen")
        await driven.until(lambda: driven.app.screen.query_one(Composer).draft == "list more", "the text")
        assert (await driven.main.gateway.threads(everywhere=True).count()) == 1


async def test_only_a_message_of_ones_own_can_be_sent_again(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await to_item(driven, "assistant")
        said = driven.notices()
        await driven.pilot.press("e")
        await driven.until(lambda: bool(said), "it to be told")
        assert "Only a message of yours" in said[0]


async def test_where_the_checkpoint_was_compacted_that_is_told_and_nothing_changes(start) -> None:
    from afk.memory.retention import StateRetentionPolicy

    async with start() as driven:
        for text in ("list", "read a.txt"):
            await driven.say(text)
            await driven.until_state("done")
        store = driven.main.gateway._store
        await store.compact(driven.main.thread_id, None, StateRetentionPolicy(max_entries=1))
        await driven.say("/edit")
        said = driven.notices()
        await write(driven, "help")
        await driven.until(lambda: bool(said), "it to be told")
        assert "removed by a compaction" in said[0]
        assert await store.count_threads() == 1


async def wait_with_queue(driven, *queued: str) -> None:
    """A call waits, and messages are queued behind its run."""
    await driven.say("write b.txt: hello")
    await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
    for text in queued:
        await driven.main.gateway.queue.add(driven.main.thread_id, text)
    driven.main.sync()
    await driven.until(lambda: driven.main._queued == list(queued), "the queue")


async def test_what_is_queued_stands_at_the_end_in_its_order_and_is_sent_in_it(start) -> None:
    async with start() as driven:
        await wait_with_queue(driven, "list", "read a.txt")
        await driven.until_shown("queued, 2 of 2")
        shown = driven.text()
        assert shown.index("┆ list") < shown.index("queued, 1 of 2") < shown.index("┆ read a.txt")
        [request] = await driven.main.gateway.requests()
        await driven.main.gateway.decide(request, "deny")
        await driven.until(lambda: not driven.main._queued, "the queue to be sent")
        await driven.until(lambda: not driven.main.gateway.is_working(), "the runs to end")
        assert await texts(driven, driven.main.thread_id) == ["write b.txt: hello", "list", "read a.txt"]
        await driven.until(lambda: "queued," not in driven.text(), "nothing to be shown as queued")


async def test_up_on_an_empty_line_takes_the_last_one_back_to_be_edited(start) -> None:
    async with start() as driven:
        await wait_with_queue(driven, "list", "read a.txt")
        await driven.pilot.press("up")
        await driven.until(lambda: driven.main.composer.draft == "read a.txt", "the draft")
        await driven.until(lambda: driven.main._queued == ["list"], "the queue")
    async with start() as driven:  # it is a draft on disk now
        await driven.until_screen("ApprovalScreen")
        assert driven.main.composer.draft == "read a.txt"
        assert driven.main._queued == ["list"]


class DueTimer:
    """Would go off any moment, until it is stopped."""

    def __init__(self, _after_s: float, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def stop(self) -> None:
        self.callback = None

    def go_off(self) -> None:
        if self.callback is not None:
            self.callback()


async def test_a_draft_of_before_is_not_written_over_a_message_that_is_taken_back(
    start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as driven:
        await wait_with_queue(driven, "list")
        main = driven.main
        key, take_back = main.draft_key, main.gateway.queue.take_back
        monkeypatch.setattr(main, "set_timer", DueTimer)
        main.keep_draft(Composer.DraftChanged(""))  # the composer was emptied a moment ago
        due = main._draft_timer

        async def and_then(*given, **options):
            taken = await take_back(*given, **options)
            due.go_off()
            return taken

        monkeypatch.setattr(main.gateway.queue, "take_back", and_then)
        assert await main.take_back()
        await driven.app.workers.wait_for_complete([w for w in driven.app.workers if w.group == "draft"])
        assert await main.gateway.recall("draft", key) == "list"


async def test_under_the_cursor_one_is_edited_or_taken_out(start) -> None:
    async with start() as driven:
        await wait_with_queue(driven, "list", "read a.txt", "help")
        conversation = driven.main.conversation
        conversation.focus()
        await driven.pilot.press("end", "up", "x")
        await driven.until(lambda: driven.main._queued == ["list", "help"], "one to be gone")
        await driven.pilot.press("end", "up")
        assert conversation.cursor_key == "queued:0"
        await driven.pilot.press("e")
        await driven.until(lambda: driven.main.composer.draft == "list", "the draft")
        assert driven.main.composer.has_focus
        assert driven.main._queued == ["help"]


async def test_a_message_typed_while_an_answer_arrives_is_shown_as_queued_below_it(start) -> None:
    model = HeldDemo()
    async with start(llm=model) as driven:
        model.hold_after = 20
        await driven.say("tell a long story")
        await driven.until(model.held.is_set, "the answer to be held")
        for text in ("list", "read a.txt"):
            await driven.say(text)
        await driven.until_shown("queued, 2 of 2")
        entries = driven.main.conversation.pages.entries
        assert [entry.kind for entry in entries] == ["user", "assistant", "queued", "queued"]
        assert [entry.key for entry in entries][1:] == ["stream", "queued:0", "queued:1"]
