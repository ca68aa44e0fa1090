"""Outcomes of calls, from the moment at which only this process knows them until they are on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from afk.agents.errors import RunFencedError, StoreError
from afk.core.events import OutcomeKept, RunEvent
from afk.memory.records import CallResult, EffectPhase, EffectRecord, Progress, RunKey, RunRecord
from afk.memory.store import MemoryStore

# the store itself waits for a lock before it gives up; this is only the pause between two such waits
AGAIN_AFTER_S = 0.2


class OutcomeKeeper:
    """Records what a run's calls came to (boundary B), and keeps in memory what can't be written."""

    def __init__(
        self,
        store: MemoryStore,
        key: RunKey,
        progress: Callable[[], Progress],
        emit: Callable[[RunEvent], None],
    ) -> None:
        self._store = store
        self._key = key
        self._progress = progress
        self._emit = emit

    def kept(self, effect: EffectRecord) -> CallResult | None:
        """What this attempt came to, if this process knows it and could not write it."""
        return self._store.unrecorded.get((effect.effect_id, effect.attempt))

    async def record(
        self, effect: EffectRecord, result: CallResult, phases: Sequence[EffectPhase], duration_ms: int
    ) -> EffectRecord:
        """Boundary B; on return it is on disk.

        While another program holds the database, the outcome of a call that was made is written again and again, and
        that is told (OutcomeKept). A run that is being stopped does not wait for that. Whatever else prevents it is
        raised (StoreError): the outcome is then kept for a resume in this process.
        """
        if "executing" not in phases:  # a decision's outcome is on disk as the decision
            return await self._write(effect, result, phases, duration_ms)
        attempt = (effect.effect_id, effect.attempt)
        self._store.unrecorded[attempt] = result
        told = False
        while True:
            try:
                done = await self._write(effect, result, phases, duration_ms)
            except RunFencedError:  # another process has the last word about this call now
                self._store.unrecorded.pop(attempt, None)
                raise
            except StoreError as error:
                if not error.is_locked or _is_being_stopped():
                    raise
                if not told:
                    told = True
                    self._emit(OutcomeKept(self._key.run_id, effect.call_id, effect.tool_name, str(error)))
                await asyncio.sleep(AGAIN_AFTER_S)
            else:
                self._store.unrecorded.pop(attempt, None)
                return done

    async def _write(
        self, effect: EffectRecord, result: CallResult, phases: Sequence[EffectPhase], duration_ms: int
    ) -> EffectRecord:
        return await self._store.record_result(
            self._key, effect, result, phases, self._progress(), duration_ms
        )


async def write_kept(store: MemoryStore, run: RunRecord) -> None:
    """Write the outcomes that were kept for a root run that this store still owns and nobody executes any more, and
    for the runs inside it."""
    for one in (run, *await store.list_descendants(run.run_id)):
        if one.owner == store.owner_id:
            await _write_kept_of(store, one)


async def _write_kept_of(store: MemoryStore, run: RunRecord) -> None:
    part_id = run.transcript_id if run.parent_run_id else None
    key = RunKey(run.run_id, run.thread_id, run.epoch, part_id)
    progress = Progress(run.step, dict(run.usage), dict(run.budget))
    for effect, _ in await store.read_calls(run.run_id, run.step):
        result = store.unrecorded.get((effect.effect_id, effect.attempt))
        if result is not None and effect.phase == "executing":
            await store.record_result(key, effect, result, ("executing",), progress, 0)
            del store.unrecorded[effect.effect_id, effect.attempt]


def _is_being_stopped() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
