"""What happened in a thread, a line for each checkpoint, run and summary, in words."""

from __future__ import annotations

from collections.abc import Sequence

from afk.memory.store import MemoryStore
from afk.memory.timeline import TimelineCall, TimelineCounts, TimelineEntry
from afk_tui.gateway.clean import clean, clean_line
from afk_tui.gateway.errors import told
from afk_tui.gateway.items import call_title, status_from
from afk_tui.gateway.sources import checkpoint_row
from afk_tui.gateway.views import CallStatus, TimelineMark, TimelineRow

# how the line of a call that was settled begins
SETTLED: dict[CallStatus, tuple[TimelineMark, str]] = {
    "ran": ("ran", "ran"),
    "failed": ("failed", "failed:"),
    "denied": ("denied", "denied:"),
    "answered": ("answered", "answered in place of"),
    "interrupted": ("interrupted", "closed unfinished:"),
    "unknown": ("unknown", "outcome left unknown:"),
}


class TimelineSource:
    """The lines of a thread's timeline, the newest first. A page after one that was read is found by where that ended,
    however far down it is."""

    def __init__(self, store: MemoryStore, thread_id: str) -> None:
        self._store = store
        self._thread_id = thread_id
        self._ends: dict[int, float] = {}
        self._latest: str | None = None
        self.counts = TimelineCounts(0, 0, 0)
        """As they were counted last."""

    async def count(self) -> int:
        """How many lines there are."""
        with told():
            self.counts = await self._store.count_timeline(self._thread_id)
            newest = await self._store.list_checkpoints(self._thread_id, limit=1)
        self._latest = newest[0].checkpoint_id if newest else None
        self._ends.clear()
        return self.counts.total

    async def page(self, offset: int, limit: int) -> Sequence[TimelineRow]:
        """Some of them, in order."""
        before = self._ends.get(offset)
        with told():
            found = await self._store.read_timeline(
                self._thread_id, before=before, offset=0 if before is not None else offset, limit=limit
            )
        if found:
            self._ends[offset + len(found)] = found[-1].ordinal
        return [timeline_row(entry, latest=self._latest) for entry in found]


def timeline_row(entry: TimelineEntry, *, latest: str | None) -> TimelineRow:
    """A line; `latest` names the thread's newest checkpoint."""
    if entry.kind == "run":
        return _run_row(entry)
    if entry.kind == "summary":
        return _summary_row(entry)
    here, run = entry.checkpoint, entry.run
    assert here is not None
    mark, what, seq = _happened(entry)
    return TimelineRow(
        key=here.checkpoint_id,
        mark=mark,
        what=clean_line(what),
        at_ms=here.created_at_ms,
        run_id=here.run_id,
        step=here.step,
        state=run.state if run else "",
        agent=clean_line(run.agent_name) if run and entry.depth else "",
        depth=entry.depth,
        latest=here.checkpoint_id == latest,
        place_seq=entry.root_seq if entry.depth else seq,
        checkpoint=checkpoint_row(here, latest=here.checkpoint_id == latest),
    )


def _run_row(entry: TimelineEntry) -> TimelineRow:
    run = entry.run
    assert run is not None
    return TimelineRow(
        key=f"run:{run.run_id}",
        mark="run",
        what="",
        at_ms=run.updated_at_ms,
        run_id=run.run_id,
        step=run.step,
        state=run.state,
        tokens=run.usage.get("input_tokens", 0) + run.usage.get("output_tokens", 0),
        tool_calls=run.usage.get("tool_calls", 0),
        begun_at_ms=run.created_at_ms,
        model=clean_line(run.model),
        text=clean(str((run.interruption or {}).get("detail", ""))),
    )


def _summary_row(entry: TimelineEntry) -> TimelineRow:
    summary, key = entry.summary, f"summary:{entry.ordinal}"
    if summary is None:
        return TimelineRow(key=key, mark="summary", what="a summary that this version can't read", at_ms=0)
    if summary.dropped:
        what = "dropped the summary: all messages are sent again"
    else:
        many = f"{summary.message_count:,} message{'' if summary.message_count == 1 else 's'}"
        what = f"edited the summary of {many}" if summary.edited else f"summarised {many}"
    return TimelineRow(
        key=key,
        mark="summary",
        what=what,
        at_ms=summary.created_at_ms,
        place_seq=summary.through_seq,
        tokens=summary.tokens,
        text=clean(summary.text),
    )


def _happened(entry: TimelineEntry) -> tuple[TimelineMark, str, int | None]:
    """The mark, the words, and the place in the run's own conversation."""
    here = entry.checkpoint
    assert here is not None
    text = " ".join(entry.text.split())
    waiting = [call for call in entry.calls if call.finished_at_ms is None and call.asked == "pending"]
    waits = f"waits for {len(waiting)} decision{'' if len(waiting) == 1 else 's'}"
    stands = entry.is_newest and bool(waiting)
    match here.phase:
        case "start":
            return "asked", f"{'began' if entry.depth else 'asked'}: {text}", here.head_seq
        case "final":
            return "said", f"answered: {text or '(nothing)'}", here.head_seq
        case "fork":
            what = f"forked here, and asked: {text}" if text else "forked here"
            return "forked", f"{what} · {waits}" if stands else what, here.head_seq
        case "answer":
            seq = entry.calls[0].result_seq if entry.calls else here.head_seq
            if stands:
                return "waiting", f"{waits}: {_titles(waiting)}", waiting[0].result_seq
            return "wants", f"wants {_titles(entry.calls)}", seq
        case "delegated":
            handed = _newly_handed(entry) or entry.calls
            seq = handed[0].result_seq if handed else here.head_seq
            return "handed", f"handed to {_titles(handed)}", seq
        case "result":
            return _settled(entry, waits if stands else "")


def _settled(entry: TimelineEntry, waits: str) -> tuple[TimelineMark, str, int | None]:
    here, former = entry.checkpoint, entry.former
    assert here is not None
    still_open = set(here.state.get("open_calls", ()))
    closed = [call for call in entry.calls if call.call_id not in still_open and call.finished_at_ms]
    if former is not None and former.step == here.step:
        was_open = set(former.state.get("open_calls", ()))
        closed = [call for call in closed if call.call_id in was_open]
    else:  # the one before is gone: what was settled when this was written
        closed = [call for call in closed if call.finished_at_ms == here.created_at_ms] or closed
    if not closed:
        return "ran", "a call's result", here.head_seq
    call = closed[-1]
    mark, verb = SETTLED.get(status_from(call.phase, call.asked, run_is_live=False), ("ran", "ran"))
    what = f"{verb} {_titles([call])}"
    return mark, f"{what} · {waits}" if waits else what, call.result_seq


def _newly_handed(entry: TimelineEntry) -> Sequence[TimelineCall]:
    """The calls that a subagent works on since this checkpoint."""
    here, former = entry.checkpoint, entry.former
    assert here is not None
    before = {child["call_id"] for child in former.state.get("children", ())} if former else set[str]()
    now = {child["call_id"] for child in here.state.get("children", ())}
    return [call for call in entry.calls if call.call_id in now - before]


def _titles(calls: Sequence[TimelineCall]) -> str:
    if not calls:
        return "a call"
    first = call_title(calls[0].tool_name, calls[0].arguments)
    return f"{first} and {len(calls) - 1} more" if len(calls) > 1 else first
