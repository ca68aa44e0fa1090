"""The search index: what is found with it is what a look through every message finds, whatever happened to either."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import search, search_index
from tests.core.kit import rows
from tests.memory.children import line_of, start_code
from tests.memory.kit import begin, interrupted, key_of
from tests.memory.test_migrations import make_first_version
from tests.support.tables import writable

LATIN = """alpha beta gamma README config.toml snake_case 100% back\\slash "quoted" it's a.b.c -- :: ( ) NEAR AND OR"""
OTHERS = "NOT x* ^y foo:bar Ärger ÄRGER straße 東京 東京都 京都府 ありがとう привет ПРИВЕТ e\u0301 🙂🙂🙂"
WORDS = f"{LATIN} {OTHERS}".split()
QUERIES = (
    *(
        "alpha",
        "LPH",
        "beta gamma",
        "gamma beta",
        "config.",
        "ase 1",
        "0%",
        "k\\s",
        '"quoted"',
        '""',
        '"',
        "it's",
    ),
    *("ärger", "ÄRGER", "東京", "京都", "京", "ありが", "привет", "рив", "🙂", "🙂🙂", "🙂🙂🙂🙂", "e\u0301"),
    *("a.b", "::", "(", "NEAR", "x*", "^y", "foo:bar", "foo:", "nothing at all", "zz", "q", "%", "_"),
    *('"alpha beta"', "alpha " * 40),
)


def add_messages(path: Path, texts: list[str], thread: str = "th", role: str = "user") -> None:
    """Messages behind those that a thread has."""
    db = writable(path)
    with db:
        db.execute("PRAGMA busy_timeout = 10000")
        at = db.execute(
            "SELECT coalesce(max(seq), 0) FROM message WHERE thread_id = ?", (thread,)
        ).fetchone()[0]
        db.executemany(
            "INSERT INTO message (thread_id, seq, role, chars, lines, run_id, created_at_ms, text)"
            " VALUES (?, ?, ?, ?, 1, 'run_1', 1, ?)",
            [(thread, at + 1 + n, role, len(text), text) for n, text in enumerate(texts)],
        )
    db.close()


@asynccontextmanager
async def store_at(path: Path, *threads: str) -> AsyncGenerator[SQLiteMemoryStore]:
    """A store whose file has these threads, nothing of which runs."""
    store = SQLiteMemoryStore(path)
    await store.open()
    for thread in threads:
        run = (await begin(store, f"run_{thread}", thread)).run
        await store.stop_run(key_of(run), interrupted())
        store.live_runs.clear()
    yield store
    await store.close()


async def index_all(store: SQLiteMemoryStore) -> None:
    while await store.index_messages():
        pass


async def found(store: SQLiteMemoryStore, text: str) -> list[tuple[str, int | None]]:
    hits = await store.find(text, limit=100_000)
    return [(hit.thread_id, hit.seq) for hit in hits if hit.role != "thread"]


