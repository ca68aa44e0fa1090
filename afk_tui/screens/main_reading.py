"""Reading the conversation: to the end and back, from message to message, and taking text out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.dialogs import DIALOG, ask
from afk_tui.screens.main_drawer import MainDrawer
from afk_tui.screens.words import count, size
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.below_bar import BelowBar
from afk_tui.widgets.code_blocks import CodeBlock, code_blocks
from afk_tui.widgets.composer_pastes import line_count
from afk_tui.widgets.conversation import Conversation

if TYPE_CHECKING:
    from afk_tui.gateway.views import ItemText, ThreadRow

COPY_BYTES = 74_994
"""More than this some terminals drop: it is 100,000 characters of OSC 52. tmux takes ten times as much, whole or not
at all."""


class MainReading(MainDrawer):
    """The main screen's keys for reading and copying."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # pyright: ignore[reportArgumentType]
        self._code_at: tuple[str, int] = ("", 0)

    # places

    @on(Conversation.FollowChanged)
    def show_below(self, event: Conversation.FollowChanged) -> None:
        """Say what is below while the end is not in sight."""
        bar = self.query_one(BelowBar)
        bar.show_below(event.below, event.new)
        bar.display = event.more

    @on(BelowBar.Clicked)
    def action_to_end(self) -> None:
        """The newest, and follow it."""
        self.conversation.scroll_to_end()

    def action_message_above(self) -> None:
        """The message of the person's above."""
        if not self.conversation.to_user_message(-1):
            self.notify("There is no message of yours above.", markup=False)

    def action_message_below(self) -> None:
        """The next one; below the last one is the end."""
        self.conversation.to_user_message(1)

    async def go_to_place(self, seq: int) -> None:
        """Show what stands at a place of this thread, or last before it, and mark it."""
        from afk_tui.gateway.items import key_of, seq_of

        conversation, key = self.conversation, key_of(seq)
        if not conversation.go_to(key):
            found = (
                (place, entry.key) for entry in conversation.pages.entries if (place := seq_of(entry.key))
            )
            before = max((one for one in found if one[0] <= seq), default=None)
            if before is not None:
                conversation.go_to(before[1])
            else:  # of a long conversation, what is so far above may not have been read yet
                await self.show_thread(self.thread_id, place=key)
                conversation.go_to(key)
        conversation.focus()

    async def _this_thread(self, what: str) -> ThreadRow | None:
        thread = await self.gateway.thread(self.thread_id) if self.thread_id else None
        if thread is None:
            self.notify(f"A new conversation has no {what} yet.", markup=False)
        return thread

    # copying

    @on(Conversation.CopyAsked)
    @telling
    async def copy_asked(self, event: Conversation.CopyAsked) -> None:
        """A key in the conversation."""
        match event.part:
            case "all":
                await self.action_copy_all()
            case "item" if event.key is not None:
                await self._copy_item(event.key)
            case "code" if event.key is not None:
                await self._copy_code(event.key)
            case _:
                self.notify("Move to an item first: ↑ ↓", markup=False)

    @telling
    async def action_copy_last(self) -> None:
        """The model's last message."""
        if (key := await self._last_answer()) is not None:
            await self._copy_item(key)

    @telling
    async def action_copy_code(self) -> None:
        """A code block of the item under the cursor, else of the last answer."""
        conversation = self.conversation
        key = conversation.cursor_key if conversation.has_focus else await self._last_answer()
        if key is not None:
            await self._copy_code(key)

    @telling
    async def action_copy_all(self) -> None:
        """The whole conversation as Markdown."""
        if self.thread_id is None:
            self.notify("A new conversation has nothing to copy yet.", markup=False)
            return
        self.put_on_clipboard(await self.gateway.texts.markdown(self.thread_id), "the conversation")

    async def _last_answer(self) -> str | None:
        key = await self.gateway.texts.last_answer(self.thread_id) if self.thread_id else None
        if key is None:
            self.notify("There is no answer to copy yet.", markup=False)
        return key

    async def _item(self, key: str) -> ItemText | None:
        found = await self.gateway.texts.item(self.thread_id, key) if self.thread_id else None
        if found is None:
            shown = self.conversation.copy_text(key) or self._streamed.get(self.thread_id or "")
            from afk_tui.gateway.views import ItemText

            found = ItemText(shown) if shown else None
        if found is None or not found.whole:
            self.notify("There is no text here to copy.", markup=False)
            return None
        return found

    async def _copy_item(self, key: str) -> None:
        if (item := await self._item(key)) is not None:
            self.put_on_clipboard(item.whole, "the call" if item.title else "the message")

    async def _copy_code(self, key: str) -> None:
        """The first code block; the next one each time it is asked for again."""
        if (item := await self._item(key)) is None:
            return
        blocks = _blocks_of(item)
        if not blocks:
            self.notify("There is no code block here.", markup=False)
            return
        before, at = self._code_at
        at = (at + 1) % len(blocks) if before == key else 0
        self._code_at = (key, at)
        language = f" ({blocks[at].language})" if blocks[at].language else ""
        again = f" {at + 1} of {len(blocks)}{language}; again for the next" if len(blocks) > 1 else language
        self.put_on_clipboard(blocks[at].text, f"code block{again}")

    def put_on_clipboard(self, text: str, what: str) -> None:
        """Hand `text` to the terminal (OSC 52), or ask first where it may be too much for it."""
        size_bytes = len(text.encode(errors="backslashreplace"))
        if size_bytes > COPY_BYTES:
            self._ask_about_size(text, what, size_bytes)
            return
        self.app.copy_to_clipboard(text)
        lines = count(line_count(text), "line")
        self.notify(f"Copied {what}: {lines}, {size(size_bytes)}.", markup=False)

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def _ask_about_size(self, text: str, what: str, size_bytes: int) -> None:
        from afk_tui.screens.confirm import ConfirmScreen

        choice = await ask(
            self,
            ConfirmScreen(
                "Too large for some clipboards",
                f"It is {size(size_bytes)}: {what}. Some terminals take {size(COPY_BYTES)} and drop what is larger "
                "without a word (tmux: 786 KB). Nothing was copied yet.",
                [
                    ("f", "file", "Write it to a file"),
                    ("c", "copy", "Copy it all the same"),
                    ("b", "back", "Leave it"),
                ],
            ),
        )
        if choice == "copy":
            self.app.copy_to_clipboard(text)
            self.notify(f"Handed to the terminal: {size(size_bytes)}.", markup=False)
        elif choice == "file":
            await self._save(text, "afk-copy.md")

    @work(exclusive=True, group=DIALOG, exit_on_error=False)
    async def action_export(self) -> None:
        """The whole conversation into a file."""
        if (thread := await self._this_thread("conversation")) is None:
            return
        try:
            text = await self.gateway.texts.markdown(thread.thread_id)
        except GatewayError as error:
            tell_error(self, error)
            return
        await self._save(text, f"{_file_name(thread.title)}.md")

    async def _save(self, text: str, name: str) -> None:
        from afk_tui.screens.ask_text import AskTextScreen

        question = "Write it to which file?"
        asked = question
        while chosen := await ask(self, AskTextScreen(asked, "a name, or a path", name)):
            try:
                path = await self.gateway.texts.save(chosen, text)
            except GatewayError as error:
                asked, name = f"{error}\n{question}", chosen
                continue
            self.notify(f"Written: {path}", timeout=8, markup=False)
            return


def _blocks_of(item: ItemText) -> list[CodeBlock]:
    """Of a call its output, then its arguments."""
    if not item.title:
        return code_blocks(item.text)
    return [
        CodeBlock(name, text) for name, text in (("output", item.text), ("arguments", item.arguments)) if text
    ]


def _file_name(title: str) -> str:
    kept = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return "-".join(part for part in kept.split("-") if part)[:60].strip("-") or "conversation"
