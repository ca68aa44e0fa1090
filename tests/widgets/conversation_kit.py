"""What the tests of the conversation share: a source that counts, an app, and ways to look at the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from afk_tui.gateway.views import ConversationItem, ItemHead, ItemKind
from afk_tui.widgets.conversation import Conversation


def item(key: str, kind: ItemKind = "assistant", text: str = "", **fields: object) -> ConversationItem:
    return ConversationItem(key, kind, text or f"text of {key}", **fields)  # pyright: ignore[reportArgumentType]


class CountingSource:
    """Items in memory; `asked` are the ranges that were loaded. `error` is raised instead, while it is set."""

    def __init__(self, items: Iterable[ConversationItem]) -> None:
        self.items = list(items)
        self.asked: list[tuple[int, int]] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def heads(self) -> list[ItemHead]:
        if self.gate is not None:
            await self.gate.wait()
        return [ItemHead(i.key, i.kind, len(i.text), i.text.count("\n") + 1) for i in self.items]

    async def load(self, first: int, last: int) -> list[ConversationItem]:
        self.asked.append((first, last))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.items[first:last]


class ConversationApp(App[None]):
    """A conversation alone on the screen. `messages` are all those it posted."""

    def __init__(self, empty_text: str = "", *, hidden: bool = False) -> None:
        super().__init__()
        self.hidden = hidden
        self.messages: list[object] = []
        self.empty_text = empty_text

    def compose(self) -> ComposeResult:
        conversation = Conversation(empty_text=self.empty_text)
        conversation.display = not self.hidden
        yield conversation

    @property
    def conversation(self) -> Conversation:
        return self.query_one(Conversation)

    def on_conversation_follow_changed(self, message: Conversation.FollowChanged) -> None:
        self.messages.append(message)

    def on_conversation_item_activated(self, message: Conversation.ItemActivated) -> None:
        self.messages.append(message)

    def on_conversation_copy_asked(self, message: Conversation.CopyAsked) -> None:
        self.messages.append(message)

    def on_conversation_load_failed(self, message: Conversation.LoadFailed) -> None:
        self.messages.append(message)


@asynccontextmanager
async def running(
    size: tuple[int, int], empty_text: str = "", *, hidden: bool = False
) -> AsyncGenerator[tuple[Pilot[None], ConversationApp]]:
    """The app, running without a terminal."""
    app = ConversationApp(empty_text, hidden=hidden)
    async with app.run_test(size=size) as pilot:
        yield pilot, app


def screen(conversation: Conversation) -> list[str]:
    """The lines as they are shown now, bars and marks included."""
    return [conversation.render_line(y).text.rstrip() for y in range(conversation.size.height)]


def shown(conversation: Conversation) -> str:
    return "\n".join(screen(conversation))


async def until(pilot: Pilot[None], holds: Callable[[], bool], what: str = "the expected state") -> None:
    """Let the app run until `holds()`; fails after ten seconds."""
    deadline = asyncio.get_running_loop().time() + 10
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, f"{what} never came"
        await pilot.pause(0.01)
