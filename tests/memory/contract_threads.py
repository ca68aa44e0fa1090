"""How threads are kept in order: pinned, archived, renamed, read, and filtered by how they stand."""

from __future__ import annotations

import pytest

from afk.agents.errors import ThreadNotFoundError
from afk.memory import MemoryStore
from afk.memory.records import RunStop
from afk.memory.threads import THREAD_FILTERS, ThreadFilter
from tests.memory.kit import Clock, allow, answer, ask, begin, interrupted, key_of, new_run
from tests.memory.promises import StorePromises


async def make(store: MemoryStore, clock: Clock, *names: str, workspace: str = "/w") -> None:
    """Threads whose run is over, each touched later than the one before."""
    for name in names:
        clock.now += 1
        store.live_runs.add(f"run_{name}")
        run = (await store.begin_run(new_run(f"run_{name}", name, workspace=workspace), name)).run
        await answer(store, run, stop=RunStop("completed", result={"final_text": "x"}))
        store.live_runs.discard(f"run_{name}")


async def listed(
    store: MemoryStore, show: ThreadFilter = "current", workspace: str | None = None
) -> list[str]:
    """The ids of a list; its count, its places and its pages say the same as the whole of it."""
    ids = [t.thread_id for t in await store.list_threads(show=show, workspace=workspace)]
    assert await store.count_threads(show=show, workspace=workspace) == len(ids)
    assert (await store.count_threads_by_filter(workspace=workspace))[show] == len(ids)
    places = [await store.locate_thread(one, show=show, workspace=workspace) for one in ids]
    assert places == list(range(len(ids)))
    pages = [
        await store.list_threads(show=show, workspace=workspace, offset=n, limit=2) for n in range(len(ids))
    ]
    assert [[t.thread_id for t in page] for page in pages] == [ids[n : n + 2] for n in range(len(ids))]
    return ids


class ThreadsContract(StorePromises):
    """Lists of threads, and what a person does to them."""

    async def test_pinned_threads_come_first_in_every_list(self, store: MemoryStore, clock: Clock) -> None:
        await make(store, clock, "a", "b", "c", "d")
        await store.pin_thread("a")
        await store.pin_thread("c")
        for show in ("current", "all", "done"):
            assert await listed(store, show) == ["c", "a", "d", "b"]
            assert await listed(store, show, "/w") == ["c", "a", "d", "b"]
        assert [t.pinned_at_ms is not None for t in await store.list_threads()] == [True, True, False, False]
        await store.pin_thread("c", pinned=False)
        assert await listed(store) == ["a", "d", "c", "b"]

    async def test_an_archived_thread_is_in_no_list_but_that_of_the_archived_and_of_all(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await make(store, clock, "a", "b", "c")
        await store.archive_thread("b")
        assert await listed(store) == await listed(store, "done") == ["c", "a"]
        assert await listed(store, "archived") == ["b"]
        assert await listed(store, "all") == ["c", "b", "a"]
        assert await store.locate_thread("b", show="current") is None
        await store.archive_thread("b", archived=False)
        assert (await listed(store), await listed(store, "archived")) == (["c", "b", "a"], [])

    async def test_what_is_sent_to_an_archived_thread_or_resumed_in_it_brings_it_back(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await make(store, clock, "a")
        await store.archive_thread("a")
        run = (await begin(store, "run_2", "a")).run
        assert await listed(store) == ["a"]
        await store.stop_run(key_of(run), interrupted())
        store.live_runs.clear()
        await store.archive_thread("a")
        await store.take_run("run_2", "a", None)
        assert await listed(store) == ["a"]

    async def test_each_filter_has_the_threads_that_stand_so(self, store: MemoryStore, clock: Clock) -> None:
        await make(store, clock, "done")
        await ask(store)  # th
        clock.now += 1
        running = (await begin(store, "run_r", "running")).run
        clock.now += 1
        stopped = (await begin(store, "run_s", "stopped")).run
        await store.stop_run(key_of(stopped), interrupted())
        store.live_runs.discard("run_s")
        store.live_runs.add("run_r")
        found = {show: sorted(await listed(store, show)) for show in THREAD_FILTERS}
        assert found == {
            "current": ["done", "running", "stopped", "th"],
            "waiting": ["th"],
            "running": ["running"],
            "interrupted": ["stopped"],
            "done": ["done"],
            "archived": [],
            "all": ["done", "running", "stopped", "th"],
        }
        assert await listed(store, "waiting", "/elsewhere") == []
        await store.stop_run(key_of(running), RunStop("completed", result={"final_text": ""}))
        assert sorted(await listed(store, "done")) == ["done", "running"]

    async def test_a_thread_waits_for_as_long_as_a_request_of_it_does_and_until_it_goes_on(
        self, store: MemoryStore
    ) -> None:
        story = await ask(store)
        assert await listed(store, "waiting") == ["th"]
        await store.decide(story.approval_id, allow())
        assert await listed(store, "waiting") == ["th"]  # its run waits to go on
        await story.take()
        assert (await listed(store, "waiting"), await listed(store, "running")) == ([], ["th"])

    async def test_a_run_that_nobody_executes_is_filtered_as_interrupted(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await begin(store)
        assert (await listed(store, "running"), await listed(store, "interrupted")) == (["th"], [])
        store.live_runs.clear()
        assert (await listed(store, "running"), await listed(store, "interrupted")) == ([], ["th"])
        await store.take_run("run_1", "th", None)
        assert (await listed(store, "running"), await listed(store, "interrupted")) == (["th"], [])

    async def test_a_thread_is_unread_when_it_changed_since_it_was_seen(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await make(store, clock, "a", "b")
        (b, _) = await store.list_threads()
        assert b.is_unread
        await store.mark_thread_seen("b", b.updated_at_ms)
        assert [t.is_unread for t in await store.list_threads()] == [False, True]
        clock.now += 1
        await begin(store, "run_2", "b")
        assert (await store.list_threads())[0].is_unread
        await store.mark_thread_seen("b", b.updated_at_ms)  # somebody who saw the older state
        assert (await store.list_threads())[0].is_unread
        await store.mark_thread_seen("nothing", 5)

    async def test_keeping_a_thread_in_order_is_no_change_of_it(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await make(store, clock, "a", "b")
        (_, a) = await store.list_threads()
        clock.now += 1
        await store.rename_thread("a", "Another \ud800 name")
        await store.archive_thread("a")
        await store.archive_thread("a", archived=False)
        after = await store.get_thread("a")
        assert after is not None
        assert (after.title, after.updated_at_ms) == ("Another \ufffd name", a.updated_at_ms)
        assert await listed(store) == ["b", "a"]

    async def test_what_is_deleted_or_not_there_can_not_be_kept_in_order(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        await make(store, clock, "a", "b", "c")
        await store.pin_thread("c")
        await store.delete_thread("a", keep=True)
        await store.delete_thread("c", keep=True)
        assert await listed(store, "all") == ["b"]
        for thread_id in ("a", "nothing"):
            for change in (
                store.rename_thread(thread_id, "x"),
                store.pin_thread(thread_id),
                store.archive_thread(thread_id),
            ):
                with pytest.raises(ThreadNotFoundError, match="List what there is"):
                    await change
        await store.restore_thread("c")
        await store.restore_thread("a")
        assert await listed(store, "all") == ["c", "b", "a"]
