"""The stores: one SQLite file, or SQLite in memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from afk.agents.errors import StoreError
from afk.memory.clock import new_id as random_id
from afk.memory.clock import now_ms
from afk.memory.records import (
    ApprovalRecord,
    CallResult,
    CallTrace,
    CheckpointRecord,
    Decision,
    EffectPhase,
    EffectRecord,
    EventRecord,
    MessageHead,
    MessageRecord,
    NewRun,
    Progress,
    ProposedCall,
    Request,
    RunKey,
    RunRecord,
    RunSnapshot,
    RunStop,
    StepResult,
)
from afk.memory.sqlite import approvals, effects, forks, lineage, queries, runs, traces, writing
from afk.memory.sqlite.connection import Connection, Durability
from afk.memory.sqlite.lifelines import Lifeline, still_running
from afk.memory.sqlite.owners import NoOwners, Owners
from afk.memory.sqlite.store_compactions import CompactionStore
from afk.memory.sqlite.store_family import FamilyStore
from afk.memory.sqlite.store_grants import GrantStore
from afk.memory.sqlite.store_outputs import OutputStore
from afk.memory.sqlite.store_reading import ReadingStore
from afk.memory.sqlite.store_search import SearchStore
from afk.memory.sqlite.store_summaries import SummariesInSQLite
from afk.memory.sqlite.store_threads import ThreadStore
from afk.memory.sqlite.store_timeline import TimelineInSQLite


class SQLiteMemoryStore(
    GrantStore,
    FamilyStore,
    CompactionStore,
    ThreadStore,
    SearchStore,
    ReadingStore,
    SummariesInSQLite,
    OutputStore,
    TimelineInSQLite,
):
    """A MemoryStore in one SQLite file, in WAL mode, that several processes of one host may have open.

    `path` is made, with its folder, when the store is opened. `clock` and `new_id` give the times and names of new
    rows. Opening raises StoreError (not writable, no database) or AgentCheckpointSchemaError (a newer version).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], int] = now_ms,
        new_id: Callable[[str], str] = random_id,
    ) -> None:
        # resolved, as SQLite does: its WAL and the locks of the owners are beside the file, not beside a link to it
        self._set_up(Path(os.path.realpath(Path(path).expanduser())), clock, new_id)

    def _set_up(self, path: Path | None, clock: Callable[[], int], new_id: Callable[[str], str]) -> None:
        self.clock = clock
        self.new_id = new_id
        self.path = path
        owner_id = random_id("own")
        self._owners = NoOwners(owner_id) if path is None else Owners(path, owner_id)
        self._connection = Connection(path)
        self._opening: asyncio.Task[None] | None = None
        self._unrecorded: dict[tuple[str, int], CallResult] = {}

    @property
    def unrecorded(self) -> dict[tuple[str, int], CallResult]:
        """Outcomes that are not on disk yet, by effect id and attempt."""
        return self._unrecorded

    @property
    def kept_copy(self) -> Path | None:
        """The file as it was, where opening it gave it the format of this version."""
        return self._connection.kept_copy

    @property
    def live_runs(self) -> set[str]:
        """The runs that are being executed through this store at this moment."""
        return self._owners.live_runs

    @property
    def owner_id(self) -> str:
        """Under which name this store owns runs."""
        return self._owners.owner_id

    async def open(self) -> None:
        """Open the file; does nothing when it is open."""
        if self._connection.is_open:
            return
        opening = self._opening
        if opening is None or opening.done() or opening.get_loop() is not asyncio.get_running_loop():
            # one task for all who ask at once
            opening = self._opening = asyncio.ensure_future(self._open())
        await asyncio.shield(opening)

    async def _open(self) -> None:
        await self._connection.open()
        try:
            self._owners.hold()
        except StoreError:
            await self._connection.close()
            raise

    async def close(self) -> None:
        """Close the file. May be called twice."""
        await self._connection.close()
        self._owners.release()

    def is_own_file(self, stat: os.stat_result) -> bool:
        """Whether this is the database, its WAL or its shared memory, under whatever name."""
        if self.path is None:
            return False
        for suffix in ("", "-wal", "-shm"):
            try:
                own = os.stat(f"{self.path}{suffix}")
            except FileNotFoundError:
                continue
            if os.path.samestat(own, stat):
                return True
        return False

    def lifeline(self, effect_id: str) -> Lifeline | None:
        """What the programs of a call hold on to; None for a store that no call can outlive."""
        return None if self.path is None else Lifeline(self._owners.lifeline_path(effect_id))

    def still_running(self, effect_id: str) -> int | None:
        """The process group of a call whose programs still run though its process is gone, or None."""
        return None if self.path is None else still_running(self._owners.lifeline_path(effect_id))

    async def call_trace(self, effect: EffectRecord) -> CallTrace:
        """Who made a call, and whether that process, or the call, still lives."""
        running = self.still_running(effect.effect_id)
        return await self._connection.read(traces.call_trace, effect, self._owners, running)

    # boundaries

    async def begin_run(self, new: NewRun, title: str) -> RunSnapshot:
        """Boundary S."""
        return await self._connection.write("FULL", runs.begin_run, new, title, self._owners, self.clock())

    async def take_run(
        self,
        run_id: str,
        thread_id: str,
        context: dict[str, Any] | None,
        *,
        take_over: bool = False,
    ) -> RunSnapshot | RunRecord:
        """Own a run that can go on. NORMAL: whatever follows from it is FULL, and the WAL keeps the order."""
        was_live = run_id in self.live_runs
        try:
            return await self._connection.write(
                "NORMAL",
                runs.take_run,
                run_id,
                thread_id,
                context,
                self._owners,
                take_over,
                self.clock(),
            )
        except StoreError:  # the commit failed
            if not was_live:
                self.live_runs.discard(run_id)
            raise

    async def record_answer(
        self,
        key: RunKey,
        text: str,
        tool_calls: Sequence[dict[str, str]],
        calls: Sequence[ProposedCall],
        progress: Progress,
        telemetry: dict[str, Any],
        stop: RunStop | None,
    ) -> tuple[int, tuple[EffectRecord, ...]]:
        """Boundary A: FULL if it asks or ends the run; else the boundary I that follows flushes it too."""
        durability: Durability = "FULL" if stop or any(c.request for c in calls) else "NORMAL"
        return await self._connection.write(
            durability,
            effects.record_answer,
            key,
            text,
            tool_calls,
            calls,
            progress,
            telemetry,
            stop,
            self.new_id,
            self.clock(),
        )

    async def decide(self, approval_id: str, decision: Decision) -> ApprovalRecord:
        """Boundary D."""
        return await self._connection.write(
            "FULL", approvals.decide, approval_id, decision, self.new_id, self.clock()
        )

    async def begin_effect(
        self,
        key: RunKey,
        effect_id: str,
        arguments: dict[str, Any],
        args_sha: str,
        *,
        known_absent: bool = False,
        decided_sha: str | None = None,
    ) -> EffectRecord | None:
        """Boundary I."""
        return await self._connection.write(
            "FULL",
            effects.begin_effect,
            key,
            effect_id,
            arguments,
            args_sha,
            known_absent,
            decided_sha or args_sha,
            self.clock(),
        )

    async def withdraw_effect(self, key: RunKey, effect_id: str) -> None:
        """Undo boundary I for a call that was never made."""
        await self._connection.write("FULL", effects.withdraw_effect, key, effect_id)

    async def record_result(
        self,
        key: RunKey,
        effect: EffectRecord,
        result: CallResult,
        from_phases: Sequence[EffectPhase],
        progress: Progress,
        duration_ms: int,
    ) -> EffectRecord:
        """Boundary B: what only read can be read again, and how a subagent's run ended is on disk, so it need not
        reach the disk before the run goes on."""
        durability: Durability = "NORMAL" if effect.effect in ("read", "subagent") else "FULL"
        return await self._connection.write(
            durability,
            effects.record_result,
            key,
            effect.effect_id,
            result,
            from_phases,
            progress,
            duration_ms,
            self.clock(),
        )

    async def ask_about(self, key: RunKey, effect_id: str, request: Request) -> tuple[EffectRecord, str]:
        """Ask a person about a call."""
        return await self._connection.write(
            "FULL", effects.ask_about, key, effect_id, request, self.new_id, self.clock()
        )

    async def expire_requests(self, run_id: str) -> None:
        """Requests of a run whose time ran out become `expired`."""
        await self._connection.write("NORMAL", approvals.expire, run_id, self.clock())

    async def stop_run(self, key: RunKey, stop: RunStop) -> None:
        """Boundary E."""
        await self._connection.write("FULL", runs.stop_run, key, stop, self.clock())

    async def fork_run(self, run_id: str, number: int, message: str | None) -> str:
        """A new thread that goes on from a checkpoint."""
        return await self._connection.write(
            "FULL", forks.fork_run, run_id, number, message, self.new_id, self.clock()
        )

    async def add_event(self, thread_id: str, run_id: str | None, type_: str, body: dict[str, Any]) -> None:
        """One row of telemetry beside the boundaries."""
        await self._connection.write(
            "NORMAL", writing.add_event, thread_id, run_id, type_, body, self.clock()
        )

    # reading

    async def read_calls(self, run_id: str, step: int) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
        """A step's calls with the current request of each."""
        return await self._connection.read(effects.read_calls, run_id, step)

    async def step_results(self, run_id: str, step: int) -> list[StepResult]:
        """A step's results, in the order of the calls."""
        return await self._connection.read(queries.step_results, run_id, step)

    async def messages(self, thread_id: str) -> tuple[MessageRecord, ...]:
        """All messages of a thread, in order."""
        return await self._connection.read(lineage.read_messages, thread_id)

    async def message_heads(self, thread_id: str, *, after: int = -1) -> list[MessageHead]:
        """What a conversation consists of, without its texts."""
        return await self._connection.read(lineage.message_heads, thread_id, after)

    async def heads_before(self, thread_id: str, before: int, count: int) -> list[MessageHead]:
        """The last heads before a place."""
        return await self._connection.read(lineage.heads_before, thread_id, before, count)

    async def read_range(
        self, thread_id: str, first_seq: int, last_seq: int
    ) -> tuple[list[MessageRecord], list[tuple[EffectRecord, ApprovalRecord | None]]]:
        """Messages and calls at these places."""
        return await self._connection.read(queries.read_range, thread_id, first_seq, last_seq)

    async def list_runs(
        self, thread_id: str | None = None, *, offset: int = 0, limit: int = 200
    ) -> list[RunRecord]:
        """Runs, the newest first."""
        return await self._connection.read(queries.list_runs, self._owners, thread_id, offset, limit)

    async def get_run(self, run_id: str) -> RunRecord | None:
        """One run as it reads now, or None."""
        return await self._connection.read(queries.get_run, self._owners, run_id)

    async def list_open_runs(self, *, workspace: str | None = None) -> list[RunRecord]:
        """Runs that were left open, the newest first."""
        return await self._connection.read(queries.list_open_runs, self._owners, workspace)

    async def list_effects(self, run_id: str) -> list[tuple[EffectRecord, MessageRecord | None]]:
        """Every call of a run with its result, where it has one."""
        return await self._connection.read(queries.list_effects, run_id)

    async def list_checkpoints(
        self, thread_id: str, *, offset: int = 0, limit: int = 200
    ) -> list[CheckpointRecord]:
        """Checkpoints of a thread, the newest first."""
        return await self._connection.read(queries.list_checkpoints, thread_id, offset, limit)

    async def count_checkpoints(self, thread_id: str) -> int:
        """How many there are."""
        return await self._connection.read(queries.count_checkpoints, thread_id)

    async def list_approvals(
        self, *, thread_id: str | None = None, run_id: str | None = None, pending_only: bool = True
    ) -> list[ApprovalRecord]:
        """Requests, the oldest first."""
        return await self._connection.read(queries.list_approvals, thread_id, run_id, pending_only)

    async def get_approval(self, approval_id: str) -> ApprovalRecord:
        """One request."""
        return await self._connection.read(queries.get_approval, approval_id)

    async def list_events(self, thread_id: str, *, after: int = 0, limit: int = 1000) -> list[EventRecord]:
        """Events of a thread in their order."""
        return await self._connection.read(queries.list_events, thread_id, after, limit)

    async def data_version(self) -> tuple[int, int]:
        """Changes whenever another process records anything, and with every event of this one."""
        return await self._connection.bare(
            lambda db: (db.execute("PRAGMA data_version").fetchone()[0], queries.last_event_id(db))
        )


class InMemoryMemoryStore(SQLiteMemoryStore):
    """The same store in memory, for tests: gone when it is closed, or when its process ends.

    It is SQLite all the same, so that what holds for one store holds for the other.
    """

    def __init__(
        self, *, clock: Callable[[], int] = now_ms, new_id: Callable[[str], str] = random_id
    ) -> None:
        self._set_up(None, clock, new_id)


def default_path() -> Path:
    """Where the database is when nobody says: AFK_DB, or `afk.db` in the user's data folder."""
    named = os.environ.get("AFK_DB")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("afk-tui", appauthor=False) / "afk.db"
