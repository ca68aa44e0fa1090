"""`run` and `resume`: what they print, how they end, how they are stopped."""

from __future__ import annotations

import os
import signal

import pytest

from tests.cli.kit import Cli, wait_for
from tests.support.model_server import ModelServer, calls, status, text

RUN_KEYS = {"run_id", "thread_id", "state", "interruption", "final_text", "pending_approvals"}
REQUEST_KEYS = {
    "approval_id",
    "run_id",
    "thread_id",
    "tool_name",
    "arguments",
    "args_sha",
    "agent_path",
    "kind",
    "requested_at_ms",
    "status",
}


def on_server(cli: Cli, server: ModelServer, *before: str) -> Cli:
    cli.env = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-test-secret"}
    cli.before = before
    return cli


def test_an_answer_goes_to_stdout_and_everything_else_to_stderr(cli: Cli) -> None:
    (cli.workspace / "a.txt").write_text("alpha")
    done = cli("run", "read a.txt").expect(0)
    assert done.out.startswith("I will read `a.txt`.\n")
    assert done.out.endswith("alpha\n")
    assert "read_file" not in done.out
    assert "read_file: ran" in done.err


def test_a_run_that_needs_a_yes_ends_with_3_and_says_how_to_give_it(cli: Cli) -> None:
    done = cli("run", "write notes.txt: buy milk").expect(3)
    assert not (cli.workspace / "notes.txt").exists()
    approval_id = cli.waiting()[0]["approval_id"]
    assert f"afk-tui --demo approve {approval_id} --resume" in done.err
    assert "buy milk" in done.err


def test_the_documents_of_run_and_resume_have_the_same_shape(cli: Cli) -> None:
    first = cli("run", "write notes.txt: buy milk", "--json").expect(3).json
    assert set(first) == RUN_KEYS
    assert (first["state"], first["interruption"], first["final_text"]) == ("awaiting_approval", None, "")
    (request,) = first["pending_approvals"]
    assert set(request) == REQUEST_KEYS
    assert request["arguments"] == {"path": "notes.txt", "content": "buy milk"}
    assert request["status"] == "pending"
    assert cli.waiting() == [request]

    cli("approve", request["approval_id"]).expect(0)
    assert not (cli.workspace / "notes.txt").exists()  # deciding does not execute
    last = cli("resume", first["run_id"], "--json").expect(0).json
    assert set(last) == RUN_KEYS
    assert (last["state"], last["pending_approvals"]) == ("completed", [])
    assert "notes.txt" in last["final_text"]
    assert (cli.workspace / "notes.txt").read_text() == "buy milk"


def test_resuming_a_finished_run_prints_its_answer_and_asks_nobody(cli: Cli) -> None:
    finished = cli("run", "stream 1 lines", "--json").expect(0).json
    with ModelServer([]) as server:
        on_server(cli, server)
        assert cli("resume", finished["run_id"]).expect(0).out == finished["final_text"]
        assert server.requests == []


def test_a_message_to_a_thread_sees_what_came_before(cli: Cli) -> None:
    first = cli("run", "stream 1 lines", "--json").expect(0).json
    with ModelServer([text("second answer")]) as server:
        on_server(cli, server)
        again = cli("run", "second", "--thread", first["thread_id"], "--json").expect(0).json
        assert again["thread_id"] == first["thread_id"]
        said = [message["content"] for message in server.requests[0]["messages"][1:]]
        assert said == ["stream 1 lines", first["final_text"], "second"]


def test_a_message_to_a_waiting_thread_says_which_run_it_closes(cli: Cli) -> None:
    first = cli("run", "write notes.txt: x", "--json").expect(3).json
    done = cli("run", "list", "--thread", first["thread_id"]).expect(0)
    assert first["run_id"] in done.err
    assert cli.waiting() == []


def test_the_answer_streams_while_the_model_still_writes(cli: Cli) -> None:
    with ModelServer([text("abcdefgh-and-more", hold_after=2)]) as server:
        process = on_server(cli, server).start("run", "hello")
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 7) == b"abcdefg"
        server.release()
        assert cli.finish(process).expect(0).out == "h-and-more\n"


