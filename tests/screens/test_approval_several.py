"""Several requests: decided in any order or all at once, each on disk before the next, and never unread."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.views import ApprovalView
from afk_tui.widgets.request_list import ListedRequest, RequestList
from tests.core.kit import rows
from tests.memory.children import environment
from tests.screens.desk import LONG, desk, staged
from tests.screens.stage import begin_waiting, open_gateway, until_run, waiting

THREE = "write notes.txt: hello together with run: echo one >> ran.txt together with run: echo two >> ran.txt"


async def test_all_are_denied_at_once_after_a_second_press(tmp_path: Path) -> None:
    async with staged(tmp_path, THREE) as (it, thread_id):
        await it.decide("D")
        assert it.notice.startswith("Deny these 3 requests: write_file notes.txt; run_command echo one")
        await it.press("D", "y")
        assert await it.untouched(), "a key that repeats must not be its own second press"
        await it.decide("D")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert await it.statuses() == ["denied"] * 3
        assert not (tmp_path / "ran.txt").exists()


async def test_all_are_denied_with_one_reason(tmp_path: Path) -> None:
    async with staged(tmp_path, THREE) as (it, _):
        await it.decide("R", *"no D y", "enter")
        await it.until(lambda: it.app.dismissed == [None])
        requests = await it.gateway._store.list_approvals(pending_only=False)
        assert [(r.status, r.decision_reason) for r in requests] == [("denied", "no D y")] * 3


@pytest.mark.parametrize("keys", [["escape"], ["a", "d", "enter", "space", "A", "escape"]])
async def test_a_second_thought_about_all_leaves_them_waiting(tmp_path: Path, keys: list[str]) -> None:
    async with staged(tmp_path, THREE) as (it, _):
        await it.decide("D")
        await it.decide(*keys)
        assert it.screen.mode == "choosing"
        assert await it.untouched()


async def test_all_are_allowed_only_after_each_was_read_to_its_end(tmp_path: Path) -> None:
    message = f"{LONG} together with run: echo one >> ran.txt"
    async with staged(tmp_path, message, size=(80, 24)) as (it, thread_id):
        await it.decide("A")
        assert it.notice.startswith("0 of 2 were read to the end. Not yet: write_file notes.txt and 1 more")
        await it.press("]")
        await it.decide("A")
        assert it.notice.startswith("1 of 2 were read to the end. Not yet: write_file notes.txt")
        await it.press("[", "end")
        await it.until(lambda: it.screen.panel.arguments.last_line_seen)
        await it.decide("A")
        assert it.notice.startswith("Allow once these 2 requests: write_file notes.txt; run_command echo one")
        await it.press("A")
        assert await it.untouched()
        await it.decide("y")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert await it.statuses() == ["allowed", "allowed"]
        assert (tmp_path / "ran.txt").read_text() == "one\n"


async def test_what_was_read_stays_read_until_it_reads_differently(tmp_path: Path) -> None:
    async with staged(tmp_path, f"{LONG} together with run: ls", size=(80, 24)) as (it, _):
        await it.press("end")
        await it.until(lambda: it.screen.panel.arguments.last_line_seen)
        await it.press("]")
        await it.wait_out()
        await it.press("[")
        assert it.screen.panel.arguments.last_line_seen
        (tmp_path / "notes.txt").write_text("something else\n")
        it.screen.refresh_requests(await it.gateway.requests())
        await it.until(lambda: not it.screen.panel.arguments.last_line_seen)
        await it.decide("A")
        assert "Not yet: write_file notes.txt" in it.notice


async def test_a_file_that_changes_while_its_diff_is_read_is_shown_anew_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path, "write notes.txt: hello") as (it, _):
        await it.wait_out()
        (tmp_path / "notes.txt").write_text("somebody was faster\n")
        await it.until(lambda: "-somebody was faster" in it.text)
        assert "no longer what was shown" in it.notice
        await it.press("a")
        assert await it.untouched(), "what is new is deaf anew"


async def test_a_yes_to_what_has_changed_is_asked_again_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, "write notes.txt: hello") as (it, thread_id):
        await it.wait_out()
        monkeypatch.setattr(it.screen, "_compare", lambda view: None)
        (tmp_path / "notes.txt").write_text("somebody was faster\n")
        await it.press("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "waiting")
        [again] = await it.gateway.requests(thread_id)
        assert again.reason == "notes.txt changed since you were shown it."
        assert "-somebody was faster" in again.preview
        assert (tmp_path / "notes.txt").read_text() == "somebody was faster\n"


async def test_what_was_edited_is_there_when_the_request_is_opened_again(tmp_path: Path) -> None:
    async with staged(tmp_path, "write notes.txt: hello") as (it, thread_id):
        gateway, asked = it.gateway, it.shown
        fields = await gateway.argument_fields(asked)
        mine = [replace(field, text="mine") if field.name == "content" else field for field in fields]
        edited = await gateway.edited(asked, mine)
        [again] = await gateway.requests(thread_id)
        assert (again.edited, again.preview) == (edited.edited, edited.preview)
        await gateway.edited(again, fields)
        [again] = await gateway.requests(thread_id)
        assert (again.edited, again.preview) == (None, asked.preview)


async def test_what_was_edited_is_there_again_when_the_call_is_asked_about_again(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    async with staged(tmp_path, "write notes.txt: hello") as (it, thread_id):
        gateway, asked = it.gateway, it.shown
        theirs = await gateway.argument_fields(asked)
        mine = [replace(field, text="mine") if field.name == "content" else field for field in theirs]
        edited = await gateway.edited(asked, mine)
        notes.write_text("somebody was faster\n")
        await gateway.decide(edited, "allow")
        await until_run(gateway, thread_id, "waiting")
        [again] = await gateway.requests(thread_id)
        assert again.approval_id != asked.approval_id
        assert "-somebody was faster" in again.preview
        assert "+mine" in again.preview
        assert next(f.text for f in await gateway.argument_fields(again) if f.name == "content") == "mine"
        async with desk(gateway, requests=[again]) as anew:
            await anew.until(lambda: "with your changes" in anew.text)
        # what the model asked for can be had again too
        await gateway.decide(await gateway.edited(again, theirs), "allow")
        await until_run(gateway, thread_id, "idle")
    assert notes.read_text() == "hello"


async def test_calls_of_unknown_outcome_are_not_answered_with_the_others(tmp_path: Path) -> None:
    async with waiting(tmp_path, THREE) as (gateway, _):
        first, *others = await gateway.requests()
        async with desk(gateway, requests=[replace(first, kind="uncertain"), *others]) as it:
            await it.decide("D")
            assert "these 2 requests (1 call of unknown outcome stays)" in it.notice
            await it.decide("D")
            await it.until(lambda: it.screen.mode == "choosing" and "all 2" in it.notice)
            assert it.shown.kind == "uncertain"
            assert await it.statuses() == ["pending", "denied", "denied"]


async def test_one_that_somebody_else_decided_is_said_and_the_others_are_recorded(tmp_path: Path) -> None:
    async with staged(tmp_path, THREE) as (it, _):
        second = (await it.gateway.requests())[1]
        await it.decide("D")
        await it.gateway._runner.decide(second.approval_id, "allow", args_sha=second.args_sha, by="kim")
        await it.decide("D")
        await it.until(lambda: it.screen.mode == "over")
        assert it.notice.startswith("Denied: 2 of 3. run_command: ")
        assert "allowed, by kim" in it.notice
        assert await it.statuses() == ["denied", "allowed", "denied"]


async def test_where_the_disk_is_full_what_is_recorded_stays_and_the_rest_still_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, THREE) as (it, _):
        decide, calls = it.gateway.decide, list[str]()

        async def failing(request: ApprovalView, decision: Any, **kwargs: Any) -> None:
            calls.append(request.approval_id)
            if len(calls) > 1:
                raise GatewayError("The disk is full. Free some space.", "store")
            await decide(request, decision, **kwargs)

        monkeypatch.setattr(it.gateway, "decide", failing)
        await it.decide("D")
        await it.decide("D")
        await it.until(lambda: it.screen.mode == "choosing" and "1 of 3" in it.notice)
        assert "The disk is full." in it.notice
        assert len(calls) == 2
        assert await it.statuses() == ["denied", "pending", "pending"]


KILLED = """
import asyncio, os, pathlib, signal, sys
from afk.memory import SQLiteMemoryStore
from tests.screens.desk import desk
from tests.screens.stage import open_gateway

