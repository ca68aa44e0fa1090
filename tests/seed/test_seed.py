"""The programs of the page, unchanged, each in a process of its own, against a server on loopback."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.memory.children import environment
from tests.support.model_server import ModelServer, text

PAGE = Path(__file__).with_name("page.md")


def snippets() -> list[str]:
    """The page's Python code, verbatim: what stands from an import line to the end of its program."""
    page = PAGE.read_text()
    first = page[page.index("import asyncio\nfrom afk.agents import Agent") :]
    first = first[: first.index("asyncio.run(main())") + len("asyncio.run(main())\n")]
    second = page[page.index("import asyncio\nfrom afk.core import Runner, RunnerConfig\nfrom afk.memory") :]
    second = second[: second.index("asyncio.run(compact())") + len("asyncio.run(compact())\n")]
    third = page[page.index("from afk.agents.errors import") :]
    third = third[: re.search(r'print\("Invalid run_id or thread_id\."\)\n', third).end()]  # type: ignore[union-attr]
    for code in (first, second):
        ast.parse(code)
    return [first, second, third]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer([text("Lamport clocks came first.")], repeat_last=True) as server:
        yield server


def run_program(code: str, cwd: Path, server: ModelServer, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in environment().items() if k not in ("AFK_DB", "AFK_MODEL", "XDG_DATA_HOME")}
    (cwd / "program.py").write_text(code)
    return subprocess.run(
        [sys.executable, "program.py"],
        cwd=cwd,
        env={**clean, "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-test", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("where", ["AFK_DB", "XDG_DATA_HOME", "HOME"])
def test_both_programs_run_unchanged_the_second_in_another_process(
    tmp_path: Path, server: ModelServer, where: str
) -> None:
    first, second, _ = snippets()
    named = {"AFK_DB": tmp_path / "here" / "my.db", "XDG_DATA_HOME": tmp_path / "data", "HOME": tmp_path}[
        where
    ]
    env: dict[str, Any] = {"HOME": str(tmp_path / "home"), where: str(named)}
    ended = run_program(first, tmp_path, server, **env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "Run completed: state=completed",
        "Resumed run: state=completed",
        "Lamport clocks came first.",
    ]
    (request,) = server.requests  # resuming a finished run asks nobody
    assert request["model"] == "gpt-5.2-mini"
    assert [m["content"] for m in request["messages"]] == [
        "You help users research topics thoroughly.",
        "Research the history of distributed systems.",
    ]
    place = {
        "AFK_DB": named,
        "XDG_DATA_HOME": named / "afk-tui" / "afk.db",
        "HOME": named / ".local" / "share" / "afk-tui" / "afk.db",
    }[where]
    assert place.is_file()

    ended = run_program(second, tmp_path, server, **env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["Events removed: 0", "States removed: 0"]
    again = run_program(second.replace("max_entries=50", "max_entries=1"), tmp_path, server, **env)
    assert again.stdout.splitlines() == ["Events removed: 0", "States removed: 1"]


@pytest.mark.parametrize(
    ("run_id", "thread_id", "printed"),
    [
        ('"invalid"', '"missing"', "No checkpoint found -- cannot resume."),
        ('""', '"missing"', "Invalid run_id or thread_id."),
        ('"invalid"', '"  "', "Invalid run_id or thread_id."),
        ("None", '"missing"', "Invalid run_id or thread_id."),
        ('"invalid"', "7", "Invalid run_id or thread_id."),
    ],
)
def test_the_third_catches_exactly_the_errors_it_names(
    tmp_path: Path, server: ModelServer, run_id: str, thread_id: str, printed: str
) -> None:
    third = snippets()[2]
    changed = third.replace('run_id="invalid"', f"run_id={run_id}").replace(
        'thread_id="missing"', f"thread_id={thread_id}"
    )
    program = (
        "import asyncio\n"
        "from afk.agents import Agent\n"
        "from afk.core import Runner\n"
        "runner, agent = Runner(), Agent(name='research-bot')\n"
        "async def main():\n" + textwrap.indent(changed, "    ") + "\nasyncio.run(main())\n"
    )
    ended = run_program(program, tmp_path, server, AFK_DB=str(tmp_path / "afk.db"))
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"{printed}\n", "", 0)
    assert server.requests == []


def test_importing_afk_brings_in_no_third_party() -> None:
    code = (
        "import sys, afk, afk.agents, afk.core, afk.memory\n"
        "third = {'openai', 'pydantic', 'aiosqlite', 'textual', 'rich', 'platformdirs', 'httpx', 'pygments'}\n"
        "print(sorted(third & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert ended.stdout == "[]\n"
