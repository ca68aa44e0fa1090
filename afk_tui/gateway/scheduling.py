"""The schedule of compactions, for scripts: `watch`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, Literal

from afk.agents.errors import StoreError
from afk.core.schedule import (
    CompactionFailed,
    CompactionSchedule,
    Every,
    ScheduleEvent,
    Scheduler,
    read_schedule,
    write_schedule,
)
from afk.memory.retention import Retention
from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.script import Doc, opened_store
from afk_tui.gateway.settings import Settings

# how often it is looked whether something is due, or whether the schedule was changed
LOOK_EVERY_S = 5.0

Teller = Callable[[Doc], object]


async def watch(
    settings: Settings,
    *,
    every: Every | None,
    retention: Retention | None,
    once: bool,
    stop: asyncio.Event,
    tell: Teller,
) -> Literal["off", "over", "stopped"]:
    """Compact every thread that is due, now and whenever one is, until `stop` is set; `once`: all threads are looked at
    one time, and it is "over".

    `every` and `retention` are kept as the schedule of this database, for every program; None leaves what it says.
    `tell` gets what happens, {event: "schedule" | "compacted" | "failed", ..}. Nothing else is done: no run goes on by
    it. Raises GatewayError where nobody set a schedule.
    """
    async with opened_store(settings) as store:
        schedule = await _set(store, every, retention)
        tell(_schedule_doc(schedule))
        if schedule.every == "off":
            if every == "off":
                return "off"
            raise GatewayError(
                "No schedule is set, so there is nothing to watch for. Set one: afk-tui watch --every daily"
            )
        scheduler = Scheduler(store)
        while await _until(stop, _look(scheduler, tell)):
            if once:
                return "over"
            if not await _until(stop, asyncio.sleep(LOOK_EVERY_S)):
                break
            schedule = await _follow(store, schedule, tell)
        return "stopped"


async def _set(store: MemoryStore, every: Every | None, retention: Retention | None) -> CompactionSchedule:
    try:
        known = await read_schedule(store)
    except StoreError:
        if every is None:
            raise
        known = CompactionSchedule()  # what can't be understood is set anew
    schedule = CompactionSchedule(every or known.every, retention or known.retention)
    if every is not None or retention is not None:
        await write_schedule(store, schedule)
    return schedule


async def _follow(store: MemoryStore, known: CompactionSchedule, tell: Teller) -> CompactionSchedule:
    try:
        now = await read_schedule(store)
    except StoreError:
        return known  # the look says so
    if now != known:
        tell(_schedule_doc(now))
    return now


async def _look(scheduler: Scheduler, tell: Teller) -> None:
    async with aclosing(scheduler.look()) as events:
        async for event in events:
            tell(_event_doc(event))


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Whether `work` came to its end before `stop` was set; else it is cancelled, and over when this returns."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
    try:
        await working
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        return False
    return True


def _schedule_doc(schedule: CompactionSchedule) -> Doc:
    return {"event": "schedule", "every": schedule.every, **schedule.retention.to_json()}


def _event_doc(event: ScheduleEvent) -> Doc:
    if isinstance(event, CompactionFailed):
        return {"event": "failed", "thread_id": event.thread_id or None, "reason": event.reason}
    return {
        "event": "compacted",
        "thread_id": event.thread_id,
        "title": event.title,
        "stopped": event.stopped,
        **dataclasses.asdict(event.result),
    }
