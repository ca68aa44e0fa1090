"""A remembered yes answers for the calls that its pattern covers, in its scope, until it is revoked; never for more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from afk.agents import Agent, AgentResult, PolicyRule
from afk.agents.errors import AgentConfigurationError, GrantNotFoundError
from afk.core import Runner
from afk.llms.protocol import ModelEvent, ModelRequest
from afk.memory.grants import GrantPattern
from afk.tools import Tool, tool
from afk.tools.workspace import workspace_tools
from tests.core.conftest import MakeRunner
from tests.core.kit import Ledger, ScriptedModel, agent_with, call, rows

BOT = Agent(name="bot", model="test-model", instructions="Work.", tools=workspace_tools())


def command(text: str) -> Any:
    return call(("run_command", {"command": text}))


def write(path: str) -> Any:
    return call(("write_file", {"path": path, "content": "x"}))


def prefix(value: str) -> GrantPattern:
    return GrantPattern("run_command", "command_prefix", value)


def glob(value: str) -> GrantPattern:
    return GrantPattern("write_file", "path_glob", value)


async def ask_for(runner: Runner, answer: Any, thread_id: str = "th", agent: Agent = BOT) -> AgentResult:
    """One run of the thread, whose model gives this answer and then says that it is done."""
    runner._given_llm = Once(answer)  # type: ignore[assignment]
    return await runner.run(agent, user_message="go", thread_id=thread_id)


class Once(ScriptedModel):
    """Gives its answer to a message of the person's, and is done when it has the results."""

    def __init__(self, answer: Any) -> None:
        super().__init__(*(answer,) * 50)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if request.messages[-1].role != "user":
            self._script = ()
        async for event in super().stream(request):
            yield event


async def remember(
    runner: Runner, answer: Any, pattern: GrantPattern | None, *, scope: Any = "thread", agent: Agent = BOT
) -> str:
    """Allow this call and those that the pattern covers, and let the run end; the grant's id."""
    result = await ask_for(runner, answer, agent=agent)
    (request,) = await runner.list_approvals(run_id=result.run_id)
    await runner.decide(
        request.approval_id, "allow", args_sha=request.args_sha, scope=scope, pattern=pattern, by="ada"
    )
    ended = await runner.resume(agent, run_id=result.run_id, thread_id="th")
    assert ended.state == "completed"
    return (await runner.list_grants())[0].grant_id


@pytest.fixture
def one(runner: MakeRunner) -> Runner:
    return runner(ScriptedModel())


