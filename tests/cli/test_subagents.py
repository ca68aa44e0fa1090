"""Subagents on the command line: their requests, their runs, and what is exported of them."""

from __future__ import annotations

import pytest

from tests.cli.kit import Cli

NESTED = "ask lead: ask helper: write notes.txt: buy milk"


@pytest.fixture
def team(cli: Cli) -> Cli:
    cli.before = ("--demo", "--agent", "tests.app.team:boss")
    return cli


def test_a_request_of_a_subagent_is_told_decided_and_gone_on_with(team: Cli) -> None:
    first = team("run", NESTED, "--json").expect(3).json
    (request,) = first["pending_approvals"]
    assert (request["agent_path"], request["tool_name"]) == ("boss › lead › helper", "write_file")
    assert request["run_id"] != first["run_id"]
    assert team.waiting() == [request]
    # the request names the subagent's run; what goes on is its root
    done = team("approve", request["approval_id"], "--resume", "--json").expect(0).json
    assert (done["run_id"], done["state"]) == (first["run_id"], "completed")
    assert (team.workspace / "notes.txt").read_text() == "buy milk"


def test_resuming_a_subagents_run_resumes_its_root_and_says_what_happens_inside(team: Cli) -> None:
    first = team("run", NESTED, "--json").expect(3).json
    (request,) = first["pending_approvals"]
    team("deny", request["approval_id"], "--reason", "no milk").expect(0)
    resumed = team("resume", request["run_id"]).expect(0)
    assert "lead › helper › denied by" in resumed.err
    assert "lead › helper › write_file: not executed" in resumed.err
    assert "no milk" in resumed.out
    assert not (team.workspace / "notes.txt").exists()


def test_the_list_of_runs_says_for_whom_a_subagent_works(team: Cli) -> None:
    first = team("run", "ask helper: list", "--json").expect(0).json
    runs = {run["run_id"]: run for run in team("runs", "--json").expect(0).json}
    (child,) = [run for run in runs.values() if run["parent_run_id"]]
    assert (child["parent_run_id"], child["agent_name"]) == (first["run_id"], "helper")
    assert f"(subagent helper of {first['run_id']})" in team("runs").expect(0).out
    assert len(team("threads", "--json").expect(0).json) == 1
    listed = team("checkpoints", first["thread_id"], "--json").expect(0).json
    assert {one["run_id"] for one in listed} == {first["run_id"]}
    assert "delegated" in {one["phase"] for one in listed}


def test_an_export_holds_what_was_said_and_done_inside(team: Cli) -> None:
    (team.workspace / "a.txt").write_text("alpha")
    first = team("run", "ask lead: ask helper: read a.txt", "--json").expect(0).json
    document = team("export", first["thread_id"], "--format", "json").expect(0).json
    lead, helper = document["inside"]
    assert (lead["agent_name"], lead["parent_run_id"]) == ("lead", first["run_id"])
    assert (helper["agent_name"], helper["parent_run_id"]) == ("helper", lead["run_id"])
    assert [message["text"] for message in helper["messages"]][::2] == ["read a.txt", "alpha"]
    text = team("export", first["thread_id"], "--format", "md").expect(0).out
    headings = [line.partition(" (")[0] for line in text.splitlines() if line.startswith("##")]
    assert headings == [
        "## User",
        "## Assistant",
        "### Call: `lead`",
        "## lead › Task",
        "## lead › Assistant",
        "### lead › Call: `helper`",
        "## lead › helper › Task",
        "## lead › helper › Assistant",
        "### lead › helper › Call: `read_file`",
        "## lead › helper › Assistant",
        "## lead › Assistant",
        "## Assistant",
    ]
