"""A yes holds for what was shown with it: a file that changed since is not written over, and is asked about again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent
from afk.core import Runner
from afk.memory.records import ApprovalRecord
from afk.tools import Basis, BasisChangedError, ToolContext, replacing, tool
from afk.tools.preview import preview_call
from afk.tools.workspace import workspace_tools
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, call, rows
from tests.memory.children import environment

BOT = Agent(name="bot", model="test-model", instructions="Work.", tools=workspace_tools())
WRITE = call(("write_file", {"path": "hello.txt", "content": "new\n"}))
EDIT = call(("edit_file", {"path": "hello.txt", "old_text": "old", "new_text": "new"}))
CHANGED = "hello.txt changed since you were shown it."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hello.txt"
    path.write_text("old\n")
    return path


async def asked(one: Runner, agent: Agent = BOT) -> ApprovalRecord:
    await one.run(agent, user_message="go", thread_id="th")
    (request,) = await one.list_approvals()
    return request


def shown_now(request: ApprovalRecord, workspace: Path) -> str:
    fingerprint = preview_call(request.tool_name, request.arguments, workspace).fingerprint
    assert fingerprint is not None
    return fingerprint


async def allow(one: Runner, request: ApprovalRecord, shown: str | None, **more: Any) -> None:
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha, shown=shown, **more)


async def go_on(one: Runner, request: ApprovalRecord, agent: Agent = BOT) -> str:
    return (await one.resume(agent, run_id=request.run_id, thread_id="th")).state


@pytest.mark.parametrize("answer", [WRITE, EDIT])
async def test_a_file_that_is_as_it_was_shown_is_written_once(
    runner: MakeRunner, file: Path, tmp_path: Path, answer: Any
) -> None:
    one = runner(ScriptedModel(answer))
    request = await asked(one)
    await allow(one, request, shown_now(request, tmp_path))
    assert await go_on(one, request) == "completed"
    assert file.read_text() == "new\n"


@pytest.mark.parametrize("answer", [WRITE, EDIT])
async def test_a_file_that_changed_since_it_was_shown_is_asked_about_again_and_untouched(
    runner: MakeRunner, file: Path, tmp_path: Path, answer: Any
) -> None:
    one = runner(ScriptedModel(answer))
    request = await asked(one)
    shown = shown_now(request, tmp_path)
    file.write_text("old\nand more\n")
    await allow(one, request, shown)
    assert await go_on(one, request) == "awaiting_approval"
    assert file.read_text() == "old\nand more\n"
    (again,) = await one.list_approvals()
    assert (again.reason, again.kind, again.arguments) == (CHANGED, "call", request.arguments)
    await allow(one, again, shown_now(again, tmp_path))
    assert await go_on(one, request) == "completed"
    assert file.read_text().startswith("new\n")


@pytest.mark.parametrize("then", ["appears", "goes", "leads elsewhere", "holds the same under another name"])
async def test_a_file_that_came_or_went_or_is_another_one_has_changed_too(
    runner: MakeRunner, tmp_path: Path, then: str
) -> None:
    path = tmp_path / "hello.txt"
    if then != "appears":
        path.write_text("old\n")
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    shown = shown_now(request, tmp_path)
    if then == "appears":
        path.write_text("somebody's\n")
    else:
        path.unlink()
    if then == "leads elsewhere":
        (tmp_path / "other.txt").write_text("other\n")
        path.symlink_to("other.txt")
    if then.startswith("holds"):
        (tmp_path / "other.txt").write_text("old\n")
        path.symlink_to("other.txt")
    before = {p.name: p.read_text() for p in tmp_path.glob("*.txt")}
    await allow(one, request, shown)
    assert await go_on(one, request) == "awaiting_approval"
    assert {p.name: p.read_text() for p in tmp_path.glob("*.txt")} == before


async def test_who_was_shown_nothing_is_asked_nothing_more(runner: MakeRunner, file: Path) -> None:
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    file.write_text("changed\n")
    await allow(one, request, None)
    assert await go_on(one, request) == "completed"
    assert file.read_text() == "new\n"


async def test_a_file_touched_and_left_as_it_was_is_no_reason_to_ask(
    runner: MakeRunner, file: Path, tmp_path: Path
) -> None:
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    shown = shown_now(request, tmp_path)
    file.unlink()
    file.write_text("old\n")
    await allow(one, request, shown)
    assert await go_on(one, request) == "completed"


async def test_edited_arguments_are_compared_with_the_file_that_they_name(
    runner: MakeRunner, file: Path, tmp_path: Path
) -> None:
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    edited = {"path": "other.txt", "content": "edited\n"}
    shown = preview_call("write_file", edited, tmp_path).fingerprint
    file.write_text("changed, and not what is written\n")
    await allow(one, request, shown, arguments=edited)
    assert await go_on(one, request) == "completed"
    assert (tmp_path / "other.txt").read_text() == "edited\n"


async def test_a_change_after_the_intent_is_on_disk_is_seen_just_before_the_write(
    runner: MakeRunner, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new content is beside the file already, flushed, when somebody else writes."""
    fsync = os.fsync
    phases: list[str] = []

    def change_and_flush(descriptor: int) -> None:
        fsync(descriptor)
        if not phases:
            phases.extend(phase for (phase,) in rows(tmp_path / "afk.db", "SELECT phase FROM effect"))
            file.write_text("at the last moment\n")

    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    await allow(one, request, shown_now(request, tmp_path))
    monkeypatch.setattr(replacing.os, "fsync", change_and_flush)
    assert await go_on(one, request) == "awaiting_approval"
    assert phases == ["executing"]
    assert file.read_text() == "at the last moment\n"
    assert sorted(p.name for p in tmp_path.glob("*.t*") if p.suffix in (".txt", ".tmp")) == ["hello.txt"]
    (again,) = await one.list_approvals()
    assert again.reason == CHANGED
    assert rows(tmp_path / "afk.db", "SELECT phase, attempt FROM effect") == [("proposed", 0)]
    monkeypatch.undo()
    await allow(one, again, shown_now(again, tmp_path))
    assert await go_on(one, request) == "completed"
    assert file.read_text() == "new\n"


