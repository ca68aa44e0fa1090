"""What is always allowed can be written by a person: weighed at every key, shown whole, and never more than it says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import ApprovalView, PatternChoice
from tests.screens.desk import Desk, staged
from tests.screens.history_kit import until_true
from tests.screens.stage import until_run


async def begin_writing(it: Desk, key: str = "t") -> None:
    """From a request to the field of the pattern."""
    await it.decide(key)
    await it.press("e")
    await it.until(lambda: it.screen.mode == "narrowing" and it.screen.focused is it.screen.panel.pattern)


async def write(it: Desk, text: str) -> None:
    """Put this in the place of what stands in the field, and wait for the verdict about it."""
    field = it.screen.panel.pattern
    empty = ("Write the first words", "Write a path below")
    field.value = ""
    await it.until(lambda: it.screen.panel.verdict.startswith(empty))
    field.value = text
    await it.until(lambda: not it.screen.panel.verdict.startswith(empty))


async def test_a_pattern_written_by_hand_is_shown_and_remembered_after_another_press(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: git status -s") as (it, thread_id):
        await begin_writing(it)
        assert it.screen.panel.pattern.value == "git status"
        await it.press("space", "minus", "s")
        await it.until(lambda: it.screen.panel.verdict.endswith("begins with: git status -s"))
        await it.press("enter")
        await it.until(lambda: it.screen.mode == "remembering")
        assert it.notice.endswith("run_command, any one command that begins with: git status -s")
        await it.press("y")
        assert await it.untouched(), "what was just written must be on the screen for a while"
        await it.decide("y")
        await it.until(lambda: it.app.dismissed == [None])
        await until_run(it.gateway, thread_id, "idle")
        [grant] = await it.gateway.grants()
        assert grant.covers.endswith("begins with: git status -s")
        await it.gateway.send(thread_id, "run: git status -s .")
        await until_run(it.gateway, thread_id, "idle")
        await it.gateway.send(thread_id, "run: git status")
        await until_run(it.gateway, thread_id, "waiting")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("git push", "does not cover the call"),
        ("git stat", "does not cover the call"),
        ("git status;", "can't hold ;"),
        ("git status && rm x", "can't hold &"),
        ("git | sh", "can't hold |"),
        ("git $(rm x)", "can't hold $"),
        ("git `rm x`", "can't hold `"),
        ("git > x", "can't hold >"),
        ("git < x", "can't hold <"),
        ("git 'sta", "not whole words"),
        ("A=1 git", "not whole words"),
    ],
)
async def test_what_does_not_cover_the_call_or_could_cover_more_is_told_under_the_field_and_never_remembered(
    tmp_path: Path, text: str, verdict: str
) -> None:
    async with staged(tmp_path, "run: git status -s") as (it, _):
        await begin_writing(it)
        await write(it, text)
        assert verdict in it.screen.panel.verdict
        await it.press("enter")
        await it.press("y", "t")
        assert it.screen.mode == "narrowing"
        assert await it.untouched()
        assert await it.gateway.grants() == []


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("src/*.py", "any file that fits: src/*.py"),
        ("src/a.*", "any file that fits: src/a.*"),
        ("lib/*", "does not cover the call"),
        ("/src/*", "without a leading /"),
        ("../*", "without a leading /"),
    ],
)
async def test_a_path_is_narrowed_by_a_glob(tmp_path: Path, text: str, verdict: str) -> None:
    (tmp_path / "src").mkdir()
    async with staged(tmp_path, "write src/a.py: x") as (it, _):
        await begin_writing(it, "w")
        assert it.screen.panel.pattern.value == "src/*"
        await write(it, text)
        assert verdict in it.screen.panel.verdict


async def test_escape_goes_back_to_what_was_offered_before(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: git status -s") as (it, _):
        await it.decide("t")
        await it.press("right")
        offered = it.notice
        await it.press("e")
        await it.press("x", "escape")
        assert (it.screen.mode, it.notice) == ("remembering", offered)
        await it.press("escape")
        assert it.screen.mode == "choosing"
        assert await it.untouched()


async def test_where_no_pattern_is_safe_none_can_be_written(tmp_path: Path) -> None:
    async with staged(tmp_path, "run: git status; ls") as (it, _):
        await it.decide("t")
        await it.press("e")
        assert it.screen.mode == "remembering"
        assert "write what" not in it.text


async def test_a_verdict_that_comes_once_its_place_on_the_screen_is_gone_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weigh = Gateway.typed_pattern
    reached: list[str] = []

    async with staged(tmp_path, "run: git status -s") as (it, _):
        await begin_writing(it)
        panel = it.screen.panel

        async def weigh_until_gone(gateway: Gateway, view: ApprovalView, text: str) -> PatternChoice:
            pattern = await weigh(gateway, view, text)
            reached.append("weighed")
            while panel.query("#verdict"):
                await asyncio.sleep(0.001)
            reached.append("gone")
            return pattern

        monkeypatch.setattr(Gateway, "typed_pattern", weigh_until_gone)
        panel.pattern.value = "git status -s"
        await until_true(lambda: reached)
    assert reached == ["weighed", "gone"]


async def test_a_pattern_pasted_in_several_lines_is_its_first_line(tmp_path: Path) -> None:
    from textual import events

    async with staged(tmp_path, "run: git status -s") as (it, _):
        await begin_writing(it)
        it.screen.panel.pattern.value = ""
        it.screen.panel.pattern.post_message(events.Paste("git status\nrm -rf x"))
        await it.until(lambda: it.screen.panel.pattern.value == "git status")