def random_texts(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, 12))) for _ in range(count)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few messages, so that a small file has many."""
    monkeypatch.setattr(search_index, "BLOCK_CHARS", 300)


async def test_with_the_index_exactly_that_is_found_which_is_found_without_it(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th", "other") as store:
        add_messages(path, random_texts(1, 150))
        add_messages(path, random_texts(2, 150), "other", "tool")
        without = {query: await found(store, query) for query in QUERIES}
        await index_all(store)
        assert await store.search_index_state() == "sound"
        assert len(rows(path, "SELECT 1 FROM message_block WHERE state = 'indexed'")) > 20
        assert {query: await found(store, query) for query in QUERIES} == without
    assert all(without[query] for query in ("LPH", "京都", "京", "🙂🙂", "k\\s", '"quoted"', "::", "^y"))
    assert without["nothing at all"] == without["zz"] == []
    assert without["ärger"] == without["ÄRGER"]


async def test_a_search_reads_only_the_stretches_that_the_index_names_and_what_is_not_in_it_yet(
    tmp_path: Path,
) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, [f"hay {n} " * 20 for n in range(200)])
        add_messages(path, ["a needle 東京 ok"])
        add_messages(path, [f"hay {n} " * 20 for n in range(200)])
        await index_all(store)
        add_messages(path, ["the last needle"])
        for word in ("needle", "eedl", "東京", "京"):
            spans = await store._connection.read(search_index.spans_for, [word])
            assert len(spans) == 2, word
            assert sum(last - first + 1 for first, last in spans) < 20
        assert await found(store, "needle") == [("th", 403), ("th", 202)]


async def test_what_was_deleted_is_found_no_more_and_what_takes_its_place_in_the_file_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th", "goes", "stays") as store:
        add_messages(path, [f"common stays {n}" for n in range(50)], "stays")
        add_messages(path, [f"common goes {n}" for n in range(50)], "goes")
        await index_all(store)
        last = rows(path, "SELECT max(n) FROM message")
        await store.delete_thread("goes", keep=True)
        assert await found(store, "common goes") == []
        await store.restore_thread("goes")
        assert len(await found(store, "common goes")) == 50
        await store.delete_thread("goes")
        add_messages(path, [f"newcomer {n}" for n in range(20)], "th")
        assert rows(path, "SELECT max(n) FROM message") < last  # places of the file are used again
        assert (len(await found(store, "newcomer")), await found(store, "goes 7")) == (20, [])
        await index_all(store)
        assert (len(await found(store, "newcomer")), len(await found(store, "common"))) == (20, 50)
        assert await store.search_index_state() == "sound"


async def test_nothing_of_a_deleted_text_stays_in_the_index_once_it_was_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th", "secret") as store:
        add_messages(path, ["hay " * 100] * 20)
        add_messages(path, ["sk-qzxwv " * 40] * 20, "secret")
        await index_all(store)
        assert rows(path, "SELECT 1 FROM message_term WHERE term = 'qzx'") == [(1,)]
        await store.delete_thread("secret")
        await index_all(store)
        assert rows(path, "SELECT 1 FROM message_term WHERE term = 'qzx'") == []
        assert len(await found(store, "hay")) == 20
    assert b"qzx" not in path.read_bytes()


KILLED = """
import asyncio, sys
from afk.memory import SQLiteMemoryStore
from afk.memory.sqlite import search_index
search_index.BLOCK_CHARS = 300

async def main():
    store = SQLiteMemoryStore(sys.argv[1])
    await store.open()
    print("ready", flush=True)
    while await store.index_messages():
        print("x", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [0, 1, 7])
async def test_a_process_killed_while_it_indexes_leaves_an_index_that_is_gone_on_with(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, random_texts(3, 200))
        expected = {query: await found(store, query) for query in QUERIES}
    process = start_code(KILLED, path)
    for _ in range(1 + after):
        line_of(process)
    process.kill()
    process.communicate()
    async with store_at(path) as store:
        assert await store.search_index_state() in ("none", "sound")
        assert {query: await found(store, query) for query in QUERIES} == expected
        await index_all(store)
        assert await store.search_index_state() == "sound"
        assert {query: await found(store, query) for query in QUERIES} == expected
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_two_processes_may_index_at_once(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as one, store_at(path) as other:
        add_messages(path, random_texts(4, 300))
        expected = await found(one, "alpha")
        await asyncio.gather(index_all(one), index_all(other))
        assert await found(other, "alpha") == expected
        assert await one.search_index_state() == "sound"
        blocks = rows(path, "SELECT first, last FROM message_block ORDER BY first")
        assert all(a[1] < b[0] for a, b in pairwise(blocks))


DAMAGE = (
    "DROP TABLE message_index_data",
    "DROP TABLE message_index_idx",
    "DROP TABLE message_index_config",
    "DELETE FROM message_index_data",
    "DELETE FROM message_index_config",
    "UPDATE message_index_data SET block = x'0102030405' WHERE id > 10",
    "DROP TABLE message_term",
)


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_index_loses_nothing_and_is_made_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, random_texts(5, 100))
        expected = {query: await found(store, query) for query in QUERIES}
        await index_all(store)
    db = writable(path)
    with db:
        db.execute(damage)
    db.close()
    async with store_at(path, "more") as store:
        assert await store.search_index_state() == "damaged"
        assert {query: await found(store, query) for query in ("alpha", "京", "gamma beta")} == {
            query: expected[query] for query in ("alpha", "京", "gamma beta")
        }
        add_messages(path, ["and so on " * 40], "more")
        await index_all(store)
        assert await store.search_index_state() == "sound"
        assert {query: await found(store, query) for query in QUERIES} == expected


async def test_an_index_that_is_silently_wrong_is_seen_by_who_looks_at_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, random_texts(6, 50))
        await index_all(store)
        rows_of = "INSERT INTO message_index (message_index) VALUES ('delete-all')"
        await store._connection.write("NORMAL", lambda db: db.execute(rows_of))
        assert await store.search_index_state() == "damaged"
        await store.forget_search_index()
        await index_all(store)
        assert await store.search_index_state() == "sound"
        assert await found(store, "alpha")