async def main(workspace, database):
    gateway = await open_gateway(pathlib.Path(workspace), database=pathlib.Path(database))
    decide, seen = gateway.decide, []

    async def decide_and_die(request, decision, **kwargs):
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(request)
        await decide(request, decision, **kwargs)

    gateway.decide = decide_and_die
    async with desk(gateway) as it:
        await it.decide("D")
        await it.decide("D")
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_in_the_middle_of_denying_all_those_decided_are_decided_and_the_rest_waits(
    tmp_path: Path,
) -> None:
    workspace, database = tmp_path / "w", tmp_path / "afk.db"
    workspace.mkdir()
    async with waiting(workspace, THREE, database=database):
        pass
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace), str(database)],
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == -9
    assert rows(database, "SELECT status FROM approval ORDER BY rowid") == [
        ("denied",),
        ("denied",),
        ("pending",),
    ]
    gateway = await open_gateway(workspace, database=database)
    try:
        [left] = await gateway.requests()
        assert left.title == "run_command echo two >> ran.txt"
        await gateway.decide(left, "deny")
        await until_run(gateway, left.thread_id, "idle")
    finally:
        await gateway.close()
    assert not (workspace / "ran.txt").exists()


async def test_where_there_is_room_they_are_listed_at_the_side_with_what_was_read(tmp_path: Path) -> None:
    async with staged(tmp_path, f"{LONG} together with run: ls", size=(130, 30)) as (it, _):
        await it.until(lambda: "▸ ○ write_file notes.txt" in it.text)
        assert "  ○ run_command ls" in it.text
        await it.press("]")
        await it.until(lambda: "▸ ● run_command ls" in it.text)
        assert "2 of 2" in it.text
        await it.pilot.resize_terminal(100, 30)
        await it.until(lambda: "○ write_file" not in it.text)
        assert "2 of 2" in it.text
        await it.decide("d")
        await it.until(lambda: it.shown.tool_name == "write_file")


