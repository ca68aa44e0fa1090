"""The main screen's parts, and which thread they show."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from afk_tui.actions import BY_NAME
from afk_tui.bugs import TellsBugs
from afk_tui.gateway.clean import clean
from afk_tui.keys import key_of, keys_of, written
from afk_tui.screens.main_words import Wait, hints_of, note_of, wait_note
from afk_tui.screens.typed_early import TypedEarly
from afk_tui.widgets.below_bar import BelowBar
from afk_tui.widgets.completion_list import CompletionList
from afk_tui.widgets.composer import Composer
from afk_tui.widgets.conversation import Conversation
from afk_tui.widgets.key_hints import KeyHints, press
from afk_tui.widgets.request_bar import RequestBar
from afk_tui.widgets.search_bar import SearchBar
from afk_tui.widgets.status_line import Status, StatusLine
from afk_tui.widgets.thread_list import ThreadList

if TYPE_CHECKING:
    from afk_tui.gateway.gateway import Gateway
    from afk_tui.gateway.sources import ConversationSource
    from afk_tui.gateway.views import RunView, ThreadRow


@dataclass
class RequestsWait(Message):
    """What waits for a decision now, in every thread: the id of each request and its call in one line. `folder` is
    where the app works."""

    waiting: list[tuple[str, str]]
    folder: str


NOTE_KEY = "note:run"
QUEUED = "queued:"
QUEUED_KEYS = "sent when the run ends · ↑ edits it"
STREAM_KEY = "stream"
BROKEN_OFF_KEY = "broken-off"
BROKEN_OFF = "broken off here · it is not recorded, and the model will not know of it"
NARROW_COLUMNS = 76

EMPTY_NEW = "A new conversation.\n\nWrite below what you want done, and press enter."
TAKEN_AWAY = """\
This run was taken over by another process: nothing that this app still did of it is recorded.
What it was in the middle of is asked about there. You can go on here, or close this app."""
OUTCOME_WAITS = """\
A call has ended, and its outcome can't be recorded yet. It is kept here and tried again: leave the app open."""
EMPTY_DEMO = """\
A new conversation with the demo model: offline, and driving the real tools.

Try:   list
or:    write hello.txt: Hello! and then run: cat hello.txt

What changes something waits for your yes."""
LACKS_KEY = """

There is no OPENAI_API_KEY and no OPENAI_BASE_URL. To talk to a model, quit, export one of them, and start again; \
whatever you did here is kept."""