async def test_without_fts5_everything_is_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "_MAKE", ("CREATE VIRTUAL TABLE message_index USING fts_none (text)",))
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, random_texts(7, 100))
        with pytest.raises(Exception, match="no such module"):
            await index_all(store)
        assert await found(store, "alpha")
        assert rows(path, "SELECT count(*) FROM message_block") == [(0,)]


async def test_a_message_too_large_for_the_index_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "LARGEST_CHARS", 1000)
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, ["hay " * 100, f"{'straw ' * 400} needle", "hay " * 100, "hay " * 100])
        await index_all(store)
        assert rows(path, "SELECT first, last FROM message_block WHERE state = 'large'") == [(3, 3)]
        assert await found(store, "needle") == [("th", 3)]
        assert len(await store._connection.read(search_index.spans_for, ["nothing"])) == 1
        await store.delete_thread("th")
        assert await found(store, "needle") == []


async def test_an_older_file_is_opened_without_indexing_it_and_searched_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    make_first_version(path)
    db = writable(path)
    with db:
        db.execute("INSERT INTO thread VALUES ('th', 'T', 'bot', '/w', 1, 1, 'run_1', 0, 0, 0, NULL, NULL)")
    db.close()
    add_messages(path, random_texts(8, 300))
    async with store_at(path) as store:
        assert rows(path, "SELECT count(*) FROM message_block") == [(0,)]
        assert not rows(path, "SELECT 1 FROM sqlite_master WHERE name = 'message_index'")
        expected = {query: await found(store, query) for query in QUERIES}
        assert expected["alpha"]
        while await store.index_messages():
            assert await found(store, "京都") == expected["京都"]
        assert {query: await found(store, query) for query in QUERIES} == expected


async def test_a_step_of_a_run_writes_nothing_to_the_index(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, random_texts(9, 100))
        await index_all(store)
        before = rows(path, "SELECT id, length(block) FROM message_index_data")
        for n in range(20):
            run = (await begin(store, f"run_{n}", f"th_{n}")).run
            await store.stop_run(key_of(run), interrupted())
            store.live_runs.clear()
        assert rows(path, "SELECT id, length(block) FROM message_index_data") == before


def test_words_are_taken_apart_and_what_is_in_quotes_is_not() -> None:
    assert search.passes_of("  ") == ()
    assert search.passes_of(" one ") == (search.Sought(("one",)),)
    assert search.passes_of('two "three four" two') == (
        search.Sought(('two "three four" two',)),
        search.Sought(("two", "three four"), is_text=False),
    )
    assert search.passes_of('"open')[-1] == search.Sought(("open",), is_text=False)


async def test_what_is_nowhere_as_it_was_typed_is_found_by_its_words(tmp_path: Path) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, ["the database was migrated", "a migration", "migrate the Database", "data base"])
        hits = await store.find("database migrat")
        assert [(hit.seq, hit.by_words) for hit in hits] == [(4, True), (2, True)]
        assert [(hit.seq, hit.by_words) for hit in await store.find("database was")] == [(2, False)]
        assert await store.find('"database migrat"') == []


async def test_a_message_that_forks_read_is_found_once_and_in_a_fork_when_its_thread_is_deleted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        fork = await store.fork_run("run_th", 0, None)
        deeper = await store.fork_run((await store.list_runs(fork))[0].run_id, 0, None)
        assert await found(store, "go") == [("th", 1)]
        await index_all(store)
        await store.delete_thread("th")
        assert await found(store, "go") == [(fork, 1)]
        await store.delete_thread(fork, keep=True)
        assert await found(store, "go") == [(deeper, 1)]
        await store.delete_thread(deeper)
        assert await found(store, "go") == []


async def test_an_archived_thread_is_found_and_said_to_be_archived(tmp_path: Path) -> None:
    async with store_at(tmp_path / "afk.db", "th") as store:
        await store.archive_thread("th")
        assert {(hit.role, hit.is_archived) for hit in await store.find("o")} == {("user", True)}
        assert [(hit.role, hit.is_archived) for hit in await store.find("title")] == [("thread", True)]


async def test_hits_are_told_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SLICE_S", 0.0)
    path = tmp_path / "afk.db"
    async with store_at(path, "th") as store:
        add_messages(path, [f"needle {n}" if n % 150 == 0 else "hay" for n in range(600)])
        told: list[int] = []
        hits = await store.find("needle", so_far=lambda found: told.append(len(found)))
        assert told == [1, 2, 3, 4]
        assert len(hits) == 4
