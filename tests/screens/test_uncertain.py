"""What is said of a call whose outcome is unknown, while its process still lives and when it no longer does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from afk_tui.gateway.gateway import Gateway
from tests.core.kit import until
from tests.screens.stage import open_gateway, until_run
from tests.screens.test_approval import desk

# it asks for one command, and its person lets another one run
MAKER = """
import asyncio, pathlib, sys
from tests.screens.stage import waiting_gateway
async def main(workspace, database, command):
    gateway, thread_id = await waiting_gateway(
        pathlib.Path(workspace), "run: echo draft", database=pathlib.Path(database)
    )
    [request] = await gateway._runner.list_approvals()
    arguments = {**request.arguments, "command": command}
    await gateway._runner.decide(request.approval_id, "allow", args_sha=request.args_sha, arguments=arguments)
    await gateway.resume(thread_id)
    await asyncio.sleep(600)
asyncio.run(main(*sys.argv[1:]))
"""
COMMAND = "echo $$ > group; while [ ! -f go ]; do sleep 0.02; done; echo went >> effects.txt"


@dataclass
class Maker:
    """Another process that is making a call."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def group(self) -> int:
        """The process group of the command."""
        return int((self.folder / "group").read_text())

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


@asynccontextmanager
async def making(folder: Path, database: Path) -> AsyncGenerator[Maker]:
    """A process that is in the middle of a command, with arguments that a person had edited."""
    folder.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MAKER, str(folder), str(database), COMMAND),
        cwd=Path(__file__).parents[2],
    )
    maker = Maker(process, folder)
    try:
        await until(
            lambda: (folder / "group").exists() and (folder / "group").read_text().strip(), "the command"
        )
        lifelines = database.with_name(f"{database.name}-owners")
        await until(lambda: any(f.read_text().strip() for f in lifelines.glob("call_*")), "its lifeline")
        yield maker
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        with suppress(ProcessLookupError, FileNotFoundError):
            os.killpg(maker.group, signal.SIGKILL)


@asynccontextmanager
async def taken_over(folder: Path, database: Path) -> AsyncGenerator[Gateway]:
    """A gateway that took the run from the living process, and whose person is asked about the call."""
    gateway = await open_gateway(folder, database=database)
    try:
        [run] = await gateway._runner.list_runs()
        await gateway.resume(run.thread_id, take_over=True)
        await until_run(gateway, run.thread_id, "waiting")
        yield gateway
    finally:
        await gateway.close()


async def test_the_modal_says_who_makes_the_call_and_follows_while_that_ends(tmp_path: Path) -> None:
    folder, database = tmp_path / "work", tmp_path / "afk.db"
    async with (
        making(folder, database) as maker,
        taken_over(folder, database) as gateway,
        desk(gateway) as it,
    ):
        assert "on attempt 1, with the arguments below, as a person had changed them." in it.words
        assert "while [ ! -f go ]" in it.text
        pid, group = maker.pid, maker.group
        assert f"Its process (pid {pid}) still runs, and is still at it (process group {group})." in it.words

        maker.signal(signal.SIGKILL)
        await it.until(
            lambda: f"(pid {pid}) is gone, but what it started still runs (process group {group})" in it.words
        )
        os.killpg(group, signal.SIGKILL)
        await it.until(lambda: f"(pid {pid}) is gone, and nothing of it runs any more." in it.words)
        assert it.screen.mode == "choosing"
        assert await it.statuses() == ["allowed", "pending"]
        await it.decide("s")
        await it.until(lambda: it.app.dismissed == [None])
    assert not (folder / "effects.txt").exists()


async def test_of_a_process_that_was_frozen_and_woke_up_it_is_said_that_the_call_has_ended_there(
    tmp_path: Path,
) -> None:
    folder, database = tmp_path / "work", tmp_path / "afk.db"
    async with making(folder, database) as maker:
        maker.signal(signal.SIGSTOP)
        async with taken_over(folder, database) as gateway, desk(gateway) as it:
            await it.until(lambda: "still runs, and is still at it" in it.words)
            (folder / "go").touch()
            maker.signal(signal.SIGCONT)
            await it.until(
                lambda: f"(pid {maker.pid}) still runs, but nothing of this call does any more." in it.words
            )
            await it.decide("h")
            await it.until(lambda: it.app.dismissed == [None])
            [run] = await gateway._runner.list_runs()
            await until_run(gateway, run.thread_id, "idle")
    assert (folder / "effects.txt").read_text() == "went\n"


async def test_a_call_that_still_runs_is_not_run_again_and_that_is_said_in_the_modal(tmp_path: Path) -> None:
    folder, database = tmp_path / "work", tmp_path / "afk.db"
    async with making(folder, database) as maker:
        maker.signal(signal.SIGKILL)
        await maker.process.wait()
        async with taken_over(folder, database) as gateway, desk(gateway) as it:
            assert "was still running when this was asked" in it.words
            assert f"kill -- -{maker.group}" in it.words
            await it.decide("g")
            await it.until(lambda: it.app.dismissed == [None])
            [run] = await gateway._runner.list_runs()
            await until_run(gateway, run.thread_id, "waiting")
            [again] = await gateway.requests()
            assert "was still running" in again.reason
    assert not (folder / "effects.txt").exists()
