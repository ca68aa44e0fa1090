"""The conversation: one widget that draws lines, whatever the number of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.timer import Timer

from afk_tui.bugs import TellsBugs
from afk_tui.garbage import keep_what_is_there
from afk_tui.widgets import conversation_palette
from afk_tui.widgets.conversation_cursor import ConversationCursor
from afk_tui.widgets.conversation_layout import Spot
from afk_tui.widgets.conversation_source import (
    EARLIER_AT_ONCE,
    FIRST_BODIES,
    OPENED_WITH,
    Loader,
    LongSource,
    Source,
)
from afk_tui.widgets.conversation_stream import AFTER_KEY_AT_MOST_EVERY_S, TYPING_S, Stream

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem, ItemHead

# what is earlier waits until what was opened is painted
SETTLED_S = 0.3
# between two portions of it: keys come first
BREATH_S = 0.02
# as many heads last, and are worth a search for garbage that then leaves them out
MANY = 10_000

__all__ = ["Conversation", "Source"]


class Conversation(TellsBugs, ConversationCursor, can_focus=True):
    """Shows a conversation from a `Source`, and what is added to it live.

    The methods that change it may be called at any time; while `open` waits they are kept, and then apply to what it
    opened. Text is never interpreted as markup.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = conversation_palette.COMPONENT_CLASSES
    DEFAULT_CSS = conversation_palette.DEFAULT_CSS

    @dataclass
    class FollowChanged(Message):
        """The view reached or left the end, or the number of items below it changed."""

        following: bool
        below: int
        """Items that begin below what is on the screen."""
        new: int = 0
        """How many of them came since the end was left; an answer that still arrives is one."""
        more: bool = False
        """Whether anything at all is below, be it the rest of an item."""

    @dataclass
    class LoadFailed(Message):
        """The source raised `error` for some items; this is said in their place too. Enter there tries again."""

        error: Exception

    def __init__(
        self,
        *,
        empty_text: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(Conversation.empty_text, empty_text)
        self._loader: Loader | None = None
        self._generation = 0
        self._postponed: list[Callable[[], None]] | None = None
        self._stream: Stream | None = None
        self._told = (True, 0, 0, False)
        self._end_serial = 0
        self._typed_at = float("-inf")
        self._stream_timer: Timer | None = None

    # -- the source ---------------------------------------------------------------------------------------

    async def open(self, source: Source, *, at_end: bool = True, place: str | None = None) -> None:
        """Show the conversation of `source`: at its end, at its start, or with the item `place` at the top.

        What was shown before stays until the new one can be painted; the same source keeps its cursor. Raises what
        `source.heads()` raises; the conversation is then empty. An earlier `open` that still waits does nothing after
        a later one or `clear`.
        """
        self._generation += 1
        generation = self._generation
        self._postponed = []
        heads: list[ItemHead] = []
        bodies: list[ConversationItem] = []
        first: int | None = None
        try:
            if isinstance(source, LongSource) and (at_end or place is not None):
                heads = await source.last_heads(OPENED_WITH, place)
            else:
                heads = await source.heads()
            first = next((index for index, head in enumerate(heads) if head.key == place), None)
            if first is None and not at_end:
                first = 0
            most = max(FIRST_BODIES, self.size.height // 2)  # most items take two lines or more
            start = max(0, len(heads) - most) if first is None else first
            if heads and generation == self._generation:
                bodies = await _first_bodies(source, start, min(len(heads), start + most))
        finally:
            if generation == self._generation:
                self._show(source, heads, bodies, first)

    def _show(
        self, source: Source, heads: list[ItemHead], bodies: list[ConversationItem], first: int | None
    ) -> None:
        kept = self.cursor_key if self._loader is not None and self._loader.source is source else None
        self._reset()
        pages = self.pages
        pages.fill(heads)
        self.cursor_key = kept if kept is not None and pages.find(kept) is not None else None
        self._end_serial = pages.entries[-1].serial if pages.entries else 0
        self._loader = Loader(source, self, lambda error: self.post_message(self.LoadFailed(error)))
        self._loader.take(bodies)
        postponed, self._postponed = self._postponed or [], None
        for change in postponed:
            change()
        if first is not None and first < len(pages.entries):
            self.move_to(Spot(first, 0, pages.gap(first)))
        else:
            self.settle()
        if isinstance(source, LongSource):
            self.run_worker(
                self._show_earlier(source, self._generation), group="conversation-heads", exit_on_error=False
            )

    async def _show_earlier(self, source: LongSource, generation: int) -> None:
        """Put what is before the opened part there, some at a time, without moving what is on the screen."""
        await asyncio.sleep(SETTLED_S)
        try:
            while generation == self._generation and (heads := await source.earlier_heads(EARLIER_AT_ONCE)):
                if generation != self._generation:
                    return
                came, top = self.pages.prepend(heads), self.top
                # what stood first has a blank line above it now
                gap = self.pages.gap(came) if came and top.entry == top.piece == 0 else 0
                self.top = top._replace(entry=top.entry + came, line=top.line + gap)
                self.settle()
                await asyncio.sleep(BREATH_S)
            if generation == self._generation and len(self.pages.entries) >= MANY:
                keep_what_is_there()
        except Exception as error:  # noqa: BLE001  (any source, any error: it is told, and what is there stays)
            self.post_message(self.LoadFailed(error))

    def _reset(self) -> None:
        if self._loader is not None:
            self._loader.stop()
        self._loader = None
        self._stream = None
        self.cursor_key = None
        self.forget_search()
        self.start_over()

    def clear(self) -> None:
        """Show nothing."""
        self._generation += 1
        self._postponed = None
        self._reset()
        self.settle()

    @property
    def place(self) -> str | None:
        """The key of the item at the top of the screen, to come back to with `open`; None at the end."""
        entries = self.pages.entries
        if self.follow or not entries:
            return None
        return entries[min(self.top.entry, len(entries) - 1)].key

    def settled(self) -> None:
        loader = self._loader
        if loader is not None and not loader.busy and loader.wanted():
            loader.busy = True
            self.run_worker(loader.run(), group="conversation-bodies", exclusive=True, exit_on_error=False)
        if self._sought is not None:
            self.look_for_found()
        told = (self.follow, *self._below())
        if told != self._told:
            self._told = told
            self.post_message(self.FollowChanged(*told))

    def _below(self) -> tuple[int, int, bool]:
        """Items below the screen, how many of them came since the end was left, and whether anything is there."""
        entries = self.pages.entries
        if self.follow or not entries:
            self._end_serial = entries[-1].serial if entries else 0
            return 0, 0, False
        last = self.shown_range[1]
        new = 0
        for position in range(len(entries) - 1, last, -1):
            if entries[position].serial <= self._end_serial:
                break
            new += entries[position].kind not in ("note", "queued")
        more = self.pages.line_of(self.top) + self.size.height < self.pages.total
        if self._stream is not None and (at := self.pages.find(self._stream.key)) is not None and at <= last:
            new += more  # its beginning is on the screen: what grows is below
        return len(entries) - 1 - last, new, more

    # -- items --------------------------------------------------------------------------------------------

    def _postpone(self, change: Callable[[], None]) -> bool:
        if self._postponed is None:
            return False
        self._postponed.append(change)
        return True

    def append(self, item: ConversationItem) -> None:
        """Add an item at the end. One with a key that is there already replaces it where it stands."""
        self.update(item)

    def update(self, item: ConversationItem) -> None:
        """Replace the item with the same key; an unknown key is added at the end."""
        if self._postpone(lambda: self.update(item)):
            return
        position = self.pages.find(item.key)
        if position is None:
            position = self.pages.add(item.key, item.kind, len(item.text), 1)
        self._own(position)
        self.put(position, item)
        self.settle()

    def _own(self, position: int) -> None:
        if self._loader is not None:
            self._loader.forget(self.pages.entries[position])

    def knows(self, key: str) -> bool:
        """Whether an item with this key is shown, or its body would be read where it comes into sight."""
        return self.pages.find(key) is not None

    def remove_item(self, key: str) -> None:
        """Take an item out; an unknown key is ignored. (`remove` is Textual's: it takes out the widget.)"""
        if self._postpone(lambda: self.remove_item(key)):
            return
        position = self.pages.find(key)
        if position is None:
            return
        self._own(position)
        if self._stream is not None and self._stream.key == key:
            self._stream = None
        if self.cursor_key == key:
            self.cursor_key = None
        self.pages.remove(position)
        if position < self.top.entry:
            self.top = self.top._replace(entry=self.top.entry - 1)
        elif position == self.top.entry:
            self.top = Spot(position, 0, 0)
        self.settle()

    def copy_text(self, key: str) -> str | None:
        """The source text of an item (a call's title, arguments and output); None if unknown or not loaded."""
        position = self.pages.find(key)
        item = self.pages.entries[position].item if position is not None else None
        if item is None:
            return None
        return "\n\n".join(part for part in (item.title, item.detail, item.text) if part)

    # -- streaming ----------------------------------------------------------------------------------------

    def begin_stream(self, key: str) -> None:
        """An assistant's answer begins to arrive; it is shown as the item `key`."""
        if self._postpone(lambda: self.begin_stream(key)):
            return
        position = self.pages.find(key)
        if position is None:
            position = self.pages.add(key, "assistant", 0, 1)
        self._own(position)
        self._stream = Stream(key)
        self._show_stream(self._stream)

    def feed(self, text: str) -> None:
        """Add to the answer. Text for no stream (its conversation was left) is dropped."""
        if self._postpone(lambda: self.feed(text)) or self._stream is None:
            return
        self._stream.feed(text)
        self._show_stream_soon(self._stream)

    def restart_stream(self) -> None:
        """Void what was streamed: the answer begins anew."""
        if self._postpone(self.restart_stream) or self._stream is None:
            return
        self._stream.restart()
        self._show_stream(self._stream)

    def end_stream(self, item: ConversationItem | None) -> None:
        """The answer is finished: `item` takes the place of what was streamed. None drops it."""
        if self._postpone(lambda: self.end_stream(item)):
            return
        stream, self._stream = self._stream, None
        position = self.pages.find(stream.key) if stream is not None else None
        if position is None or stream is None:
            if item is not None:
                self.update(item)
            return
        if item is None or (item.key != stream.key and self.pages.find(item.key) is not None):
            self.remove_item(stream.key)
        elif item.key != stream.key:
            self.pages.rename(position, item.key)
            if self.cursor_key == stream.key:
                self.cursor_key = item.key
        if item is not None:
            self.update(item)

    def _show_stream_soon(self, stream: Stream) -> None:
        if not stream.waiting:
            stream.waiting = True
            self._stream_timer = self.set_timer(max(0.005, stream.pause()), lambda: self._show_stream(stream))

    def _show_stream(self, stream: Stream) -> None:
        stream.waiting = False
        if self._stream_timer is not None:
            self._stream_timer.stop()
        position = self.pages.find(stream.key)
        if self._stream is not stream or position is None:
            return
        started = perf_counter()
        stream.show(self.pages, position)
        self.settle(repaint=self.follow or position <= self.shown_range[1])
        self._note_cost(stream, started)
        # painting costs too, and happens later
        self.call_after_refresh(self._note_cost, stream, started)

    def _note_cost(self, stream: Stream, started: float) -> None:
        now = perf_counter()
        stream.took(now - started, somebody_types=now - self._typed_at < TYPING_S)

    def make_way(self) -> None:
        """Somebody typed: what streams is shown once that is painted, and for a while hardly at other times."""
        self._typed_at = perf_counter()
        stream = self._stream
        if stream is None or not stream.waiting:
            return
        if self._typed_at - stream.shown_at > AFTER_KEY_AT_MOST_EVERY_S:
            self.call_after_refresh(self._show_stream, stream)


async def _first_bodies(source: Source, first: int, last: int) -> list[ConversationItem]:
    try:
        return await source.load(first, last)
    except Exception:  # noqa: BLE001  (the loader asks again when they are on the screen, and shows the error)
        return []
