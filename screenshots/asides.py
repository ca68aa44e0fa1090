"""Pictures of what opens beside a conversation: all that waits, what is always allowed, a question, the themes."""

from __future__ import annotations

from pathlib import Path

from screenshots.stage import Stage


async def asides(shown: Stage, folder: Path) -> None:
    """Two threads that wait, one grant; the inbox, the grants, a thread about to be deleted, the themes."""
    await shown.say("write holiday.txt: Pack the tent.")
    await shown.until_standing("waiting")
    shown.clock.move(90)
    await shown.pilot.press("ctrl+n")
    await shown.until(lambda: shown.main.thread_id is None, "a new thread")
    await shown.say("run: cat ideas.txt")
    await shown.until_standing("waiting")
    request = next(one for one in await shown.main.gateway.requests() if one.tool_name == "run_command")
    await shown.main.gateway.decide(request, "allow", scope="workspace")
    await shown.until_standing("idle")
    shown.clock.move(5)
    await shown.say("run: rm -r drafts")
    await shown.until_standing("waiting")
    for command, screen, name in (
        ("grants", "GrantsScreen", "grants"),
        ("delete", "ConfirmScreen", "delete"),
        ("theme", "ThemeScreen", "themes"),
    ):
        await shown.say(f"/{command}")
        await shown.until_screen(screen)
        if screen == "ConfirmScreen":  # what it says changes once it hears keys
            await shown.until(lambda: "and enter, a letter" in shown.text, "the question to hear keys")
        await shown.shoot(folder / f"{name}.svg")
        await shown.pilot.press("escape")
        await shown.until_screen("MainScreen")
    await shown.pilot.press("f4")
    await shown.until_screen("InboxScreen")
    await shown.shoot(folder / "inbox.svg")
