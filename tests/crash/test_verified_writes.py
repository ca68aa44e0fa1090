"""A write that a kill caught is looked for in the file: it is repeated, or not, or asked about, as can be known."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.memory.children import run_code

# argv: database, folder, the tool and its arguments, and where the process kills itself
WRITER = """
import asyncio, json, os, signal, sys
from afk.agents import Agent, PolicyRule
from afk.core import Runner
from afk.memory import SQLiteMemoryStore
from afk.tools.workspace import workspace_tools
from tests.core.kit import ScriptedModel, call

db, folder, tool, arguments, at = sys.argv[1:]

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Store(SQLiteMemoryStore):
    if at == "after":
        record_result = die

if at == "before":
    os.rename = die  # the new content is beside the file, and never takes its place

async def main():
    agent = Agent(name="bot", model="test-model", tools=workspace_tools())
    rules = [PolicyRule("*", "allow")]
    model = ScriptedModel(call((tool, json.loads(arguments))))
    async with Runner(memory_store=Store(db), llm=model, workspace=folder, policy=rules) as runner:
        runs = await runner.list_runs()
        if runs:
            result = await runner.resume(agent, run_id=runs[0].run_id, thread_id="t")
        else:
            result = await runner.run(agent, user_message="go", thread_id="t")
        waiting = [request.kind for request in await runner.list_approvals()]
        print(json.dumps([result.state, waiting, [e.output for e in result.tool_executions]]))

asyncio.run(main())
"""

NEW = ("write_file", {"path": "new.txt", "content": "fresh\n"})
OVER = ("write_file", {"path": "a.txt", "content": "other\n"})
EDIT = ("edit_file", {"path": "a.txt", "old_text": "two", "new_text": "2"})


async def caught(tmp_path: Path, tool: str, arguments: dict[str, str], at: str) -> tuple[str, list[str], str]:
    """Kill a process at this point of a write, and resume its run; the state, who is asked, the call's result."""
    db, folder = tmp_path / "afk.db", tmp_path / "work"
    folder.mkdir()
    (folder / "a.txt").write_text("one two three\n")
    values = (db, folder, tool, json.dumps(arguments))
    killed = await asyncio.to_thread(run_code, WRITER, *values, at)
    assert (killed.returncode, killed.stderr) == (-9, "")
    resumed = await asyncio.to_thread(run_code, WRITER, *values, "nowhere")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    state, waiting, outputs = json.loads(resumed.stdout)
    return state, waiting, outputs[0] if outputs else ""


@pytest.mark.parametrize(
    ("call", "file", "text"),
    [(NEW, "new.txt", "fresh\n"), (OVER, "a.txt", "other\n"), (EDIT, "a.txt", "one 2 three\n")],
    ids=["new", "over", "edit"],
)
async def test_a_write_that_was_made_before_the_kill_is_found_and_not_made_again(
    tmp_path: Path, call: tuple[str, dict[str, str]], file: str, text: str
) -> None:
    state, waiting, output = await caught(tmp_path, *call, "after")
    assert (state, waiting) == ("completed", [])
    assert "found to have taken effect" in output
    assert (tmp_path / "work" / file).read_text() == text


@pytest.mark.parametrize(
    ("call", "file", "text"),
    [(NEW, "new.txt", "fresh\n"), (EDIT, "a.txt", "one 2 three\n")],
    ids=["new", "edit"],
)
async def test_a_write_that_the_kill_prevented_is_made_without_asking_where_that_can_be_known(
    tmp_path: Path, call: tuple[str, dict[str, str]], file: str, text: str
) -> None:
    state, waiting, output = await caught(tmp_path, *call, "before")
    assert (state, waiting) == ("completed", [])
    assert "found to have" not in output
    assert (tmp_path / "work" / file).read_text() == text


async def test_where_the_file_holds_another_text_nobody_can_know_and_a_person_is_asked(
    tmp_path: Path,
) -> None:
    state, waiting, _ = await caught(tmp_path, *OVER, "before")
    assert (state, waiting) == ("awaiting_approval", ["uncertain"])
    assert (tmp_path / "work" / "a.txt").read_text() == "one two three\n"
