"""`approve`, `deny` and `settle`: recorded once, by whoever was first."""

from __future__ import annotations

import os
import signal

from tests.cli.conftest import Waiting
from tests.cli.kit import Cli, kill_hard, wait_for
from tests.support.model_server import ModelServer, text


def test_approving_and_resuming_in_one_command_runs_the_call_once(cli: Cli) -> None:
    request = cli("run", "run: echo once >> log", "--json").expect(3).json["pending_approvals"][0]
    done = cli("approve", request["approval_id"], "--resume", "--json").expect(0)
    assert done.json["state"] == "completed"
    assert done.json["run_id"] == request["run_id"]
    assert "Allowed: run_command" in done.err
    assert "echo once >> log" in done.err
    assert (cli.workspace / "log").read_text() == "once\n"


def test_a_decision_is_a_document_that_says_who_decided(cli: Cli, waiting: Waiting) -> None:
    (shown,) = waiting.document["pending_approvals"]
    decided = cli("approve", waiting.approval_id, "--reason", "fine", "--json").expect(0).json
    assert {name: decided[name] for name in shown} == {**shown, "status": "allowed"}
    assert decided["decided_by"]
    assert decided["decided_at_ms"] >= shown["requested_at_ms"]
    assert decided["reason"] == "fine"


def test_what_was_decided_is_shown_with_the_command_that_goes_on(cli: Cli, waiting: Waiting) -> None:
    done = cli("deny", waiting.approval_id, "--reason", "not today").expect(0)
    assert "Denied: write_file" in done.out
    assert "buy milk" in done.out
    assert "not today" in done.out
    assert f"afk-tui --demo resume {waiting.run_id}" in done.err


def test_the_second_decision_is_refused_and_says_who_when_and_what(cli: Cli, waiting: Waiting) -> None:
    first = cli("deny", waiting.approval_id, "--json").expect(0).json
    second = cli("approve", waiting.approval_id, "--resume", "--json").expect(1)
    assert "denied" in second.json["error"]
    assert first["decided_by"] in second.json["error"]
    assert "20" in second.json["error"]
    assert second.json["error"] in second.err


def test_of_two_who_decide_at_the_same_time_one_wins(cli: Cli, waiting: Waiting) -> None:
    racing = [
        cli.start(word, waiting.approval_id, "--json") for word in ("approve", "deny", "approve", "deny")
    ]
    ended = [cli.finish(process) for process in racing]
    winners = [done for done in ended if done.code == 0]
    assert sorted(done.code for done in ended) == [0, 1, 1, 1]
    assert all(winners[0].json["status"] in done.json["error"] for done in ended if done.code == 1)


def test_a_denial_reaches_the_model_with_its_reason(cli: Cli) -> None:
    request = cli("run", "write a: b", "--json").expect(3).json["pending_approvals"][0]
    with ModelServer([text("I see")]) as server:
        cli.env = {"OPENAI_BASE_URL": server.base_url}
        cli.before = ()
        done = cli("deny", request["approval_id"], "--reason", "use b instead", "--resume").expect(0)
        assert done.out == "I see\n"
        assert "use b instead" in server.requests[0]["messages"][-1]["content"]
    assert not (cli.workspace / "a").exists()


def test_one_of_two_requests_decided_leaves_the_run_waiting_for_the_other(cli: Cli) -> None:
    asked = cli("run", "write a: 1 together with write b: 2", "--json").expect(3).json
    first, second = asked["pending_approvals"]
    done = cli("approve", first["approval_id"], "--resume", "--json").expect(3)
    assert [one["approval_id"] for one in done.json["pending_approvals"]] == [second["approval_id"]]
    assert (cli.workspace / "a").read_text() == "1"
    assert not (cli.workspace / "b").exists()


def test_settling_what_was_never_begun_and_approving_with_a_wrong_agent_record_nothing(
    cli: Cli, waiting: Waiting
) -> None:
    done = cli("settle", waiting.approval_id, "happened").expect(1)
    assert f"afk-tui approve {waiting.approval_id}" in done.err
    done = cli(
        "approve", waiting.approval_id, "--resume", before=("--demo", "--agent", "no.such:one")
    ).expect(1)
    assert "no.such" in done.err
    assert [one["approval_id"] for one in cli.waiting()] == [waiting.approval_id]


def test_an_unknown_request_is_an_error(cli: Cli, waiting: Waiting) -> None:
    done = cli("approve", "apr_nothing", "--json").expect(1)
    assert "apr_nothing" in done.json["error"]


