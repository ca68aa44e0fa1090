"""A rule of the policy speaks about what a call does, however that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.agents import Agent, PolicyRule
from afk.tools.workspace import workspace_tools
from tests.core.conftest import MakeRunner
from tests.core.kit import ScriptedModel, call

BOT = Agent(name="bot", model="test-model", instructions="Work.", tools=workspace_tools())
NO_PUSH = PolicyRule("run_command", "deny", {"command": "git push*"}, "Pushing is mine.")
NO_SECRETS = PolicyRule("*", "deny", {"path": "private/*"})


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "git  push origin",
        "  git push",
        "'git' push",
        "cd . && git push",
        "true; git   push",
        "true\ngit push",
        "echo $(git push)",
        "echo `git push`",
        "(git push)",
        "echo x | git push",
    ],
)
async def test_what_denies_a_command_denies_it_however_it_is_written(
    runner: MakeRunner, command: str
) -> None:
    model = ScriptedModel(call(("run_command", {"command": command})))
    one = runner(model, policy=[NO_PUSH, PolicyRule("*", "allow")])
    result = await one.run(BOT, user_message="go")
    [ran] = result.tool_executions
    assert (result.state, ran.phase) == ("completed", "skipped")
    assert "Pushing is mine." in ran.output


@pytest.mark.parametrize(
    ("glob", "command", "state"),
    [
        ("echo *", "echo one", "completed"),
        ("echo *", "echo 'one (two)'", "completed"),
        ("echo *", "echo one; touch more", "awaiting_approval"),
        ("echo *", "echo one && touch more", "awaiting_approval"),
        ("echo *", "echo one | tee more", "awaiting_approval"),
        ("echo *", "echo one > more", "awaiting_approval"),
        ("echo *", "echo $(touch more)", "awaiting_approval"),
        ("echo *", "echo `touch more`", "awaiting_approval"),
        ("echo *", "echo one\ntouch more", "awaiting_approval"),
        ("echo one; true", "echo one; true", "completed"),
        ("*", "echo one; true", "completed"),
    ],
)
async def test_a_glob_that_allows_a_command_allows_nothing_behind_it(
    runner: MakeRunner, tmp_path: Path, glob: str, command: str, state: str
) -> None:
    model = ScriptedModel(call(("run_command", {"command": command})))
    one = runner(model, policy=[PolicyRule("run_command", "allow", {"command": glob})])
    assert (await one.run(BOT, user_message="go")).state == state
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize(
    "path", ["private/a", "./private/a", "open/../private/a", "open/link/a", "{workspace}/private/a"]
)
async def test_what_denies_a_path_denies_it_however_it_is_written(
    runner: MakeRunner, tmp_path: Path, path: str
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link").symlink_to(tmp_path / "private")
    written = path.format(workspace=tmp_path)
    model = ScriptedModel(call(("write_file", {"path": written, "content": "x"})))
    one = runner(model, policy=[NO_SECRETS, PolicyRule("*", "allow")])
    assert (await one.run(BOT, user_message="go")).tool_executions[0].phase == "skipped"
    assert not (tmp_path / "private" / "a").exists()


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("open/a", "completed"),
        ("open/../a", "awaiting_approval"),
        ("open/link/a", "awaiting_approval"),
        ("{workspace}/open/a", "awaiting_approval"),
    ],
)
async def test_a_glob_that_allows_a_path_allows_no_other_that_is_reached_through_it(
    runner: MakeRunner, tmp_path: Path, path: str, state: str
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link").symlink_to(tmp_path / "private")
    written = path.format(workspace=tmp_path)
    model = ScriptedModel(call(("write_file", {"path": written, "content": "x"})))
    one = runner(model, policy=[PolicyRule("write_file", "allow", {"path": "open/*"})])
    assert (await one.run(BOT, user_message="go")).state == state