def test_what_a_model_writes_never_commands_the_terminal(cli: Cli) -> None:
    hostile = "safe\x1b]0;owned\x07 \x1b[31mred\x9b2J \u202egnp.exe\r\nend"
    call = calls(("run_command", {"command": "echo \x1b[2J\u202e"}), text=hostile, chunk_chars=1)
    with ModelServer([call]) as server:
        on_server(cli, server)
        asked = cli("run", "hi\x1b[31m").expect(3)
    said = [asked, cli("threads"), cli("approvals"), cli("approvals", "--json")]
    said.append(cli("export", cli.waiting()[0]["thread_id"]).expect(0))
    for one in said:
        for character in "\x1b\x07\x9b\u202e\r":
            assert character not in one.out + one.err
    assert "␛]0;owned␇" in asked.out
    assert "echo ␛[2J" in asked.err
    assert said[3].json[0]["arguments"]["command"] == "echo \x1b[2J\u202e"


def test_without_a_key_the_demo_model_answers_and_says_so(cli: Cli) -> None:
    done = cli("run", "list", before=()).expect(0)
    assert "demo model (offline)" in done.err
    assert "OPENAI_API_KEY" in done.err


def test_a_named_model_without_a_key_is_an_error_and_not_the_demo_model(cli: Cli) -> None:
    done = cli("run", "list", "--json", before=("--model", "gpt-5.2-mini")).expect(1)
    assert "OPENAI_API_KEY" in done.json["error"]
    assert not cli.db.exists()


def test_what_the_server_refuses_interrupts_the_run_which_is_kept(cli: Cli) -> None:
    no_model, bad_key = status(404, message="The model `nope` does not exist"), status(401, message="bad key")
    with ModelServer([no_model, bad_key, text("now it works")]) as server:
        on_server(cli, server, "--model", "nope")
        done = cli("run", "hello", "--json").expect(4)
        assert done.json["state"] == "interrupted"
        assert done.json["interruption"]["kind"] == "infrastructure"
        assert "`nope` does not exist" in done.json["interruption"]["detail"]
        run_id = done.json["run_id"]
        assert f"afk-tui --model nope resume {run_id}" in done.err
        refused = cli("resume", run_id).expect(4)
        assert "OPENAI_API_KEY" in refused.err
        assert "sk-test-secret" not in refused.out + refused.err
        assert cli("resume", run_id).expect(0).out == "now it works\n"


def test_a_server_that_is_down_interrupts_the_run_after_the_retries(cli: Cli) -> None:
    with ModelServer([]) as server:
        on_server(cli, server)
    done = cli("run", "hello").expect(4)
    assert done.err.count("Asking again") == 4
    assert "afk-tui resume" in done.err
    assert done.out == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_run_and_keeps_it(cli: Cli, number: signal.Signals) -> None:
    process = cli.start("run", "tell a long story")
    assert process.stdout is not None
    os.read(process.stdout.fileno(), 1)
    process.send_signal(number)
    done = cli.finish(process).expect(4)
    (run,) = cli("runs", "--json").expect(0).json
    assert (run["state"], run["interruption"]["kind"]) == ("interrupted", "paused")
    assert f"afk-tui --demo resume {run['run_id']}" in done.err


def test_a_signal_during_a_command_stops_the_command_too(cli: Cli) -> None:
    command = "echo $$ > pid; exec sleep 60"
    request = cli("run", f"run: {command}", "--json").expect(3).json["pending_approvals"][0]
    process = cli.start("approve", request["approval_id"], "--resume", "--json")
    pid_file = cli.workspace / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
    process.send_signal(signal.SIGINT)
    assert cli.finish(process).expect(4).json["state"] == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_reader_that_leaves_interrupts_the_run_without_a_word(cli: Cli) -> None:
    process = cli.start("run", "tell a long story")
    assert process.stdout is not None
    assert process.stderr is not None
    os.read(process.stdout.fileno(), 1)
    process.stdout.close()
    assert process.wait(timeout=20) == 4
    assert process.stderr.read() == ""
    assert cli("runs", "--json").json[0]["state"] == "interrupted"


def test_an_output_that_can_not_be_written_is_an_error_in_one_line(cli: Cli) -> None:
    with open("/dev/full", "w") as full:
        process = cli.start("doctor", "--json", stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "No space left" in err
    assert "Traceback" not in err


def test_a_prompt_of_blanks_is_wrong_usage(cli: Cli) -> None:
    done = cli("run", " ", "--json").expect(2)
    assert "PROMPT is empty" in done.json["error"]
    assert not cli.db.exists()
