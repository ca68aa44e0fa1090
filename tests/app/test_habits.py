"""Keys and colours of a person's own."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from afk_tui.user_config import UserConfig
from afk_tui.widgets.status_line import StatusLine
from tests.support.raw_terminal import RawTerminal

KEYS = UserConfig(
    keys={"new_thread": ("ctrl+w",), "checkpoints": ("f12", "alt+c"), "menu": ("f10",), "find": ()}
)


async def test_a_key_of_ones_own_works_where_one_writes_and_the_old_one_does_nothing(start) -> None:
    async with start(config=KEYS) as driven:
        await driven.say("list")
        await driven.until(lambda: driven.main.thread_id is not None, "a thread")
        # ctrl+w deletes a word in a text, where it is not given to something else
        driven.main.composer.set_draft("two words")
        await driven.pilot.press("ctrl+n")
        assert driven.main.thread_id is not None
        await driven.pilot.press("ctrl+w")
        await driven.until(lambda: driven.main.thread_id is None, "a new thread")
        await driven.pilot.press("f5", "f2", "f3")
        assert driven.app.screen is driven.main


@pytest.mark.parametrize("key", ["f12", "alt+c"])
async def test_each_of_several_keys_works_and_closes_what_it_opened(start, key: str) -> None:
    async with start(config=KEYS) as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.pilot.press(key)
        await driven.until_screen("CheckpointsScreen")
        await driven.pilot.press("f5")
        assert type(driven.app.screen).__name__ == "CheckpointsScreen"
        await driven.pilot.press(key)
        await driven.until_screen("MainScreen")


async def test_footer_menu_help_and_palette_show_the_keys_that_hold(start) -> None:
    async with start(config=KEYS) as driven:
        await driven.until_shown("f10 menu")
        await driven.until_shown("ctrl+w new")
        await driven.pilot.press("f10")
        await driven.until_screen("MenuScreen")
        lines = driven.text().splitlines()
        assert any("New thread" in line and "ctrl+w" in line for line in lines)
        assert any("Checkpoints" in line and "f12" in line and "f5" not in line for line in lines)
        # the keys of actions act in the menu, as they do everywhere
        await driven.pilot.press("f1")
        await driven.until_screen("HelpScreen")
        lines = driven.text().splitlines()
        assert any("ctrl+w" in line and "/new" in line for line in lines)
        await driven.pilot.press("escape", "ctrl+p")
        await driven.until(lambda: "Palette" in type(driven.app.screen).__name__, "the palette")
        await driven.until_shown("ctrl+w · /new")


async def test_what_is_said_on_the_screen_names_the_keys_that_hold(start) -> None:
    keys: dict[str, tuple[str, ...]] = {"to_end": ("f11",), "compaction": ("f12",), "approvals": ()}
    async with start(config=UserConfig(keys=keys), size=(80, 20)) as driven:
        await driven.say("help")
        await driven.until_state("done")
        await driven.pilot.press("alt+up")
        await driven.until_shown("f11 goes to the end")
        await driven.pilot.press("f11")
        await driven.until(lambda: driven.main.conversation.follow, "the end")
        line = driven.main.query_one(StatusLine)
        line.status = replace(line.status, removable=1_240)
        await driven.until_shown("F12 would remove 1,240 records")
        await driven.say("write a.txt: b")
        await driven.until_shown("/approvals: 1 call waits")


async def test_a_key_that_quits_is_heard_in_a_terminal_that_is_too_small(start) -> None:
    async with start(config=UserConfig(keys={"quit": ("f12",)})) as driven:
        await driven.pilot.resize_terminal(10, 3)
        await driven.pilot.press("ctrl+q")
        assert not driven.app._exit
        await driven.pilot.press("f12")
        await driven.until_left()


def test_what_is_wrong_with_the_configuration_is_told_and_the_app_starts(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('theme = "[/nope]"\n[keys]\nfind = "crtl+t"\nhelp = "f12"\n')
    arguments = ["--demo", "--trust", "--db", str(tmp_path / "afk.db"), "--workspace", str(tmp_path)]
    with RawTerminal([sys.executable, "-m", "afk_tui", *arguments], AFK_CONFIG=str(config)) as terminal:
        terminal.until_written("crtl+t")
        terminal.until_written("1 more")
        terminal.type("\x1b[24~")  # f12
        terminal.until_written("Chat with an agent")


async def test_a_theme_is_shown_as_one_moves_kept_by_enter_and_left_by_escape(start) -> None:
    async with start() as driven:
        before = driven.app.theme
        await driven.say("/theme")
        await driven.until_screen("ThemeScreen")
        await driven.pilot.press("down")
        await driven.until(lambda: driven.app.theme != before, "another theme")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert driven.app.theme == before

        await driven.say("/theme")
        await driven.until_screen("ThemeScreen")
        await driven.pilot.press("end")
        await driven.until(lambda: not driven.app.current_theme.dark, "a light one")
        chosen = driven.app.theme
        await driven.pilot.press("enter")
        await driven.until_screen("MainScreen")
        await driven.until(lambda: kept(driven, chosen), "it to be kept")
    async with start() as driven:
        assert driven.app.theme == chosen


async def kept(driven, theme: str) -> bool:
    return await driven.main.gateway.recall("theme", "") == theme


@pytest.mark.parametrize(("key", "screen"), [("f5", "CheckpointsScreen"), ("f6", "CompactionScreen")])
async def test_all_keys_are_one_key_or_one_click_away(start, key: str, screen: str) -> None:
    async with start(size=(80, 24)) as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.pilot.press(key)
        await driven.until_screen(screen)
        await driven.until_shown("f1 all keys")
        await driven.pilot.press("f1")
        await driven.until_screen("HelpScreen")
        await driven.pilot.press("escape")
        await driven.until_screen(screen)
        await driven.pilot.click("#hints", offset=(driven.text().splitlines()[-1].index("f1 all"), 0))
        await driven.until_screen("HelpScreen")


async def test_the_last_line_names_the_keys_of_what_has_the_focus_and_they_can_be_clicked(start) -> None:
    async with start(size=(140, 34)) as driven:
        for text in ("list", "help"):
            await driven.say(text)
            await driven.until_state("done")
        assert "your messages" not in driven.text().splitlines()[-1]
        driven.main.conversation.focus()
        await driven.until_shown("[ ] your messages   / search   c copy   b code   e send again")
        await driven.pilot.click("#hints", offset=(driven.text().splitlines()[-1].index("[ ]"), 0))
        conversation = driven.main.conversation
        await driven.until(
            lambda: conversation.copy_text(conversation.cursor_key or "") == "help", "the message above"
        )
        await driven.pilot.click("#hints", offset=(driven.text().splitlines()[-1].index("/ search"), 0))
        await driven.until(lambda: not conversation.has_focus, "the line to search with")


async def test_the_hints_of_a_frame_and_of_the_last_line_can_be_clicked(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")

        async def click(words: str) -> None:
            [(row, column)] = [
                (y, line.index(words)) for y, line in enumerate(driven.text().splitlines()) if words in line
            ]
            await driven.pilot.click(offset=(column, row))

        await driven.say("/theme")
        await driven.until_screen("ThemeScreen")
        await click("esc back")
        await driven.until_screen("MainScreen")
        await driven.pilot.press("f5")
        await driven.until_screen("CheckpointsScreen")
        await driven.until_shown("f fork")
        thread = driven.main.thread_id
        await click("f fork")
        await driven.until(lambda: driven.main.thread_id not in (None, thread), "the fork")


async def test_the_theme_of_the_configuration_is_there_at_once_and_wins_over_the_one_picked(start) -> None:
    async with start(config=UserConfig(path=Path("c.toml"), theme="nord"), ready=False) as driven:
        assert driven.app.theme == "nord"
        await driven.until(lambda: driven.main.has_begun, "the app to be ready")
        said = driven.notices()
        await driven.say("/theme")
        await driven.until_screen("ThemeScreen")
        await driven.pilot.press("home", "enter")
        await driven.until(lambda: bool(said), "a word about it")
        assert "Until you quit: c.toml says nord" in said[0]
    async with start(config=UserConfig(theme="nord")) as driven:
        assert driven.app.theme == "nord"


@pytest.mark.parametrize("hint", ["f2", "f1", "f4"])
async def test_the_keys_in_the_last_line_can_be_clicked(start, hint: str) -> None:
    opens = {"f2": "MenuScreen", "f1": "HelpScreen", "f4": "InboxScreen"}[hint]
    async with start() as driven:
        await driven.until_shown("f2 menu")
        line = driven.text().splitlines()[-1]
        await driven.pilot.click(offset=(line.index(f"{hint} ") + 1, driven.app.size.height - 1))
        await driven.until_screen(opens)
