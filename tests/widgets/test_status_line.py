"""The lines around the composer say it in words, at any width, and run nothing of what they show."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from afk_tui.widgets.request_bar import RequestBar
from afk_tui.widgets.status_line import Status, StatusLine, shorten_middle

FULL = Status("running", "gpt-5.2-mini", "/home/ada/projects/engine/notes", 12_345, 0.042)


class Lines(App[None]):
    def __init__(self, status: Status = FULL) -> None:
        super().__init__()
        self.status = status
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield RequestBar()
        yield StatusLine(self.status)

    @property
    def bar(self) -> RequestBar:
        return self.query_one(RequestBar)

    @property
    def line(self) -> StatusLine:
        return self.query_one(StatusLine)

    def on_request_bar_opened(self) -> None:
        self.opened += 1


def shown(widget: Widget) -> str:
    if not widget.size.area:
        return ""
    return "".join(segment.text for segment in widget.render_line(0)).strip()


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause()


async def test_a_wide_line_says_everything() -> None:
    app = Lines()
    async with app.run_test(size=(120, 4)):
        text = shown(app.line)
        for part in ("running", "gpt-5.2-mini", "12k tokens", "$0.04", "/home/ada/projects/engine/notes"):
            assert part in text


async def test_without_a_price_there_is_no_cost() -> None:
    app = Lines(Status("completed", "llama", "/w", 900, None))
    async with app.run_test(size=(120, 4)):
        assert "$" not in shown(app.line)
        assert "900 tokens" in shown(app.line)


@pytest.mark.parametrize("width", range(1, 100, 3))
async def test_a_narrow_line_drops_parts_and_keeps_the_state_longest(width: int) -> None:
    app = Lines()
    async with app.run_test(size=(width, 4)):
        text = shown(app.line)
        assert len(text) <= max(0, width - 2)
        if width >= 12:
            assert text.startswith("● running")
        if "$" in text:
            assert "tokens" in text
        if "tokens" in text:
            assert "notes" in text
        if "notes" in text:
            assert "gpt" in text


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("awaiting_approval", "waiting for you"),
        ("interrupted", "interrupted"),
        ("failed", "failed"),
        ("", "ready"),
    ],
)
async def test_states_are_words_not_colours_alone(state: str, word: str) -> None:
    app = Lines(Status(state))
    async with app.run_test(size=(80, 4)) as pilot:
        assert word in shown(app.line)
        app.line.status = Status(state, note="retrying in 4 s")
        await until(pilot, lambda: "retrying in 4 s" in shown(app.line))


async def test_what_it_shows_runs_no_markup() -> None:
    app = Lines(Status("odd [/nope]", "[@click=app.quit]m[/]", "/w/[/bad]", 1, 0.0))
    async with app.run_test(size=(120, 4)) as pilot:
        assert "[@click=app.quit]m[/]" in shown(app.line)
        app.bar.show_requests(1, "write_file [/nope]")
        await until(pilot, lambda: "[/nope]" in shown(app.bar))


def test_a_long_folder_gives_way_in_its_middle() -> None:
    assert shorten_middle("/home/ada/projects/notes", 14) == "/hom…cts/notes"
    assert shorten_middle("/w", 14) == "/w"
    assert [len(shorten_middle("/home/ada", width)) for width in range(5)] == [0, 1, 2, 3, 4]


async def test_the_bar_is_there_only_while_a_call_waits() -> None:
    app = Lines()
    async with app.run_test(size=(120, 4)) as pilot:
        assert not app.bar.display
        app.bar.show_requests(1, "write_file notes.txt")
        await until(pilot, lambda: shown(app.bar) != "")
        assert shown(app.bar) == (
            "1 call waits for you: write_file notes.txt — F4 or enter on an empty line to decide"
        )
        app.bar.show_requests(3, "write_file notes.txt")
        await until(pilot, lambda: shown(app.bar).startswith("3 calls wait for you: write_file"))
        app.bar.show_requests(0, elsewhere=2)
        await until(pilot, lambda: shown(app.bar) == "2 calls wait for you in other threads — F4 to decide")
        app.bar.show_requests(0)
        await until(pilot, lambda: not app.bar.display)


@pytest.mark.parametrize("width", [1, 5, 14, 25, 40, 60, 90])
async def test_a_narrow_bar_keeps_the_key_and_the_count(width: int) -> None:
    app = Lines()
    async with app.run_test(size=(width, 4)) as pilot:
        app.bar.show_requests(12, "write_file " + "long/" * 30)
        await until(pilot, lambda: app.bar.display)
        await pilot.pause()
        assert len(shown(app.bar)) <= width
        if width >= 25:
            assert "F4" in shown(app.bar)
            assert "12 calls wait" in shown(app.bar)


async def test_a_click_opens_the_requests() -> None:
    app = Lines()
    async with app.run_test(size=(80, 4)) as pilot:
        app.bar.show_requests(1, "run_command ls")
        await until(pilot, lambda: app.bar.size.height == 1)
        await pilot.click(RequestBar)
        await until(pilot, lambda: app.opened == 1)


LONG, SHORT = "compaction would remove 1,240 records · F6", "F6 would remove 1,240 records"


@pytest.mark.parametrize(("width", "said"), [(150, LONG), (110, SHORT), (80, SHORT), (50, ""), (30, "")])
async def test_what_a_compaction_would_remove_is_said_where_there_is_room(width: int, said: str) -> None:
    status = Status("completed", "gpt-5.2-mini", "/home/ada/projects/engine/notes", 12_345)
    for removable in (0, 1_240):
        app = Lines(replace(status, removable=removable))
        async with app.run_test(size=(width, 5)):
            line = shown(app.line)
        if not removable:
            without = line
        elif not said:
            assert line == without
        else:
            assert said in line
            assert line.startswith("✓ done  gpt-5.2-mini")
            assert line.endswith("notes")


async def test_something_passing_is_more_than_what_could_be_removed() -> None:
    app = Lines(replace(FULL, note="retrying in 4 s", removable=1_240))
    async with app.run_test(size=(150, 5)):
        assert "remove" not in shown(app.line)


@pytest.mark.parametrize(("share", "said"), [(0.43, True), (0.004, False), (None, False)])
async def test_it_says_how_full_the_context_is_from_a_hundredth_on(share: float | None, said: bool) -> None:
    async with Lines(replace(FULL, context_share=share)).run_test(size=(120, 5)) as pilot:
        assert ("context 43%" in shown(pilot.app.query_one(StatusLine))) is said
        assert ("context" in shown(pilot.app.query_one(StatusLine))) is said