async def test_one_request_is_listed_nowhere_and_has_no_keys_for_all(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls", size=(130, 30)) as (it, _):
        await it.wait_out()
        assert "▸" not in it.text
        assert "deny all" not in it.text
        await it.press("D", "A", "R")
        assert it.screen.mode == "choosing"
        assert await it.untouched()


async def test_a_list_longer_than_the_screen_shows_those_around_and_says_how_many_more(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, "run: ls together with run: date", size=(130, 30)) as (it, _):
        listed = [ListedRequest(f"call {n}", "", "call", False) for n in range(200)]
        list_ = it.screen.query_one(RequestList)
        list_.list_requests(listed, 150)
        await it.until(lambda: "▸ ○ call 150" in it.text)
        assert "more" in it.text
        assert "call 0\n" not in it.text


async def test_requests_of_every_thread_are_decided_with_the_same_keys(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: echo one >> ran.txt") as (gateway, one):
        two = await begin_waiting(gateway, "run: echo two >> ran.txt")
        async with desk(gateway, (130, 30)) as it:
            assert "run: echo one >> ran.txt" in it.text
            await it.press("]")
            await it.decide("a")
            await it.until(lambda: it.shown.thread_id == one)
            await it.decide("d")
            await it.until(lambda: it.app.dismissed == [None])
            await until_run(gateway, two, "idle")
            assert (tmp_path / "ran.txt").read_text() == "two\n"
