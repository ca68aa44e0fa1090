"""A conversation far longer than its model's context, whose process is killed again and again.

    python -m tests.crash.long_talk --turns 500 --window 8000 --kills 12

The model is a server on loopback that refuses every request over so many tokens, as it counts them. Each turn is a
message, an answer with calls, their results, and a last answer. In turn 3 a word is told; now and then the word is
asked for, and the server can only give it where it stands in the request. All requests are captured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from afk.agents import Agent
from afk.core import Runner, RunnerConfig
from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import ChatMessage, ModelRequest
from afk.llms.summary_request import record_in
from afk.memory import SQLiteMemoryStore
from afk.tools import ToolContext, tool
from tests.memory.children import environment
from tests.support.model_replies import Call, Reply, calls, status, text
from tests.support.model_server import ModelServer

WORD = "heron"
TOLD_IN, ASKED_EVERY = 3, 20
GIVE_UP_AFTER_S = 1_800
RESULT = "The lamp was trimmed and the glass was cleaned; the wind came from the west, as it had before. " * 4
SAYS = "It is done, and written down in the book, with the hour and with what came of it. " * 3
_TURN = re.compile(r"Turn (\d+)[.:]")
_FACT = re.compile(r"The word is (\w+)\.")


@dataclass(frozen=True)
class Talk:
    """`window`: tokens that the server takes. `knows`: the runner is told so; else it has to learn."""

    turns: int
    window: int
    kills: int
    seed: int = 1
    knows: bool = False


@dataclass
class Heard:
    """What came of it. `growth`: bytes that a turn added to the database, in each fifth of the conversation."""

    refused: list[int] = field(default_factory=list[int])
    largest: int = 0
    requests: int = 0
    kills: int = 0
    summaries: int = 0
    rounds: int = 0
    answers: list[str] = field(default_factory=list[str])
    malformed: list[str] = field(default_factory=list[str])
    out_of_order: list[str] = field(default_factory=list[str])
    growth: list[int] = field(default_factory=list[int])
    ledger: list[str] = field(default_factory=list[str])
    runs: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    integrity: str = ""
    took_s: float = 0.0


def tokens_of(request: dict[str, Any]) -> int:
    """As this server counts: four characters each."""
    return len(json.dumps([request["messages"], request.get("tools")], ensure_ascii=False)) // 4


class Keeper:
    """The model behind the server. It remembers nothing: all that it says follows from the request."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.heard = Heard()

    def reply(self, request: dict[str, Any]) -> Reply:
        tokens = tokens_of(request)
        self.heard.requests += 1
        if tokens > self.talk.window:
            self.heard.refused.append(tokens)
            said = f"maximum context length is {self.talk.window} tokens. However, your request has {tokens}"
            return status(400, message=f"This model's {said} input tokens.")
        self.heard.largest = max(self.heard.largest, tokens)
        self.heard.out_of_order += _out_of_order(request["messages"])
        if (summary := self._summary(request)) is not None:
            self.heard.rounds += 1
            return text(summary, chunk_chars=200)
        return self._answer(request["messages"])

    def _summary(self, request: dict[str, Any]) -> str | None:
        messages = tuple(ChatMessage(m["role"], m["content"]) for m in request["messages"])
        wanted = record_in(ModelRequest("m", messages))
        if wanted is None:
            return None
        told = "\n".join(part or "" for part in wanted)
        turns = [int(n) for n in _TURN.findall(told)]
        fact = _FACT.search(told)
        return f"{fact[0] if fact else 'No word was told.'} Summarised up to turn {max(turns, default=0)}."

    def _answer(self, messages: list[dict[str, Any]]) -> Reply:
        asked = max(n for n, m in enumerate(messages) if m["role"] == "user" and _TURN.match(m["content"]))
        turn = int(_TURN.match(messages[asked]["content"])[1])  # type: ignore[index]
        since = messages[asked + 1 :]
        if "Which word" in messages[asked]["content"]:
            facts = {found for m in messages for found in _FACT.findall(m["content"])}
            return text(f"The word was {' or '.join(sorted(facts)) or 'not told'}.", chunk_chars=50)
        results = sum(1 for m in since if m["role"] == "tool")
        if results == 0:
            wanted = [Call("look", {"what": f"{turn}"}, f"look_{turn}")]
            if turn % 3 == 0:
                wanted.append(Call("note", {"what": f"{turn}"}, f"note_{turn}"))
            return calls(*wanted, text=f"I look. {SAYS}", chunk_chars=100, call_chunk_chars=50)
        return text(f"Answer to {turn}. {SAYS}", chunk_chars=100)


def _out_of_order(messages: list[dict[str, Any]]) -> list[str]:
    """Results that do not stand right behind their calls, in the order of these."""
    waiting: list[str] = []
    wrong: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if not waiting or waiting.pop(0) != message["tool_call_id"]:
                wrong.append(f"a result out of place: {message['tool_call_id']}")
            continue
        if waiting:
            wrong.append(f"calls without results: {waiting}")
        waiting = [call["id"] for call in message.get("tool_calls") or []]
    return wrong


def message_of(turn: int) -> str:
    if turn == TOLD_IN:
        return f"Turn {turn}: The word is {WORD}. Remember it. {RESULT}"
    if turn % ASKED_EVERY == 0:
        return f"Turn {turn}: Which word did I tell you?"
    return f"Turn {turn}: see to the lamp. {SAYS}"


