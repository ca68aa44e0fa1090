"""Pages of the store, as the lists and the conversation ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from afk.memory.records import CheckpointRecord, ThreadRecord
from afk.memory.store import MemoryStore
from afk.memory.threads import ThreadFilter
from afk_tui.gateway.clean import clean_line
from afk_tui.gateway.errors import told
from afk_tui.gateway.inside import with_inside
from afk_tui.gateway.items import ANY_PLACE, head_of, items_of, key_of, seq_of
from afk_tui.gateway.marks import Marks, read_marks
from afk_tui.gateway.views import CheckpointRow, ConversationItem, ItemHead, ThreadRow


class ThreadSource:
    """The threads of one workspace, or (None) all of them, the pinned ones first, then the one touched last first."""

    def __init__(self, store: MemoryStore, workspace: str | None, show: ThreadFilter = "current") -> None:
        self._store = store
        self._workspace = workspace
        self._show: ThreadFilter = show

    async def count(self) -> int:
        """How many threads there are."""
        with told():
            return await self._store.count_threads(workspace=self._workspace, show=self._show)

    async def page(self, offset: int, limit: int) -> Sequence[ThreadRow]:
        """Some of them, in order."""
        with told():
            found = await self._store.list_threads(
                workspace=self._workspace, show=self._show, offset=offset, limit=limit
            )
        return [thread_row(thread) for thread in found]

    async def locate(self, key: str) -> int | None:
        """At which place a thread stands, however far down."""
        with told():
            return await self._store.locate_thread(key, workspace=self._workspace, show=self._show)


class CheckpointSource:
    """The checkpoints of a thread, the newest first."""

    def __init__(self, store: MemoryStore, thread_id: str) -> None:
        self._store = store
        self._thread_id = thread_id

    async def count(self) -> int:
        """How many checkpoints there are."""
        with told():
            return await self._store.count_checkpoints(self._thread_id)

    async def page(self, offset: int, limit: int) -> Sequence[CheckpointRow]:
        """Some of them, in order."""
        with told():
            found = await self._store.list_checkpoints(self._thread_id, offset=offset, limit=limit)
        return [checkpoint_row(c, latest=offset + n == 0) for n, c in enumerate(found)]


# more new items than these are not shown one by one
READ_ANEW = 200
# places are read together that are no further from each other
NEAR = 20

# calls that may still change without a message of their own in the thread
UNSETTLED = frozenset({"waiting", "proposed", "running", "interrupted", "unknown"})


class ConversationSource:
    """What was said and called in a thread."""

    def __init__(self, store: MemoryStore, thread_id: str, is_live: Callable[[str], bool]) -> None:
        self._store = store
        self._thread_id = thread_id
        self._is_live = is_live
        self._seqs: list[int] = []
        self._marks: Marks | None = None
        self.unsettled: set[str] = set()
        """Keys of the calls that were last read in a state that may change without a message of their own."""

    async def heads(self) -> list[ItemHead]:
        """All items in order, without their bodies."""
        with told():
            await self._read_marks_once()
            found = await self._store.message_heads(self._thread_id)
        self._seqs = [head.seq for head in found]
        return [head_of(head) for head in found]

    async def last_heads(self, count: int, place: str | None = None) -> list[ItemHead]:
        """The last of them, at least `count`, from the item `place` and from the end of the summary on."""
        with told():
            await self._read_marks_once()
            found = await self._store.heads_before(self._thread_id, ANY_PLACE, count)
            starts = [
                at for at in (seq_of(place or ""), self._marks and self._marks.through_seq) if at is not None
            ]
            if found and min(starts, default=found[0].seq) < found[0].seq:
                found = await self._store.message_heads(self._thread_id, after=min(starts) - 1)
        self._seqs = [head.seq for head in found]
        return [head_of(head) for head in found]

    async def earlier_heads(self, count: int) -> list[ItemHead]:
        """The last of those before all that were given so far; they then come first."""
        if not self._seqs:
            return []
        first = self._seqs[0]
        with told():
            found = await self._store.heads_before(self._thread_id, first, count)
        if not self._seqs or self._seqs[0] != first:  # opened anew meanwhile
            return []
        self._seqs[:0] = [head.seq for head in found]
        return [head_of(head) for head in found]

    def is_earlier(self, key: str) -> bool:
        """Whether an item stands before all whose heads were given."""
        seq = seq_of(key)
        return seq is not None and bool(self._seqs) and seq < self._seqs[0]

    @staticmethod
    def stand_before(keys: Iterable[str], others: Iterable[str]) -> bool:
        """Whether one of these items stands before one of the others."""
        first = min((seq for key in keys if (seq := seq_of(key)) is not None), default=None)
        return first is not None and any((seq := seq_of(key)) is not None and seq > first for key in others)

    async def _read_marks_once(self) -> None:
        if self._marks is None:  # what changes later is for `remarked` to tell
            self._marks = await read_marks(self._store, self._thread_id)

    async def changed(self) -> tuple[list[ConversationItem], bool]:
        """What came since `heads` or this was asked last, and what may have changed since it was read, in order; True
        instead where so much came that all is better read anew. Costs what changed, however long the thread is."""
        with told():
            found = await self._store.message_heads(self._thread_id, after=self._last())
        if len(found) > READ_ANEW:
            return [], True
        last = self._last()  # somebody else may have asked meanwhile
        came = {head.seq for head in found if head.seq > last}
        self._seqs += sorted(came)
        open_calls = {seq for key in self.unsettled if (seq := seq_of(key)) is not None}
        wanted = sorted(came | open_calls)
        items: list[ConversationItem] = []
        try:
            for first, last in _near(wanted):
                items += [item for item in await self.between(first, last) if seq_of(item.key) in wanted]
        except BaseException:  # nobody was given them: they are still to come
            self._seqs = [seq for seq in self._seqs if seq not in came]
            raise
        return items, False

    def _last(self) -> int:
        return self._seqs[-1] if self._seqs else -1

    async def load(self, first: int, last: int) -> list[ConversationItem]:
        """The items `first` to `last` (exclusive) of the list that `heads` gave."""
        if first >= last:
            return []
        return await self.between(self._seqs[first], self._seqs[last - 1])

    async def between(self, first_seq: int, last_seq: int) -> list[ConversationItem]:
        """The items at these places of the thread, both included."""
        with told():
            messages, calls = await self._store.read_range(self._thread_id, first_seq, last_seq)
            thread = await self._store.get_thread(self._thread_id)
            live = thread is not None and (thread.state == "running" or self._is_live(thread.last_run_id))
            asked = [effect.effect_id for effect, request in calls if request is not None]
            requests = await self._store.requests_of(asked) if asked else {}
            items = items_of(messages, calls, run_is_live=live, requests=requests)
            inside = {key_of(e.result_seq): e for e, _ in calls if e.effect == "subagent"}
            for n, item in enumerate(items):
                if item.key in inside:
                    items[n] = await with_inside(self._store, item, inside[item.key], run_is_live=live)
        if self._marks is not None:
            items = self._marks.put_on(items, self._seqs)
        for item in items:
            self.note(item)
        return items

    async def remarked(self) -> list[ConversationItem]:
        """The items that are marked otherwise than when they were last read: the summary stands elsewhere, or what is
        pinned changed."""
        before = self._marks or Marks()
        with told():
            self._marks = await read_marks(self._store, self._thread_id)
        differing = self._marks.differing(before, self._seqs)
        # what is earlier than all that is known is read with its mark when it comes into sight
        found = [await self.at(seq) for seq in differing if not self.is_earlier(key_of(seq))]
        return [item for item in found if item is not None]

    def note(self, item: ConversationItem) -> None:
        """Keep `unsettled` true of an item that was read, or told by an event."""
        is_over = item.status in ("unknown", "interrupted") and item.text
        if item.kind == "call" and item.status in UNSETTLED and not is_over:
            self.unsettled.add(item.key)
        else:
            self.unsettled.discard(item.key)

    async def at(self, seq: int) -> ConversationItem | None:
        """The item at one place, or None."""
        found = await self.between(seq, seq)
        return next((item for item in found if item.key == key_of(seq)), None)


def _near(seqs: list[int]) -> list[tuple[int, int]]:
    """These places as stretches that are worth reading at once."""
    stretches: list[tuple[int, int]] = []
    for seq in seqs:
        if stretches and seq - stretches[-1][1] <= NEAR:
            stretches[-1] = (stretches[-1][0], seq)
        else:
            stretches.append((seq, seq))
    return stretches


def thread_row(thread: ThreadRecord) -> ThreadRow:
    """A line of the thread list."""
    return ThreadRow(
        thread_id=thread.thread_id,
        title=clean_line(thread.title),
        state=thread.state,
        updated_at_ms=thread.updated_at_ms,
        pending=thread.pending_approvals,
        workspace=clean_line(thread.workspace),
        message_count=thread.message_count,
        pinned=thread.pinned_at_ms is not None,
        archived=thread.archived_at_ms is not None,
        unread=thread.is_unread,
    )


def checkpoint_row(checkpoint: CheckpointRecord, *, latest: bool) -> CheckpointRow:
    """A line of the checkpoint browser."""
    return CheckpointRow(
        checkpoint_id=checkpoint.checkpoint_id,
        run_id=checkpoint.run_id,
        number=checkpoint.number,
        step=checkpoint.step,
        phase=checkpoint.phase,
        created_at_ms=checkpoint.created_at_ms,
        message_count=checkpoint.message_count,
        size_bytes=checkpoint.size_bytes,
        latest=latest,
    )
