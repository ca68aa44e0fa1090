"""Pictures of what goes wrong: a model that does not answer, a disk that is full, a run that another process has."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from afk.llms.protocol import ModelError, ModelErrorKind
from screenshots.stage import Stage

FAILURES: dict[ModelErrorKind, tuple[str, str]] = {
    "auth": ("error-key", "The server at api.example.org refused the key (401)."),
    "context_length": ("error-too-long", "The request has 131,500 tokens, and the model takes 128,000."),
}
AWAY = ModelError("unavailable", "Nothing answers at api.example.org: the connection was refused.")
TOO_OFTEN = ModelError(
    "rate_limit", "Rate limit reached for requests per minute.", status=429, retry_after_s=42.0
)
LONG_COMMAND = "run: while [ ! -f go ]; do sleep 0.02; done; seq 20000"

# what another process does in the same database: it begins a run, says so and stays
OTHER = """
import asyncio, sys
from afk.agents import Agent
from afk.core import Runner
from afk.llms.demo import DemoModel
from afk.memory import SQLiteMemoryStore
from afk.tools.workspace import workspace_tools

async def main(db, folder, at_ms):
    numbers = iter(range(9000, 9999))
    store = SQLiteMemoryStore(db, clock=lambda: int(at_ms), new_id=lambda kind: f"{kind}_{next(numbers)}")
    agent = Agent(name="assistant", instructions="", tools=workspace_tools())
    async with Runner(memory_store=store, llm=DemoModel(delta_delay_s=60.0), workspace=folder) as runner:
        await runner.run_handle(agent, user_message="tell a long story")
        print("begun", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


async def failures(shown: Stage, folder: Path) -> None:
    """What stands there, and what to press, when the model did not answer."""
    for kind, (name, message) in FAILURES.items():
        await shown.pilot.press("ctrl+n")
        await shown.until(lambda: shown.main.thread_id is None, "a new thread")
        shown.model.fails = ModelError(kind, message)
        await shown.say("How many lines has todo.md?")
        await shown.until_standing("stopped")
        await shown.shoot(folder / f"{name}.svg")
        shown.model.fails = None
        shown.clock.move(7)


async def waiting(shown: Stage, folder: Path) -> None:
    """A rate limit, counted down; then a server that is away, however often it is asked."""
    shown.model.fails = TOO_OFTEN
    await shown.say("How many lines has todo.md?")
    await shown.until(lambda: "asked again in 42 s" in _said(shown), "the countdown")
    await shown.shoot(folder / "error-rate-limit.svg")
    shown.model.fails = AWAY
    await _ask_until_given_up(shown)
    await shown.shoot(folder / "error-away.svg")


async def _ask_until_given_up(shown: Stage) -> None:
    while "The server is away." not in shown.text:
        await shown.pilot.press("ctrl+r")
        await asyncio.sleep(0.02)
    await shown.until_standing("stopped")


def _said(shown: Stage) -> str:
    """What is said beside the list of threads, however its lines are broken."""
    return " ".join(line.partition("▕")[2].strip() for line in shown.text.splitlines())


async def full_disk(shown: Stage, folder: Path) -> None:
    """A result for which there was no room; and before that, what leaving asks while a command runs."""
    await shown.say(LONG_COMMAND)
    await shown.until_standing("waiting")
    await shown.open_request()
    await shown.allow()
    await shown.until(lambda: "running" in shown.text, "the command to run")
    await shown.pilot.press("ctrl+q")
    await shown.until_screen("ConfirmScreen")
    await shown.until(lambda: "and enter, a letter" in shown.text, "the question to hear keys")
    await shown.shoot(folder / "quit.svg")
    await shown.pilot.press("b")
    await shown.until_screen("MainScreen")
    await shown.store._connection._send(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall(), "read")
    (shown.folder / "go").touch()
    await shown.until(lambda: "the disk is full" in _said(shown), "what went wrong")
    await shown.until(lambda: not shown.app._notifications, "what is said in passing to be gone")
    await shown.shoot(folder / "error-disk-full.svg")


async def elsewhere(shown: Stage, folder: Path) -> None:
    """A run that goes on in another process."""
    arguments = [str(shown.store.path), str(shown.folder), str(shown.clock())]
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"begun\n"
        await shown.until(lambda: "tell a long story" in shown.text, "its thread")
        [thread] = await shown.main.gateway.threads(everywhere=False).page(0, 10)
        await shown.main.open_thread(thread.thread_id)
        await shown.until(lambda: "another process" in shown.text, "that it is elsewhere")
        await shown.shoot(folder / "elsewhere.svg")
    finally:
        other.kill()
        await other.wait()
