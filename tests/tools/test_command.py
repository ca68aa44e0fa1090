"""What run_command runs, what it keeps of the output, and what it leaves behind: nothing that holds on to it."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afk.outputs import MAX_OUTPUT_BYTES
from afk.tools import ToolArgumentsError, ToolContext, ToolError
from afk.tools import processes as processes_module
from afk.tools.command import run_command
from afk.tools.output import LIVE_CHARACTERS, KeptOutput, LiveOutput

from .conftest import MakeContext

DEADLINE_S = 20


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes_module, "TERM_GRACE_S", 0.3)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """No such process, or one that is dead and only waits for its parent to notice."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return True
    return status == "Z"


async def run(ctx: ToolContext, command: str, **more: Any) -> str:
    return await run_command.call(ctx, {"command": command, **more})


async def test_a_command_runs_in_the_workspace(workspace: Path, context: MakeContext) -> None:
    assert await run(context(), "pwd; echo err >&2; exit 3") == f"exit code 3\n{workspace}\nerr\n"
    assert await run(context(), "true") == "exit code 0\n(no output)"
    assert await run(context(), "kill -9 $$") == "killed by SIGKILL\n(no output)"


async def test_output_is_shown_while_the_command_runs(workspace: Path, context: MakeContext) -> None:
    shown: list[str] = []
    call = asyncio.create_task(
        run(
            context(emit=shown.append),
            "printf 'caf\\303'; until [ -e go ]; do sleep 0.01; done; printf '\\251!'",
        )
    )
    await until(lambda: "".join(shown) == "caf")
    (workspace / "go").touch()
    assert await call == "exit code 0\ncafé!"
    assert "".join(shown) == "café!"


async def test_bytes_that_are_no_text_are_replaced(context: MakeContext) -> None:
    assert await run(context(), "printf 'a\\377b'") == "exit code 0\na\ufffdb"


async def test_a_command_has_no_terminal_no_input_and_no_descriptor_but_its_own(
    workspace: Path, context: MakeContext
) -> None:
    kept = os.open(workspace, os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        text = await run(context(), "cat; readlink /proc/self/fd/0; tty; ls /proc/$$/fd; true")
    finally:
        os.close(kept)
    lines = text.splitlines()
    assert lines[1:3] == ["/dev/null", "not a tty"]
    assert {int(line) for line in lines[3:]} - {255} == {0, 1, 2}


async def test_the_key_of_the_model_is_not_passed_on(
    context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("OTHER", "kept")
    assert await run(context(), 'echo "[$OPENAI_API_KEY] $OTHER"') == "exit code 0\n[] kept\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"command": "  "}, "the command is empty"),
        ({"command": "echo \0"}, "NUL"),
        ({"command": "true", "timeout_s": 0}, "at least 1"),
        ({"command": "true", "timeout_s": 86400}, "at most 3600"),
    ],
)
async def test_a_command_that_cannot_be_is_refused(
    context: MakeContext, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ToolArgumentsError, match=says):
        await run_command.call(context(), arguments)


async def test_what_cannot_be_started_is_an_error_and_leaks_nothing(
    context: MakeContext, tmp_path: Path
) -> None:
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(ToolError, match=r"could not be started .* nothing ran"):
        await run(context(workspace=tmp_path / "gone"), "true")
    with pytest.raises(ToolError, match=r"could not be started .* nothing ran"):
        await run(context(), "#" * 10_000_000)
    assert len(os.listdir("/dev/fd")) == before


