"""Pictures of a conversation that is read and written in: a search, commands, files, and what is queued."""

from __future__ import annotations

from pathlib import Path

from afk_tui.widgets.completion_list import CompletionList
from afk_tui.widgets.search_bar import SearchBar
from screenshots.stage import Stage


async def reading(shown: Stage, folder: Path) -> None:
    """A call unfolded, a search, the commands, and messages that wait for their turn."""
    await shown.say("read todo.md and then search clock")
    await shown.until_standing("idle")
    await shown.say("write plan.txt: A clock that stands still.")
    await shown.until_standing("waiting")
    [request] = await shown.main.gateway.requests()
    shown.clock.move(3)
    await shown.main.gateway.decide(request, "allow", reason="As we said.")
    await shown.until_standing("idle")
    conversation = shown.main.conversation
    conversation.focus()
    await shown.pilot.press("[")
    for _ in range(6):
        at = conversation.pages.find(conversation.cursor_key or "")
        if at is not None and conversation.pages.entries[at].kind == "call":
            break
        await shown.pilot.press("j")
        await shown.quiet()
    await shown.pilot.press("enter", "slash", *"clock")
    bar = shown.main.query_one(SearchBar)
    counted = bar.query_one("#search-count")
    await shown.until(lambda: " of " in str(counted.render()), "hits")
    for _ in range(6):
        if str(counted.render()).startswith("6 of 6"):
            break
        await shown.pilot.press("down")
        await shown.quiet()
    await shown.quiet()
    await shown.shoot(folder / "search.svg")
    await shown.pilot.press("escape")

    shown.main.composer.focus()
    await shown.pilot.press("/", "c", "o")
    popup = shown.main.query_one(CompletionList)
    await shown.until(lambda: popup.is_open, "the commands")
    await shown.quiet()
    await shown.shoot(folder / "commands.svg")
    await shown.pilot.press("escape", "backspace", "backspace", "backspace")

    shown.model.hold_after = 60
    await shown.say("tell a long story")
    await shown.until(shown.model.held.is_set, "the answer to be held")
    await shown.say("list")
    await shown.say("read plan.txt")
    await shown.until(lambda: len(shown.main._queued) == 2, "the queue")
    # shown anew, so that it does not matter in which portions the answer came
    await shown.main.show_thread(shown.main.thread_id)
    conversation = shown.main.conversation
    stream = conversation.pages.entries[conversation.pages.find("stream") or 0]
    await shown.until(lambda: len(stream.pieces) > 3, "the answer")
    await shown.quiet()
    await shown.shoot(folder / "queued.svg")
