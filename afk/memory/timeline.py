"""What happened in a thread at each of its checkpoints, as a page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from afk.memory.records import ApprovalStatus, CheckpointRecord, EffectPhase, RunRecord
from afk.memory.summaries import SummaryRecord

TimelineKind = Literal["run", "checkpoint", "summary"]


@dataclass(frozen=True, slots=True)
class TimelineCall:
    """A call of the step that a checkpoint stands in, as it is now. `arguments` has the beginnings of those that are
    texts or numbers; `asked` is how its newest request stands, None where there is none; `finished_at_ms` is None
    while it has no result."""

    call_id: str
    tool_name: str
    arguments: dict[str, Any]
    phase: EffectPhase
    asked: ApprovalStatus | None
    result_seq: int
    finished_at_ms: int | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of a thread's timeline.

    "run": a root run begins to be listed here; `run` alone is set. "summary": `summary` is set, unless it can't be
    read. "checkpoint": all else. `former` is the checkpoint written before it in the same run, None where that is gone;
    `text` the beginning of the message that it records (the person's, the model's), `calls` the calls of its step.
    `depth` counts the runs above its run, and `root_seq` is the place of the call in the root's conversation that it
    works for, None for a root. `is_newest`: of its run.
    """

    kind: TimelineKind
    ordinal: float
    run: RunRecord | None = None
    checkpoint: CheckpointRecord | None = None
    former: CheckpointRecord | None = None
    summary: SummaryRecord | None = None
    text: str = ""
    calls: tuple[TimelineCall, ...] = ()
    depth: int = 0
    root_seq: int | None = None
    is_newest: bool = False


@dataclass(frozen=True, slots=True)
class TimelineCounts:
    """How many lines a timeline has, of each kind; `checkpoints` are those of the runs inside runs too."""

    runs: int
    checkpoints: int
    summaries: int

    @property
    def total(self) -> int:
        """All lines."""
        return self.runs + self.checkpoints + self.summaries


class TimelineStore(Protocol):
    """The part of a `MemoryStore` that lists what happened."""

    async def count_timeline(self, thread_id: str) -> TimelineCounts:
        """How many lines the timeline of a thread has; of a thread that is not there, none."""
        ...

    async def read_timeline(
        self, thread_id: str, *, before: float | None = None, offset: int = 0, limit: int = 200
    ) -> list[TimelineEntry]:
        """Lines of a thread's timeline, the newest first: those after the line of the ordinal `before` (None: from the
        newest on), but for the first `offset`. A run's line stands before its newest one. Costs what the lines cost
        that are read, whatever the thread holds, where `before` is given. Raises AgentCheckpointCorruptionError where
        one of the checkpoints is damaged."""
        ...

    async def checkpoint_with_former(
        self, run_id: str, number: int
    ) -> tuple[CheckpointRecord, CheckpointRecord | None] | None:
        """A checkpoint and the one before it: of a root run in its thread, of a run inside another in its own run.
        None where it is gone."""
        ...
