"""Writing a message: what its words could become, what was sent before, and what is pasted."""

from __future__ import annotations

from textual import on, work

from afk_tui.actions import ACTIONS, Action
from afk_tui.gateway.errors import GatewayError
from afk_tui.screens.main_searching import MainSearching
from afk_tui.telling import tell_error, telling
from afk_tui.widgets.completion_list import Completion, CompletionList, Token
from afk_tui.widgets.composer import Composer

_COMMAND = max(len(action.command) for action in ACTIONS) + 3
_KEY = max(len(action.key_label) for action in ACTIONS)


class MainWriting(MainSearching):
    """The main screen's help for the composer."""

    async def fill(self) -> None:
        """The composer hands its keys to the list above it while that is open."""
        await super().fill()
        self.composer.popup = self._popup

    @property
    def _popup(self) -> CompletionList:
        return self.query_one(CompletionList)

    @on(Composer.TokenChanged)
    def offer_completions(self, event: Composer.TokenChanged) -> None:
        """A word is being written that can be completed, or no longer."""
        token = event.token
        if not self.filled.is_set():
            return
        if token is None:
            self.workers.cancel_group(self, "files")
            self._popup.hide()
        elif token.kind == "/":
            self._popup.show(token, commands_like(token.text), "enter does it · tab completes · esc")
        else:
            self._offer_files(token)

    @work(exclusive=True, group="files", exit_on_error=False)
    async def _offer_files(self, token: Token) -> None:
        if not self.has_begun:
            return
        try:
            found = await self.gateway.writing.files(self.thread_id, token.text)
        except GatewayError as error:
            tell_error(self, error)
            return
        more = found.count - len(found.paths)
        note = " · ".join(
            part
            for part in (f"{more:,} more" if more > 0 else "", found.note, "tab takes it · esc closes")
            if part
        )
        self._popup.show(token, [Completion(_written(path), path) for path in found.paths], note)

    @on(CompletionList.Chosen)
    def take_completion(self, event: CompletionList.Chosen) -> None:
        """A click on one."""
        self.composer.complete(event.completion.value)
        self.composer.focus()

    @on(Composer.HistoryAsked)
    @telling
    async def show_history(self) -> None:
        """What is queued, where nothing is written; else what was sent in this folder before."""
        if not self.has_begun:
            return
        if self.composer.draft or not self._queued or not await self.take_back(self._queued[-1]):
            self.composer.begin_history(await self.gateway.writing.sent(self.thread_id))

    @on(Composer.PageAsked)
    def page(self, event: Composer.PageAsked) -> None:
        """Page keys scroll the conversation from the composer too."""
        if self.filled.is_set():
            self.conversation.action_page(event.direction)

    @on(Composer.PasteShown)
    def show_paste(self, event: Composer.PasteShown) -> None:
        """A large paste, whole."""
        from afk_tui.screens.paste import PasteScreen

        self.app.push_screen(PasteScreen(event.text))


def commands_like(text: str) -> list[Completion]:
    """The actions whose /command begins with the text, then those that hold it; the very one first."""
    wanted = text.lower()

    def rank(action: Action) -> int:
        command = action.command
        return 0 if command == wanted else 1 if command.startswith(wanted) else 2

    found = [action for action in ACTIONS if wanted in action.command or _word_begins(action.title, wanted)]
    return [
        Completion(
            f"/{action.command}",
            f"{f'/{action.command}':<{_COMMAND}}{action.key_label:<{_KEY}}",
            action.about,
        )
        for action in sorted(found, key=rank)
    ]


def _word_begins(title: str, wanted: str) -> bool:
    return any(word.startswith(wanted) for word in title.lower().split())


def _written(path: str) -> str:
    """How a file is named in a message."""
    return f'@"{path}" ' if " " in path else f"@{path} "
