"""What the main screen says of how things stand, and which keys it offers then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from afk_tui.gateway.views import RunView

Tone = Literal["info", "warning"]
HINTS_WITH_FOCUS = {
    "list": (("f", "filter"), ("p", "pin"), ("a", "archive"), ("r", "rename"), ("del", "delete")),
    "conversation": (
        ("enter", "unfold"),
        ("[ ]", "your messages"),
        ("/", "search"),
        ("c", "copy"),
        ("b", "code"),
        ("e", "send again"),
    ),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """The model failed and is asked again at `until_s` (monotonic), for the `attempt`-th time."""

    until_s: float
    attempt: int
    reason: str

    def left_s(self, now_s: float) -> int:
        """Whole seconds until then, 0 when it is time."""
        return max(0, math.ceil(self.until_s - now_s))


# what happened, by the kind of the model's error
HAPPENED = {
    "configuration": "No model could be asked.",
    "auth": "The server did not accept the key.",
    "not_found": "The server has no such model, or is another one.",
    "bad_request": "The server did not accept the request.",
    "context_length": "The conversation is longer than the model takes.",
    "rate_limit": "The server was asked too often.",
    "timeout": "The server did not answer in time.",
    "unavailable": "The server is away.",
    "protocol": "The server's answer was none.",
}


def note_of(view: RunView | None, key_of: Callable[[str], str], wait: str = "") -> tuple[str, Tone]:
    """What stands below the conversation while its run is open, and in which tone. `key_of` gives an action's key,
    `wait` is what is said of a model that is asked again."""
    if view is None:
        return "", "info"
    resume = key_of("resume")
    match view.standing:
        case "stopped":
            return _stopped(view, key_of), "warning"
        case "decided":
            return f"Decided elsewhere. Nothing runs until you say so: {resume} goes on.", "warning"
        case "elsewhere":
            return (
                "This run goes on in another process. What it does appears here.\n"
                f"Should that process hang, {resume} offers to take the run over."
            ), "info"
        case "working":
            return wait, "warning" if wait else "info"
        case "waiting" | "idle":
            return "", "info"


def wait_note(wait: Wait, now_s: float, key_of: Callable[[str], str]) -> str:
    """What happened, what is safe, and what to press, while the model is waited for."""
    left_s = wait.left_s(now_s)
    when = f"in {left_s} s" if left_s else "now"
    return (
        f"{wait.reason}\nIt is asked again {when} (attempt {wait.attempt}). What was recorded is kept: "
        f"{key_of('resume')} asks at once, {key_of('stop')} stops."
    )


def _stopped(view: RunView, key_of: Callable[[str], str]) -> str:
    resume = key_of("resume")
    happened = HAPPENED.get(view.cause)
    first = f"{view.state.capitalize()}. {happened or view.reason}"
    said = f"\n{view.reason}" if happened else ""
    match view.cause:
        case "configuration" | "auth" | "not_found":
            after = (
                f"What was recorded is kept. Set it and start again ({key_of('quit')} leaves): {resume} then goes on "
                f"from here. {resume} now asks once more."
            )
        case "context_length":
            after = (
                f"What was recorded is kept: {resume} has the older messages summarised where they can be, and goes on "
                f"from here. {key_of('summary')} shows the summary, and makes one by hand."
            )
        case "":
            after = f"What was recorded is kept: {resume} goes on from here."
        case _:
            after = f"What was recorded is kept: {resume} asks again, and goes on from here."
    return f"{first}{said}\n{after}"


def hints_of(
    view: RunView | None, waiting: int, *, focus: Literal["list", "conversation", ""], is_waited: bool
) -> list[tuple[str, str]]:
    """(action, or a key of what has the focus, and what it does) for the last line, the most important first; `waiting`
    requests in all threads, `is_waited` while the model is asked again."""
    hints = [("menu", "menu"), ("approvals", f"requests {waiting}" if waiting else "requests")]
    if view and view.standing == "working":
        if is_waited:
            hints.append(("resume", "ask now"))
        hints.append(("stop", "stop"))
    if view and view.standing in ("stopped", "decided"):
        if view.cause == "context_length":
            hints += [("resume", "summarise, go on"), ("summary", "summary")]
        else:
            hints.append(("resume", "resume"))
    hints += HINTS_WITH_FOCUS.get(focus, ())
    return [
        *hints,
        ("help", "help"),
        ("new_thread", "new"),
        ("quit", "quit"),
        ("checkpoints", "checkpoints"),
        ("compaction", "compaction"),
    ]
