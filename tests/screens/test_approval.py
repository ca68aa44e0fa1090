"""Requests are decided by people, about what they have seen, and never by accident."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.screen import Screen

from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.views import ApprovalView
from afk_tui.screens.approval import ApprovalScreen
from afk_tui.screens.lines import Paragraph
from afk_tui.widgets.argument_view import ArgumentView
from tests.screens.desk import LONG, TWO, Desk, desk, staged
from tests.screens.stage import (
    APP_KEYS,
    Stage,
    begin_waiting,
    killed_inside,
    open_gateway,
    plain_text,
    until,
    until_run,
    waiting,
)

# what is decided


async def test_allow_once_runs_the_call_once_and_the_run_goes_on_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: echo ran >> ran.txt") as (it, thread_id):
        await it.decide("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert (tmp_path / "ran.txt").read_text() == "ran\n"
        assert await it.statuses() == ["allowed"]


async def test_each_request_is_decided_for_itself_and_the_next_one_is_shown(tmp_path: Path) -> None:
    async with staged(tmp_path, TWO) as (it, thread_id):
        assert "1 of 2" in it.text
        await it.decide("d")
        await it.until(lambda: it.shown.tool_name == "run_command")
        assert "Denied: write_file." in it.notice
        await it.decide("a")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        assert await it.statuses() == ["denied", "allowed"]
        assert not (tmp_path / "notes.txt").exists()
        assert (tmp_path / "ran.txt").read_text() == "ran\n"


async def test_a_denial_carries_the_reason_that_was_written(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.decide("r", *"a d not now", "enter")
        await it.until(lambda: it.app.dismissed == [None])
        [approval] = await it.gateway._store.list_approvals(pending_only=False)
        assert (approval.status, approval.decision_reason) == ("denied", "a d not now")


async def test_an_empty_reason_is_not_sent_and_escape_goes_back_to_the_keys(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.decide("r", "space", "enter")
        assert "Write a reason" in it.notice
        await it.press("escape")
        assert it.screen.mode == "choosing"
        assert await it.untouched()


async def test_letters_typed_faster_than_the_field_gets_the_focus_are_text_not_answers(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.wait_out()
        view = it.screen.panel.arguments
        for character in "rda":
            view.post_message(events.Key(character, character))
        await it.until(lambda: it.screen.panel.reason.value == "da")
        assert await it.untouched()


async def test_a_response_stands_in_the_tools_place(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: echo ran >> ran.txt") as (it, thread_id):
        await it.decide("p", "ctrl+s")
        assert "Write what the tool would have answered" in it.notice
        await it.press(*"two", "enter", *"lines", "ctrl+s")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        [approval] = await it.gateway._store.list_approvals(pending_only=False)
        assert (approval.status, approval.output) == ("responded", "two\nlines")
        assert not (tmp_path / "ran.txt").exists()


@pytest.mark.parametrize(("key", "second", "scope"), [("t", "t", "thread"), ("w", "y", "workspace")])
async def test_always_says_what_it_remembers_and_is_remembered_after_a_second_press(
    tmp_path: Path, key: str, second: str, scope: str
) -> None:
    async with staged(tmp_path, "run: echo ran >> ran.txt") as (it, thread_id):
        await it.decide(key)
        assert "this very call, and no other: run_command echo ran >> ran.txt" in it.notice
        assert ("in this thread" if scope == "thread" else str(tmp_path)) in it.notice
        await it.press(second)
        assert await it.untouched(), "a key that repeats must not be its own second press"
        await it.decide(second)
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        await it.gateway.send(thread_id, "run: echo ran >> ran.txt")
        await until_run(it.gateway, thread_id, "idle")
        assert (tmp_path / "ran.txt").read_text() == "ran\n" * 2
        another = await it.gateway.send(None, "run: echo ran >> ran.txt")
        await until_run(it.gateway, another, "waiting" if scope == "thread" else "idle")


async def test_what_always_covers_can_be_widened_and_is_said_exactly_before_the_second_press(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, "run: git status -s") as (it, thread_id):
        await it.decide("t")
        assert "this very call, and no other" in it.notice
        await it.press("right")
        assert it.notice.endswith("run_command, any one command that begins with: git status")
        await it.press("right", "right")
        assert it.notice.endswith("begins with: git")
        await it.press("y")
        assert await it.untouched(), "what was just chosen must be on the screen for a while"
        await it.press("left")
        assert it.notice.endswith("begins with: git status")
        await it.decide("y")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        [grant] = await it.gateway.grants()
        assert grant.covers.endswith("git status")
        await it.gateway.send(thread_id, "run: git status --long")
        await until_run(it.gateway, thread_id, "idle")
        await it.gateway.send(thread_id, "run: git push")
        await until_run(it.gateway, thread_id, "waiting")


async def test_always_begins_with_the_very_same_call_each_time(tmp_path: Path) -> None:
    async with staged(tmp_path, "write notes.txt: hello") as (it, _):
        await it.decide("w")
        await it.press("right")
        assert it.notice.endswith("write_file, any file that fits: *")
        await it.press("escape")
        await it.decide("t")
        assert "with these very arguments" in it.notice
        assert await it.untouched()


async def test_where_no_pattern_is_safe_only_the_very_same_call_is_offered(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: git status; ls") as (it, _):
        await it.decide("t")
        before = it.notice
        await it.press("right")
        assert (it.notice, it.screen.mode) == (before, "remembering")
        assert "←" not in it.text


async def test_escape_takes_back_the_first_press_of_always(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.decide("t")
        await it.decide("a", "d", "w", "enter", "space")
        assert it.screen.mode == "remembering"
        await it.press("escape")
        assert it.screen.mode == "choosing"
        assert await it.untouched()


@pytest.mark.parametrize("key", ["l", "escape"])
async def test_later_leaves_every_request_waiting(tmp_path: Path, key: str) -> None:
    async with staged(tmp_path, TWO) as (it, _):
        await it.decide(key)
        await it.until(lambda: it.app.dismissed == [None])
        assert await it.statuses() == ["pending", "pending"]


@pytest.mark.parametrize(
    ("key", "status", "lines"), [("g", "run_again", 2), ("h", "happened", 1), ("s", "skipped", 1)]
)
async def test_a_call_of_unknown_outcome_is_settled_in_one_of_three_ways(
    tmp_path: Path, key: str, status: str, lines: int
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with killed_inside(workspace, tmp_path / "afk.db") as (gateway, thread_id), desk(gateway) as it:
        assert "Outcome unknown: run_command" in it.text
        assert "on attempt 1, with the arguments below. No outcome was recorded." in it.words
        assert "is gone, and nothing of it runs any more." in it.words
        await it.decide("a", "d", "t", "w", "r", "p")
        assert (await it.statuses())[-1] == "pending"
        await it.decide(key)
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(gateway, thread_id, "idle")
        assert (await it.statuses())[-1] == status
        assert (workspace / "effects.txt").read_text() == "once\n" * lines


# never by accident


async def test_nothing_is_selected_and_enter_and_space_answer_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, TWO) as (it, _):
        assert isinstance(it.screen.focused, ArgumentView)
        await it.decide("enter", "space", "tab", "enter", "shift+tab", "space", "ctrl+j", "y")
        assert await it.untouched()
        assert it.screen.mode == "choosing"


async def heard_nothing_and_hears_after_a_while(it: Desk) -> None:
    assert await it.untouched()
    await it.until(lambda: "…" in it.text)
    await it.decide("d")
    await it.until(lambda: it.app.dismissed == [None])
    assert await it.statuses() == ["denied"]


async def test_it_is_deaf_until_no_key_was_pressed_for_half_a_second(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.until(lambda: it.screen._deafness._quiet_since_s < float("inf"))
        for key in ("a", "x", "down", "d", "t", "l", "r"):
            it.clock.now_s += 0.4
            await it.press(key)
            assert it.screen.mode == "choosing"
        await heard_nothing_and_hears_after_a_while(it)


@pytest.mark.parametrize("word", ["have", "my data", "xa", "_d", "ka"])
async def test_a_word_that_is_typed_into_it_answers_nothing(tmp_path: Path, word: str) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.wait_out()
        for letter in word:
            await it.press("space" if letter == " " else letter)
            it.clock.now_s += 0.12
        assert it.screen.mode == "choosing"
        await heard_nothing_and_hears_after_a_while(it)


async def test_what_it_knows_does_not_make_it_deaf(tmp_path: Path) -> None:
    async with staged(tmp_path, f"{TWO} together with run: date") as (it, _):
        await it.decide("v", "f", "F", "down", "d")
        await it.until(lambda: it.shown.tool_name == "run_command")
        assert await it.statuses() == ["denied", "pending", "pending"]


async def click_on(it: Desk, words: str) -> None:
    """Click on the first character of these words."""
    [(row, column)] = [(y, line.index(words)) for y, line in enumerate(it.text.splitlines()) if words in line]
    await it.pilot.click(offset=(column, row))
    await it.pilot.pause()


async def test_a_click_on_a_key_is_that_key_and_as_deaf_as_that(tmp_path: Path) -> None:
    async with staged(tmp_path, f"{TWO} together with run: date", (120, 30)) as (it, _):
        await it.until(lambda: it.screen._deafness._quiet_since_s < float("inf"))
        await click_on(it, "d deny")
        assert await it.untouched()
        await it.wait_out()
        await click_on(it, "] other requests")
        await it.until(lambda: it.shown.tool_name == "run_command")
        await it.wait_out()
        await click_on(it, "d deny")
        await it.until(lambda: "Denied: run_command." in it.notice)
        assert sorted(await it.statuses()) == ["denied", "pending", "pending"]
        await it.wait_out()
        await click_on(it, "D R")
        await it.until(lambda: it.screen.mode == "denying_all")
        await click_on(it, "esc back")
        await it.until(lambda: it.screen.mode == "choosing")
        await it.wait_out()
        await click_on(it, "l later")
        await it.until(lambda: it.app.dismissed == [None])


async def test_a_key_read_before_the_request_was_painted_never_counts(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        it.screen._deafness.deafen()
        it.clock.now_s += 60
        await it.press("a", "d")
        assert await it.untouched()


async def test_after_half_a_quiet_second_it_says_that_it_is_ready(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: ls") as (gateway, _):
        screen = ApprovalScreen(gateway, await gateway.requests())
        app = Stage(screen)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "ready" in plain_text(app))
            assert screen.is_ready


async def test_the_next_request_is_deaf_anew(tmp_path: Path) -> None:
    async with staged(tmp_path, f"{TWO} together with run: date") as (it, _):
        await it.decide("d")
        await it.until(lambda: it.shown.tool_name == "run_command")
        await it.press("d", "a", "d")
        assert await it.statuses() == ["denied", "pending", "pending"]
        await it.decide("]")
        assert "2 of 2" in it.text
        await it.press("d", "a")
        assert await it.statuses() == ["denied", "pending", "pending"]


async def test_keys_pressed_while_a_decision_is_recorded_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, TWO) as (it, _):
        go_on = asyncio.Event()
        decide = it.gateway.decide
        calls: list[str] = []

        async def slow(request: ApprovalView, decision: Any, **kwargs: Any) -> None:
            calls.append(decision)
            await go_on.wait()
            await decide(request, decision, **kwargs)

        monkeypatch.setattr(it.gateway, "decide", slow)
        await it.decide("d")
        await it.decide("d", "a", "escape", "]", "l")
        assert calls == ["deny"]
        assert it.shown.tool_name == "write_file"
        go_on.set()
        await it.until(lambda: it.shown.tool_name == "run_command")
        assert await it.statuses() == ["denied", "pending"]


async def test_no_click_answers_anything_and_the_keys_still_scroll_after_it(tmp_path: Path) -> None:
    async with staged(tmp_path, LONG, size=(80, 24)) as (it, _):
        await it.wait_out()
        it.app.app_focus = False
        it.app.post_message(events.AppFocus())
        for y in (0, 1, 5, 12, *range(18, 24)):
            await it.pilot.click(offset=(3 + y, y))
        assert await it.untouched()
        assert it.screen.mode == "choosing"
        await it.press("end")
        await it.until(lambda: it.screen.panel.arguments.last_line_seen)


@pytest.mark.parametrize("key", ["a", "t", "w"])
async def test_what_executes_works_only_once_the_last_line_was_on_the_screen(
    tmp_path: Path, key: str
) -> None:
    async with staged(tmp_path, LONG, size=(80, 24)) as (it, _):
        await it.decide(key)
        assert "Scroll to the end first" in it.notice
        assert "line 1" in it.notice
        assert "of 64" in it.notice
        assert it.screen.mode == "choosing"
        await it.press("pagedown")
        await it.until(lambda: "line 2" in it.notice)
        await it.press(key)
        assert await it.untouched()
        await it.press("end")
        await it.until(lambda: it.notice == "")
        await it.decide(key)
        await it.until(lambda: it.app.dismissed == [None] or it.screen.mode == "remembering")


async def test_what_is_folded_was_not_seen_and_unfolding_it_answers_nothing(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: ls") as (gateway, _):
        text = json.dumps({"to": "ada", "rows": list(range(60))}, indent=2)
        [view] = [replace(one, preview=text, preview_kind="json") for one in await gateway.requests()]
        async with desk(gateway, (80, 24), [view]) as it:
            await it.until(lambda: "60 lines folded" in it.text)
            await it.decide("a")
            assert it.notice.startswith("Unfold it (f), then scroll to the end first")
            await it.until(lambda: "F unfold the next" in it.text or "F the next" in it.text)
            await it.press("F")
            await it.until(lambda: "folded" not in it.notice)
            await it.press("f")
            await it.until(lambda: it.screen.panel.arguments.folded == 60)
            await it.press("f")
            await it.until(lambda: it.screen.panel.arguments.folded == 0)
            await it.decide("a")
            assert "Scroll to the end first" in it.notice
            await it.press("end")
            await it.until(lambda: it.notice == "")
            assert await it.untouched()
            await it.decide("d")
            await it.until(lambda: it.app.dismissed == [None])


async def test_another_way_to_show_a_diff_answers_nothing_and_is_a_key_of_the_legend(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("before\n")
    async with staged(tmp_path, "write notes.txt: after", size=(130, 30)) as (it, _):
        await it.until(lambda: it.screen.panel.arguments.is_split)
        await it.until(lambda: "v one under the other" in it.text)
        await it.press("v")
        await it.until(lambda: "v side by side" in it.text)
        assert "-before" in it.text
        assert await it.untouched()


async def test_a_denial_needs_no_scrolling(tmp_path: Path) -> None:
    async with staged(tmp_path, LONG, size=(80, 24)) as (it, _):
        await it.decide("d")
        await it.until(lambda: it.app.dismissed == [None])
        assert await it.statuses() == ["denied"]


async def test_running_a_call_of_unknown_outcome_again_needs_its_last_line_too(tmp_path: Path) -> None:
    async with waiting(tmp_path, LONG) as (gateway, _):
        unknown = [replace(view, kind="uncertain") for view in await gateway.requests()]
        async with desk(gateway, (80, 24), unknown) as it:
            await it.decide("g")
            assert "Scroll to the end first" in it.notice
            assert await it.untouched()


async def test_the_keys_of_the_app_do_nothing_under_it(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        await it.decide(*[key for key in APP_KEYS if key not in ("a", "d")])
        assert it.app.pressed == []
        assert await it.untouched()


# what changes elsewhere


async def test_who_decided_before_is_said_and_the_request_is_dropped(tmp_path: Path) -> None:
    database = tmp_path / "afk.db"
    async with waiting(tmp_path, TWO, database=database) as (gateway, _), desk(gateway) as it:
        other = await open_gateway(tmp_path, database=database)
        await other._runner.decide(it.shown.approval_id, "deny", args_sha=it.shown.args_sha, by="kim")
        await other.close()
        await it.decide("a")
        await it.until(lambda: it.shown.tool_name == "run_command")
        assert "was decided before: denied, by kim, on " in it.notice
        assert "of 2" not in it.text
        assert not (tmp_path / "notes.txt").exists()


async def test_of_the_last_request_too_it_is_said_before_the_modal_goes(tmp_path: Path) -> None:
    database = tmp_path / "afk.db"
    async with waiting(tmp_path, "run: ls", database=database) as (gateway, _), desk(gateway) as it:
        await gateway._runner.decide(it.shown.approval_id, "deny", args_sha=it.shown.args_sha, by="kim")
        await it.decide("a")
        await it.until(lambda: it.screen.mode == "over")
        it.screen.refresh_requests([])
        assert "denied, by kim" in it.notice
        await it.decide("a", "enter", "escape")
        await it.until(lambda: it.app.dismissed == [None])
        assert await it.statuses() == ["denied"]


async def test_another_error_is_shown_and_the_request_still_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):

        async def broken(*_: Any, **__: Any) -> None:
            raise GatewayError("The disk is full. Nothing was recorded. Free some space.", "store")

        with monkeypatch.context() as patch:
            patch.setattr(it.gateway, "decide", broken)
            await it.decide("r", *"why", "enter")
            await it.until(lambda: "The disk is full." in it.notice)
        assert "The request still waits" in it.notice
        assert it.screen.panel.reason.value == "why"
        await it.press("enter")
        await it.until(lambda: it.app.dismissed == [None])
        assert await it.statuses() == ["denied"]


async def test_a_decision_that_is_on_disk_is_not_asked_for_again_when_the_run_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):

        async def broken(*_: Any, **__: Any) -> None:
            raise GatewayError("The disk is full.", "store")

        monkeypatch.setattr(it.gateway, "resume", broken)
        await it.decide("a")
        await it.until(lambda: it.screen.mode == "over")
        assert "The disk is full." in it.notice
        assert await it.statuses() == ["allowed"]


async def test_a_request_decided_elsewhere_goes_and_the_place_is_kept(tmp_path: Path) -> None:
    three = f"{TWO} together with run: date"
    async with staged(tmp_path, three) as (it, _):
        first, second, third = await it.gateway.requests()
        await it.decide("]")
        it.screen.refresh_requests([second, third])
        await it.pilot.pause()
        assert it.shown == second
        assert "1 of 2" in it.text
        assert "decided elsewhere" in it.notice
        it.screen.refresh_requests([third, replace(first, approval_id="new")])
        await it.pilot.pause()
        assert it.shown == third
        assert "run_command was decided elsewhere" in it.notice
        assert "1 of 2" in it.text
        await it.press("a")
        assert await it.untouched(), "the next request is deaf anew"
        it.screen.refresh_requests([])
        await it.until(lambda: it.app.dismissed == [None])


async def test_a_list_read_before_a_decision_does_not_bring_the_request_back(tmp_path: Path) -> None:
    async with staged(tmp_path, TWO) as (it, _):
        before = await it.gateway.requests()
        await it.decide("d")
        await it.until(lambda: it.shown.tool_name == "run_command")
        it.screen.refresh_requests(before)
        await it.pilot.pause()
        assert it.shown.tool_name == "run_command"
        assert "of 2" not in it.text


async def test_a_list_that_comes_while_a_decision_is_recorded_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, TWO) as (it, _):
        decide = it.gateway.decide

        async def decide_and_tell(request: ApprovalView, decision: Any, **kwargs: Any) -> None:
            changed = [replace(view, preview="changed") for view in await it.gateway.requests()]
            it.screen.refresh_requests(changed)
            assert it.screen.mode == "sending"
            await decide(request, decision, **kwargs)
            it.screen.refresh_requests(await it.gateway.requests())
            assert it.screen.mode == "sending"

        monkeypatch.setattr(it.gateway, "decide", decide_and_tell)
        await it.decide("d")
        await it.until(lambda: it.shown.tool_name == "run_command")
        assert it.notice == "Denied: write_file."
        assert it.app.dismissed == []


async def test_arguments_that_read_differently_by_now_are_to_be_read_again(tmp_path: Path) -> None:
    async with staged(tmp_path, LONG, size=(80, 24)) as (it, _):
        await it.press("end")
        await it.until(lambda: it.screen.panel.arguments.last_line_seen)
        (tmp_path / "notes.txt").write_text("something else\n")
        it.screen.refresh_requests(await it.gateway.requests())
        await it.until(lambda: "-something else" in it.text)
        assert "no longer what was shown" in it.notice
        await it.decide("a")
        assert "Scroll to the end first" in it.notice
        assert await it.untouched()


async def test_what_is_gone_while_another_screen_is_on_top_closes_the_modal_after_that(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, "run: ls") as (it, _):
        on_top: Screen[None] = Screen()
        await it.app.push_screen(on_top)
        it.screen.refresh_requests([])
        await it.pilot.pause()
        assert it.app.screen is on_top
        on_top.dismiss()
        await it.until(lambda: it.app.dismissed == [None])


# how it looks


async def test_at_40x15_the_whole_command_and_the_keys_are_on_the_screen(tmp_path: Path) -> None:
    command = "echo one && echo two && echo three && rm -rf build/"
    async with staged(tmp_path, f"run: {command}", size=(40, 15)) as (it, _):
        await it.until(lambda: it.screen.panel.arguments.last_line_seen)
        assert "&& rm -rf build/" in it.text
        assert f"{tmp_path.name[-12:]},\n stops after 120 s" in it.text
        for key in ("a allow once", "d deny", "r deny, why", "l later"):
            assert key in it.text
        await it.decide("t")
        assert "t or y yes, always" in it.text
        assert "Always allow in this thread" in it.text


async def test_hidden_characters_folder_and_agent_are_said(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: rm \u202efdp.txt [/nope]") as (gateway, _), desk(gateway) as it:
        assert "1 hidden character is shown as a mark" in it.text
        assert "⟨U+202E⟩fdp.txt [/nope]" in it.text
        assert "Allow run_command? · assistant" in it.text
        assert it.screen.panel.query_one("#place", Paragraph).text == f"in {tmp_path}, stops after 120 s"


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (200, 60)])
async def test_it_stands_a_terminal_of_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with staged(tmp_path, TWO, size=size) as (it, _):
        for keys in (["end"], ["t"], ["r", *"no"], ["p", "x", "enter"]):
            await it.decide(*keys)
            if it.screen.mode != "choosing":
                await it.press("escape")
        await it.press("]", "[")
        await it.pilot.resize_terminal(40, 15)
        await it.until(lambda: "p respond" in it.text)
        assert await it.untouched()


async def test_requests_of_several_threads_say_of_which_conversation_they_are(tmp_path: Path) -> None:
    async with waiting(tmp_path, "run: ls") as (gateway, _):
        await begin_waiting(gateway, "run: date")
        async with desk(gateway, start=1) as it:
            assert "In the conversation: run: date" in it.text
            assert "2 of 2" in it.text
