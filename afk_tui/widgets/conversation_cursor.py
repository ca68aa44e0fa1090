"""The item that the keys of a conversation act on: where it is, what is unfolded, and what is asked for of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from afk_tui.widgets.conversation_canvas import ConversationCanvas, small, text_of
from afk_tui.widgets.conversation_layout import Spot
from afk_tui.widgets.conversation_pieces import can_unfold, next_fold

if TYPE_CHECKING:
    from afk_tui.gateway.views import ConversationItem

CopyPart = Literal["item", "code", "all"]


class ConversationCursor(ConversationCanvas, inherit_bindings=False):
    """A canvas with a cursor. What the keys ask for beyond the widget is posted, never done here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Item above", show=False),
        Binding("down,j", "cursor(1)", "Item below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home,g", "home", "First item", show=False),
        Binding("end,G", "end", "Last item", show=False),
        Binding("[", "user_message(-1)", "Your message above", show=False),
        Binding("]", "user_message(1)", "Your message below", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("n", "hit(1)", "Next hit", show=False),
        Binding("N", "hit(-1)", "Hit before", show=False),
        Binding("enter", "activate", "Unfold", show=False),
        Binding("c", "copy('item')", "Copy the item", show=False),
        Binding("b", "copy('code')", "Copy a code block", show=False),
        Binding("C", "copy('all')", "Copy the conversation", show=False),
        Binding("e", "ask('edit')", "Edit and send again", show=False),
        Binding("x,delete", "ask('drop')", "Take out of the queue", show=False),
        Binding("p", "pin", "Pin the message", show=False),
        Binding("o", "open_output", "Open the whole result", show=False),
    ]

    @dataclass
    class ItemActivated(Message, namespace="conversation"):
        """Enter or a click on an item."""

        key: str

    @dataclass
    class CopyAsked(Message, namespace="conversation"):
        """What is to be copied: the item `key`, the next code block of it, or the whole conversation."""

        key: str | None
        part: CopyPart

    @dataclass
    class ChangeAsked(Message, namespace="conversation"):
        """The item `key`, a message of the person's or one that is queued, is to be edited, or dropped."""

        key: str
        change: Literal["edit", "drop"]

    @dataclass
    class PinAsked(Message, namespace="conversation"):
        """The item `key` is to be pinned, or unpinned."""

        key: str

    @dataclass
    class OutputWanted(Message, namespace="conversation"):
        """The whole result of a call is to be opened; "": the item under the cursor has none beyond what it shows."""

        sha: str

    class SearchAsked(Message, namespace="conversation"):
        """The conversation is to be searched."""

    @dataclass
    class HitAsked(Message, namespace="conversation"):
        """Another hit of the search is wanted: 1 is further down."""

        direction: int

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._pressed: tuple[int, int] | None = None
        self._sought: tuple[str, int, int] | None = None
        self._opened_for_search: tuple[str, int] | None = None

    def action_page(self, direction: int) -> None:
        self.move(direction * max(1, self.size.height - 2))

    def action_home(self) -> None:
        if self.pages.entries:
            self.cursor_key = self.pages.entries[0].key
            self.move_to(Spot(0, 0, 0))

    def action_end(self) -> None:
        if self.pages.entries:
            self.cursor_key = self.pages.entries[-1].key
        self.scroll_to_end()

    def action_cursor(self, direction: int) -> None:
        """To the next item; through one that is longer than the screen, line by line."""
        pages = self.pages
        if not pages.entries:
            return
        first, last = self.shown_range
        position = pages.find(self.cursor_key) if self.cursor_key is not None else None
        if position is None or not first <= position <= last:
            self._set_cursor(last if direction < 0 else first)
            return
        top = pages.line_of(self.top)
        bottom = top + self.size.height
        begin = pages.line_of(Spot(position, 0, 0)) + pages.gap(position)
        end = pages.sums.top(position) + pages.sums.heights[position]
        if (direction > 0 and end > bottom) or (direction < 0 and begin < top):
            self.move(direction)
        elif 0 <= position + direction < len(pages.entries):
            self._set_cursor(position + direction)

    def _set_cursor(self, position: int) -> None:
        """Put the cursor on an item and at least its first line (coming from below, its last) on the screen."""
        pages = self.pages
        self.cursor_key = pages.entries[position].key
        top, height = pages.line_of(self.top), self.size.height
        begin = pages.sums.top(position) + pages.gap(position)
        last = pages.line_of(pages.last_of(position))
        if begin >= top + height:
            self.move(min(last, begin + height - 1) - (top + height - 1))
        elif last < top:
            self.move(max(begin, last - height + 1) - top)
        elif begin < top and last - begin < height:
            self.move(begin - top)
        elif last >= top + height and last - begin < height:
            self.move(last - (top + height - 1))
        self.refresh()

    def go_to(self, key: str) -> bool:
        """Put the cursor on this item, and the item at the top of the screen where there is as much below; False where
        there is none."""
        position = self.pages.find(key)
        if position is None:
            return False
        self.cursor_key = key
        self.move_to(Spot(position, 0, self.pages.gap(position)))
        self.refresh()
        return True

    def action_user_message(self, direction: int) -> None:
        """To the message of the person's above or below the cursor (or the top of the screen), at the top."""
        self.to_user_message(direction)

    def to_user_message(self, direction: int) -> bool:
        """The same; False where there is none that way. Beyond the last one is the end."""
        pages = self.pages
        if not pages.entries:
            return False
        first, last = self.shown_range
        position = pages.find(self.cursor_key) if self.cursor_key is not None else None
        if position is None or not first <= position <= last:
            position = first if direction > 0 or not self.follow else len(pages.entries)
        way = range(position - 1, -1, -1) if direction < 0 else range(position + 1, len(pages.entries))
        found = next((index for index in way if pages.entries[index].kind == "user"), None)
        if found is None:
            if direction > 0:
                self.action_end()
            return False
        self.cursor_key = pages.entries[found].key
        self.move_to(Spot(found, 0, pages.gap(found)))
        return True

    # -- search -------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask for it."""
        self.post_message(self.SearchAsked())

    def action_hit(self, direction: int) -> None:
        """Ask for another hit."""
        self.post_message(self.HitAsked(direction))

    def show_found(self, text: str) -> None:
        """Mark `text`, whatever its case, wherever it is shown; "" marks nothing, and folds what a search unfolded."""
        self._sought = self.found_here = None
        self.found = small(text)
        self.marks_cursor = bool(text)
        if not text:
            self._fold_again()
        self.refresh()

    def go_to_found(self, position: int, nth: int = 0, times: int = 1) -> None:
        """Put the cursor on an item that holds what is marked so many `times`, and on the screen the line with the one
        of them that has `nth` before it. A folded call is unfolded for it, until another item is gone to. What is not
        loaded yet is shown from its beginning on, until it is."""
        entry = self.pages.entries[position]
        if self._opened_for_search is not None and self._opened_for_search[0] != entry.key:
            self._fold_again()
        self.cursor_key, self._sought = entry.key, (entry.key, nth, times)
        self.move_to(Spot(position, 0, self.pages.gap(position)))
        self.look_for_found()

    def look_for_found(self) -> None:
        """Go on with that, once the item is there."""
        if self._sought is None:
            return
        key, nth, times = self._sought
        position = self.pages.find(key)
        entry = self.pages.entries[position] if position is not None else None
        if position is None or entry is None or entry.item is None:
            return
        self._sought = self.found_here = None
        item = entry.item
        in_title = small(item.title).count(self.found) if item.kind == "call" else 0
        if can_unfold(item) and entry.fold < 2 and nth >= in_title:
            self._opened_for_search = self._opened_for_search or (entry.key, entry.fold)
            entry.fold = 2
            self.pages.set_item(position, item)
        held = [small(piece.text).count(self.found) for piece in entry.pieces]
        if nth >= in_title:  # a title repeats what stands in the arguments
            nth += max(0, sum(held) - times)
        for index, (piece, here) in enumerate(zip(entry.pieces, held, strict=True)):
            behind = sum(held[index + 1 :])
            if not here or (nth >= here and behind):
                nth -= here
                continue
            self.pages.measure(position, index)
            lines = [
                line
                for line, row in enumerate(self.rows_of(entry, piece))
                for _ in range(small(text_of(row)).count(self.found))
            ]
            if not lines and behind:
                nth = 0
                continue
            # what is drawn can hold fewer: the address of a link, or what a line's end has cut in two
            nth = min(nth, len(lines) - 1)
            self.found_here = (piece, nth) if lines else None
            line = lines[nth] if lines else 0
            self.move_to(self.pages.walk(Spot(position, index, line), -(self.size.height // 3)))
            self.refresh()
            return
        self.settle()

    def forget_search(self) -> None:
        """Nothing is searched for any more: other items are shown."""
        self._sought = self._opened_for_search = self.found_here = None
        self.found, self.marks_cursor = "", False

    def _fold_again(self) -> None:
        if self._opened_for_search is None:
            return
        (key, fold), self._opened_for_search = self._opened_for_search, None
        position = self.pages.find(key)
        if position is not None and (item := self.pages.entries[position].item) is not None:
            self.pages.entries[position].fold = fold
            self.put(position, item)
            self.settle()

    def action_ask(self, change: Literal["edit", "drop"]) -> None:
        """Ask for a change of the item under the cursor."""
        if self.cursor_key is not None:
            self.post_message(self.ChangeAsked(self.cursor_key, change))

    def action_copy(self, part: CopyPart) -> None:
        """Ask for it: the widget knows what is shown, not what it was made of."""
        self.post_message(self.CopyAsked(self.cursor_key, part))

    def action_pin(self) -> None:
        """Ask for it, where there is an item under the cursor."""
        if self.cursor_key is not None:
            self.post_message(self.PinAsked(self.cursor_key))

    def action_open_output(self) -> None:
        position = self.pages.find(self.cursor_key) if self.cursor_key is not None else None
        item = self.pages.entries[position].item if position is not None else None
        self.post_message(self.OutputWanted(item.output_sha if item else ""))

    def action_activate(self) -> None:
        position = self.pages.find(self.cursor_key) if self.cursor_key is not None else None
        if position is not None:
            self._activate(position)

    def _activate(self, position: int) -> None:
        entry = self.pages.entries[position]
        if entry.failed:
            entry.failed = False
            self.pages.unload(position)
        elif entry.item is not None and can_unfold(entry.item):
            self._fold(position, entry.item, next_fold(entry.item, entry.fold))
        self.settle()
        self.post_message(self.ItemActivated(entry.key))

    def _fold(self, position: int, item: ConversationItem, fold: int) -> None:
        # what the person looks at stays where it is, also at the end
        self.pages.entries[position].fold = fold
        if position >= self.top.entry:
            self.set_reactive(ConversationCanvas.follow, False)
        if position == self.top.entry:
            self.top = Spot(position, 0, min(self.top.line, self.pages.gap(position)))
        self.pages.set_item(position, item)
        self._go(self.top, upward=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = (event.screen_x, event.screen_y)

    def on_click(self, event: events.Click) -> None:
        # Textual's own handler would select everything on a double click
        event.prevent_default().stop()
        offset = event.get_content_offset(self)
        dragged = self._pressed != (event.screen_x, event.screen_y)
        if offset is None or dragged or not self.pages.entries:
            return
        line = self.scroll_offset.y + offset.y
        if line >= self.pages.total:
            return
        spot = self.pages.locate(line)
        entry = self.pages.entries[spot.entry]
        on_text = bool(entry.pieces) and (spot.piece > 0 or spot.line >= self.pages.gap(spot.entry))
        self.cursor_key = entry.key
        self.refresh()
        if on_text and spot.piece == 0 and (entry.kind == "call" or entry.failed):
            self._activate(spot.entry)
        elif entry.pieces and spot.piece < len(entry.pieces) and entry.pieces[spot.piece].drawing == "whole":
            self.action_open_output()
