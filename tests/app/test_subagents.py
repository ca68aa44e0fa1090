"""What a subagent does is folded under the call it works for, and asks like everything else."""

from __future__ import annotations

from typing import Any

from tests.app.conftest import Driven

TEAM = "tests.app.team:boss"
NESTED = "ask lead: ask helper: write b.txt: hello"


async def unfold_last_call(driven: Driven) -> None:
    conversation = driven.main.conversation
    conversation.focus()
    await driven.pilot.press("end")
    for _ in range(8):
        if any("▌" in line and "▸" in line for line in driven.text().splitlines()):
            break
        await driven.pilot.press("up")
        await driven.pilot.pause()
    await driven.pilot.press("enter")


async def allow(driven: Driven) -> None:
    driven.main.open_requests()
    await driven.until_screen("ApprovalScreen")
    await driven.until_shown("ready")
    await driven.pilot.press("a")
    await driven.until_screen("MainScreen")


def call_line(driven: Driven, agent: str) -> str:
    return next((line for line in driven.text().splitlines() if f" {agent} " in line and "▸" in line), "")


async def test_a_call_to_a_subagent_is_one_line_that_unfolds_into_what_it_did(start: Any) -> None:
    async with start(agent=TEAM) as driven:
        await driven.say("ask helper: read a.txt")
        await driven.until_state("done")
        await driven.until_shown("▸ ✓ ran      helper read a.txt · 1 call")
        assert "read_file" not in driven.text()
        await unfold_last_call(driven)
        await driven.until_shown("✓ ran      read_file a.txt")
        line = next(line for line in driven.text().splitlines() if "✓ ran      read_file a.txt" in line)
        assert "│" in line.partition("✓")[0]


async def test_a_request_from_inside_shows_its_path_and_the_line_says_what_it_asks(start: Any) -> None:
    async with start(agent=TEAM) as driven:
        await driven.say(NESTED)
        await driven.until_state("waiting")
        await driven.until(lambda: "asks: write_file b.txt" in call_line(driven, "lead"), "what it asks")
        assert "◆ waiting" in call_line(driven, "lead")
        driven.main.open_requests()
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("boss › lead › helper")
        await driven.until_shown("ready")
        await driven.pilot.press("a")
        await driven.until_state("done")
        assert (driven.folder / "b.txt").read_text() == "hello"
        assert "✓ ran" in call_line(driven, "lead")
        await unfold_last_call(driven)
        await driven.until_shown("✓ ran      write_file b.txt")
        lines = driven.text().splitlines()
        outer = next(line for line in lines if "✓ ran      helper write b.txt" in line)
        inner = next(line for line in lines if "✓ ran      write_file b.txt" in line)
        assert inner.index("✓") == outer.index("✓") + 2


async def test_after_a_restart_the_request_waits_and_the_work_inside_goes_on(start: Any) -> None:
    async with start(agent=TEAM) as driven:
        await driven.say(NESTED)
        await driven.until_state("waiting")
    async with start(agent=TEAM, ready=False) as driven:
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("boss › lead › helper")
        assert not (driven.folder / "b.txt").exists()
        await driven.until_shown("ready")
        await driven.pilot.press("a")
        await driven.until_state("done")
        assert (driven.folder / "b.txt").read_text() == "hello"
        runs = await driven.main.gateway._store.list_runs(driven.main.thread_id)
        assert [run.state for run in runs] == ["completed"] * 3


async def test_what_a_subagent_read_is_found_at_its_call(start: Any) -> None:
    async with start(agent=TEAM) as driven:
        await driven.say("ask helper: read a.txt")
        await driven.until_state("done")
        store = driven.main.gateway._store
        found = await store.find("first line")
        assert {hit.thread_id for hit in found} == {driven.main.thread_id}
        heads = await store.message_heads(driven.main.thread_id)
        call = next(head.seq for head in heads if head.role == "call")
        assert {hit.seq for hit in found} >= {call}


async def test_tokens_of_subagents_are_counted(start: Any) -> None:
    async with start(agent=TEAM) as driven:
        await driven.say("ask helper: read a.txt")
        await driven.until_state("done")
        view = await driven.main.gateway.run_view(driven.main.thread_id)
        runs = await driven.main.gateway._store.list_runs(driven.main.thread_id)
        assert len(runs) == 2
        assert (
            view.output_tokens
            == sum(run.usage["output_tokens"] for run in runs)
            > runs[1].usage["output_tokens"]
        )
