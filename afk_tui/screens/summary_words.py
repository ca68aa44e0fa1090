"""What is said of a summary, of how full the context is, and of what is pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from afk_tui.widgets.thread_list import age

if TYPE_CHECKING:
    from afk_tui.gateway.summaries import ContextView, PinRow, SummaryView

NONE_YET = """\
Nothing is summarised: the model is sent every message of this conversation.

When it nears the longest that the model takes, its older messages are summarised by themselves. The conversation \
stays readable here, whole; only what is sent gets shorter."""


def summary_words(shown: SummaryView | None, at: int, total: int, now_ms: int) -> str:
    """What it stands for, who made it and when, and whether it is still used."""
    if shown is None:
        return ""
    which = f"{at + 1} of {total}, newest first: " if total > 1 else ""
    passed = age(shown.created_at_ms, now_ms)
    when = "just now" if passed == "now" else f"{passed} ago"
    if shown.dropped:
        return f"{which}dropped {when}. From here on all messages were sent again."
    many = f"{messages(shown.message_count)} in {shown.tokens:,} tokens instead of {shown.replaced_tokens:,}"
    by = "edited by you" if shown.edited else f"made by {shown.model or 'a model'}"
    asked = "" if shown.edited or shown.made_by == "auto" else ", because you asked"
    used = "" if shown.in_effect else " It is no longer in use."
    return f"{which}{many}, {by} {when}{asked}.{used}"


def messages(count: int) -> str:
    """So many messages."""
    return f"{count:,} {'message' if count == 1 else 'messages'}"


def context_words(context: ContextView) -> str:
    """How full the context is."""
    about = "about " if context.is_estimate else ""
    if context.window_tokens is None:
        return f"The next request takes {about}{context.tokens:,} tokens; how many {context.model} takes is not known."
    share = round(100 * context.tokens / context.window_tokens)
    return (
        f"The next request takes {about}{context.tokens:,} of {context.window_tokens:,} tokens ({share} %)."
    )


def pin_words(pins: Sequence[PinRow]) -> str:
    """What stays word for word."""
    if not pins:
        return ""
    shown = [f"• {pin.text}" for pin in pins[:3]]
    more = f" (and {len(pins) - 3} more)" if len(pins) > 3 else ""
    return "\n".join([f"Pinned, sent word for word{more}:", *shown])
