"""What the runner needs of a store. Every method that writes is one transaction: whole on disk, or absent."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from afk.memory.compaction_detail import CompactionDetail, SpaceTaken
from afk.memory.deletion import ThreadDeletion
from afk.memory.found import FoundText
from afk.memory.output_store import WholeOutputs
from afk.memory.records import (
    ApprovalRecord,
    CallResult,
    CallTrace,
    CheckpointRecord,
    ChildBegun,
    CompactionRecord,
    Decision,
    EffectPhase,
    EffectRecord,
    EventRecord,
    GrantRecord,
    MessageHead,
    MessageRecord,
    NewChild,
    NewRun,
    Progress,
    ProposedCall,
    Request,
    RunAndCalls,
    RunKey,
    RunRecord,
    RunSnapshot,
    RunStop,
    StepResult,
    ThreadRecord,
)
from afk.memory.retention import (
    CompactionReason,
    MemoryCompactionResult,
    Retention,
    RetentionPolicy,
    StateRetentionPolicy,
    UnattendedCompaction,
)
from afk.memory.summary_store import SummaryStore
from afk.memory.threads import ThreadFilter
from afk.memory.timeline import TimelineStore

# (done, total, what): rows removed so far, rows to remove, and "events", "states" or "space"
CompactionProgress = Callable[[int, int, str], None]


class Lifeline(Protocol):
    """Held by a call that is being made, and by every program that inherits `descriptor`."""

    descriptor: int

    def note(self, process_id: int) -> None:
        """Write down the leader of the call's process group."""
        ...

    def close(self) -> None:
        """The call's outcome is known."""
        ...


