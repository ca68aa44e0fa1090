"""Keeping threads small, for the app: what would go, the removal, what went before, and the schedule."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from afk.core.runner import Runner
from afk.core.schedule import CompactionSchedule, Every, read_schedule, write_schedule
from afk.memory.compaction_detail import RECORD_KINDS, RecordCount, RecordKind
from afk.memory.retention import MemoryCompactionResult, Retention
from afk.memory.store import MemoryStore
from afk_tui.gateway.compaction_views import (
    PARTS_SHOWN,
    CompactionForm,
    CompactionView,
    PartView,
    PastCompaction,
    Progress,
    SpaceRow,
    form_of,
    part_of_thread,
    past_of,
    plus,
    view_after,
    view_of,
    view_of_thread,
)
from afk_tui.gateway.errors import told
from afk_tui.gateway.script import ALL

HINT_KEY = "compaction-hint:"


class Compactions:
    """The compactions of one app. A thread that is None stands for all of them. Everything raises GatewayError."""

    def __init__(self, runner: Runner, store: MemoryStore) -> None:
        self._runner = runner
        self._store = store

    async def look(
        self, thread_id: str | None, form: CompactionForm, progress: Progress | None = None
    ) -> CompactionView:
        """Count what would go. Raises ValueError for a form that makes no sense."""
        retention = Retention(*form.policies())
        with told():
            if thread_id is not None:
                return view_of_thread(await self._store.compaction_detail(thread_id, retention))
            return await self._look_at_all(retention, progress)

    async def remove(
        self, thread_id: str | None, form: CompactionForm, progress: Progress | None = None
    ) -> CompactionView:
        """Remove it; the counts are of the rows that went. Cancelled between two batches, what was removed stays
        removed."""
        would = await self.look(thread_id, form)
        with told():
            if thread_id is not None:
                result = await self._remove_one(thread_id, form, progress)
                results = [result]
            else:
                results = await self._remove_all(form, would, progress)
        after = await self.look(thread_id, form)
        return view_after(would, after, results)

    async def past(self, thread_id: str | None) -> list[PastCompaction]:
        """Compactions of before, the newest first."""
        with told():
            return [past_of(record) for record in await self._store.list_compactions(thread_id)]

    async def space(self, thread_id: str | None) -> list[SpaceRow]:
        """What takes the space, the largest first."""
        with told():
            taken = await self._store.space_taken(thread_id)
        return [SpaceRow(one.what, one.size_bytes, one.exact) for one in taken if one.size_bytes]

    async def schedule(self) -> tuple[Every, CompactionForm]:
        """How often every thread is compacted while an app or `afk-tui watch` runs, and what is kept."""
        with told():
            schedule = await read_schedule(self._store)
        return schedule.every, form_of(schedule.retention)

    async def set_schedule(self, every: Every, form: CompactionForm) -> None:
        """Set it, for every program with this database; on return it is on disk."""
        with told():
            await write_schedule(self._store, CompactionSchedule(every, Retention(*form.policies())))

    # the hint after a long conversation

    async def hints_on(self) -> bool:
        """Whether the status line may say what a compaction would remove."""
        with told():
            return await self._store.get_preference(HINT_KEY) is None

    async def set_hints(self, on: bool) -> None:
        """On return it is on disk, for every app with this database."""
        with told():
            await self._store.set_preference(HINT_KEY, None if on else "off")

    # inside

    async def _look_at_all(self, retention: Retention, progress: Progress | None) -> CompactionView:
        kinds: dict[RecordKind, RecordCount] = {kind: RecordCount() for kind in RECORD_KINDS}
        reasons = Counter[str]()
        parts: list[PartView] = []
        threads = await self._store.list_threads(show="all", limit=ALL)
        for n, thread in enumerate(threads, 1):
            found = await self._store.compaction_detail(thread.thread_id, retention, most_runs=0)
            for kind, count in found.kinds.items():
                kinds[kind] = plus(kinds[kind], count)
            reasons.update(found.protected_by)
            if any(count.going or count.protected for count in found.kinds.values()):
                parts.append(part_of_thread(thread, found))
            if progress:
                progress(n, len(threads), "counting")
        parts.sort(key=lambda part: part.removed, reverse=True)
        view = view_of(kinds, reasons)
        return replace(
            view,
            parts=tuple(parts[:PARTS_SHOWN]),
            other_parts=max(0, len(parts) - PARTS_SHOWN),
            threads=len(threads),
        )

    async def _remove_one(
        self, thread_id: str, form: CompactionForm, progress: Progress | None
    ) -> MemoryCompactionResult:
        events, states = form.policies()
        return await self._runner.compact_thread(
            thread_id=thread_id, event_policy=events, state_policy=states, progress=progress
        )

    async def _remove_all(
        self, form: CompactionForm, would: CompactionView, progress: Progress | None
    ) -> list[MemoryCompactionResult]:
        retention = Retention(*form.policies())
        total = would.events.removed + would.states.removed
        results: list[MemoryCompactionResult] = []
        done = 0
        for thread in await self._store.list_threads(show="all", limit=ALL):
            found = await self._store.compaction_detail(thread.thread_id, retention, most_runs=0)
            if not any(count.going for count in found.kinds.values()):
                continue

            def listen(of_thread: int, _: int, what: str, before: int = done) -> None:
                if progress:
                    progress(before + of_thread, total, what)

            results.append(await self._remove_one(thread.thread_id, form, listen))
            done += results[-1].events_removed + results[-1].states_removed
        return results