async def test_a_tool_of_ones_own_says_what_its_calls_are_about(runner: MakeRunner, ledger: Ledger) -> None:
    price = ["10"]

    def of_now(*_: object) -> Basis:
        return Basis("the price", price[0])

    @tool(effect="once", basis=of_now)
    async def buy(ctx: ToolContext, what: str) -> str:
        """Buy."""
        if ctx.shown is not None and ctx.shown != price[0]:
            raise BasisChangedError("the price changed")
        ledger.write(f"{what} for {price[0]}")
        return "bought"

    agent = Agent(name="bot", model="test-model", instructions="Work.", tools=[buy])
    one = runner(ScriptedModel(call(("buy", {"what": "milk"}))))
    request = await asked(one, agent)
    price[0] = "12"
    await allow(one, request, "10")
    assert await go_on(one, request, agent) == "awaiting_approval"
    (again,) = await one.list_approvals()
    assert (again.reason, ledger.lines) == ("the price changed since you were shown it.", [])
    await allow(one, again, "12")
    assert await go_on(one, request, agent) == "completed"
    assert ledger.lines == ["milk for 12"]


# argv: database, folder, where the process kills itself ("" for nowhere)
PROGRAM = """
import asyncio, json, os, signal, sys
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from tests.core.kit import ScriptedModel
from tests.core.test_changed_since_shown import BOT, WRITE

db, folder, at = sys.argv[1:]

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Store(SQLiteMemoryStore):
    pass

if at == "before asking again":
    Store.ask_about = die
if at == "after asking again":
    ask_about = SQLiteMemoryStore.ask_about
    async def ask_and_die(*args, **kwargs):
        await ask_about(*args, **kwargs)
        die()
    Store.ask_about = ask_and_die
if at == "before the intent":
    Store.begin_effect = die
if at == "before the write":
    os.rename = die

async def main():
    async with Runner(memory_store=Store(db), llm=ScriptedModel(WRITE), workspace=folder) as runner:
        runs = await runner.list_runs()
        result = await runner.resume(BOT, run_id=runs[0].run_id, thread_id="th")
        asked = [(r.kind, r.reason) for r in await runner.list_approvals()]
        print(json.dumps([result.state, asked]))

asyncio.run(main())
"""


def resumed_elsewhere(db: Path, folder: Path, at: str = "") -> tuple[int, str]:
    """Resume the run in a process of its own; how that ended, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(db), str(folder), at],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize("at", ["before asking again", "after asking again"])
async def test_killed_between_the_yes_and_asking_again_it_is_asked_again_once(
    runner: MakeRunner, file: Path, tmp_path: Path, at: str
) -> None:
    """One process decides, another one executes, a third one goes on after it."""
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    await allow(one, request, shown_now(request, tmp_path))
    file.write_text("changed\n")
    await one.close()
    db = tmp_path / "afk.db"
    assert resumed_elsewhere(db, tmp_path, at)[0] == -9
    state = resumed_elsewhere(db, tmp_path)
    assert state == (0, f'["awaiting_approval", [["call", "{CHANGED}"]]]')
    assert file.read_text() == "changed\n"
    assert rows(db, "SELECT count(*) FROM approval") == [(2,)]


@pytest.mark.parametrize("at", ["before the intent", "before the write"])
async def test_a_file_that_changes_while_the_killed_process_is_down_is_not_written_over(
    runner: MakeRunner, file: Path, tmp_path: Path, at: str
) -> None:
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    await allow(one, request, shown_now(request, tmp_path))
    await one.close()
    db = tmp_path / "afk.db"
    assert resumed_elsewhere(db, tmp_path, at)[0] == -9
    file.write_text("changed\n")
    code, said = resumed_elsewhere(db, tmp_path)
    assert code == 0
    assert '"awaiting_approval"' in said
    assert (CHANGED in said) if at == "before the intent" else ('"uncertain"' in said)
    assert file.read_text() == "changed\n"


async def test_a_call_of_unknown_outcome_is_not_run_again_over_a_file_that_changed(
    runner: MakeRunner, file: Path, tmp_path: Path
) -> None:
    one = runner(ScriptedModel(WRITE))
    request = await asked(one)
    await allow(one, request, shown_now(request, tmp_path))
    await one.close()
    db = tmp_path / "afk.db"
    assert resumed_elsewhere(db, tmp_path, "before the write")[0] == -9
    assert resumed_elsewhere(db, tmp_path)[0] == 0
    two = runner(ScriptedModel(WRITE))
    (unknown,) = await two.list_approvals()
    assert unknown.kind == "uncertain"
    shown = shown_now(unknown, tmp_path)
    file.write_text("changed\n")
    await two.decide(unknown.approval_id, "run_again", args_sha=unknown.args_sha, shown=shown)
    assert await go_on(two, unknown) == "awaiting_approval"
    (again,) = await two.list_approvals()
    assert (again.kind, again.reason) == ("uncertain", CHANGED)
    await two.decide(
        again.approval_id, "run_again", args_sha=again.args_sha, shown=shown_now(again, tmp_path)
    )
    assert await go_on(two, again) == "completed"
    assert file.read_text() == "new\n"