async def test_a_command_that_prints_for_ever_is_stopped_in_bounded_memory(context: MakeContext) -> None:
    shown: list[str] = []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ToolError) as failure:
        await run(context(emit=shown.append), "echo $$; yes", timeout_s=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 40_000
    text = str(failure.value)
    assert text.startswith(
        "the command was stopped after 1 s, before it had ended; it may have had an effect."
    )
    assert len(text) <= MAX_OUTPUT_BYTES
    cut = re.search(r"\n\[([\d,]+) bytes are left out here", text)
    assert cut
    assert int(cut[1].replace(",", "")) > 1_000_000
    assert sum(map(len, shown)) < 100 * LIVE_CHARACTERS
    assert "not shown while they came]" in "".join(shown)
    leader = re.search(r"so far:\n(\d+)\n", text)
    assert leader
    assert is_gone(int(leader[1]))


async def test_a_timeout_kills_children_that_ignore_the_polite_signal(
    workspace: Path, context: MakeContext
) -> None:
    command = (
        "trap '' TERM; (trap '' TERM; echo $BASHPID > child; while :; do sleep 1000; done) & wait; sleep 1000"
    )
    with pytest.raises(ToolError, match="stopped after 1 s"):
        await run(context(), command, timeout_s=1)
    child = int((workspace / "child").read_text())
    await until(lambda: is_gone(child))


async def test_a_stopped_command_may_tidy_up_first(workspace: Path, context: MakeContext) -> None:
    with pytest.raises(ToolError, match="so far:\nbegun\ntidied\n"):
        await run(context(), "trap 'echo tidied; exit 1' TERM; echo begun; sleep 1000 & wait", timeout_s=1)


@pytest.mark.parametrize("times", [1, 3])
async def test_cancelling_kills_the_whole_group(workspace: Path, context: MakeContext, times: int) -> None:
    call = asyncio.create_task(
        run(
            context(),
            "trap '' TERM; echo $$ > leader; (echo $BASHPID > child; sleep 1000) & wait; sleep 1000",
        )
    )
    await until(
        lambda: all(
            (workspace / name).exists() and (workspace / name).read_text() for name in ("leader", "child")
        )
    )
    leader, child = (int((workspace / name).read_text()) for name in ("leader", "child"))
    assert not is_gone(child)
    for _ in range(times):
        call.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await call
    assert is_gone(leader)
    await until(lambda: is_gone(child))


async def test_ending_the_loop_kills_the_group_too(workspace: Path, context: MakeContext) -> None:
    ctx = context()

    async def main() -> None:
        left_running = asyncio.create_task(run(ctx, "trap '' TERM; echo $$ > leader; sleep 1000; sleep 1000"))
        await until(lambda: (workspace / "leader").exists() and bool((workspace / "leader").read_text()))
        assert not left_running.done()

    await asyncio.to_thread(asyncio.run, main())
    assert is_gone(int((workspace / "leader").read_text()))


async def test_a_background_process_that_holds_the_output_does_not_hold_the_call(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import afk.tools.command as command_module

    monkeypatch.setattr(command_module, "LINGER_S", 0.2)
    text = await run(context(), "sleep 1000 & echo $! > child; echo done")
    assert text == (
        "exit code 0\ndone\n\n[a process that it left in the background held the output open, and was stopped]"
    )
    child = int((workspace / "child").read_text())
    await until(lambda: is_gone(child))


async def test_a_process_that_left_the_group_is_told(
    workspace: Path, context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import afk.tools.command as command_module

    monkeypatch.setattr(command_module, "LINGER_S", 0.1)
    monkeypatch.setattr(processes_module, "KILL_GRACE_S", 0.1)
    text = await run(
        context(),
        "setsid sleep 1000 & echo $! > child; until [ \"$(cut -d' ' -f6 /proc/$!/stat)\" != $$ ]; do sleep 0.01; done",
    )
    child = int((workspace / "child").read_text())
    try:
        assert text.endswith("has left its group, and may still be running]")
        assert not is_gone(child)
    finally:
        os.kill(child, signal.SIGKILL)


async def test_a_background_process_with_output_of_its_own_goes_on(
    workspace: Path, context: MakeContext
) -> None:
    text = await run(context(), "sleep 1000 > /dev/null 2>&1 & echo $!")
    child = int(text.splitlines()[1])
    try:
        assert text == f"exit code 0\n{child}\n"
        assert not is_gone(child)
    finally:
        os.kill(child, signal.SIGKILL)


async def test_many_commands_leave_no_descriptor_thread_or_zombie(context: MakeContext) -> None:
    await run(context(), "true")
    descriptors = len(os.listdir("/dev/fd"))
    texts = await asyncio.gather(*(run(context(), f"echo {n}") for n in range(20)))
    assert texts == [f"exit code 0\n{n}\n" for n in range(20)]
    assert len(os.listdir("/dev/fd")) == descriptors
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("wait-")])


def test_kept_output_has_head_and_tail_and_counts_what_is_between() -> None:
    half = 16 * 1024
    for size in (0, 10, half, 2 * half):
        kept = KeptOutput(2 * half)
        for start in range(0, size, 1000):
            kept.add(b"x" * min(1000, size - start))
        assert kept.text() == "x" * size
    kept = KeptOutput(2 * half)
    kept.add("é".encode() * (half // 2 - 1) + b"x")
    for _ in range(100):
        kept.add("é".encode() * 1000)
    kept.add(b"end")
    text = kept.text()
    head, note, tail = re.split(r"\n(\[[\d,]+ bytes are left out here.*\])\n", text)
    assert set(head[:-1]) == {"é"}
    assert tail.endswith("éend")
    assert "\ufffd" not in text
    assert (
        len(head.encode()) + int(re.findall(r"[\d,]+", note)[0].replace(",", "")) + len(tail.encode())
        == kept.total_bytes
    )


def test_live_output_passes_over_what_nobody_could_see() -> None:
    shown: list[str] = []
    now = [0.0]
    live = LiveOutput(shown.append, lambda: now[0])
    live.add(b"a" * (LIVE_CHARACTERS + 5))
    live.add(b"b" * 10)
    assert shown == ["a" * LIVE_CHARACTERS]
    now[0] = 1.0
    live.add(b"c\xc3")
    assert shown[1:] == ["\n[15 bytes not shown while they came]\n", "c"]
    live.end()
    assert shown[3:] == ["\ufffd"]
