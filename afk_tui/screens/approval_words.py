"""What the approval modal says about a request, and which keys it lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len

from afk_tui.gateway.views import ApprovalView, PatternChoice, WaitingRow
from afk_tui.screens.lines import KeyHint
from afk_tui.screens.words import count
from afk_tui.widgets.argument_view import ArgumentView
from afk_tui.widgets.status_line import shorten_middle

Mode = Literal[
    "choosing",
    "remembering",
    "narrowing",
    "reasoning",
    "reasoning_all",
    "denying_all",
    "allowing_all",
    "answering",
    "sending",
    "over",
]
"""What the modal is about: a choice, a second press for always, a pattern for it, a reason (for one, or for all), a
second press for all, a response, a decision being recorded, or nothing any more."""

WRITING_MODES: frozenset[Mode] = frozenset({"reasoning", "reasoning_all", "answering", "narrowing"})

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
EXECUTING_KEYS = frozenset({"a", "t", "w", "g", "e"})
# Of all requests at once; a shifted letter is never a slip of the finger for the letter.
BATCH_KEYS = frozenset({"A", "D", "R"})
# Keys that are named by what they write, whatever a keyboard calls them.
KEYS_BY_CHARACTER = frozenset({"[", "]", *BATCH_KEYS})
# What decides nothing of what is executed, or asks once more, can be begun before the request was on the screen.
BLIND_KEYS = frozenset({"d", "r", "p", *BATCH_KEYS})
READ_FIRST = "Nothing is decided yet. Read the request to its end; then its keys answer it."
EDITED = "Edited. This is what a yes would execute now; nothing is decided yet."
NOT_EDITED = "The arguments are as they were asked for."

PAST: dict[Decision, str] = {
    "allow": "Allowed",
    "deny": "Denied",
    "respond": "Answered",
    "run_again": "To be run again",
    "happened": "Recorded as happened",
    "skip": "Skipped",
}


def decision_keys(view: ApprovalView | WaitingRow) -> frozenset[str]:
    """The keys that answer this request, or begin to."""
    return frozenset("ghs" if view.kind == "uncertain" else "atwedrp")


def title_of(view: ApprovalView) -> str:
    """Who wants what."""
    if view.kind == "uncertain":
        return f"Outcome unknown: {view.tool_name} · {view.agent_path}"
    edited = " with your changes" if view.edited is not None else ""
    return f"Allow {view.tool_name}{edited}? · {view.agent_path}"


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


def warning_of(view: ApprovalView, *, brief: bool = False) -> str:
    """What deserves a second look: characters that were made visible, and what a command would do beside what it
    prints, a line each; `brief`: in one. Or ""."""
    if brief:
        hidden = f"{view.marks} hidden" if view.marks else ""
        alike = f"{view.lookalikes} look-alike" if view.lookalikes else ""
        marks = " and ".join(part for part in (hidden, alike) if part)
        marks = f"{marks} character{'' if view.marks + view.lookalikes == 1 else 's'}" if marks else ""
        return " · ".join(part for part in (marks, *view.effects) if part)
    marks = []
    if view.marks:
        verb = "is shown as a mark" if view.marks == 1 else "are shown as marks"
        marks = [f"{count(view.marks, 'hidden character')} {verb}"]
    if view.lookalikes:
        marks.append(f"{count(view.lookalikes, 'look-alike character')}, shown by code point")
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


def about_all(verb: str, views: Sequence[ApprovalView], waiting: int) -> str:
    """What a decision about all would decide, call by call."""
    named = "; ".join(view.title for view in views[:LISTED])
    more = f"; and {len(views) - LISTED} more" if len(views) > LISTED else ""
    others = waiting - len(views)
    left = f" ({count(others, 'call')} of unknown outcome stays)" if others else ""
    return (
        f"{verb} {'these' if len(views) != 1 else 'this'} {count(len(views), 'request')}{left}: {named}{more}"
    )


LISTED = 4


def not_all_seen(unseen: Sequence[ApprovalView], total: int) -> str:
    """Why they can't all be allowed yet."""
    return (
        f"{total - len(unseen)} of {total} were read to the end. Not yet: {unseen[0].title}"
        f"{f' and {len(unseen) - 1} more' if len(unseen) > 1 else ''} ([ ] goes to them)."
    )


def look_hints(arguments: ArgumentView) -> list[KeyHint]:
    """The keys that show the arguments another way."""
    looks: list[KeyHint] = []
    if arguments.can_split:
        way = "one under the other" if arguments.is_split else "side by side"
        looks.append(KeyHint("v", way, "view"))
    if arguments.can_fold:
        way = f"unfold {arguments.folded} lines" if arguments.folded else "fold"
        looks.append(KeyHint("f", way, "unfold" if arguments.folded else "fold"))
    if arguments.folded:
        looks.append(KeyHint("F", "unfold the next", "the next", "next"))
    return looks


def hints(
    view: ApprovalView,
    mode: Mode,
    *,
    several: bool,
    seen: bool,
    scope: WideScope,
    looks: Sequence[KeyHint] = (),
) -> Sequence[KeyHint]:
    """The keys that act now; `looks` are those that only show it another way."""
    later = KeyHint("l", "later", "later")
    others = [KeyHint("[ ]", "other requests", "others", "more")] if several else []
    every = [
        KeyHint("D R", "deny all (with a reason)", "deny all", "none"),
        KeyHint("A", "allow all once, when all were read", "allow all", "all"),
    ]
    back = KeyHint("esc", "back", "back")
    match mode:
        case "choosing" if view.kind == "uncertain":
            return [
                KeyHint("g", "run it again", "run again", "again", ready=seen),
                KeyHint("h", "it happened", "it happened", "happened"),
                KeyHint("s", "skip it, go on without knowing", "skip it", "skip"),
                later,
                *looks,
                *others,
            ]
        case "choosing":
            return [
                KeyHint("a", "allow once", "allow once", "once", ready=seen),
                KeyHint("t", "always in this thread", "always, thread", "thread", ready=seen),
                KeyHint("w", "always in this workspace", "always, folder", "folder", ready=seen),
                KeyHint("e", "edit", "edit", ready=seen),
                KeyHint("d", "deny", "deny"),
                KeyHint("r", "deny with a reason", "deny, why", "why"),
                KeyHint("p", "respond in its place", "respond", "reply"),
                later,
                *looks,
                *others,
                *(every if several else ()),
            ]
        case "denying_all" | "allowing_all":
            again = "D" if mode == "denying_all" else "A"
            what = "deny all of them" if mode == "denying_all" else "allow all of them once"
            return [KeyHint(f"{again} or y", f"yes, {what}", "yes, all"), back]
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
        case "reasoning_all":
            return [KeyHint("enter", "deny all of them with this reason", "deny all"), back]
        case "answering":
            return [KeyHint("ctrl+s", "give this as the tool's result", "send"), back]
        case "sending":
            return []
        case "over":
            return [KeyHint("esc", "close", "close")]