def test_a_call_caught_by_a_kill_is_asked_about_and_settled_once(cli: Cli) -> None:
    # the second attempt ends at once, the first one only when it is killed
    command = "echo $$ > pid; echo x >> log; test $(wc -l < log) -gt 1 || exec sleep 60"
    asked = cli("run", f"run: {command}", "--json").expect(3).json
    process = cli.start("approve", asked["pending_approvals"][0]["approval_id"], "--resume")
    log, pid = cli.workspace / "log", cli.workspace / "pid"
    wait_for(log.exists)
    kill_hard(process)
    os.kill(int(pid.read_text()), signal.SIGKILL)

    (run,) = cli("runs", "--json").expect(0).json
    assert (run["state"], run["interruption"]["kind"]) == ("interrupted", "process_died")
    told = cli("resume", run["run_id"], "--json").expect(3)
    (request,) = told.json["pending_approvals"]
    assert f"settle {request['approval_id']} again|happened|skip" in told.err
    assert log.read_text() == "x\n"  # never a second time without being told

    refused = cli("approve", request["approval_id"]).expect(1)
    assert "settle" in refused.err
    done = cli("settle", request["approval_id"], "again", "--resume", "--json").expect(0)
    assert done.json["state"] == "completed"
    assert log.read_text() == "x\nx\n"


def test_settled_as_happened_the_call_is_not_repeated(cli: Cli) -> None:
    asked = cli("run", "run: echo $$ > pid; echo x >> log; exec sleep 60", "--json").expect(3).json
    process = cli.start("approve", asked["pending_approvals"][0]["approval_id"], "--resume")
    log = cli.workspace / "log"
    wait_for(log.exists)
    kill_hard(process)
    os.kill(int((cli.workspace / "pid").read_text()), signal.SIGKILL)
    (request,) = cli("resume", asked["run_id"], "--json").expect(3).json["pending_approvals"]
    done = cli("settle", request["approval_id"], "happened", "--resume").expect(0)
    assert "Settled as happened" in done.err
    assert log.read_text() == "x\n"


def test_a_run_killed_while_the_answer_streams_is_asked_again_from_the_same_message(cli: Cli) -> None:
    with ModelServer([text("lost when killed", hold_after=2), text("whole")]) as server:
        cli.env = {"OPENAI_BASE_URL": server.base_url}
        cli.before = ()
        process = cli.start("run", "hello")
        server.wait_until_held()
        kill_hard(process)
        (run,) = cli("runs", "--json").expect(0).json
        assert cli("resume", run["run_id"]).expect(0).out == "whole\n"
        first, second = server.requests
        assert first["messages"] == second["messages"]


def test_always_remembers_the_very_same_call_where_it_says(cli: Cli) -> None:
    request = cli("run", "run: echo once >> log", "--json").expect(3).json["pending_approvals"][0]
    decided = cli("approve", request["approval_id"], "--always", "thread", "--json").expect(0).json
    assert (decided["scope"], decided["pattern"]) == ("thread", None)
    (grant,) = cli("grants", "--json").expect(0).json
    assert (grant["kind"], grant["scope"], grant["thread_id"]) == ("call", "thread", request["thread_id"])
    cli("run", "run: echo once >> log", "--thread", request["thread_id"]).expect(0)
    cli("run", "run: echo once >> log").expect(3)


def test_always_with_a_pattern_remembers_what_it_covers_and_is_refused_where_it_is_wrong(cli: Cli) -> None:
    request = cli("run", "run: git status -s", "--json").expect(3).json["pending_approvals"][0]
    approve = ("approve", request["approval_id"])
    for pattern, told in (
        ("git push", "does not cover the call"),
        ("git status; rm x", "can't hold ;"),
        ("git\nstatus", "can't hold"),
        ("", "Write the first words"),
    ):
        refused = cli(*approve, "--always", "workspace", "--pattern", pattern, "--json").expect(1)
        assert told in refused.json["error"]
    assert "say where" in cli(*approve, "--pattern", "git").expect(2).err
    cli(*approve, "--always", "everywhere").expect(2)
    assert [r["status"] for r in cli.waiting()] == ["pending"]
    done = cli(*approve, "--always", "workspace", "--pattern", "git status", "--resume").expect(0)
    assert "always allowed in this workspace: calls like it: git status" in done.err
    (grant,) = cli("grants", "--json").expect(0).json
    assert (grant["kind"], grant["value"]) == ("command_prefix", "git status")
    cli("run", "run: git status --long").expect(0)
    cli("run", "run: git push").expect(3)