# the process that is killed


async def talk_on(folder: Path, base_url: str, talk: Talk) -> None:
    """Go on with the run that was left open, then with the turns that are left."""

    @tool(effect="read")
    async def look(what: str) -> str:
        """Look at the lamp."""
        return f"Seen in turn {what}. {RESULT}"

    @tool(effect="idempotent", approval="never")
    async def note(ctx: ToolContext, what: str) -> str:
        """Write into the book."""
        descriptor = os.open(folder / "ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{what} {ctx.idempotency_key}\n".encode())
        os.close(descriptor)
        return f"Noted in turn {what}."

    agent = Agent(name="keeper", model="lamp-model", instructions="Keep the light.", tools=[look, note])
    config = RunnerConfig(
        context_window_tokens=talk.window if talk.knows else None, answer_tokens=400, retry_base_delay_s=0.01
    )
    store = SQLiteMemoryStore(folder / "afk.db")
    async with Runner(memory_store=store, llm=OpenAIChat(base_url=base_url), config=config) as runner:
        runs = await runner.list_runs("th", limit=10_000)
        if runs and runs[0].state not in ("completed", "failed", "degraded"):
            result = await runner.resume(agent, run_id=runs[0].run_id, thread_id="th")
            assert result.state == "completed", result.interruption
        for turn in range(len(runs) + 1, talk.turns + 1):
            result = await runner.run(agent, user_message=message_of(turn), thread_id="th")
            assert result.state == "completed", result.interruption
            await asyncio.to_thread(_note_size, folder, turn)


def _note_size(folder: Path, turn: int) -> None:
    with closing(sqlite3.connect(folder / "afk.db")) as db:
        pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    with (folder / "sizes").open("a") as file:
        file.write(f"{turn} {pages * size}\n")


# the one that kills it


def hear(talk: Talk, folder: Path) -> Heard:
    """Have the conversation in processes of its own, and kill them at random moments until `kills` are used up."""
    random = Random(talk.seed)
    keeper = Keeper(talk)
    began = time.monotonic()
    # roughly what all turns ask for, so that the kills are spread over all of them
    per_kill = max(1, talk.turns * 2 // (talk.kills + 1))
    with ModelServer(keeper.reply) as server:
        ended: int | None = None
        while ended != 0:
            kill_at: int | None = None
            if keeper.heard.kills < talk.kills:
                kill_at = len(server.exchanges) + random.randint(max(1, per_kill // 2), per_kill)
            ended = _play(talk, folder, server, kill_at, random.uniform(0, 0.03))
            assert ended in (0, -signal.SIGKILL), f"a process ended with {ended}"
            keeper.heard.kills += ended != 0
        keeper.heard.malformed = list(server.refused)
    heard = keeper.heard
    heard.took_s = time.monotonic() - began
    _read(heard, folder)
    return heard


def _play(talk: Talk, folder: Path, server: ModelServer, kill_at: int | None, delay_s: float) -> int:
    """One process, killed a moment after so many requests were seen; how it ended."""
    order = json.dumps({"talk": asdict(talk), "folder": str(folder), "base_url": server.base_url})
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.long_talk", "--child", order], env=environment()
    )
    try:
        while kill_at is not None and child.poll() is None:
            if len(server.exchanges) >= kill_at:
                time.sleep(delay_s)  # any moment of what follows
                os.kill(child.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
        return child.wait(timeout=GIVE_UP_AFTER_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _read(heard: Heard, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "afk.db")) as db:
        heard.integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
        heard.runs = db.execute("SELECT state, count(*) FROM run GROUP BY state").fetchall()
        heard.summaries = db.execute("SELECT count(*) FROM state WHERE key = 'summary'").fetchone()[0]
        heard.answers = [
            row[0]
            for row in db.execute("SELECT text FROM message WHERE text LIKE 'The word was%' ORDER BY seq")
        ]
    heard.ledger = (folder / "ledger").read_text().splitlines()
    sizes = [
        (int(turn), int(size)) for turn, size in map(str.split, (folder / "sizes").read_text().splitlines())
    ]
    fifths = [sizes[n * (len(sizes) - 1) // 5] for n in range(6)]
    heard.growth = [(size - before) // (turn - since) for (since, before), (turn, size) in pairwise(fifths)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--window", type=int, default=8_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--knows", action="store_true", help="the window is told, so that nothing is refused")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        order = json.loads(given.child)
        asyncio.run(talk_on(Path(order["folder"]), order["base_url"], Talk(**order["talk"])))
        return
    with tempfile.TemporaryDirectory() as folder:
        heard = hear(Talk(given.turns, given.window, given.kills, given.seed, given.knows), Path(folder))
    print(f"{given.turns} turns, {heard.kills} kills, {heard.requests} requests in {heard.took_s:.0f} s")
    print(f"largest request taken: {heard.largest} of {given.window} tokens; refused: {heard.refused}")
    print(f"summaries: {heard.summaries}, in {heard.rounds} requests for one")
    print(f"malformed: {heard.malformed}; out of order: {heard.out_of_order}")
    print(f"asked for the word of turn {TOLD_IN}: {sorted(set(heard.answers))}, {len(heard.answers)} times")
    print(f"bytes on disk for each turn, fifth by fifth: {heard.growth}")
    print(f"integrity: {heard.integrity}; runs: {heard.runs}; notes: {len(heard.ledger)}")


if __name__ == "__main__":
    main()
