"""What is approved is shown whole, and "seen" means that its last line was on the screen."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from afk.tools.diff import unified_diff
from afk_tui.widgets.argument_diffs import Diff
from afk_tui.widgets.argument_lines import Colours, WrappedLines, diff_kinds, wrap
from afk_tui.widgets.argument_sheets import WRAP_MARK, json_folds
from afk_tui.widgets.argument_view import LEAST_SPLIT_WIDTH, SPLIT_WIDTH, ArgumentView, PreviewKind

FORTY = "\n".join(f"row {number}" for number in range(1, 41))


class Desk(App[None]):
    BINDINGS: list[BindingType] = [Binding(key, f"pressed('{key}')") for key in ("enter", "space", "a")]  # noqa: RUF012

    def __init__(self, text: str = "", kind: PreviewKind = "command", file: str = "") -> None:
        super().__init__()
        self.given = (text, kind, file)
        self.seen = 0
        self.positions: list[str] = []
        self.keys: list[str] = []

    def compose(self) -> ComposeResult:
        text, kind, file = self.given
        yield ArgumentView(text, kind, file=file)

    @property
    def view(self) -> ArgumentView:
        return self.query_one(ArgumentView)

    def screen_lines(self) -> list[str]:
        """What is painted of it, beside the scroll bar: not all that a line is drawn as has to be on the screen."""
        x, y, width, height = self.view.scrollable_content_region
        strips = self.screen._compositor.render_strips()[y : y + height]
        return [strip.crop(x, x + width).text for strip in strips]

    def on_argument_view_last_line_seen(self) -> None:
        self.seen += 1

    def on_argument_view_position_changed(self, message: ArgumentView.PositionChanged) -> None:
        self.positions.append(message.text)

    def action_pressed(self, key: str) -> None:
        self.keys.append(key)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause()


async def shown_lines(text: str, kind: PreviewKind, width: int, file: str = "") -> list[str]:
    app = Desk(text, kind, file)
    async with app.run_test(size=(width, 60)) as pilot:
        await until(pilot, lambda: app.view.last_line_seen)
        return app.screen_lines()


async def test_a_text_that_fits_is_seen_at_once() -> None:
    app = Desk("ls -l")
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: app.seen == 1)
        assert app.view.position_text == "line 1 of 1"


async def test_a_longer_text_is_seen_only_at_its_last_line() -> None:
    app = Desk(FORTY)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.positions == ["line 12 of 40"])
        await pilot.press("pagedown", "pagedown", "down")
        await until(pilot, lambda: app.positions[-1] == "line 35 of 40")
        assert not app.view.last_line_seen
        await pilot.press("pagedown")
        await until(pilot, lambda: app.seen == 1)
        assert app.positions[-1] == "line 40 of 40"
        await pilot.press("home")
        await until(pilot, lambda: app.view.scroll_offset.y == 0)
        assert app.view.last_line_seen
        assert app.seen == 1


async def test_the_last_line_counts_once_its_end_is_there_however_long_it_is() -> None:
    app = Desk("first\n" + "x" * 2_000)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.positions[-1:] == ["line 2 of 2, which goes on below"])
        assert not app.view.last_line_seen
        await pilot.press("end")
        await until(pilot, lambda: app.seen == 1)
        assert app.positions[-1] == "line 2 of 2"


async def test_the_wheel_scrolls_to_the_end_too() -> None:
    app = Desk(FORTY)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.positions != [])
        for _ in range(40):
            app.view.post_message(
                events.MouseScrollDown(app.view, 1, 1, 0, 1, 0, False, False, False, screen_x=1, screen_y=1)
            )
        await until(pilot, lambda: app.seen == 1)


async def test_another_text_has_not_been_seen_by_the_one_before() -> None:
    app = Desk("short")
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.seen == 1)
        app.view.show_preview(FORTY, "json")
        await until(pilot, lambda: app.positions[-1:] == ["line 12 of 40"])
        assert not app.view.last_line_seen
        app.view.show_preview("short again", "json")
        await until(pilot, lambda: app.seen == 2)


async def test_seen_stays_seen_when_the_terminal_gets_smaller() -> None:
    app = Desk(FORTY)
    async with app.run_test(size=(60, 45)) as pilot:
        await until(pilot, lambda: app.seen == 1)
        await pilot.resize_terminal(30, 8)
        await until(pilot, lambda: app.view.size.height == 8)
        assert app.view.last_line_seen


async def test_lines_below_the_edge_of_the_screen_are_not_seen() -> None:
    class Clipped(Desk):
        CSS = "ArgumentView { height: 30; } VerticalScroll { height: 10; }"

        def compose(self) -> ComposeResult:
            with VerticalScroll(can_focus=False):
                yield from super().compose()

    app = Clipped("\n".join(map(str, range(30))))
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, lambda: app.view.size.height == 30)
        await pilot.pause()
        assert not app.view.last_line_seen
        app.query_one(VerticalScroll).scroll_end(animate=False)
        await until(pilot, lambda: app.seen == 1)


async def test_enter_and_space_do_nothing_here_and_reach_the_screen() -> None:
    app = Desk(FORTY)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.positions != [])
        await pilot.press("enter", "space", "a")
        await until(pilot, lambda: app.keys == ["enter", "space", "a"])
        assert app.view.scroll_offset.y == 0
        assert not app.view.last_line_seen


@pytest.mark.parametrize("width", [2, 3, 7, 23, 24, 60, 61, 62])
async def test_at_every_width_all_of_the_text_is_there(width: int) -> None:
    text = "echo " + "abcdefghi " * 5 + " && rm -rf /\nls"
    app = Desk(text)
    async with app.run_test(size=(width, 6)) as pilot:
        await until(pilot, lambda: app.positions != [])
        read: dict[int, str] = {}
        while True:
            top = app.view.scroll_offset.y
            lines = app.screen_lines()
            gutter = app.view._sheet.gutter_width  # type: ignore[attr-defined]
            for y, line in enumerate(lines):
                assert cell_len(line) == app.view.room
                read[top + y] = line[gutter:]
            if app.view.last_line_seen:
                break
            await pilot.press("pagedown")
            await until(pilot, lambda top=top: app.view.scroll_offset.y > top or app.view.last_line_seen)
        everything = "".join(read[row] for row in sorted(read))
        assert everything.replace(" ", "") == text.replace("\n", "").replace(" ", "")


async def test_a_wrapped_line_says_so_in_the_gutter_and_lines_are_numbered() -> None:
    lines = await shown_lines("a" * 70 + "\nb", "command", 40)
    assert [line.split()[0] for line in lines[:3]] == ["1", WRAP_MARK, "2"]


async def test_a_diff_shows_signs_and_colours_and_no_content_passes_for_a_header() -> None:
    before, after = ["def f():\n", "    return 1\n", "-- old\n"], ["def f():\n", "    return 2\n", "++ new\n"]
    diff = "".join(difflib.unified_diff(before, after, "a/f.py", "b/f.py"))
    assert diff_kinds(diff.splitlines()) == [
        *("header", "header", "hunk"),
        *("plain", "removed", "removed", "added", "added"),
    ]
    app = Desk(diff, "diff", "f.py")
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: app.view.last_line_seen)
        lines = app.screen_lines()
        assert [line.split()[:2] for line in lines[4:8]] == [
            ["2", "-"],
            ["3", "---"],
            ["2", "+"],
            ["3", "+++"],
        ]
        backgrounds = [next(iter(app.view.render_line(y)._segments[-1:])).style for y in (3, 4, 6)]
        assert len({style.bgcolor for style in backgrounds if style is not None}) == 3


def test_every_line_of_two_hunks_and_a_missing_newline_is_told_apart() -> None:
    diff = [
        "--- a",
        "+++ b",
        "@@ -1 +1 @@",
        "-x",
        "\\ No newline at end of file",
        "+y",
        "@@ -9,0 +10,2 @@",
        "+@@ -1 +1 @@",
        "+z",
    ]
    assert diff_kinds(diff) == [
        "header",
        "header",
        "hunk",
        "removed",
        "note",
        "added",
        "hunk",
        "added",
        "added",
    ]


async def test_what_it_shows_runs_no_markup_and_stays_byte_for_byte() -> None:
    text = 'echo "[@click=app.quit]x[/]" [/nope] ␛[2J⟨U+202E⟩   two'
    lines = await shown_lines(text, "command", 80)
    assert lines[0].rstrip().endswith(text)


async def test_a_mark_of_a_hidden_character_stands_out() -> None:
    app = Desk("rm ⟨U+202E⟩fdp")
    async with app.run_test(size=(60, 5)) as pilot:
        await until(pilot, lambda: app.view.last_line_seen)
        styles = {segment.text: segment.style for segment in app.view.render_line(0)}
        mark = styles["⟨U+202E⟩"]
        assert mark is not None
        assert mark.bold


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 5), (5, 2)])
async def test_it_stands_a_terminal_of_any_size(size: tuple[int, int]) -> None:
    app = Desk("日本語 [/nope]\n" * 3, "json")
    async with app.run_test(size=size) as pilot:
        await pilot.press("down", "pagedown", "up", "home", "end")
        if size[0] > 1:  # else there is the scroll bar alone
            await until(pilot, lambda: app.seen == 1)
        await pilot.resize_terminal(60, 12)
        await until(pilot, lambda: app.view.size.height == 12)
        assert "日本語 [/nope]" in app.screen_lines()[0]


async def test_the_line_at_the_top_stays_there_when_the_width_changes() -> None:
    app = Desk("\n".join(f"row {number} " + "x" * 50 for number in range(200)))
    async with app.run_test(size=(80, 10)) as pilot:
        await until(pilot, lambda: app.positions != [])
        for _ in range(5):
            await pilot.press("pagedown")
        await until(pilot, lambda: "row 45 " in app.screen_lines()[0])
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: app.view.virtual_size.height == 400)
        await until(pilot, lambda: "row 45 " in app.screen_lines()[0])


async def test_a_megabyte_of_json_opens_and_only_what_is_shown_is_coloured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    real = Colours._read

    def counting(self: Colours, text: str) -> object:
        read.append(text)
        return real(self, text)

    monkeypatch.setattr(Colours, "_read", counting)
    text = json.dumps([{"key": number, "text": "some words " * 3} for number in range(16_000)], indent=2)
    assert len(text) > 1_000_000
    app = Desk(text, "json")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.positions == ["line 30 of 64002"])
        await pilot.press("end")
        await until(pilot, lambda: app.seen == 1)
        assert 0 < len(read) <= 150
        assert app.screen_lines()[-1].split() == ["64002", "]"]


def test_wrapping_drops_nothing_at_any_width() -> None:
    lines = ["", "plain ascii " * 9, "日本語テキスト" * 9, "👩\u200d💻 e\u0301 mixed 日本 " * 5, " " * 33]
    for width in range(1, 40):
        laid_out = WrappedLines(lines, width)
        assert ["".join(wrap(line, width)) for line in lines] == lines
        rows = [laid_out.at(row) for row in range(laid_out.height)]
        assert rows == [(i, p) for i in range(len(lines)) for p in range(len(laid_out.pieces(i)))]


def test_pygments_is_not_imported_with_the_widgets() -> None:
    program = "import sys, afk_tui.widgets.argument_view; sys.exit('pygments' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_a_row_painted_of_the_text_before_says_nothing_about_this_one() -> None:
    app = Desk("short")
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.seen == 1)
        painted = app.view._edition
        app.view.show_preview(FORTY, "command")
        app.view._note_last_line(painted)
        await until(pilot, lambda: app.positions[-1:] == ["line 12 of 40"])
        assert not app.view.last_line_seen


async def test_a_row_wrapped_for_a_wider_screen_is_not_painted_cut() -> None:
    app = Desk("x" * 2_000)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: app.positions != [])
        app.view._sheet.lay_out(2_000)
        assert {app.view.render_line(y).text.strip() for y in range(12)} == {""}
        await pilot.pause()
        assert not app.view.last_line_seen


CHANGED = "".join(
    difflib.unified_diff(
        [f"row {n}\n" for n in range(1, 40)],
        [f"row {n}\n" if n != 20 else "row twenty\nand more\n" for n in range(1, 40)],
        "a/f.txt",
        "b/f.txt",
    )
)


async def test_where_there_is_room_a_diff_is_side_by_side_with_the_numbers_of_both_files() -> None:
    diff = unified_diff(
        "".join(f"row {n}\n" for n in range(1, 40)),
        "".join(f"row {n}\n" if n != 20 else "row twenty\nand more\n" for n in range(1, 40)),
        "f.txt",
    )
    app = Desk(diff, "diff")
    async with app.run_test(size=(SPLIT_WIDTH, 20)) as pilot:
        await until(pilot, lambda: app.view.last_line_seen)
        lines = [line.replace("│", " ").split() for line in app.screen_lines()]
        assert lines[6] == ["20", "-", "row", "20", "20", "+", "row", "twenty"]
        assert lines[7] == ["21", "+", "and", "more"]
        assert lines[8] == ["21", "row", "21", "22", "row", "21"]
        for line in app.screen_lines():
            assert cell_len(line) == SPLIT_WIDTH - 1
        await pilot.resize_terminal(SPLIT_WIDTH - 1, 20)
        await until(pilot, lambda: not app.view.is_split)
        assert [line.split() for line in app.screen_lines()[6:8]] == [
            ["20", "-row", "20"],
            ["20", "+row", "twenty"],
        ]


async def test_the_other_way_of_showing_a_diff_is_kept_over_widths_and_for_the_next_one() -> None:
    app = Desk(CHANGED, "diff")
    async with app.run_test(size=(140, 20)) as pilot:
        await until(pilot, lambda: app.view.is_split)
        app.view.toggle_split()
        await until(pilot, lambda: not app.view.is_split)
        app.view.show_preview(CHANGED, "diff")
        await pilot.pause()
        assert not app.view.is_split
        app.view.toggle_split()
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: app.view.size.width == 60)
        assert app.view.is_split


@pytest.mark.parametrize("width", [12, 31, 60, 97, 140])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("height", [7, 300])
async def test_at_every_width_all_of_a_diff_is_there_whichever_way_it_is_shown(
    width: int, split: bool, height: int
) -> None:
    old, new = "abcdefghij" * 12, "日本語テキスト" * 9
    app = Desk(unified_diff(f"same\n{old}\nlast", f"same\n{new}\nlast\n", "f.txt"), "diff")
    async with app.run_test(size=(width, height)) as pilot:
        await until(pilot, lambda: app.view._is_laid_out())
        if app.view.is_split != split:
            app.view.toggle_split()
        split = split and width >= LEAST_SPLIT_WIDTH
        await until(pilot, lambda: app.view.is_split == split and app.view._is_laid_out())
        lines: list[str] = []
        while len(lines) < app.view._sheet.height:
            app.view.scroll_to(y=len(lines), animate=False)
            await pilot.pause()
            lines += app.screen_lines()[len(lines) - app.view.scroll_offset.y :]
        assert {cell_len(line) for line in lines} == {app.view.room}
        letters = "".join("".join(c for c in line if c in old) for line in lines)
        signs = "".join("".join(c for c in line if c in new) for line in lines)
        assert old in letters
        assert signs == new


async def test_a_file_of_a_known_language_is_coloured_over_the_lines_of_a_string() -> None:
    after = 'def f():\n    """One\n    return two\n    """\n    return 3\n'
    app = Desk(unified_diff("", after, "f.py", new_file=True), "diff", "f.py")
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: app.view.last_line_seen)
        in_string, outside = (
            {segment.text.strip(): segment.style for segment in app.view.render_line(y)} for y in (5, 7)
        )
        keyword = outside["return"]
        assert keyword is not None
        assert all(style is None or style.color != keyword.color for style in in_string.values())


def test_a_file_of_an_unknown_language_has_one_colour() -> None:
    assert Diff(CHANGED, "f.unknown").spans(5) == []
    assert Diff(CHANGED, "").spans(5) == []
    assert Diff("--- a\n+++ b\n@@ -0,0 +1 @@\n+def f(): pass\n", "x/[a]/b.py").spans(3) != []


LISTED = json.dumps(
    {"path": "a", "rows": list(range(60)), "few": [1, 2], "more": {"a": list(range(30))}}, indent=2
)


async def test_long_values_of_json_are_folded_and_what_is_folded_was_not_seen() -> None:
    app = Desk(LISTED, "json")
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: app.positions[-1:] == ["line 103 of 103, 92 folded"])
        lines = [line.split(maxsplit=1)[1].rstrip() for line in app.screen_lines() if line.strip()]
        assert lines == [
            "{",
            '"path": "a",',
            '"rows": [ … 60 lines folded … ],',
            '"few": [',
            "1,",
            "2",
            "],",
            '"more": { … 32 lines folded … }',
            "}",
        ]
        await pilot.pause()
        assert not app.view.last_line_seen
        app.view.toggle_folds()
        await until(pilot, lambda: app.positions[-1] == "line 20 of 103")
        assert not app.view.last_line_seen, "unfolded, and not read to its end"
        await pilot.press("end")
        await until(pilot, lambda: app.seen == 1)
        app.view.toggle_folds()
        await until(pilot, lambda: "92 folded" in app.positions[-1])
        assert app.view.last_line_seen, "what was seen stays seen"


async def test_a_click_unfolds_what_it_is_on_and_nothing_else() -> None:
    app = Desk(LISTED, "json")
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: app.positions != [])
        await pilot.click(ArgumentView, offset=(10, 1))
        assert app.view.folded == 92
        await pilot.click(ArgumentView, offset=(10, 7))
        await until(pilot, lambda: app.view.folded == 60)
        assert not app.view.last_line_seen


async def test_one_after_the_other_is_unfolded_by_a_key() -> None:
    app = Desk(LISTED, "json")
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: app.positions != [])
        app.view.unfold_next()
        await until(pilot, lambda: app.view.folded == 32)
        assert " 1  {" in app.screen_lines()[0], "what was at the top stays there"
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: app.view.scroll_offset.y > 5)
        app.view.unfold_next()
        await until(pilot, lambda: app.view.folded == 0)
        await until(pilot, lambda: any('"more": {' in line for line in app.screen_lines()))
        app.view.toggle_folds()
        await until(pilot, lambda: app.view.folded == 92)
        await pilot.press("end")
        app.view.unfold_next()
        await until(pilot, lambda: app.view.folded == 32)


def test_what_is_short_is_not_folded() -> None:
    for value in ({"a": list(range(20))}, {"a": [[1, 2]] * 8}, ["x"] * 100, {"a": "x" * 9000}, "{"):
        assert json_folds(json.dumps(value, indent=2).split("\n")) == []


async def test_a_diff_of_many_lines_opens_and_only_what_is_shown_is_coloured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    real = Colours._read

    def counting(self: Colours, text: str) -> object:
        read.append(text)
        return real(self, text)

    monkeypatch.setattr(Colours, "_read", counting)
    before = "".join(f"value_{n} = {n}\n" for n in range(40_000))
    after = "".join(f"value_{n} = {n + 1}\n" for n in range(40_000))
    app = Desk(unified_diff(before, after, "f.py"), "diff", "f.py")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.positions[-1:] == ["line 30 of 40003"])
        await pilot.press("end")
        await until(pilot, lambda: app.seen == 1)
        assert 0 < len(read) <= 200
        app.view.toggle_split()
        await until(pilot, lambda: app.positions[-1].endswith("of 80003"))
        assert sum(map(len, read)) < 20_000
