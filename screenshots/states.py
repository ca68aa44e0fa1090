"""Pictures of what a person meets now and then: a beginning, a question, little room."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.widgets import TextArea

from afk.llms.protocol import ToolCall
from screenshots import team
from screenshots.stage import Stage


async def beginning(shown: Stage, folder: Path) -> None:
    """The first start in a folder, and what is there when nothing is."""
    await shown.until_screen("TrustScreen")
    await shown.until(lambda: shown.app.screen.is_ready, "the question to hear keys")
    await shown.shoot(folder / "trust.svg")
    await shown.pilot.press("y")
    await shown.until(lambda: shown.main.has_begun, "the app to be ready")
    await shown.until_screen("MainScreen")
    await shown.shoot(folder / "empty.svg")
    await shown.pilot.press("f4")
    await shown.until_screen("InboxScreen")
    await shown.shoot(folder / "inbox-empty.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")


async def summary(shown: Stage, folder: Path) -> None:
    """What the model is sent in place of older messages."""
    for message in ("list", "read todo.md", "search clock", "read ideas.txt", "list"):
        await shown.say(message)
        await shown.until_standing("idle")
        shown.clock.move(4)
    await shown.say("/summarise")
    await shown.until_screen("SummaryScreen")
    await shown.until(lambda: "made by" in shown.text, "the summary")
    await shown.quiet()
    await shown.shoot(folder / "summary.svg")


async def questions(shown: Stage, folder: Path) -> None:
    """A new title, a message of one's own to be sent otherwise, a paste, a reason for a no, an answer of one's own."""
    await shown.say("write todo.md: # To do")
    await shown.until_standing("waiting")
    await shown.say("/rename")
    await shown.until_screen("AskTextScreen")
    await shown.shoot(folder / "rename.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
    await shown.open_request()
    for key, text, name in (
        ("r", "It would lose the list.", "approval-reason"),
        ("p", "The file is kept as it is; go on.", "approval-respond"),
    ):
        await shown.until_ready()
        await shown.pilot.press(key)
        field = shown.app.screen.panel.field_of("reasoning" if key == "r" else "answering")
        if isinstance(field, TextArea):
            field.text = text
        else:
            field.value = text
        await shown.quiet()
        await shown.shoot(folder / f"{name}.svg")
        await shown.pilot.press("escape")
        await shown.quiet()
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
    shown.main.composer.focus()
    shown.main.composer.post_message(events.Paste("a line of a long log\n" * 12_000))
    await shown.until(lambda: "[pasted 1" in shown.text, "what was pasted")
    await shown.pilot.press("ctrl+o")
    await shown.until_screen("PasteScreen")
    await shown.shoot(folder / "paste.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
    shown.main.conversation.focus()
    await shown.pilot.press("[", "e")
    await shown.until_screen("EditMessageScreen")
    await shown.shoot(folder / "edit-message.svg")


async def unknown(shown: Stage, folder: Path) -> None:
    """A call of which nobody knows whether it happened."""
    shown.model.calls = ToolCall("c1", "publish", '{"version": "v7", "notes": "Clocks stand still now."}')
    await shown.say("Publish version 7.")
    await shown.until_standing("waiting")
    await shown.open_request()
    await shown.shoot(folder / "approval-unknown.svg")
    team.never_mind.set()


async def narrow(shown: Stage, folder: Path) -> None:
    """40x15: the conversation, the list as a drawer, a request."""
    await shown.say("write plan.txt: A clock that stands still.")
    await shown.until_standing("waiting")
    await shown.shoot(folder / "narrow.svg")
    await shown.pilot.press("f9")
    await shown.until(lambda: shown.main.has_class("-list"), "the drawer")
    await shown.shoot(folder / "narrow-threads.svg")
    await shown.pilot.press("escape")
    await shown.open_request()
    await shown.shoot(folder / "narrow-approval.svg")
