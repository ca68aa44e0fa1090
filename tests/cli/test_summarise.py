"""`summarise`: what came of it is said, the conversation is as it was where it failed, and no message is removed."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from afk.agents import Agent
from afk.core import Runner
from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from tests.cli.kit import Cli, wait_for
from tests.core.kit import rows
from tests.support.model_server import ModelServer, text

FILLER = "word " * 120


@pytest.fixture
def thread_id(cli: Cli) -> str:
    """A thread of six long messages and their answers."""

    async def talk() -> str:
        agent = Agent(name="assistant", model="demo-model")
        async with Runner(memory_store=SQLiteMemoryStore(cli.db), llm=DemoModel()) as runner:
            for n in range(6):
                await runner.run(agent, user_message=f"Question {n}. {FILLER}", thread_id="th")
        return "th"

    return asyncio.run(talk())


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer([text("What mattered.")], repeat_last=True) as server:
        yield server


def test_the_summary_and_what_it_stands_for_are_printed_and_no_message_is_removed(
    cli: Cli, thread_id: str
) -> None:
    before = cli("export", thread_id, "--format", "json").expect(0).json
    done = cli("summarise", thread_id).expect(0)
    assert done.out.startswith("Asked so far:\n- Question 0.")
    assert "messages summarised by" in done.err
    after = cli("export", thread_id, "--format", "json").expect(0).json
    assert after["messages"] == before["messages"]


def test_as_json_it_is_the_row_on_disk(cli: Cli, thread_id: str) -> None:
    made = cli("summarise", thread_id, "--keep-recent", "4", "--json").expect(0).json
    assert (made["through_seq"], made["made_by"], made["verbatim"]) == (8, "person", [1])
    assert made["message_count"] == 7
    ((value,),) = rows(cli.db, "SELECT value FROM state WHERE key = 'summary'")
    assert json.loads(value)["text"] == made["text"]
    anew = cli("summarise", thread_id, "--anew", "--json").expect(0).json
    assert (anew["previous"], anew["through_seq"]) == (None, 8)


def test_what_can_not_be_summarised_is_an_error_and_nothing_is_written(cli: Cli, thread_id: str) -> None:
    failed = cli("summarise", "thread_none", "--json").expect(1)
    assert "No thread 'thread_none'" in failed.json["error"]
    failed = cli("summarise", thread_id, "--keep-recent", "99", "--json").expect(1)
    assert "nothing to summarise" in failed.json["error"]
    cli("summarise", "").expect(2)
    cli("summarise", thread_id, "--keep-recent", "-1").expect(2)
    assert rows(cli.db, "SELECT 1 FROM state WHERE key = 'summary'") == []


def test_without_a_database_or_a_model_it_says_so(cli: Cli, tmp_path: Path) -> None:
    assert "there is no database" in cli("summarise", "thread_1").expect(1).err
    assert "OPENAI_API_KEY" in cli("summarise", "thread_1", before=("--model", "m")).expect(1).err


def test_a_model_may_be_named_and_it_is_the_one_that_is_asked(
    cli: Cli, thread_id: str, server: ModelServer
) -> None:
    cli.env = {"OPENAI_BASE_URL": server.base_url}
    made = cli("summarise", thread_id, "--json", before=("--model", "other-model")).expect(0).json
    assert (made["text"], made["model"]) == ("What mattered.", "other-model")
    assert [request["model"] for request in server.requests] == ["other-model"]


def test_stopped_while_the_model_writes_it_leaves_everything_as_it_was(cli: Cli, thread_id: str) -> None:
    with ModelServer([text("What mattered.", hold_after=1)]) as server:
        cli.env = {"OPENAI_BASE_URL": server.base_url}
        process = cli.start("summarise", thread_id, before=())
        wait_for(lambda: any(one.held for one in server.exchanges))
        process.send_signal(signal.SIGINT)
        done = cli.finish(process)
    assert done.code == 4
    assert rows(cli.db, "SELECT 1 FROM state WHERE key = 'summary'") == []
    assert rows(cli.db, "SELECT 1 FROM event WHERE type = 'summary_recorded'") == []


def test_how_much_the_model_takes_can_be_said_and_must_be_a_number(cli: Cli, thread_id: str) -> None:
    cli.env = {"AFK_CONTEXT_TOKENS": "1500"}
    document = cli("run", "And now?", "--thread", thread_id, "--json").expect(0).json
    assert document["state"] == "completed"
    assert len(rows(cli.db, "SELECT 1 FROM state WHERE key = 'summary'")) == 1
    cli.env = {"AFK_CONTEXT_TOKENS": "many"}
    assert "AFK_CONTEXT_TOKENS is 'many'" in cli("run", "And now?").expect(1).err