@pytest.mark.parametrize(
    ("wanted", "state"),
    [
        ("echo hello", "completed"),
        ("echo   'hello' again", "completed"),
        ("echo other", "awaiting_approval"),
        ("echo hellohello", "awaiting_approval"),
        ("echo", "awaiting_approval"),
        ("echo hello; touch pwned", "awaiting_approval"),
        ("echo hello && touch pwned", "awaiting_approval"),
        ("echo hello || touch pwned", "awaiting_approval"),
        ("echo hello | tee pwned", "awaiting_approval"),
        ("echo hello & touch pwned", "awaiting_approval"),
        ("echo hello $(touch pwned)", "awaiting_approval"),
        ("echo hello `touch pwned`", "awaiting_approval"),
        ("echo hello ${HOME}", "awaiting_approval"),
        ("echo hello $HOME", "awaiting_approval"),
        ("echo hello > pwned", "awaiting_approval"),
        ("echo hello < notes", "awaiting_approval"),
        ("echo hello\ntouch pwned", "awaiting_approval"),
        ("echo hello\rtouch pwned", "awaiting_approval"),
        ("echo hello 'unbalanced", "awaiting_approval"),
        ("echo hello 'a; b'", "awaiting_approval"),
        ("PATH=. echo hello", "awaiting_approval"),
    ],
)
async def test_a_prefix_covers_one_command_that_begins_with_its_whole_words(
    one: Runner, tmp_path: Path, wanted: str, state: str
) -> None:
    await remember(one, command("echo hello there"), prefix("echo hello"))
    assert (await ask_for(one, command(wanted))).state == state
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("pattern", "path", "state"),
    [
        ("src/*", "src/b.txt", "completed"),
        ("src/*", "src/./sub/../b.txt", "completed"),
        ("src/*", "src/sub/b.txt", "awaiting_approval"),
        ("src/*", "b.txt", "awaiting_approval"),
        ("src/*", "src/../b.txt", "awaiting_approval"),
        ("src/**", "src/sub/deep/b.txt", "completed"),
        ("**/*.txt", "src/sub/b.txt", "completed"),
        ("**/*.txt", "src/b.py", "awaiting_approval"),
        ("**", "src/.env", "awaiting_approval"),
        ("**", ".git/hooks/pre-commit", "awaiting_approval"),
        ("src/**", "src/out/b.txt", "awaiting_approval"),
        ("src/**", "src/aside/b.txt", "awaiting_approval"),
    ],
)
async def test_a_glob_covers_the_files_whose_real_path_fits_it(
    one: Runner, tmp_path: Path, pattern: str, path: str, state: str
) -> None:
    for folder in ("src/sub", "other"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src" / "out").symlink_to("/")
    (tmp_path / "src" / "aside").symlink_to(tmp_path / "other")
    await remember(one, write("src/a.txt"), glob(pattern))
    assert (await ask_for(one, write(path))).state == state


async def test_a_link_that_comes_to_lead_elsewhere_after_the_call_was_judged_is_asked_about(
    runner: MakeRunner, tmp_path: Path
) -> None:
    for folder in ("src/sub", "other"):
        (tmp_path / folder).mkdir(parents=True)
    one = runner(ScriptedModel(), max_parallel_tools=1)
    await remember(one, write("src/a.txt"), glob("src/**"))
    move = "mv src/sub src/was; ln -s ../other src/sub"
    both = call(("run_command", {"command": move}), ("write_file", {"path": "src/sub/b.txt", "content": "x"}))
    allowing = runner(ScriptedModel(), max_parallel_tools=1, policy=[PolicyRule("run_command", "allow")])
    judged = await ask_for(allowing, both)
    assert judged.state == "awaiting_approval"
    (request,) = await one.list_approvals()
    assert "no longer covers it" in request.reason
    assert not (tmp_path / "other" / "b.txt").exists()


async def test_a_pattern_over_one_tool_says_nothing_of_another(one: Runner) -> None:
    await remember(one, write("a.txt"), glob("**"))
    edit = call(("edit_file", {"path": "a.txt", "old_text": "x", "new_text": "y"}))
    assert (await ask_for(one, edit)).state == "awaiting_approval"
    assert (await ask_for(one, command("touch a.txt"), "th2")).state == "awaiting_approval"


@pytest.mark.parametrize(("scope", "there"), [("thread", "awaiting_approval"), ("workspace", "completed")])
async def test_a_pattern_holds_in_its_scope_only(
    one: Runner, runner: MakeRunner, tmp_path: Path, scope: Any, there: str
) -> None:
    await remember(one, command("echo one"), prefix("echo"), scope=scope)
    assert (await ask_for(one, command("echo two"), "th2")).state == there
    (tmp_path / "elsewhere").mkdir()
    moved = runner(ScriptedModel(), workspace=tmp_path / "elsewhere")
    assert (await ask_for(moved, command("echo two"), "th3")).state == "awaiting_approval"


async def test_a_rule_that_denies_or_asks_beats_a_pattern(
    one: Runner, runner: MakeRunner, tmp_path: Path
) -> None:
    await remember(one, command("touch one"), prefix("touch"), scope="workspace")
    strict = runner(ScriptedModel(), policy=[PolicyRule("run_command", "deny", {"command": "*two*"})])
    denied = await ask_for(strict, command("touch two"), "th2")
    assert (denied.state, denied.tool_executions[0].phase) == ("completed", "skipped")
    asking = runner(ScriptedModel(), policy=[PolicyRule("run_command", "ask")])
    assert (await ask_for(asking, command("touch two"), "th3")).state == "awaiting_approval"
    assert not (tmp_path / "two").exists()


async def test_what_a_tool_itself_asks_about_needs_more_than_a_pattern(
    one: Runner, runner: MakeRunner
) -> None:
    await remember(one, command("echo one"), prefix("echo"), scope="workspace")
    (plain,) = [t for t in workspace_tools() if t.name == "run_command"]
    wary = Tool(plain.function, effect="once", ask_when=lambda _, a: "hm" if "two" in a["command"] else None)
    agent = Agent(name="bot", model="test-model", instructions="Work.", tools=(wary,))
    assert (await ask_for(one, command("echo two"), "th2", agent)).state == "awaiting_approval"
    assert (await ask_for(one, command("echo three"), "th3", agent)).state == "completed"


async def test_a_pattern_that_does_not_cover_the_call_it_comes_with_is_refused(one: Runner, db: Path) -> None:
    await ask_for(one, command("echo hi; true"))
    (request,) = await one.list_approvals()
    for pattern in (prefix("echo"), prefix("ls"), glob("**")):
        with pytest.raises(AgentConfigurationError, match="does not cover the call"):
            await one.decide(
                request.approval_id, "allow", args_sha=request.args_sha, scope="thread", pattern=pattern
            )
    with pytest.raises(AgentConfigurationError, match="give it a scope"):
        await one.decide(request.approval_id, "allow", args_sha=request.args_sha, pattern=prefix("echo"))
    assert rows(db, "SELECT status FROM approval") == [("pending",)]
    assert await one.list_grants() == []


async def test_a_pattern_is_weighed_against_the_edited_arguments(one: Runner) -> None:
    result = await ask_for(one, command("rm -rf /"))
    (request,) = await one.list_approvals()
    edited = {"command": "echo hi", "timeout_s": 5}
    await one.decide(
        request.approval_id,
        "allow",
        args_sha=request.args_sha,
        arguments=edited,
        scope="thread",
        pattern=prefix("echo"),
    )
    assert (await one.resume(BOT, run_id=result.run_id, thread_id="th")).state == "completed"
    assert (await ask_for(one, command("echo again"))).state == "completed"


async def test_each_use_of_a_grant_is_an_event_that_names_it(one: Runner, db: Path) -> None:
    grant_id = await remember(one, command("echo one"), prefix("echo"))
    used = "SELECT json_extract(body, '$.grant_id'), json_extract(body, '$.tool') FROM event WHERE type = 'grant_used'"
    assert rows(db, used) == []
    await ask_for(one, command("echo two"))
    await ask_for(one, command("echo three"))
    assert rows(db, used) == [(grant_id, "run_command")] * 2


async def test_a_revoked_grant_answers_no_more_and_that_is_an_event(one: Runner, db: Path) -> None:
    grant_id = await remember(one, command("echo one"), prefix("echo"))
    (listed,) = await one.list_grants()
    assert (listed.pattern, listed.scope, listed.scope_key) == (prefix("echo"), "thread", "th")
    assert (listed.decided_by, listed.thread_id, listed.arguments["command"]) == ("ada", "th", "echo one")
    revoked = await one.revoke_grant(grant_id, by="bob")
    assert (revoked.revoked_by, revoked.revoked_at_ms is None) == ("bob", False)
    assert await one.revoke_grant(grant_id, by="eve") == revoked
    assert await one.list_grants() == []
    assert await one.list_grants(revoked_too=True) == [revoked]
    assert (await ask_for(one, command("echo two"))).state == "awaiting_approval"
    assert rows(db, "SELECT count(*) FROM event WHERE type = 'grant_revoked'") == [(1,)]
    with pytest.raises(GrantNotFoundError, match="grant_none"):
        await one.revoke_grant("grant_none")


async def test_a_grant_revoked_between_judging_and_acting_is_asked_about_and_a_yes_then_holds(
    runner: MakeRunner, ledger: Ledger
) -> None:
    agent = agent_with(ledger.tool())
    one = runner(ScriptedModel())
    same = call(("act", {"what": "it"}))
    grant_id = await remember(one, same, None, agent=agent)

    async def revoke() -> str:
        await one.revoke_grant(grant_id)
        return "revoked"

    taker = tool(name="revoke", effect="once", approval="never", description="Revoke.")(revoke)
    agent = agent_with(taker, ledger.tool())
    slow = runner(ScriptedModel(), max_parallel_tools=1)
    judged = await ask_for(slow, call(("revoke", {}), ("act", {"what": "it"})), agent=agent)
    assert (judged.state, ledger.lines) == ("awaiting_approval", ["act it"])
    (request,) = await one.list_approvals()
    assert "revoked" in request.reason
    await one.decide(request.approval_id, "allow", args_sha=request.args_sha)
    ended = await slow.resume(agent, run_id=judged.run_id, thread_id="th")
    assert (ended.state, ledger.lines) == ("completed", ["act it", "act it"])
