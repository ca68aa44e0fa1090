"""The checkpoints of a thread: where it can be resumed, and what each of them added."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from afk_tui.gateway.checkpoint_details import AddedMessage, CheckpointDetails
from afk_tui.gateway.clean import clean
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.messages import StoreChanged
from afk_tui.gateway.sources import CheckpointSource
from afk_tui.gateway.views import CheckpointRow
from afk_tui.screens.words import count, short_id, size, when
from afk_tui.styles_folder import styles_folder
from afk_tui.widgets.key_hints import KeyHints
from afk_tui.widgets.paged_list import PagedList

PHASES = {
    "start": "the message",
    "answer": "the model answered",
    "delegated": "a task was given to a subagent",
    "result": "a tool's result",
    "final": "the last answer",
    "fork": "a fork",
}
RUN_STATES = {
    "running": "running",
    "awaiting_approval": "waiting for a decision",
    "interrupted": "interrupted, can be resumed",
    "cancelled": "cancelled",
    "completed": "done",
    "failed": "failed",
    "degraded": "done, with problems",
}
SPEAKERS = {"user": "you", "assistant": "the model", "result": "result"}
# below this, the details stand under the list
WIDE = 80
EMPTY = "No checkpoints here.\nOne is written at every step of a run: press escape and send a message."


class CheckpointsScreen(Screen[str | None]):
    """Dismisses with "resume" (`r`: the thread's last run is to go on), "thread:ID" (`f`, `e`: a new thread was
    forked from the checkpoint under the cursor, as it is or with another message), or None.

    Reads itself again when the store changes, if it is told so by a `StoreChanged`.
    """

    CSS_PATH = styles_folder() / "checkpoints.tcss"
    AUTO_FOCUS = "#rows"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as the base declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "resume", "Resume", show=False),
        Binding("f", "fork", "Fork", show=False),
        Binding("e", "fork_with_message", "Fork with another message", show=False),
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("f5", "dismiss(None)", "Close", show=False, id="checkpoints"),
    ]

    def __init__(self, gateway: Gateway, thread_id: str, title: str) -> None:
        super().__init__()
        self._gateway = gateway
        self._of_thread = thread_id
        self._title = title
        self._details: CheckpointDetails | None = None
        self._source = _RunCountingSource(gateway.checkpoints(thread_id))

    def compose(self) -> ComposeResult:
        """The list, the details, the keys."""
        with Horizontal(id="head"):
            yield Static(
                Content.assemble(("Checkpoints", "bold $text-primary"), f"  {self._title}"), id="title"
            )
            yield Static(id="count")
        with Horizontal(id="body"):
            yield _CheckpointList(self._source, self._gateway, id="rows")
            with Vertical(id="side"), VerticalScroll(id="details"):
                yield Static(id="facts")
                yield Static(id="added")
        yield KeyHints(id="hints")

    def on_mount(self) -> None:
        """Say the keys."""
        self.query_one(KeyHints).hints = (
            ("esc", "close"),
            ("r", "resume from the latest"),
            ("f", "fork from here"),
            ("e", "fork with another message"),
            ("↑↓", "move"),
            ("tab", "scroll the details"),
        )

    def action_resume(self) -> None:
        """Leave, for the run to go on."""
        self.dismiss("resume")

    def action_fork(self) -> None:
        """Begin a new thread at the checkpoint under the cursor; this one stays as it was."""
        row = self.query_one(_CheckpointList).highlighted
        if row is not None:
            self.run_worker(partial(self._fork, row, None), group="fork", exclusive=True, exit_on_error=False)

    def action_fork_with_message(self) -> None:
        """The same, with another message from there on."""
        row = self.query_one(_CheckpointList).highlighted
        if row is not None:
            work = partial(self._fork_with_message, row)
            self.run_worker(work, group="fork", exclusive=True, exit_on_error=False)

    async def _fork_with_message(self, row: CheckpointRow) -> None:
        from afk_tui.screens.ask_text import AskTextScreen

        title = "Instead of the message" if row.phase == "start" else f"After checkpoint {row.number}"
        message = await self.app.push_screen_wait(AskTextScreen(title, "the message of the new thread"))
        if message is not None:
            await self._fork(row, message)

    async def _fork(self, row: CheckpointRow, message: str | None) -> None:
        try:
            thread_id = await self._gateway.fork(row, message)
        except GatewayError as error:
            self.notify(str(error), severity="error", timeout=12, markup=False)
            return
        self.dismiss(f"thread:{thread_id}")

    @on(PagedList.RowHighlighted)
    def show_details(self, message: PagedList.RowHighlighted) -> None:
        """Read what the checkpoint under the cursor holds."""
        near = message.paged_list.cursor
        self.run_worker(
            partial(self._read_details, message.row, near),
            group="details",
            exclusive=True,
            exit_on_error=False,
        )
        self._show_count()

    @on(PagedList.LoadFailed)
    def show_failure(self, message: PagedList.LoadFailed) -> None:
        """Say whole what the list has no room for."""
        self._show_error(f"The checkpoints could not be read. {clean(str(message.error))}")

    @on(StoreChanged)
    async def reload(self) -> None:
        """Read the list again; the cursor stays on its checkpoint."""
        await self.query_one(_CheckpointList).reload()
        self._show_count()

    def _show_count(self) -> None:
        rows = self.query_one(_CheckpointList)
        text = f"{rows.cursor + 1:,} of {rows.count:,}" if rows.count else ""
        self.query_one("#count", Static).update(Content(text))

    def on_resize(self) -> None:
        """Where there is little room, the facts are one paragraph."""
        self._show_facts()

    def _show_facts(self) -> None:
        if self._details is not None:
            facts = _facts(self._details, self._gateway.now_ms(), in_lines=self.size.width >= WIDE)
            self.query_one("#facts", Static).update(facts)

    def _show_error(self, text: str) -> None:
        self._details = None
        self.query_one("#facts", Static).update(Content.styled(text, "$text-error"))
        self.query_one("#added", Static).update(Content())

    async def _read_details(self, row: CheckpointRow, near: int) -> None:
        try:
            details = await self._gateway.checkpoint_details(self._of_thread, row, near=near)
        except GatewayError as error:
            self._show_error(f"The details could not be read. {error}")
            return
        if details is None:
            self._show_error("This checkpoint was removed meanwhile.")
            await self.reload()
            return
        self._details = details
        self._show_facts()
        self.query_one("#added", Static).update(_difference(details))
        self.query_one("#details").scroll_home(animate=False)


class _RunCountingSource:
    """Checkpoints, and the runs that they are of, as far as they were read."""

    def __init__(self, source: CheckpointSource) -> None:
        self._source = source
        self.runs: set[str] = set()

    async def count(self) -> int:
        return await self._source.count()

    async def page(self, offset: int, limit: int) -> Sequence[CheckpointRow]:
        rows = await self._source.page(offset, limit)
        self.runs.update(row.run_id for row in rows)
        return rows


class _CheckpointList(PagedList[CheckpointRow]):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"checkpoint--muted", "checkpoint--latest"}

    def __init__(self, source: _RunCountingSource, gateway: Gateway, *, id: str) -> None:
        super().__init__(source, row_height=2, empty_text=EMPTY, id=id)
        self._runs = source.runs
        self._now_ms = gateway.now_ms

    def row_key(self, row: CheckpointRow) -> str:
        return row.checkpoint_id

    def render_row(self, row: CheckpointRow, width: int, selected: bool) -> Text:
        width = min(width, self.scrollable_content_region.width)
        muted = "" if selected else self.get_component_rich_style("checkpoint--muted")
        head = Text(f" {row.number:>3}  ")
        head.append(PHASES.get(row.phase, row.phase), "bold")
        if row.latest:
            head.append("  ● latest", "" if selected else self.get_component_rich_style("checkpoint--latest"))
        time = when(row.created_at_ms, self._now_ms())
        gap = width - 1 - head.cell_len - len(time)
        if gap >= 1:
            head.append(" " * gap)
            head.append(time, muted)
        parts = [f"step {row.step}", count(row.message_count, "message"), size(row.size_bytes)]
        if len(self._runs) > 1:
            parts.insert(0, f"run {short_id(row.run_id)}")
        while len(parts) > 1 and 6 + len(" · ".join(parts)) > width:
            del parts[-1]
        below = Text(f"      {' · '.join(parts)}", muted)
        for line in (head, below):
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join([head, below])


def _facts(details: CheckpointDetails, now_ms: int, *, in_lines: bool) -> Content:
    row = details.row
    number = f"{row.number} · the latest" if row.latest else f"{row.number}"
    state = RUN_STATES.get(details.run_state, details.run_state)
    run = f"{short_id(row.run_id)} ({state})" if state else short_id(row.run_id)
    facts = [
        ("Checkpoint", number),
        ("Run", run),
        ("Step", str(row.step)),
        ("Phase", PHASES.get(row.phase, row.phase)),
        ("Time", when(row.created_at_ms, now_ms)),
        ("Messages", f"{row.message_count:,}"),
        ("Size", size(row.size_bytes)),
        ("Open calls", ("\n            " if in_lines else ", ").join(details.open_calls) or "none"),
    ]
    if not in_lines:
        return Content("  ").join(
            Content.assemble((f"{name} ", "$foreground 60%"), value) for name, value in facts
        )
    return Content("\n").join(
        Content.assemble((f"{name:<12}", "$foreground 60%"), value) for name, value in facts
    )


def _difference(details: CheckpointDetails) -> Content:
    if details.before is not None:
        number, run_id = details.before
        other_run = f" of run {short_id(run_id)}" if run_id != details.row.run_id else ""
        since = f"since checkpoint {number}{other_run}"
    else:
        since = "the thread begins here" if details.is_first else "what was before has been removed"
    blocks = [
        Content.assemble(
            (f"+{count(details.added_count, 'message')}", "bold $text-success"),
            (f"  {since}", "$foreground 60%"),
        )
    ]
    blocks += [_added(message) for message in details.added]
    left = details.added_count - len(details.added)
    if left > 0:
        blocks.append(Content.styled(f"and {left:,} more", "$foreground 60%"))
    return Content("\n\n").join(blocks)


def _added(message: AddedMessage) -> Content:
    text = f"{message.text} …" if message.cut else message.text
    if message.kind == "result":
        arrow = " → " if "\n" not in text else " →\n"
        return Content.assemble(
            (message.title or "a result", "bold $text-accent"), (arrow, "$foreground 60%"), text or "(empty)"
        )
    parts: list[Content | str | tuple[str, str]] = [
        (f"{SPEAKERS[message.kind]}: ", "bold $text-primary"),
        text,
    ]
    if message.title:
        parts += [
            ("\n" if text else "") + "asks for ",
            (", ".join(message.title.split("\n")), "bold $text-accent"),
        ]
    return Content.assemble(*parts)
