"""Compacting one thread of SIZE events and a tenth of it checkpoints. The first word says what this process does:

`prepare` makes the file; `ours` compacts it; `bare` removes the same rows with one DELETE a table and gives the space
back; `run` takes steps in the same file until the file `stop` is there, and says how long one took.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from common import FOLDER, SIZE, WORDS, Clock, finish, result_of

sys.path.insert(0, os.getcwd())

from afk.agents import Agent
from afk.core import Runner, RunnerConfig
from afk.llms.protocol import Answer, ModelRequest, ToolCall, Usage
from afk.memory import RetentionPolicy, SQLiteMemoryStore, StateRetentionPolicy
from afk.memory.sqlite.connection import Connection
from afk.tools import tool

PATH = FOLDER / "afk.db"
STATES = SIZE // 10
KEPT_EVENTS, KEPT_STATES = 100, 50
BATCH = 20_000
STEPS_A_RUN = 200


class Scripted:
    """Answers after one call, or calls until it is told to stop."""

    label = "scripted"

    def __init__(self, stop: Callable[[int], bool]) -> None:
        self._stop = stop
        self.asked_at: list[float] = []

    async def stream(self, request: ModelRequest) -> Any:
        self.asked_at.append(time.perf_counter())
        done = sum(message.role == "tool" for message in request.messages)
        if self._stop(done):
            yield Answer("Done.", usage=Usage(10, 10))
        else:
            call = ToolCall(f"call_{done}", "work", f'{{"n": {done}}}')
            yield Answer("", (call,), "tool_calls", usage=Usage(10, 10))

    async def close(self) -> None:
        return


@tool(effect="once", approval="never")
async def work(n: int) -> str:
    """Work."""
    return result_of(n)


def runner(model: Scripted) -> Runner:
    return Runner(memory_store=SQLiteMemoryStore(PATH), llm=model, config=RunnerConfig(max_steps=None))


AGENT = Agent(name="worker", model="scripted", tools=[work])


async def prepare() -> dict[str, float]:
    """A run that is over, and copies of its events and checkpoints."""
    async with runner(Scripted(lambda done: done == 3)) as one:
        await one.run(AGENT, user_message="Work.", thread_id="thread")
    with sqlite3.connect(PATH, isolation_level=None) as db:
        many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        columns = "thread, run, type, body, created_at_ms"
        events = db.execute("SELECT count(*) FROM event_row").fetchone()[0]
        for _ in range((SIZE - events) // BATCH + 1):
            left = SIZE - db.execute("SELECT count(*) FROM event_row").fetchone()[0]
            db.execute(
                f"{many} INSERT INTO event_row ({columns}) SELECT {columns} FROM event_row, n WHERE id = 3",
                (min(BATCH, left),),
            ) if left > 0 else None
        names = [row[1] for row in db.execute("PRAGMA table_info(checkpoint_row)") if row[1] != "n"]
        values = ["number + i" if name in ("number", "ordinal") else name for name in names]
        values = [
            "ordinal + i" if name == "ordinal" else value for name, value in zip(names, values, strict=True)
        ]
        db.execute(
            f"{many} INSERT INTO checkpoint_row ({', '.join(names)}) SELECT {', '.join(values)} FROM n,"
            " (SELECT * FROM checkpoint_row ORDER BY number DESC LIMIT 1)",
            (STATES,),
        )
        db.execute("UPDATE thread SET state_ordinal = (SELECT max(ordinal) FROM checkpoint_row)")
        db.execute("UPDATE run SET checkpoint = (SELECT max(number) FROM checkpoint_row)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    return {"bytes": PATH.stat().st_size}


async def ours() -> dict[str, float]:
    longest = _time_transactions()
    async with runner(Scripted(lambda done: True)) as one:
        await one.list_threads()
        longest[0] = 0.0
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        clock = Clock()
        result = await one.compact_thread(
            thread_id="thread",
            event_policy=RetentionPolicy(max_events=KEPT_EVENTS),
            state_policy=StateRetentionPolicy(max_entries=KEPT_STATES),
        )
        figures = clock.figures()
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    return {
        **figures,
        "removed": result.events_removed + result.states_removed,
        "given_back": result.bytes_reclaimed,
        "longest_lock_s": longest[0],
        "grown_mb": grown_kb / 1024,
    }


def _time_transactions() -> list[float]:
    """The longest transaction that changed a row, from before its lock was asked for until it was given up."""
    longest = [0.0]
    send = Connection._send

    async def timed(self: Any, work: Callable[[sqlite3.Connection], Any], doing: str) -> Any:
        def measured(db: sqlite3.Connection) -> Any:
            began = time.perf_counter()
            changes = db.total_changes
            try:
                return work(db)
            finally:
                took = time.perf_counter() - began
                longest[0] = max(longest[0], took if db.total_changes != changes else 0.0)

        return await send(self, measured, doing)

    Connection._send = timed  # type: ignore[method-assign]
    return longest


def bare() -> dict[str, float]:
    db = sqlite3.connect(PATH, isolation_level=None)
    db.execute("PRAGMA synchronous = NORMAL")
    (here,) = db.execute("SELECT n FROM name WHERE id = 'thread'").fetchone()
    before = PATH.stat().st_size
    clock = Clock()
    removed = db.execute(
        f"DELETE FROM event_row WHERE thread = {here} AND id <= (SELECT id FROM event_row WHERE thread = {here}"
        f" ORDER BY id DESC LIMIT 1 OFFSET {KEPT_EVENTS})"
    ).rowcount
    removed += db.execute(
        f"DELETE FROM checkpoint_row WHERE thread = {here} AND ordinal <= (SELECT ordinal FROM checkpoint_row"
        f" WHERE thread = {here} ORDER BY ordinal DESC LIMIT 1 OFFSET {KEPT_STATES})"
    ).rowcount
    deleted = clock.figures()
    db.executescript("PRAGMA incremental_vacuum(1000000000)")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    figures = clock.figures()
    db.close()
    return {
        **figures,
        "deletes_s": deleted["wall_s"],
        "removed": removed,
        "given_back": before - PATH.stat().st_size,
    }


async def run() -> dict[str, float]:
    """Runs of the same length, one after another: a longer one would be compared with a shorter one otherwise."""
    took: list[float] = []
    while not (FOLDER / "stop").exists():
        model = Scripted(lambda done: done == STEPS_A_RUN)
        async with runner(model) as one:
            (FOLDER / "running").touch()
            await one.run(AGENT, user_message="Work.", thread_id=f"beside {len(took)}")
        # the first steps make what is made once
        took += [after - before for before, after in pairwise(model.asked_at)][5:]
    return {"step_s": statistics.mean(took), "steps": len(took)}


if WORDS[0] == "bare":
    finish(bare())
finish(asyncio.run({"prepare": prepare, "ours": ours, "run": run}[WORDS[0]]()))
