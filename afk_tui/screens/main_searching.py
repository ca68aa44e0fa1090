"""Searching the conversation that is shown: all of it, on disk, not only what is loaded."""

from __future__ import annotations

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
        self._hits: list[str] = []
        """Keys of items, in their order."""
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
        self._hits = keys
        self._hit = self._nearest()
        self._show_hit()

    def _nearest(self) -> int:
        """The first hit on the screen, else the last one above it, else the first."""
        entries = self.conversation.pages.entries
        if not self._hits or not entries:
            return -1
        first, last = self.conversation.shown_range
        shown = {entry.key for entry in entries[first : last + 1]}
        on_screen = next((at for at, key in enumerate(self._hits) if key in shown), None)
        if on_screen is not None:
            return on_screen
        above = (at for at in range(len(self._hits) - 1, -1, -1) if (self._place(at) or 0) < first)
        return next(above, 0)

    def _place(self, at: int) -> int | None:
        """Where a hit stands among the items; None while what is that early is not listed yet."""
        return self.conversation.pages.find(self._hits[at])

    def _show_hit(self) -> None:
        bar = self.search_bar
        if 0 <= self._hit < len(self._hits):
            place = self._place(self._hit)
            if place is not None:
                self.conversation.go_to_found(place)
            else:
                self._settling = self.set_timer(SETTLE_S, self._show_hit)
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