class MemoryStore(SummaryStore, WholeOutputs, TimelineStore, Protocol):
    """A durable record of threads, runs, messages, checkpoints, effects, approvals and events.

    Boundaries have the letters of ARCHITECTURE.md. A write that was begun is not undone by cancelling its caller:
    it comes to its end, and only then the caller is cancelled.
    """

    clock: Callable[[], int]
    new_id: Callable[[str], str]

    @property
    def kept_copy(self) -> Path | None:
        """A copy of all that was kept before, where opening it gave it the format of this version; else None."""
        ...

    @property
    def live_runs(self) -> set[str]:
        """The runs that are being executed through this store at this moment: `take_run` adds to it, who executes
        takes away. A run that the store owns on disk but nobody executes reads as interrupted, and may be taken."""
        ...

    @property
    def owner_id(self) -> str:
        """Under which name this store owns runs."""
        ...

    @property
    def unrecorded(self) -> dict[tuple[str, int], CallResult]:
        """Outcomes of calls that are known in this process alone, because they could not be written; by effect id and
        attempt. Who executes puts them there, and takes them away when they are on disk."""
        ...

    async def open(self) -> None:
        """Make the store ready; called by the runner before anything else, any number of times."""
        ...

    async def close(self) -> None:
        """Give everything back. May be called twice."""
        ...

    def is_own_file(self, stat: os.stat_result) -> bool:
        """Whether this is a file that nobody but the store may open while it is open."""
        ...

    def lifeline(self, effect_id: str) -> Lifeline | None:
        """Something that the programs of a call hold on to for as long as they run; None where no call can outlive
        the store."""
        ...

    def still_running(self, effect_id: str) -> int | None:
        """The process group (0: unknown) of a call whose programs still run though the process that made it is gone,
        or None."""
        ...

    async def call_trace(self, effect: EffectRecord) -> CallTrace:
        """What can be found out now of a call's latest attempt: who made it, and whether that still lives."""
        ...

    # boundaries

    async def begin_run(self, new: NewRun, title: str) -> RunSnapshot:
        """S. Raises AgentRunBusyError while the thread's last run is live."""
        ...

    async def take_run(
        self,
        run_id: str,
        thread_id: str,
        context: dict[str, Any] | None,
        *,
        take_over: bool = False,
    ) -> RunSnapshot | RunRecord:
        """Own a run that can go on; a terminal one is returned as its record. Raises the checkpoint errors,
        AgentRunBusyError, AgentRunSupersededError."""
        ...

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
        """A. Returns the answer's place and its calls. Raises RunFencedError."""
        ...

    async def decide(self, approval_id: str, decision: Decision) -> ApprovalRecord:
        """D. Raises an ApprovalError."""
        ...

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
        """I. None: the call may not be made. `decided_sha` is the hash that was decided about, where a person's
        edited arguments were brought into the tool's normal form since. Raises RunFencedError."""
        ...

    async def begin_child(
        self,
        key: RunKey,
        effect_id: str,
        arguments: dict[str, Any],
        args_sha: str,
        new: NewChild,
        *,
        decided_sha: str | None = None,
    ) -> ChildBegun | None:
        """I of a call to a subagent and S of its run, in one; where that run is there already, what is needed to go on
        with it, or how it ended. None: the call may not be made. Raises RunFencedError."""
        ...

    async def stop_child(self, key: RunKey, stop: RunStop) -> None:
        """A run inside another waits, or stopped short; its root still owns it. Raises RunFencedError."""
        ...

    async def withdraw_effect(self, key: RunKey, effect_id: str) -> None:
        """Undo I for a call that was never made. Raises RunFencedError."""
        ...

    async def record_result(
        self,
        key: RunKey,
        effect: EffectRecord,
        result: CallResult,
        from_phases: Sequence[EffectPhase],
        progress: Progress,
        duration_ms: int,
    ) -> EffectRecord:
        """B. Raises RunFencedError."""
        ...

    async def ask_about(self, key: RunKey, effect_id: str, request: Request) -> tuple[EffectRecord, str]:
        """Ask a person about a call, again or because its outcome is unknown. Raises RunFencedError."""
        ...

    async def expire_requests(self, run_id: str) -> None:
        """Requests of a run whose time ran out become `expired`."""
        ...

    async def stop_run(self, key: RunKey, stop: RunStop) -> None:
        """E. Of a run that this epoch stopped before it changes nothing, but to cancel what could go on. Raises
        RunFencedError."""
        ...

    async def fork_run(self, run_id: str, number: int, message: str | None) -> str:
        """A new thread that goes on from a checkpoint, with `message` where there is one; its id. Raises
        AgentCheckpointNotFoundError, AgentCheckpointCompactedError."""
        ...

    async def add_event(self, thread_id: str, run_id: str | None, type_: str, body: dict[str, Any]) -> None:
        """One row of telemetry beside the boundaries; none for a thread that is not there."""
        ...

    # reading

    async def read_calls(self, run_id: str, step: int) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
        """A step's calls with the current request of each, as they stand now."""
        ...

    async def find_root(self, run_id: str, thread_id: str) -> RunAndCalls | None:
        """The root of a run of this thread, which may be the run itself, as it reads now, with the calls of the step
        that it is at; None where there is none."""
        ...

    async def open_calls(self, root_run_id: str) -> list[tuple[EffectRecord, ApprovalRecord | None]]:
        """The calls without a result of a root run and of all runs inside it, each with its current request; for a
        call to a subagent that is under way, its own calls stand here."""
        ...

    async def child_waits(self, effect_id: str) -> bool:
        """Whether the run that works for this call, with all inside it, can go on only when a person decides."""
        ...

    async def child_run(self, effect_id: str) -> RunRecord | None:
        """The run that works, or worked, for a call to a subagent; None while there is none."""
        ...

    async def count_delegated(self, run_id: str) -> int:
        """How many calls to subagents a run has made."""
        ...

    async def list_descendants(self, root_run_id: str) -> list[RunRecord]:
        """All runs inside a root run, the oldest first."""
        ...

    async def step_results(self, run_id: str, step: int) -> list[StepResult]:
        """A step's results, in the order of the calls."""
        ...

    async def matching_grants(
        self, args_shas: Sequence[str], thread_id: str, workspace: str
    ) -> dict[str, GrantRecord]:
        """Grants of the very same call that stand for these calls, by the hash of the call."""
        ...

    async def pattern_grants(
        self, tool_names: Sequence[str], thread_id: str, workspace: str
    ) -> list[GrantRecord]:
        """Grants by a pattern that stand for these tools in this thread or workspace, the oldest first."""
        ...

    async def list_grants(
        self, *, thread_id: str | None = None, workspace: str | None = None, revoked_too: bool = False
    ) -> list[GrantRecord]:
        """Grants that were given in a thread or a workspace, or all, the newest first."""
        ...

    async def revoke_grant(self, grant_id: str, by: str) -> GrantRecord:
        """Take a grant back. Raises GrantNotFoundError."""
        ...

    async def messages(self, thread_id: str) -> tuple[MessageRecord, ...]:
        """All messages of a thread, in order."""
        ...

    async def message_heads(self, thread_id: str, *, after: int = -1) -> list[MessageHead]:
        """What a conversation consists of behind a place, without its texts."""
        ...

    async def heads_before(self, thread_id: str, before: int, count: int) -> list[MessageHead]:
        """The last `count` of them before a place, in order."""
        ...

    async def read_range(
        self, thread_id: str, first_seq: int, last_seq: int
    ) -> tuple[list[MessageRecord], list[tuple[EffectRecord, ApprovalRecord | None]]]:
        """Messages and calls at these places, both included."""
        ...

    async def list_threads(
        self,
        *,
        workspace: str | None = None,
        show: ThreadFilter = "all",
        offset: int = 0,
        limit: int = 200,
    ) -> list[ThreadRecord]:
        """The pinned ones first, then the one touched last first."""
        ...

    async def count_threads(self, *, workspace: str | None = None, show: ThreadFilter = "all") -> int: ...

    async def count_threads_by_filter(self, *, workspace: str | None = None) -> dict[ThreadFilter, int]: ...

    async def locate_thread(
        self, thread_id: str, *, workspace: str | None = None, show: ThreadFilter = "all"
    ) -> int | None:
        """At which offset of that list a thread stands; None where it is not in it."""
        ...

    async def get_thread(self, thread_id: str) -> ThreadRecord | None: ...

    async def list_runs(
        self, thread_id: str | None = None, *, offset: int = 0, limit: int = 200
    ) -> list[RunRecord]: ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def list_open_runs(self, *, workspace: str | None = None) -> list[RunRecord]: ...

    async def list_effects(self, run_id: str) -> list[tuple[EffectRecord, MessageRecord | None]]:
        """Every call of a run with its result, where it has one."""
        ...

    async def list_checkpoints(
        self, thread_id: str, *, offset: int = 0, limit: int = 200
    ) -> list[CheckpointRecord]: ...

    async def count_checkpoints(self, thread_id: str) -> int: ...

    async def list_approvals(
        self, *, thread_id: str | None = None, run_id: str | None = None, pending_only: bool = True
    ) -> list[ApprovalRecord]: ...

    async def requests_of(self, effect_ids: Sequence[str]) -> dict[str, list[ApprovalRecord]]:
        """All requests that were ever made about these calls (a few hundred at most), each call's oldest first."""
        ...

    async def get_approval(self, approval_id: str) -> ApprovalRecord:
        """Raises ApprovalNotFoundError."""
        ...

    async def list_events(
        self, thread_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[EventRecord]: ...

    async def list_compactions(
        self, thread_id: str | None = None, *, limit: int = 50
    ) -> list[CompactionRecord]:
        """Past compactions of a thread, or of all that are there, the newest first."""
        ...

    async def find(
        self,
        text: str,
        *,
        workspace: str | None = None,
        limit: int = 200,
        so_far: Callable[[list[FoundText]], object] | None = None,
    ) -> list[FoundText]:
        """Titles, then messages, that hold a text as it stands, or where nothing does, all of its words; the newest
        first. What several threads read stands once, in the one it belongs to. `so_far` is told what there is yet."""
        ...

    async def index_messages(self) -> bool:
        """Do a little of what makes finding fast; False: there is nothing to do now. Nobody needs to, and it may be
        stopped at any point."""
        ...

    async def data_version(self) -> tuple[int, int]:
        """Changes whenever another process records anything, and with every event of this one."""
        ...

    async def get_preference(self, key: str) -> str | None: ...

    async def set_preference(self, key: str, value: str | None) -> None: ...

    async def set_preferences(self, values: Mapping[str, str | None]) -> None:
        """Several in one transaction: all of them, or none."""
        ...

    async def first_checkpoint(self, run_id: str) -> CheckpointRecord | None:
        """The first checkpoint of a run; None where there is none any more."""
        ...

    async def sent_messages(self, workspace: str, *, limit: int, most_chars: int) -> list[str]:
        """Texts of the last user messages in a workspace, the newest first, each once; longer ones are left out. Looks
        into the 50 threads touched last."""
        ...

    async def find_in_thread(self, thread_id: str, text: str) -> list[tuple[int, int]]:
        """Places of a thread at which a message, a result, or a call's name or arguments hold a text, whatever the
        case, each with how often they do; in order. What subagents did is not looked into."""
        ...

    # keeping threads in order; each raises ThreadNotFoundError

    async def rename_thread(self, thread_id: str, title: str) -> None:
        """Another title; as with the others of these, on return it is on disk."""
        ...

    async def pin_thread(self, thread_id: str, *, pinned: bool = True) -> None:
        """Pinned threads come first in every list."""
        ...

    async def archive_thread(self, thread_id: str, *, archived: bool = True) -> None:
        """Archived threads are in no list of current ones, until a run begins or goes on in them."""
        ...

    async def mark_thread_seen(self, thread_id: str, upto_ms: int) -> None:
        """A person was shown what was done in a thread up to that time of its `updated_at_ms`; of a thread that is not
        there, nothing."""
        ...

    # keeping it small

    async def delete_thread(
        self, thread_id: str, *, keep: bool = False, dry_run: bool = False
    ) -> ThreadDeletion:
        """Delete a thread: from the first of its transactions on (FULL) it is listed, found, resumed and decided about
        no more. Its rows then go in small batches, but for what forks read; cut off, the rest goes with the next
        removal. With `keep` they stay until `remove_deleted`, or until this store is gone, and it can be restored.
        Raises ThreadNotFoundError, AgentRunBusyError while a run of it is live."""
        ...

    async def restore_thread(self, thread_id: str) -> None:
        """Undo the deletion of a thread that is kept. Raises ThreadNotFoundError."""
        ...

    async def remove_deleted(self, *, kept_here: bool = False) -> int:
        """Remove what is left of deleted threads, with `kept_here` also of those that this store keeps; the bytes given
        back. Can be cancelled between two batches and run again."""
        ...

    async def compact(
        self,
        thread_id: str,
        events: RetentionPolicy | None,
        states: StateRetentionPolicy | None,
        *,
        dry_run: bool = False,
        progress: CompactionProgress | None = None,
    ) -> MemoryCompactionResult:
        """Remove what the policies say and nobody needs. Can be cancelled between two batches and run again."""
        ...

    async def compaction_detail(
        self, thread_id: str, retention: Retention, *, most_runs: int = 20
    ) -> CompactionDetail:
        """What `compact` would do now, by kind and by run; changes nothing."""
        ...

    async def space_taken(self, thread_id: str | None = None) -> list[SpaceTaken]:
        """What takes the space, of a thread (about) or of the whole file, the largest first."""
        ...

    async def compact_unattended(
        self,
        thread_id: str,
        retention: Retention,
        *,
        why: CompactionReason,
        every_ms: int = 0,
        progress: CompactionProgress | None = None,
    ) -> UnattendedCompaction:
        """`compact` for a program: one process of several does it, none while a run of the thread is live in any of
        them; it ends between two batches where one begins. Where nothing would go it leaves no row. `every_ms`, with
        the reason "schedule": only if the schedule did not do it for that long."""
        ...

    async def due_threads(
        self, retention: Retention, every_ms: int, *, after: int = 0
    ) -> tuple[list[str], int | None]:
        """Some of the threads that have something to remove, and that the schedule did not compact for that long; and
        the place to ask on behind, None at the end."""
        ...