class MainView(TellsBugs, TypedEarly):
    """Threads left, conversation right, composer below; one thread, or a new one, is shown.

    It is painted, and can be written in, before there is a gateway; whatever asks one comes after that.
    """

    AUTO_FOCUS = "#composer"
    gateway: Gateway

    def __init__(self, *, cursor_blink: bool = True) -> None:
        super().__init__()
        self.thread_id: str | None = None
        self.run_view: RunView | None = None
        self.everywhere = False
        self._cursor_blink = cursor_blink
        self._source: ConversationSource | None = None
        self._streamed: dict[str, str] = {}
        self._broken_off: dict[str, tuple[str, str]] = {}
        """A thread's run that stopped, and what its model had said of an answer by then: this app alone has it."""
        self._waiting_everywhere = 0
        self._shows_something = False
        self.filled = asyncio.Event()
        """Whether all parts are there."""
        self.has_begun = False
        """Whether a conversation is shown, and what is sent would go somewhere."""
        self.waits: dict[str, Wait] = {}
        """Threads whose model failed and is asked again."""
        self.taken_away: set[str] = set()
        """Threads whose run another process took away from this app."""
        self.outcome_waits: set[str] = set()
        """Threads of which an outcome is known here alone."""
        self._queued: list[str] = []
        self._tail_keys: list[str] = []
        self._held: list[str] = []
        self._draft_timer: Timer | None = None
        self._asked_about = ""
        """A message that is neither sent nor a draft while one is asked what is to become of it."""
        self._hinted: dict[str, str] = {}
        self._title = "New thread"

    def compose(self) -> ComposeResult:
        """What is painted first: where one writes, and the frame around what `fill` brings."""
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield Static("Threads", id="side-title", markup=False)
            with Vertical(id="main"):
                yield Static("New thread", id="title", markup=False)
                yield Static(id="unfilled", markup=False)
                yield Composer(
                    app_keys=keys_of(self.app),
                    placeholder="Write a message, or /help",
                    cursor_blink=self._cursor_blink,
                    id="composer",
                )
        yield StatusLine(
            Status(state="opening"), compaction_key=written(self.key_of("compaction")), id="status"
        )
        yield KeyHints(id="hints")

    def on_mount(self) -> None:
        """Nobody waits for a list to write."""
        self.call_after_refresh(self.fill)

    async def fill(self) -> None:
        """The rest of the parts, once the first frame is painted. What is told to the screen meanwhile waits."""
        below = (
            Conversation(id="conversation"),
            SearchBar(id="search"),
            BelowBar(self.key_of("to_end"), id="below"),
            RequestBar(key=written(self.key_of("approvals")), id="requests"),
            CompletionList(id="completions"),
        )
        with self.app.batch_update():
            await self.query_one("#side").mount(ThreadList(lambda: self.gateway.now_ms(), id="threads"))
            await self.query_one("#main").mount_all(below, before="#unfilled")
            await self.query_one("#unfilled").remove()
        self.filled.set()

    @property
    def threads(self) -> ThreadList:
        """The list of threads."""
        return self.query_one("#threads", ThreadList)

    @property
    def conversation(self) -> Conversation:
        """The conversation of the thread that is shown."""
        return self.query_one("#conversation", Conversation)

    @property
    def composer(self) -> Composer:
        """Where messages are written."""
        return self.query_one("#composer", Composer)

    @property
    def early_field(self) -> Composer:
        """Where what was typed before the first frame belongs."""
        return self.composer

    @property
    def request_bar(self) -> RequestBar:
        """The bar that says what waits."""
        return self.query_one("#requests", RequestBar)

    @property
    def status(self) -> StatusLine:
        """The status line."""
        return self.query_one("#status", StatusLine)

    def on_resize(self) -> None:
        """A narrow terminal has no room for the list beside the conversation."""
        self.set_class(self.size.width < NARROW_COLUMNS, "-narrow")
        self._show_title()

    def _show_title(self) -> None:
        """Where the list is a drawer, its handle stands before the title."""
        handle = "≡ " if self.has_class("-narrow") else ""
        self.query_one("#title", Static).update(Content(handle + self._title))

    # which thread is shown

    async def show_thread(
        self, thread_id: str | None, *, place: str | None = None, takes_draft: bool = False
    ) -> None:
        """Show a thread, or (None) a new one, with its draft. What was being written in the former one is kept for it,
        or (`takes_draft`) goes along."""
        # keys typed while it is read stay where they are
        stays = takes_draft or (self._shows_something and thread_id == self.thread_id)
        if not takes_draft:
            await self._leave_thread()
        self.thread_id = thread_id
        self.threads.show_open(thread_id)
        self._source, self._tail_keys = None, []
        conversation = self.conversation
        if thread_id is None:
            conversation.empty_text = EMPTY_DEMO if self.gateway.is_demo else EMPTY_NEW
            if self.gateway.lacks_key:
                conversation.empty_text += LACKS_KEY
            conversation.clear()
        else:
            conversation.empty_text = ""
            self._source = self.gateway.conversation(thread_id)
            place = place or await self.gateway.recall("place", thread_id)
            await conversation.open(self._source, place=place)
            if thread_id != self.thread_id:  # another one was opened meanwhile
                return
            streamed = self._streamed.get(thread_id)
            if streamed is not None:
                conversation.begin_stream(STREAM_KEY)
                conversation.feed(streamed)
            await self.gateway.remember("last-thread", self.gateway.workspace, thread_id)
        kept = "" if stays else await self.gateway.recall("draft", self.draft_key) or ""
        if thread_id != self.thread_id:
            return
        if stays:
            self.post_message(Composer.DraftChanged(self.composer.kept_draft))
        else:
            # what was written before anything could be shown goes behind the draft that was kept
            typed = "" if self._shows_something else self.composer.kept_draft
            self.composer.set_draft(kept + typed)
            if typed:
                self.post_message(Composer.DraftChanged(kept + typed))
        self._shows_something = True
        await self.show_standing()
        await self._take_back_queued()
        await self.threads.select_key(thread_id or "")

    async def _take_back_queued(self) -> None:
        """A message that was queued for the end of a run which is over already: a draft again, sent by nobody."""
        if self.thread_id is None or self.run_view is None or self.run_view.standing != "idle":
            return
        await self.take_back()

    async def take_back(self, only: str | None = None) -> bool:
        """Make what is queued (or `only` this message) a draft again; False where it waits no longer."""
        thread_id = self.thread_id
        if thread_id is None:
            return False
        name, draft = f"draft:{self.draft_key}", self.composer.kept_draft
        self._draft_timer_stop()  # what it would write is older than what is written here
        draft_now = await self.gateway.queue.take_back(thread_id, name, draft, only=only)
        if draft_now is None:
            return False
        if thread_id == self.thread_id:
            self.composer.set_draft(draft_now)
            await self.show_standing()
        return True

    def _draft_timer_stop(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()

    async def keep_place(self) -> None:
        """Remember where the thread was read to, and the draft."""
        await self._leave_thread()

    async def _leave_thread(self) -> None:
        if not self._shows_something:  # the app has just begun: an empty composer is nobody's draft
            return
        if self.thread_id is not None:
            await self.gateway.remember("place", self.thread_id, self.conversation.place)
            if (thread := await self.gateway.thread(self.thread_id)) is not None:
                await self._note_seen(thread)
        draft = "\n\n".join(filter(None, (self._asked_about, self.composer.kept_draft)))
        await self.gateway.remember("draft", self.draft_key, draft or None)

    async def _note_seen(self, thread: ThreadRow) -> None:
        """What was done in the thread is on the screen."""
        if thread.unread:
            await self.gateway.keeping.note_seen(thread)
            await self.threads.reload()

    @property
    def draft_key(self) -> str:
        """Under which name the draft of what is shown is kept."""
        return self.thread_id or f"new:{self.gateway.workspace}"

    async def show_standing(self) -> None:
        """Title, status, note, requests and hints: all that says how things stand."""
        thread_id = self.thread_id
        thread = await self.gateway.thread(thread_id) if thread_id else None
        view = await self.gateway.run_view(thread_id) if thread_id else None
        here = await self.gateway.waiting_titles(thread_id) if thread_id else []
        everywhere = await self.gateway.waiting_calls()
        self.post_message(RequestsWait(everywhere, self.gateway.workspace))
        queued = await self.gateway.queue.texts(thread_id) if thread_id else []
        if thread_id != self.thread_id:
            return
        if thread is not None and (view is None or view.standing != "working"):
            await self._note_seen(thread)
        self.run_view = view
        self._forget_broken_off(thread_id, view)
        self._waiting_everywhere = len(everywhere)
        self._title = thread.title if thread else "New thread"
        self._show_title()
        self.request_bar.show_requests(
            len(here), here[0] if here else "", elsewhere=len(everywhere) - len(here)
        )
        self.show_status(view, thread.workspace if thread else self.gateway.workspace)
        self._queued = queued
        self.show_note()
        self.show_hints()

    def show_status(self, view: RunView | None, workspace: str) -> None:
        """The status line: the state, the model, the folder, and what was used."""
        state = view.state if view else ""
        if view and view.standing == "working":
            state = "running"
        model = (
            f"{self.gateway.model} · {self.gateway.host}" if not self.gateway.is_demo else self.gateway.host
        )
        tokens = view.input_tokens + view.output_tokens if view else 0
        self.status.status = Status(
            state=state,
            model=model,
            workspace=workspace,
            tokens=tokens or None,
            context_share=view.context_share if view else None,
        )

    def say(self, note: str) -> None:
        """Say something passing in place of the state; "" takes it back."""
        self.status.status = replace(self.status.status, note=note)

    def show_note(self) -> None:
        """What stands below the conversation: how its run stands, and what waits for its end."""
        view, queued = self.run_view, self._queued
        wait = self.waits.get(self.thread_id or "")
        waited = wait_note(wait, time.monotonic(), self.key_of) if wait else ""
        text, tone = note_of(view, self.key_of, waited)
        for threads, said in ((self.taken_away, TAKEN_AWAY), (self.outcome_waits, OUTCOME_WAITS)):
            if self.thread_id in threads:
                text, tone = f"{said}\n{text}" if text else said, "warning"
        from afk_tui.gateway.views import ConversationItem

        items: list[ConversationItem] = []
        _, said = self._broken_off.get(self.thread_id or "", ("", ""))
        if said:
            items.append(ConversationItem(BROKEN_OFF_KEY, "assistant", said, footnote=BROKEN_OFF))
        if text:
            items.append(ConversationItem(key=NOTE_KEY, kind="note", text=text, tone=tone))
        for at, waiting in enumerate(queued):
            footnote = f"queued, {at + 1} of {len(queued)}" if len(queued) > 1 else "queued"
            if at + 1 == len(queued):
                footnote += f" · {QUEUED_KEYS}"
            items.append(ConversationItem(f"{QUEUED}{at}", "queued", clean(waiting), footnote=footnote))
        keys = [item.key for item in items]
        if keys != self._tail_keys:
            self.take_tail_away()
        self._tail_keys = keys
        for item in items:
            self.conversation.update(item)

    def _forget_broken_off(self, thread_id: str | None, view: RunView | None) -> None:
        """Where the thread went on since, in whichever process."""
        run_id, _ = self._broken_off.get(thread_id or "", ("", ""))
        if not run_id or thread_id is None:
            return
        if (
            view is None
            or view.run_id != run_id
            or view.standing in ("elsewhere", "waiting", "decided")
            or view.state in ("completed", "degraded")
        ):
            del self._broken_off[thread_id]

    def take_tail_away(self) -> None:
        """Before something new is added: it stands above the note and what is queued."""
        for key in self._tail_keys:
            self.conversation.remove_item(key)
        self._tail_keys = []

    @property
    def _focus(self) -> Literal["list", "conversation", ""]:
        """Which part with keys of its own has the focus."""
        if isinstance(self.focused, ThreadList):
            return "list"
        return "conversation" if isinstance(self.focused, Conversation) else ""

    def show_hints(self) -> None:
        """The keys that matter now; those of the list or the conversation, while it has the focus."""
        hints: list[tuple[str, str]] = []
        self._hinted.clear()
        offered = hints_of(
            self.run_view,
            self._waiting_everywhere,
            focus=self._focus,
            is_waited=self.thread_id in self.waits,
        )
        for name, says in offered:
            # the keys of what has the focus are written as they are; an action that has no key is in the menu
            key = self.key_of(name) if name in BY_NAME else name
            if name not in BY_NAME:
                self._hinted |= {one: one for one in key.split()}
            elif key.startswith("/"):
                continue
            else:
                self._hinted[key] = name
            hints.append((key, says))
        self.query_one(KeyHints).hints = tuple(hints)

    def key_of(self, name: str) -> str:
        """How this person does an action: its key, else its /command."""
        return key_of(self.app, name)

    @on(KeyHints.Clicked)
    async def do_hinted(self, event: KeyHints.Clicked) -> None:
        """By mouse what the key does."""
        event.stop()
        name = self._hinted.get(event.key)
        if name in BY_NAME:
            await self.run_action(name)
        elif name is not None:
            press(self.app, name)
