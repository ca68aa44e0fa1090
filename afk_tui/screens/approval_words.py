"""What the approval modal says about a request, and which keys it lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len

from afk_tui.gateway.views import ApprovalView, PatternChoice
from afk_tui.screens.lines import KeyHint
from afk_tui.screens.words import count
from afk_tui.widgets.status_line import shorten_middle

Mode = Literal["choosing", "remembering", "narrowing", "reasoning", "answering", "sending", "over"]
"""What the modal is about: a choice, a second press for always, a pattern for it, a reason, a response, a decision
being recorded, or nothing any more."""

Decision = Literal["allow", "deny", "respond", "run_again", "happened", "skip"]
WideScope = Literal["thread", "workspace"]

SCOPE_OF_KEY: dict[str, WideScope] = {"t": "thread", "w": "workspace"}
DECISION_OF_KEY: dict[str, Decision] = {
    "a": "allow",
    "d": "deny",
    "g": "run_again",
    "h": "happened",
    "s": "skip",
}
# Decisions that execute what is shown, so that all of it must have been seen.
EXECUTING_KEYS = frozenset({"a", "t", "w", "g"})

PAST: dict[Decision, str] = {
    "allow": "Allowed",
    "deny": "Denied",
    "respond": "Answered",
    "run_again": "To be run again",
    "happened": "Recorded as happened",
    "skip": "Skipped",
}


def decision_keys(view: ApprovalView) -> frozenset[str]:
    """The keys that answer this request, or begin to."""
    return frozenset("ghs" if view.kind == "uncertain" else "atwdrp")


def title_of(view: ApprovalView) -> str:
    """Who wants what."""
    if view.kind == "uncertain":
        return f"Outcome unknown: {view.tool_name} · {view.agent_path}"
    return f"Allow {view.tool_name}? · {view.agent_path}"


def why_of(view: ApprovalView, *, say_thread: bool) -> str:
    """Why a person is asked, what is known, and in which conversation."""
    thread = f"In the conversation: {view.thread_title}" if say_thread else ""
    return " ".join(part for part in (view.known, view.reason, thread) if part)


def place_of(view: ApprovalView, width: int | None = None) -> str:
    """What is to be known of the arguments, and the folder they act in: of that, where `width` is given, the middle
    gives way so that it takes one line."""
    text = view.preview_note
    if view.workspace not in text:
        text = " · ".join(part for part in (text, f"in {view.workspace}") if part)
    if width is None or not view.workspace:
        return text
    before = text.partition(view.workspace)[0].rpartition(" · ")[2]
    room = max(8, width - cell_len(before) - 1)
    return text.replace(view.workspace, shorten_middle(view.workspace, room))


def warning_of(view: ApprovalView) -> str:
    """What deserves a second look: characters that were made visible, and what a command would do beside what it
    prints; or ""."""
    marks = []
    if view.marks:
        verb = "is shown as a mark" if view.marks == 1 else "are shown as marks"
        marks = [f"{count(view.marks, 'hidden character')} {verb}"]
    return "\n".join([*marks, *view.effects])


def next_pattern(view: ApprovalView, chosen: PatternChoice | None, by: int) -> PatternChoice | None:
    """The next wider (1) or narrower (-1) thing that can be remembered; None is the very same call."""
    choices: list[PatternChoice | None] = [None, *view.patterns]
    at = choices.index(chosen) if chosen in choices else 0
    return choices[max(0, min(at + by, len(choices) - 1))]


def remembered(view: ApprovalView, scope: WideScope, pattern: PatternChoice | None = None) -> str:
    """Exactly what "always" would remember."""
    where = "in this thread" if scope == "thread" else f"in every thread of {view.workspace}"
    if pattern is not None:
        return f"Always allow {where} {view.tool_name}, {pattern.text}"
    first, *more = view.preview.split("\n")
    match view.preview_kind:
        case "command" if not more:
            call = f"{view.tool_name} {first}"
        case "diff":
            call = f"{view.tool_name} with these very arguments, whatever the file holds by then"
        case _:
            call = f"{view.tool_name} with the arguments shown above, all {count(len(more) + 1, 'line')}"
    return f"Always allow {where} this very call, and no other: {call}"


def hints(
    view: ApprovalView, mode: Mode, *, several: bool, seen: bool, scope: WideScope
) -> Sequence[KeyHint]:
    """The keys that act now."""
    later = KeyHint("l", "later", "later")
    others = [KeyHint("[ ]", "other requests", "others", "more")] if several else []
    back = KeyHint("esc", "back", "back")
    match mode:
        case "choosing" if view.kind == "uncertain":
            return [
                KeyHint("g", "run it again", "run again", "again", ready=seen),
                KeyHint("h", "it happened", "it happened", "happened"),
                KeyHint("s", "skip it, go on without knowing", "skip it", "skip"),
                later,
                *others,
            ]
        case "choosing":
            return [
                KeyHint("a", "allow once", "allow once", "once", ready=seen),
                KeyHint("t", "always in this thread", "always, thread", "thread", ready=seen),
                KeyHint("w", "always in this workspace", "always, folder", "folder", ready=seen),
                KeyHint("d", "deny", "deny"),
                KeyHint("r", "deny with a reason", "deny, why", "why"),
                KeyHint("p", "respond in its place", "respond", "reply"),
                later,
                *others,
            ]
        case "remembering":
            key = "t" if scope == "thread" else "w"
            others = [
                KeyHint("← →", "less or more than this call", "less, more"),
                KeyHint("e", "write what is covered", "write it", "write"),
            ]
            return [
                KeyHint(f"{key} or y", "yes, always", "yes, always"),
                *others[: 2 * bool(view.patterns)],
                back,
            ]
        case "narrowing":
            return [KeyHint("enter", "show what that would remember", "show it", "show"), back]
        case "reasoning":
            return [KeyHint("enter", "deny with this reason", "deny"), back]
        case "answering":
            return [KeyHint("ctrl+s", "give this as the tool's result", "send"), back]
        case "sending":
            return []
        case "over":
            return [KeyHint("esc", "close", "close")]
