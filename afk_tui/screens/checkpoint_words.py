"""What the timeline says beside its lines: of a checkpoint, of a run, of a summary."""

from __future__ import annotations

from textual.content import Content

from afk_tui.gateway.checkpoint_details import AddedMessage, ChangedCall, CheckpointDetails, Spent
from afk_tui.gateway.views import TimelineRow
from afk_tui.screens.words import count, size, when
from afk_tui.widgets.timeline_list import MARKS, RUN_STATES, ago, short_id

MUTED = "$foreground 60%"
SPEAKERS = {"user": "you", "assistant": "the model", "result": "result"}


def headline(row: TimelineRow, now_ms: int) -> Content:
    """What happened, and when; what was said stands below it, whole."""
    what = row.what.partition(":")[0] if row.mark in ("asked", "said") else row.what
    said = f"Run {short_id(row.run_id)}" if row.mark == "run" else " ".join(filter(None, (row.agent, what)))
    time = f"{when(row.at_ms, now_ms)} · {ago(row.at_ms, now_ms)}" if row.at_ms else ""
    return Content.assemble((f"{MARKS[row.mark]} {said}", "bold"), "\n", (time, MUTED))


def run_words(row: TimelineRow, now_ms: int) -> Content:
    """A run as it stands now."""
    facts = [
        ("State", RUN_STATES.get(row.state, row.state)),
        ("Begun", when(row.begun_at_ms, now_ms)),
        ("Model", row.model),
        ("Steps", f"{row.step:,}"),
        ("Tool calls", f"{row.tool_calls:,}"),
        ("Tokens", f"{row.tokens:,}"),
        ("Run", row.run_id),
    ]
    blocks = [Content(row.text)] if row.text else []
    return Content("\n\n").join([*blocks, _table(facts)])


def summary_words(row: TimelineRow) -> Content:
    """What stands for the older messages from here on."""
    about = f"{count(row.tokens, 'token')} stand for what was said before. /summary edits or drops it."
    return Content("\n\n").join([Content.styled(about, MUTED), Content(row.text)]) if row.text else Content()


def difference(details: CheckpointDetails) -> Content:
    """What this checkpoint has that the one before had not: messages, calls, tokens."""
    blocks = [_since(details)]
    blocks += [_added(message) for message in details.added]
    left = details.added_count - len(details.added)
    if left > 0:
        blocks.append(Content.styled(f"and {left:,} more", MUTED))
    if details.calls:
        blocks.append(Content("\n").join(_changed(call) for call in details.calls))
    if details.spent is not None:
        blocks.append(_spent(details.spent, details.spent_before))
    return Content("\n\n").join(blocks)


def facts(details: CheckpointDetails, *, in_lines: bool) -> Content:
    """How it stood, then its names and its size."""
    row = details.row
    state = RUN_STATES.get(details.run_state, details.run_state)
    run = f"{row.run_id} ({state})" if state else row.run_id
    found = [
        ("Open calls", ("\n            " if in_lines else ", ").join(details.open_calls) or "none"),
        ("Checkpoint", f"{row.number} · the latest" if row.latest else f"{row.number}"),
        ("Step", str(row.step)),
        ("Messages", f"{row.message_count:,}"),
        ("Run", run),
        ("Size", size(row.size_bytes)),
    ]
    return _table(found) if in_lines else _paragraph(found)


def _table(found: list[tuple[str, str]]) -> Content:
    return Content("\n").join(Content.assemble((f"{name:<12}", MUTED), value) for name, value in found)


def _paragraph(found: list[tuple[str, str]]) -> Content:
    return Content("  ").join(Content.assemble((f"{name} ", MUTED), value) for name, value in found)


def _since(details: CheckpointDetails) -> Content:
    if details.before is not None:
        number, run_id = details.before
        other_run = f" of run {short_id(run_id)}" if run_id != details.row.run_id else ""
        since = f"since checkpoint {number}{other_run}"
    else:
        since = "the thread begins here" if details.is_first else "what was before has been removed"
    return Content.assemble(
        (f"+{count(details.added_count, 'message')}", "bold $text-success"), (f"  {since}", MUTED)
    )


def _changed(call: ChangedCall) -> Content:
    before = f"{call.before} → " if call.before else "new, "
    return Content.assemble((call.title, "bold $text-accent"), (f"  {before}", MUTED), call.after)


def _spent(spent: Spent, before: Spent | None) -> Content:
    def more(now: int, then: int | None) -> str:
        return f" (+{now - then:,})" if then is not None and now > then else ""

    parts = [
        f"{spent.input_tokens:,}{more(spent.input_tokens, before and before.input_tokens)} tokens in",
        f"{spent.output_tokens:,}{more(spent.output_tokens, before and before.output_tokens)} out",
        f"{count(spent.tool_calls, 'tool call')}{more(spent.tool_calls, before and before.tool_calls)}",
        f"{count(spent.steps, 'step')}{more(spent.steps, before and before.steps)}",
    ]
    return Content.assemble(("The run so far: ", MUTED), " · ".join(parts))


def _added(message: AddedMessage) -> Content:
    text = f"{message.text} …" if message.cut else message.text
    if message.kind == "result":
        arrow = " → " if "\n" not in text else " →\n"
        return Content.assemble(
            (message.title or "a result", "bold $text-accent"), (arrow, MUTED), text or "(empty)"
        )
    parts: list[Content | str | tuple[str, str]] = [
        (f"{SPEAKERS[message.kind]}: ", "bold $text-primary"),
        text,
    ]
    if message.title:
        parts += [
            ("\n" if text else "") + "asks for ",
            (", ".join(message.title.split("\n")), "bold $text-accent"),
        ]
    return Content.assemble(*parts)
