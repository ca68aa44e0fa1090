"""The inbox holds what waits in every thread and workspace, and answers with the one chosen."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from afk.agents import Agent
from afk.llms.protocol import LLM, Answer, ModelError, ModelRequest, ToolCall
from afk.memory.sqlite.store import InMemoryMemoryStore
from afk.tools import tool
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.gateway.views import WaitingRow
from afk_tui.screens.help import HelpScreen
from afk_tui.screens.inbox import Chosen, InboxScreen
from afk_tui.widgets.paged_list import PagedList
from tests.screens.desk import Clock
from tests.screens.stage import Stage, begin_waiting, open_gateway, plain_text, until, until_run


class RefusedModel:
    """A model whose server refuses the key: the run is interrupted, to be resumed."""

    label = "refused.example.org"

    async def stream(self, request: ModelRequest) -> Any:
        raise ModelError("auth", "the key was refused")
        yield

    async def close(self) -> None:
        pass


class PublishingModel:
    """A model that asks for one call of `publish`."""

    label = "publishing.example.org"

    async def stream(self, request: ModelRequest) -> Any:
        yield Answer("", (ToolCall("c1", "publish", '{"name": "v7"}'),), "tool_calls")

    async def close(self) -> None:
        pass


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


async def shown(pilot: Pilot[Any], text: str) -> str:
    await until(pilot, lambda: text in plain_text(pilot.app))
    return plain_text(pilot.app)


async def interrupted_gateway(workspace: Path) -> tuple[Gateway, str]:
    llm: LLM = RefusedModel()
    gateway = Gateway(
        build(Settings(workspace=workspace), store=InMemoryMemoryStore(), llm=llm), lambda _: None
    )
    await gateway.open()
    thread_id = await gateway.send(None, "why is the build slow")
    await until_run(gateway, thread_id, "stopped")
    return gateway, thread_id


async def test_requests_of_every_thread_stand_there_oldest_first(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        first = await begin_waiting(gateway, "write a.txt: one")
        await begin_waiting(gateway, "run: make publish")
        rows = await gateway.waiting()
        assert [row.title for row in rows] == ["write_file a.txt", "run_command make publish"]
        assert (rows[0].thread_id, rows[0].thread_title) == (first, "write a.txt: one")
        assert (rows[0].kind, rows[0].workspace) == ("call", str(workspace))
        assert [request.approval_id for request in await gateway.requests()] == [
            row.approval_id for row in rows
        ]
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            text = await shown(pilot, "run_command make publish")
            assert text.index("write_file a.txt") < text.index("run_command make publish")
            assert "now · write a.txt: one" in text
            assert str(workspace) not in text
    finally:
        await gateway.close()


async def test_enter_answers_with_the_request_under_the_cursor(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "write a.txt: one")
        await begin_waiting(gateway, "write b.txt: two")
        wanted = (await gateway.waiting())[1].approval_id
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "write_file b.txt")
            await pilot.press("down", "enter")
            await until(pilot, lambda: bool(app.dismissed))
            assert app.dismissed == [Chosen(wanted)]
    finally:
        await gateway.close()


async def test_a_call_of_unknown_outcome_is_marked(workspace: Path) -> None:
    leave = threading.Event()

    @tool(approval="never", timeout_s=0.05)
    def publish(name: str) -> str:
        """Publish a release."""
        leave.wait(60)
        return name

    engine = build(Settings(workspace=workspace), store=InMemoryMemoryStore(), llm=PublishingModel())
    gateway = Gateway(
        replace(engine, agent=Agent(name="publisher", model="m", tools=[publish])), lambda _: None
    )
    await gateway.open()
    try:
        await begin_waiting(gateway, "publish it")
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            text = await shown(pilot, "enter open · g h s answer")
            assert "outcome unknown · now · publish it" in text
            assert "? publish v7" in text
    finally:
        leave.set()
        await gateway.close()


async def test_an_interrupted_run_stands_there_and_answers_with_its_thread(workspace: Path) -> None:
    gateway, thread_id = await interrupted_gateway(workspace)
    try:
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            text = await shown(pilot, "why is the build slow")
            assert "interrupted · now" in text
            await pilot.press("enter")
            await until(pilot, lambda: bool(app.dismissed))
            assert app.dismissed == [Chosen(f"thread:{thread_id}")]
    finally:
        await gateway.close()


async def test_with_nothing_waiting_it_says_so_and_enter_does_nothing(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "Nothing waits for you.")
            await pilot.press("enter")
            assert app.dismissed == []
            await pilot.press("escape")
            await until(pilot, lambda: app.dismissed == [None])
    finally:
        await gateway.close()


async def test_a_request_decided_meanwhile_is_gone_after_a_reload(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "write a.txt: one")
        await begin_waiting(gateway, "write b.txt: two")
        screen = InboxScreen(gateway)
        app = Stage(screen)
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "write_file a.txt")
            await gateway.decide((await gateway.requests())[0], "deny")
            await screen.reload()
            await until(pilot, lambda: "write_file a.txt" not in plain_text(app))
            assert "write_file b.txt" in plain_text(app)
    finally:
        await gateway.close()


async def test_a_store_that_cannot_be_read_is_not_an_empty_inbox(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    await gateway.close()
    app = Stage(InboxScreen(gateway))
    async with app.run_test(size=(80, 24)) as pilot:
        text = await shown(pilot, "Could not be read")
        assert "Nothing waits" not in text


async def test_markup_and_control_characters_in_a_call_are_shown_as_they_are(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "run: echo [bold]x[/nope] \x1b]0;T\x07")
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            assert "run_command echo [bold]x[/nope] ␛]0;T␇" in await shown(pilot, "run_command")
    finally:
        await gateway.close()


@pytest.mark.parametrize("size", [(120, 36), (40, 15), (30, 8)])
async def test_it_fits_at_every_size(workspace: Path, size: tuple[int, int]) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, f"run: echo {'long ' * 60}")
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=size) as pilot:
            await shown(pilot, "◆ run_command echo")
            box = app.screen.query_one("#inbox")
            assert app.screen.region.contains_region(box.region)
    finally:
        await gateway.close()


async def test_help_opens_over_it(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        app = Stage(InboxScreen(gateway))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, InboxScreen))
    finally:
        await gateway.close()


@pytest.mark.parametrize("key", ["a", "t", "w", "e", "d", "r", "p", "D", "R", "A"])
async def test_the_keys_that_answer_a_request_answer_the_one_under_the_cursor(
    workspace: Path, key: str
) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "write a.txt: one")
        await begin_waiting(gateway, "write b.txt: two")
        wanted = (await gateway.waiting())[1].approval_id
        clock = Clock()
        screen = InboxScreen(gateway, clock=clock)
        app = Stage(screen)
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "write_file b.txt")
            await pilot.press("down", key)
            assert app.dismissed == [], "it is deaf until the keyboard was quiet"
            await wait_out(pilot, screen, clock)
            await pilot.press(key)
            await until(pilot, lambda: bool(app.dismissed))
            assert app.dismissed == [Chosen(wanted, key)]
    finally:
        await gateway.close()


async def wait_out(pilot: Pilot[Any], screen: InboxScreen, clock: Clock) -> None:
    """Until the screen was told of the row under the cursor, and its deafness is over. Each new row begins that anew:
    time is moved on until it is."""
    rows = screen.query_one(PagedList)

    def is_heard() -> bool:
        row = rows.highlighted
        clock.now_s += 1.0
        return isinstance(row, WaitingRow) and screen._under_cursor == row.approval_id and screen.is_ready

    await until(pilot, is_heard)


async def test_the_rest_of_a_word_that_begins_with_another_letter_answers_nothing(workspace: Path) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "write a.txt: one")
        clock = Clock()
        screen = InboxScreen(gateway, clock=clock)
        app = Stage(screen)
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "write_file a.txt")
            await wait_out(pilot, screen, clock)
            await pilot.press("m", "a", "d")
            await pilot.pause()
            assert app.dismissed == []
            clock.now_s += 1.0
            await pilot.press("d")
            await until(pilot, lambda: bool(app.dismissed))
    finally:
        await gateway.close()


async def test_a_key_that_comes_before_the_screen_knows_of_the_new_row_answers_nothing(
    workspace: Path,
) -> None:
    gateway = await open_gateway(workspace)
    try:
        await begin_waiting(gateway, "write a.txt: one")
        await begin_waiting(gateway, "write b.txt: two")
        clock = Clock()
        screen = InboxScreen(gateway, clock=clock)
        app = Stage(screen)
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "write_file b.txt")
            first, second = await gateway.waiting()
            rows = screen.query_one(PagedList)
            await wait_out(pilot, screen, clock)
            await gateway.decide((await gateway.requests())[0], "deny")
            while rows.highlighted == first:
                await rows.reload()
            assert rows.highlighted == second
            screen.on_key(events.Key("d", "d"))  # before the message about it
            await pilot.pause()
            assert app.dismissed == []
    finally:
        await gateway.close()


async def test_on_an_interrupted_run_these_keys_answer_nothing(workspace: Path) -> None:
    gateway, _ = await interrupted_gateway(workspace)
    try:
        clock = Clock()
        app = Stage(InboxScreen(gateway, clock=clock))
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot, "interrupted")
            clock.now_s += 1.0
            await pilot.press(*"atwedrpDRAghs")
            assert app.dismissed == []
            assert "enter go there · esc close" in plain_text(app)
    finally:
        await gateway.close()
