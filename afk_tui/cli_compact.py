"""`afk-tui compact` and `afk-tui watch`. Each returns its exit code."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, Literal

from afk_tui.cli_exit import EXIT_DONE, EXIT_INTERRUPTED
from afk_tui.cli_options import Options
from afk_tui.cli_output import print_json, print_json_line, print_table, say, size, tell, tell_empty
from afk_tui.cli_signals import until_told_to_stop
from afk_tui.cli_values import duration
from afk_tui.gateway.clean import clean_line

if TYPE_CHECKING:
    from afk_tui.gateway.compacting import Compacted, CompactionStep

DEFAULT_MAX_AGE_MS = 24 * 3_600_000
DEFAULT_MAX_ENTRIES = 50
EVENTS_AND_STATES = ("events", "states")
PAINT_EVERY_S = 0.1


class ProgressLine:
    """One line of standard error that is written over again and again; only for a terminal."""

    def __init__(self) -> None:
        self._painted_at = float("-inf")
        self._is_there = False

    def show(self, step: CompactionStep) -> None:
        """How far it is, not more often than an eye follows."""
        now = time.monotonic()
        if now - self._painted_at < PAINT_EVERY_S:
            return
        self._painted_at, self._is_there = now, True
        rows = f", {step.done:,} of {step.total:,} rows of it" if step.total else ""
        text = f"thread {step.thread:,} of {step.threads:,}: {step.removed:,} records removed{rows}"
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()

    def end(self) -> None:
        """Take it away."""
        if self._is_there:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def compact_threads(
    options: Options,
    thread_id: str | None,
    *,
    max_age_ms: int | None,
    max_entries: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """`afk-tui compact`; thread_id None is all of them."""
    from afk_tui.gateway.compacting import compact, retention_of

    if max_age_ms is None and max_entries is None:
        max_age_ms, max_entries = DEFAULT_MAX_AGE_MS, DEFAULT_MAX_ENTRIES
    settings, retention = options.settings(), retention_of(max_age_ms, max_entries)
    line = ProgressLine()
    progress = line.show if sys.stderr.isatty() else None
    try:
        done = asyncio.run(
            until_told_to_stop(
                lambda stop: compact(
                    settings, thread_id, retention, dry_run=dry_run, stop=stop, progress=progress
                )
            )
        )
    finally:
        line.end()
    if as_json:
        one = thread_id is not None and done.documents
        print_json(
            {k: v for k, v in done.documents[0].items() if k != "thread_id"} if one else done.documents
        )
    elif not done.threads:
        tell_empty(options, "No threads")
    else:
        _show_results(done, dry_run=dry_run, everything=thread_id is not None)
    if not done.is_stopped:
        return EXIT_DONE
    removed = f"{_removed(done):,} records {'would go' if dry_run else 'removed'}"
    tell(f"afk-tui: stopped at thread {len(done.documents):,} of {done.threads:,}: {removed} so far.")
    tell("Nothing that is removed comes back; run it again for the rest.")
    return EXIT_INTERRUPTED


def _removed(done: Compacted) -> int:
    return sum(one[f"{what}_removed"] for one in done.documents for what in EVENTS_AND_STATES)


def _show_results(done: Compacted, *, dry_run: bool, everything: bool) -> None:
    removed = "WOULD GO" if dry_run else "REMOVED"
    rows = [
        (
            result["thread_id"],
            what,
            str(result[f"{what}_before"]),
            str(result[f"{what}_removed"]),
            str(result[f"{what}_protected"]),
            str(result[f"{what}_after"]),
        )
        for result in done.documents
        for what in EVENTS_AND_STATES
        # of a thousand threads only those are of interest
        if everything or result[f"{what}_removed"]
    ]
    if rows:
        print_table(("THREAD", "WHAT", "BEFORE", removed, "PROTECTED", "AFTER"), rows, right=(2, 3, 4, 5))
    elif not done.is_stopped:
        say(f"Nothing to remove in {done.threads:,} thread{'' if done.threads == 1 else 's'}.")
    if not dry_run:
        say(f"{size(sum(result['bytes_reclaimed'] for result in done.documents))} given back.")


def watch_schedule(
    options: Options,
    *,
    every: Literal["off", "hourly", "daily"] | None,
    max_age_ms: int | None,
    max_entries: int | None,
    once: bool,
    as_json: bool,
) -> int:
    """`afk-tui watch`."""
    from afk_tui.gateway.compacting import retention_of
    from afk_tui.gateway.scheduling import watch

    settings = options.settings()
    given = max_age_ms is not None or max_entries is not None
    retention = retention_of(max_age_ms, max_entries) if given else None
    last_failure = ""

    def tell_event(event: dict[str, Any]) -> None:
        nonlocal last_failure
        if event["event"] == "failed":
            if event["reason"] == last_failure:  # it is tried every few seconds, and said once
                return
            last_failure = event["reason"]
        elif event["event"] == "compacted":
            last_failure = ""
        if as_json:
            print_json_line(event)
        elif event["event"] == "failed":
            tell(f"afk-tui: {clean_line(event['reason'])} It is tried again.")
        else:
            say(f"{time.strftime('%H:%M:%S')}  {_sentence(event)}")
        sys.stdout.flush()

    ended = asyncio.run(
        until_told_to_stop(
            lambda stop: watch(
                settings, every=every, retention=retention, once=once, stop=stop, tell=tell_event
            )
        )
    )
    return EXIT_INTERRUPTED if once and ended == "stopped" else EXIT_DONE


def _sentence(event: dict[str, Any]) -> str:
    if event["event"] == "schedule":
        if event["every"] == "off":
            return "the schedule is off: nothing is compacted until it is set again"
        return f"compacting every thread {event['every']}: {_policies(event)}"
    counts = f"{event['events_removed']:,} events and {event['states_removed']:,} states removed"
    rest = " (a run of it began: the rest follows)" if event["stopped"] else ""
    title = f"{clean_line(event['title'])} ({clean_line(event['thread_id'])})"
    return f"{title}: {counts}, {size(event['bytes_reclaimed'])} given back{rest}"


def _policies(schedule: dict[str, Any]) -> str:
    events, states = schedule["events"] or {}, schedule["states"] or {}
    said = [
        *([f"events older than {duration(events['max_age_ms'])}"] if events.get("max_age_ms") else []),
        *([f"all but the newest {events['max_events']:,} events"] if events.get("max_events") else []),
        *([f"all but the newest {states['max_entries']:,} states"] if states.get("max_entries") else []),
        *([f"states older than {duration(states['max_age_ms'])}"] if states.get("max_age_ms") else []),
    ]
    return f"{', '.join(said)} go" if said else "nothing goes"
