"""What the main screen says of how things stand, and which keys it offers then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from afk_tui.gateway.views import RunView

Tone = Literal["info", "warning"]
THREAD_HINTS = (("f", "filter"), ("p", "pin"), ("a", "archive"), ("r", "rename"), ("del", "delete"))


def note_of(view: RunView | None, key_of: Callable[[str], str]) -> tuple[str, Tone]:
    """What stands below the conversation while its run is open, and in which tone. `key_of` gives an action's key."""
    if view is None:
        return "", "info"
    resume = key_of("resume")
    match view.standing:
        case "stopped":
            return (
                f"{view.state.capitalize()}. {view.reason}\nWhat was recorded is kept: {resume} goes on from here.",
                "warning",
            )
        case "decided":
            return f"Decided elsewhere. Nothing runs until you say so: {resume} goes on.", "warning"
        case "elsewhere":
            return "This run goes on in another process. What it does appears here.", "info"
        case "waiting" | "working" | "idle":
            return "", "info"


def hints_of(view: RunView | None, waiting: int, *, in_list: bool) -> list[tuple[str, str]]:
    """(action, or a key of the list, and what it does) for the last line, the most important first; `waiting` requests
    in all threads, `in_list` while the list of threads has the focus."""
    hints = [("menu", "menu"), ("approvals", f"requests {waiting}" if waiting else "requests")]
    if view and view.standing == "working":
        hints.append(("stop", "stop"))
    if view and view.standing in ("stopped", "decided"):
        hints.append(("resume", "resume"))
    if in_list:
        hints += THREAD_HINTS
    return [
        *hints,
        ("help", "help"),
        ("new_thread", "new"),
        ("quit", "quit"),
        ("checkpoints", "checkpoints"),
        ("compaction", "compaction"),
    ]
