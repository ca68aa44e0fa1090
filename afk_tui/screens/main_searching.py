"""Searching the conversation that is shown: all of it, on disk, not only what is loaded."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from textual import on, work
from textual.timer import Timer

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.main_reading import MainReading
from afk_tui.telling import tell_error
from afk_tui.widgets.conversation import Conversation
from afk_tui.widgets.search_bar import SearchBar

SETTLE_S = 0.12


class MainSearching(MainReading):
    """The main screen's search line."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._found: list[tuple[str, int]] = []
        """Keys of items, in their order, each with how often what is searched for stands in it."""
        self._before: list[int] = []
        """How many hits stand before those of each item; behind the last one, how many there are."""
        self._hit = -1
        self._settling: Timer | None = None

    @property
    def search_bar(self) -> SearchBar:
        """Where one says what is searched for."""
        return self.query_one(SearchBar)

    @on(Conversation.SearchAsked)
    def action_search(self) -> None:
        """Open the line."""
        if self.thread_id is None:
            self.notify("A new conversation has nothing to search yet.", markup=False)
        else:
            self.search_bar.open()

    def close_search(self) -> bool:
        """Close it, where it is open; the cursor stays at the last hit."""
        bar = self.search_bar
        if not bar.display:
            return False
        had_focus = bar.field.has_focus
        self.workers.cancel_group(self, "search")
        bar.close()
        if self._settling is not None:
            self._settling.stop()
        self._take([])
        self.conversation.show_found("")
        if had_focus:
            self.conversation.focus()
        return True

    async def _leave_thread(self) -> None:
        self.close_search()
        await super()._leave_thread()

    @on(SearchBar.Changed)
    def search_when_settled(self, event: SearchBar.Changed) -> None:
        """Search once the typing pauses."""
        if self._settling is not None:
            self._settling.stop()
        text = event.text
        self._settling = self.set_timer(SETTLE_S if text else 0.001, lambda: self._search(text))

    @work(exclusive=True, group="search", exit_on_error=False)
    async def _search(self, text: str) -> None:
        thread_id, conversation = self.thread_id, self.conversation
        if thread_id is None:
            return
        try:
            found = await self.gateway.texts.find(thread_id, text)
        except GatewayError as error:
            tell_error(self, error)
            return
        if thread_id != self.thread_id or self.search_bar.text != text:
            return
        conversation.show_found(text)
        self._take(found)
        self._hit = self._nearest()
        self._show_hit()

    def _take(self, found: list[tuple[str, int]]) -> None:
        self._found, self._hit = found, -1
        self._before = [0, *accumulate(times for _, times in found)]

    @property
    def _hits(self) -> int:
        return self._before[-1] if self._before else 0

    def _nearest(self) -> int:
        """The first hit of the first item on the screen that has one, else the last one above it, else the first."""
        entries = self.conversation.pages.entries
        if not self._found or not entries:
            return -1
        first, last = self.conversation.shown_range
        shown = {entry.key for entry in entries[first : last + 1]}
        on_screen = next((at for at, (key, _) in enumerate(self._found) if key in shown), None)
        if on_screen is not None:
            return self._before[on_screen]
        above = (at for at in range(len(self._found) - 1, -1, -1) if (self._place(at) or 0) < first)
        found = next(above, None)
        return 0 if found is None else self._before[found + 1] - 1

    def _place(self, at: int) -> int | None:
        """Where an item with hits stands among the items; None while what is that early is not listed yet."""
        return self.conversation.pages.find(self._found[at][0])

    def _show_hit(self) -> None:
        bar = self.search_bar
        if 0 <= self._hit < self._hits:
            at = bisect_right(self._before, self._hit) - 1
            place = self._place(at)
            if place is not None:
                self.conversation.go_to_found(place, self._hit - self._before[at], self._found[at][1])
            else:
                self._settling = self.set_timer(SETTLE_S, self._show_hit)
            bar.say(f"{self._hit + 1:,} of {self._hits:,}")
        else:
            bar.say("nothing found" if bar.text else "")

    @on(SearchBar.StepAsked)
    @on(Conversation.HitAsked)
    def step(self, event: SearchBar.StepAsked | Conversation.HitAsked) -> None:
        """The next hit that way; round at the ends."""
        if self._hits and self.search_bar.display:
            self._hit = (self._hit + event.direction) % self._hits
            self._show_hit()

    @on(SearchBar.Entered)
    def read_on(self) -> None:
        """To the conversation, at the hit: n and N go on from there."""
        self.conversation.focus()
