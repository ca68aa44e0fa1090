"""Small stories to tell to a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afk.memory import MemoryStore
from afk.memory.records import (
    CallResult,
    Decision,
    EffectRecord,
    NewRun,
    Progress,
    ProposedCall,
    Request,
    RunKey,
    RunRecord,
    RunSnapshot,
    RunStop,
)


class Clock:
    """Milliseconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def key_of(run: RunRecord) -> RunKey:
    """The right to write for a run, as it was taken."""
    return RunKey(run.run_id, run.thread_id, run.epoch)


def new_run(run_id: str = "run_1", thread_id: str = "th", **fields: Any) -> NewRun:
    values: dict[str, Any] = {
        "agent_name": "bot",
        "model": "m",
        "fingerprint": {},
        "workspace": "/w",
        "user_message": "go",
    }
    return NewRun(run_id, thread_id, **{**values, **fields})


async def begin(store: MemoryStore, run_id: str = "run_1", thread_id: str = "th") -> RunSnapshot:
    """S, and the run is executed from here on."""
    store.live_runs.add(run_id)
    try:
        return await store.begin_run(new_run(run_id, thread_id), "Title")
    except BaseException:
        store.live_runs.discard(run_id)
        raise


def progress(step: int = 1) -> Progress:
    return Progress(step, {"model_calls": step}, {"steps": step})


def interrupted() -> RunStop:
    return RunStop("interrupted", {"kind": "paused", "detail": "Stopped.", "superseded_by": None})


def request(expires_at_ms: int | None = None) -> Request:
    return Request("call", "It changes something.", {"type": "object"}, "bot", expires_at_ms)


def proposed(
    call_id: str, *, asks: bool = False, expires_at_ms: int | None = None, **fields: Any
) -> ProposedCall:
    values: dict[str, Any] = {
        "tool_name": "act",
        "effect": "once",
        "arguments": {"x": call_id},
        "args_sha": f"sha_{call_id}",
        "allowed_by": None if asks or "result" in fields else "tool",
        "request": request(expires_at_ms) if asks else None,
    }
    return ProposedCall(call_id, **{**values, **fields})


async def answer(
    store: MemoryStore,
    run: RunRecord | None,
    *calls: ProposedCall,
    text: str = "answer",
    stop: RunStop | None = None,
    step: int = 1,
) -> tuple[int, tuple[EffectRecord, ...]]:
    """A."""
    assert run is not None
    raw = [{"id": c.call_id, "name": c.tool_name, "arguments": "{}"} for c in calls]
    return await store.record_answer(key_of(run), text, raw, calls, progress(step), {"step": step}, stop)


async def settle(store: MemoryStore, run: RunRecord | RunKey, effect: EffectRecord) -> EffectRecord:
    """B."""
    key = run if isinstance(run, RunKey) else key_of(run)
    result = CallResult("done", f"result of {effect.call_id}")
    return await store.record_result(key, effect, result, ("proposed", "executing"), progress(), 1)


def allow(by: str = "ada") -> Decision:
    return Decision("allow", "sha_a", by)


@dataclass
class Story:
    """run_1, whose call "a" waits for a decision."""

    store: MemoryStore
    key: RunKey
    effect_id: str
    approval_id: str
    request: Request

    async def take(self) -> RunKey:
        taken = await self.store.take_run("run_1", "th", None)
        return key_of(taken.run if isinstance(taken, RunSnapshot) else taken)

    async def execute(self) -> RunKey:
        """Allowed, taken, and begun."""
        await self.store.decide(self.approval_id, allow())
        key = await self.take()
        assert await self.store.begin_effect(key, self.effect_id, {"x": "a"}, "sha_a")
        return key

    async def make_uncertain(self) -> RunKey:
        """Begun, lost, taken by another epoch, and asked about."""
        await self.execute()
        self.store.live_runs.clear()
        key = await self.take()
        await self.store.ask_about(key, self.effect_id, Request("uncertain", "Lost.", {}, "bot"))
        return key

    async def effect(self) -> EffectRecord:
        return (await self.store.list_effects("run_1"))[0][0]

    async def run(self) -> RunRecord:
        run = await self.store.get_run("run_1")
        assert run is not None
        return run


async def ask(store: MemoryStore, *, expires_at_ms: int | None = None) -> Story:
    run = (await begin(store)).run
    call = proposed("a", asks=True, expires_at_ms=expires_at_ms)
    _, (effect,) = await answer(store, run, call, stop=RunStop("awaiting_approval"))
    store.live_runs.clear()
    assert effect.approval_id is not None
    return Story(store, key_of(run), effect.effect_id, effect.approval_id, request())
