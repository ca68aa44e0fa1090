"""Threads kept in order, which of them are listed, and finding."""

from __future__ import annotations

from pathlib import Path

from screenshots.stage import Stage

SAID = (
    "list and then read todo.md",
    "search bread",
    "write holiday.txt: Two weeks by the sea.",
    "read ideas.txt and then list",
)


async def threads(shown: Stage, folder: Path) -> None:
    """A pinned thread, one that waits, a fork that nobody has looked at; the filters; what was found."""
    for text in SAID:
        await shown.pilot.press("ctrl+n")
        await shown.until(lambda: shown.main.thread_id is None, "a new thread")
        await shown.say(text)
        await shown.until_standing("waiting" if text.startswith("write") else "idle")
        shown.clock.move(95)
    gateway = shown.main.gateway
    *_, first = await gateway.threads(everywhere=False).page(0, 10)
    await gateway.fork((await gateway.checkpoints(first.thread_id).page(0, 1))[0])
    await shown.main.open_thread(first.thread_id)
    await shown.say("/pin-thread")
    await shown.until(lambda: "pinned" in shown.text and "new" in shown.text, "the list")
    shown.clock.move(8)
    await shown.say("/filter")
    await shown.until_screen("ThreadFilterScreen")
    await shown.quiet()
    await shown.shoot(folder / "threads.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
    await shown.pilot.press("f3")
    await shown.until_screen("FindScreen")
    await shown.pilot.press(*"todo bread")
    await shown.until(lambda: "with all of these words" in shown.text, "the hits")
    await shown.quiet()
    await shown.shoot(folder / "find.svg")
