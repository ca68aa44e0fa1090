"""A change of a long thread costs what changed, not how long the thread is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from afk_tui.gateway import sources, texts
from afk_tui.gateway.gateway import Gateway
from tests.screens.history_kit import gateway_at, said, until
from tests.support.tables import writable


def add_answers(tmp_path: Path, thread: str, texts: list[str]) -> None:
    """Answers of another process, behind what there is."""
    db = writable(tmp_path / "afk.db")
    with db:
        db.execute("PRAGMA busy_timeout = 10000")
        (at,) = db.execute("SELECT head_seq FROM thread WHERE id = ?", (thread,)).fetchone()
        db.executemany(
            "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " VALUES (?, ?, 'assistant', ?, 1, 'run_x', 1, ?)",
            [(thread, at + 1 + n, len(text), text) for n, text in enumerate(texts)],
        )
        db.execute("UPDATE thread SET head_seq = head_seq + ? WHERE id = ?", (len(texts), thread))
    db.close()


async def watched(gateway: Gateway) -> list[tuple[int, int]]:
    """(heads, messages) that the store hands out with each question from now on."""
    asked: list[tuple[int, int]] = []
    store = gateway._store
    heads, before, read_range = store.message_heads, store.heads_before, store.read_range

    async def count_heads(thread_id, **options):
        found = await heads(thread_id, **options)
        asked.append((len(found), 0))
        return found

    async def count_before(*args):
        found = await before(*args)
        asked.append((len(found), 0))
        return found

    async def count_messages(*args):
        found = await read_range(*args)
        asked.append((0, len(found[0])))
        return found

    store.message_heads, store.heads_before, store.read_range = count_heads, count_before, count_messages
    return asked


async def test_what_came_is_read_and_nothing_else(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_answers(tmp_path, thread, [f"old {n}" for n in range(3000)])
        source = gateway.conversation(thread)
        await source.heads()
        asked = await watched(gateway)
        assert await source.changed() == ([], False)
        assert asked == [(0, 0)]
        add_answers(tmp_path, thread, ["one more", "and another"])
        items, anew = await source.changed()
        assert ([item.text for item in items], anew) == (["one more", "and another"], False)
        assert asked[1:] == [(2, 0), (0, 2)]
        assert [item.text for item in await source.load(3003, 3006)] == [
            "old 2999",
            "one more",
            "and another",
        ]


async def test_a_call_that_may_still_change_is_read_again_wherever_it_stands(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await gateway.send(None, "write b.txt: hello")
        await until(gateway.requests)
        source = gateway.conversation(thread)
        heads = await source.heads()
        items = await source.load(0, len(heads))
        (call,) = [item for item in items if item.kind == "call"]
        assert call.status == "waiting"
        add_answers(tmp_path, thread, [f"much later {n}" for n in range(150)])
        await source.changed()
        asked = await watched(gateway)
        (request,) = await gateway.requests()
        await gateway.decide(request, "deny")
        await until(lambda: _is_denied(source, call.key))
        assert max(messages for _, messages in asked) < 10


async def _is_denied(source: sources.ConversationSource, key: str) -> bool:
    items, _ = await source.changed()
    return any(item.key == key and item.status == "denied" for item in items)


async def test_very_much_at_once_is_read_anew_and_two_who_ask_at_once_get_each_item_once(
    tmp_path: Path,
) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        source = gateway.conversation(thread)
        before = len(await source.heads())
        add_answers(tmp_path, thread, ["x"] * 150)
        (first, _), (second, _) = await asyncio.gather(source.changed(), source.changed())
        assert sorted((len(first), len(second))) == [0, 150]
        assert len(source._seqs) == before + 150
        add_answers(tmp_path, thread, ["x"] * (sources.READ_ANEW + 1))
        assert await source.changed() == ([], True)


async def test_the_last_answer_is_looked_for_from_the_end(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_answers(tmp_path, thread, [f"answer {n}" for n in range(3_000)])
        messages = await gateway._store.messages(thread)
        asked = await watched(gateway)
        assert await gateway.texts.last_answer(thread) == f"m{messages[-1].seq}"
        assert sum(heads for heads, _ in asked) <= texts.LOOKED_BACK
        with writable(tmp_path / "afk.db") as db:
            db.execute("UPDATE message SET role = 'user' WHERE seq > ?", (messages[-121].seq,))
        db.close()
        asked.clear()
        assert await gateway.texts.last_answer(thread) == f"m{messages[-121].seq}"
        assert sum(heads for heads, _ in asked) <= 3 * texts.LOOKED_BACK


async def test_what_was_queued_is_sent_without_reading_the_thread(tmp_path: Path) -> None:
    async with gateway_at(tmp_path) as gateway:
        thread = await said(gateway, "list .")
        add_answers(tmp_path, thread, [f"answer {n}" for n in range(3_000)])
        await gateway.queue.add(thread, "help")
        asked = await watched(gateway)
        sent: list[str] = []

        async def send(_thread_id: str, text: str) -> None:
            sent.append(text)

        gateway.queue._send = send
        await gateway.queue.send_first(thread)
        assert sent == ["help"]
        assert sum(heads + messages for heads, messages in asked) <= 1
