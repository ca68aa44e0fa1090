"""Searching the conversation that is shown: all of it, on disk, not only what is loaded."""

from __future__ import annotations

from bisect import bisect_right

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
        self._hits: list[int] = []
        """Places in the conversation, in order."""
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
        self._hits, self._hit = [], -1
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
            keys = await self.gateway.texts.find(thread_id, text)
        except GatewayError as error:
            tell_error(self, error)
            return
        if thread_id != self.thread_id or self.search_bar.text != text:
            return
        conversation.show_found(text)
        # a message that only holds calls is shown as these
        places = (conversation.pages.find(key) for key in keys)
        self._hits = [place for place in places if place is not None]
        self._hit = self._nearest()
        self._show_hit()

    def _nearest(self) -> int:
        """The first hit on the screen, else the last one above it, else the first."""
        if not self._hits or not self.conversation.pages.entries:
            return -1
        first, last = self.conversation.shown_range
        below = bisect_right(self._hits, first - 1)
        if below < len(self._hits) and self._hits[below] <= last:
            return below
        return max(0, below - 1)

    def _show_hit(self) -> None:
        bar = self.search_bar
        if 0 <= self._hit < len(self._hits):
            self.conversation.go_to_found(self._hits[self._hit])
            bar.say(f"{self._hit + 1:,} of {len(self._hits):,}")
        else:
            bar.say("nothing found" if bar.text else "")

    @on(SearchBar.StepAsked)
    @on(Conversation.HitAsked)
    def step(self, event: SearchBar.StepAsked | Conversation.HitAsked) -> None:
        """The next hit that way; round at the ends."""
        if self._hits and self.search_bar.display:
            self._hit = (self._hit + event.direction) % len(self._hits)
            self._show_hit()

    @on(SearchBar.Entered)
    def read_on(self) -> None:
        """To the conversation, at the hit: n and N go on from there."""
        self.conversation.focus()
