"""What can be read, and how a store behaves as a whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from afk.agents.errors import (
    StoreError,
)
from afk.memory import MemoryStore
from afk.memory.records import RunKey, RunStop
from tests.memory.kit import (
    Clock,
    Story,
    allow,
    answer,
    begin,
    interrupted,
    new_run,
    proposed,
    settle,
)
from tests.memory.promises import StorePromises


class ReadingContract(StorePromises):
    """Lists, places, versions; opening, closing, cancelling."""

    # reading

    async def test_lists_are_in_order_and_in_pages(self, store: MemoryStore, clock: Clock) -> None:
        for n in range(5):
            clock.now += 1
            await store.begin_run(new_run(f"run_{n}", f"th_{n}", workspace=f"/w{n % 2}"), f"Title {n}")
        threads = await store.list_threads()
        assert [t.thread_id for t in threads] == ["th_4", "th_3", "th_2", "th_1", "th_0"]
        assert [t.thread_id for t in await store.list_threads(offset=1, limit=2)] == ["th_3", "th_2"]
        assert [t.thread_id for t in await store.list_threads(workspace="/w1")] == ["th_3", "th_1"]
        assert (await store.count_threads(), await store.count_threads(workspace="/w0")) == (5, 3)
        assert [r.run_id for r in await store.list_runs()] == ["run_4", "run_3", "run_2", "run_1", "run_0"]
        assert [r.run_id for r in await store.list_runs("th_2")] == ["run_2"]
        assert [r.run_id for r in await store.list_runs(offset=3, limit=9)] == ["run_1", "run_0"]
        assert len(await store.list_open_runs(workspace="/w0")) == 3
        assert (await store.get_thread("th_9"), await store.get_run("run_9")) == (None, None)
        clock.now += 1
        await answer(store, (await store.get_run("run_1")), stop=interrupted())
        assert (await store.list_threads())[0].thread_id == "th_1"

    async def test_checkpoints_are_numbered_and_the_newest_comes_first(self, story: Story) -> None:
        key = await story.execute()
        await settle(story.store, key, await story.effect())
        found = await story.store.list_checkpoints("th")
        assert [(c.number, c.phase, c.step) for c in found] == [
            (2, "result", 1),
            (1, "answer", 1),
            (0, "start", 0),
        ]
        assert [(c.head_seq, c.message_count) for c in found] == [(3, 3), (3, 2), (1, 1)]
        assert await story.store.count_checkpoints("th") == 3
        assert [c.number for c in await story.store.list_checkpoints("th", offset=1, limit=1)] == [1]

    async def test_the_timeline_tells_what_each_checkpoint_records(self, story: Story) -> None:
        store = story.store
        key = await story.execute()
        await settle(store, key, await story.effect())
        counts = await store.count_timeline("th")
        assert (counts.runs, counts.checkpoints, counts.summaries) == (1, 3, 0)
        lines = await store.read_timeline("th")
        assert [line.kind for line in lines] == ["run", "checkpoint", "checkpoint", "checkpoint"]
        assert [line.checkpoint for line in lines[1:]] == await store.list_checkpoints("th")
        assert [line.former for line in lines[1:]] == [lines[2].checkpoint, lines[3].checkpoint, None]
        assert [line.is_newest for line in lines[1:]] == [True, False, False]
        assert [line.text for line in lines[1:]] == [
            "",
            *(m.text for m in (await store.messages("th"))[1::-1]),
        ]
        effect = await story.effect()
        assert [(call.call_id, call.phase) for call in lines[1].calls] == [(effect.call_id, "done")]
        assert await store.read_timeline("th", before=lines[1].ordinal, limit=1) == [lines[2]]
        assert await store.read_timeline("th", offset=3) == [lines[3]]
        assert await store.read_timeline("nobody") == []
        found = await store.checkpoint_with_former(key.run_id, 1)
        assert found == (lines[2].checkpoint, lines[3].checkpoint)
        assert await store.checkpoint_with_former(key.run_id, 9) is None

    async def test_an_argument_of_the_timeline_is_cut_and_half_a_character_does_not_break_it(
        self, store: MemoryStore
    ) -> None:
        run = (await begin(store)).run
        await answer(store, run, proposed("a", arguments={"path": "\ud800", "text": "x" * 5_000, "n": 3}))
        [_, line, _] = await store.read_timeline("th")
        arguments = line.calls[0].arguments
        assert set(arguments) == {"path", "text", "n"}
        assert (arguments["text"], arguments["n"]) == ("x" * 300, 3)

    async def test_requests_are_listed_by_thread_by_run_and_by_status(self, story: Story) -> None:
        store = story.store
        assert [a.approval_id for a in await store.list_approvals(thread_id="th")] == [story.approval_id]
        assert await store.list_approvals(thread_id="other") == []
        assert await store.list_approvals(run_id="run_2") == []
        thread = await store.get_thread("th")
        assert thread is not None
        assert thread.pending_approvals == 1
        await store.decide(story.approval_id, allow())
        assert await store.list_approvals() == []
        assert [a.status for a in await store.list_approvals(pending_only=False)] == ["allowed"]

    async def test_heads_of_messages_hold_a_place_for_each_call(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        _, (a, _) = await answer(store, run, proposed("a"), proposed("b"), text="one\ntwo")
        await settle(store, run, a)
        heads = await store.message_heads("th")
        assert [(h.seq, h.role, h.chars, h.lines) for h in heads] == [
            (1, "user", 2, 1),
            (2, "assistant", 7, 2),
            (3, "call", 11, 1),
            (4, "call", 0, 1),
        ]
        messages, calls = await store.read_range("th", 2, 3)
        assert ([m.seq for m in messages], [e.call_id for e, _ in calls]) == ([2, 3], ["a"])

    async def test_heads_can_be_read_from_the_end_and_behind_a_place(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        await answer(store, run, proposed("a"), proposed("b"), text="one")
        heads = await store.message_heads("th")
        assert await store.heads_before("th", 2**62, 100) == heads
        assert await store.heads_before("th", 2**62, 2) == heads[-2:]
        assert await store.heads_before("th", heads[2].seq, 1) == heads[1:2]
        assert await store.heads_before("th", 1, 5) == []
        for n, head in enumerate(heads):
            assert await store.message_heads("th", after=head.seq) == heads[n + 1 :]

    async def test_an_answer_without_text_has_no_head_of_its_own(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        await answer(store, run, proposed("a"), text="")
        assert [h.role for h in await store.message_heads("th")] == ["user", "call"]

    async def test_events_are_in_order_and_can_be_read_from_a_place(self, story: Story) -> None:
        events = await story.store.list_events("th")
        assert [e.type for e in events] == ["state", "approval_requested", "llm_call", "state"]
        later = await story.store.list_events("th", after=events[1].event_id)
        assert [e.type for e in later] == ["llm_call", "state"]
        await story.store.add_event("th", None, "custom", {"n": 1})
        assert (await story.store.list_events("th", after=later[-1].event_id))[0].body == {"n": 1}

    async def test_of_a_thread_that_is_not_there_no_event_is_kept(self, story: Story) -> None:
        await story.store.add_event("th2", None, "custom", {})
        assert await story.store.list_events("th2") == []

    async def test_the_version_changes_with_every_boundary(self, story: Story) -> None:
        versions = [await story.store.data_version()]
        await story.store.decide(story.approval_id, allow())
        versions.append(await story.store.data_version())
        await story.take()
        versions.append(await story.store.data_version())
        assert len(set(versions)) == 3
        assert await story.store.data_version() == versions[-1]

    async def test_preferences_are_kept_and_forgotten(self, store: MemoryStore) -> None:
        assert await store.get_preference("draft:th") is None
        await store.set_preference("draft:th", "hel")
        await store.set_preference("draft:th", "hello")
        assert await store.get_preference("draft:th") == "hello"
        await store.set_preference("draft:th", None)
        assert await store.get_preference("draft:th") is None

    # the store itself

    async def test_a_store_can_be_opened_by_many_at_once_and_closed_twice(
        self, tmp_path: Any, clock: Clock
    ) -> None:
        store = self.make_store(tmp_path, clock)
        await asyncio.gather(*(store.open() for _ in range(5)))
        await begin(store)
        await store.close()
        await store.close()
        with pytest.raises(StoreError, match="closed"):
            await store.get_run("run_1")

    async def test_a_write_that_was_begun_is_whole_though_its_caller_is_cancelled(
        self, store: MemoryStore
    ) -> None:
        writing = asyncio.ensure_future(store.begin_run(new_run("run_1"), "Title"))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert len(await store.messages("th")) == 1
        fenced = asyncio.ensure_future(store.stop_run(RunKey("run_1", "th", 9), interrupted()))
        await asyncio.sleep(0)
        fenced.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fenced

    async def test_text_that_utf8_can_not_hold_is_kept_as_far_as_it_can(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        _, (effect,) = await answer(
            store, run, proposed("a", arguments={"x": "\ud800"}), text="\ud83d\ude00 \ud800"
        )
        assert (await store.messages("th"))[1].text == "😀 \ufffd"
        assert (await store.list_effects("run_1"))[0][0].arguments == {"x": "\ud800"}
        assert effect.arguments == {"x": "\ud800"}

    async def test_what_was_sent_in_a_workspace_comes_newest_first_and_each_once(
        self, store: MemoryStore, clock: Clock
    ) -> None:
        said = [
            ("a", "/w", "one"),
            ("b", "/w", "two"),
            ("c", "/other", "three"),
            ("d", "/w", "one"),
            ("e", "/w", "xxxx"),
        ]
        for name, workspace, text in said:
            clock.now += 1
            await store.begin_run(
                new_run(f"run_{name}", name, workspace=workspace, user_message=text), "Title"
            )
        assert await store.sent_messages("/w", limit=9, most_chars=3) == ["one", "two"]
        assert await store.sent_messages("/w", limit=2, most_chars=9) == ["xxxx", "one"]
        await store.stop_run(RunKey("run_b", "b", 1), interrupted())
        store.live_runs.clear()
        await store.delete_thread("b")
        assert await store.sent_messages("/w", limit=9, most_chars=3) == ["one"]

    async def test_a_text_is_found_in_messages_results_and_calls_of_a_thread_whatever_the_case(
        self, store: MemoryStore
    ) -> None:
        run = (await begin(store)).run
        _, effects = await answer(store, run, proposed("a"), proposed("Ärger_50%"), text="Look at ÄRGER_50%")
        for effect in effects:
            await settle(store, run, effect)
        heads = await store.message_heads("th")
        by_role = {(head.role, n): head.seq for n, head in enumerate(heads)}
        assert await store.find_in_thread("th", "ärger_50%") == [
            (by_role["assistant", 1], 1),
            (by_role["call", 3], 2),
        ]
        assert await store.find_in_thread("th", "result of") == [
            (by_role["call", 2], 1),
            (by_role["call", 3], 1),
        ]
        assert await store.find_in_thread("th", "GO") == [(by_role["user", 0], 1)]
        assert await store.find_in_thread("th", "") == []
        assert await store.find_in_thread("nowhere", "go") == []

    async def test_a_fork_is_searched_with_what_it_reads_in_its_source(self, store: MemoryStore) -> None:
        run = (await begin(store)).run
        await answer(store, run, text="needle above", stop=RunStop("completed", result={"final_text": "x"}))
        fork = await store.fork_run("run_1", 1, "needle below")
        assert await store.find_in_thread(fork, "needle") == [(2, 1), (3, 1)]
        assert await store.find_in_thread("th", "needle") == [(2, 1)]

    async def test_several_preferences_are_kept_at_once(self, store: MemoryStore) -> None:
        await store.set_preferences({"a": "1", "b": "2"})
        await store.set_preferences({"a": None, "b": "3", "c": "4"})
        assert [await store.get_preference(key) for key in "abc"] == [None, "3", "4"]
