"""What is told in passing: whole, and never over a question."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from afk_tui.app import AfkApp
from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.settings import Settings, build
from afk_tui.user_config import UserConfig
from tests.app.conftest import Driven

LONG = "Cleared; ctrl+_ brings it back. Press ctrl+c again to quit."


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (120, 36)])
async def test_what_is_told_is_whole_and_makes_way_for_a_question(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    settings = Settings(workspace=tmp_path, db=tmp_path / "afk.db", demo=True, trust=True)
    app = AfkApp(settings, gateway=Gateway(build(settings)), config=UserConfig(), cursor_blink=False)
    async with app.run_test(size=size, notifications=True) as pilot:
        driven = Driven(app, pilot, tmp_path)
        await driven.until(lambda: app.main.has_begun, "the app to be ready")
        await driven.ask_for("write b.txt: hello")
        app.main.notify(LONG, markup=False, timeout=60)
        app.main.notify("The disk is full.", severity="error", markup=False, timeout=60)
        await driven.until(lambda: len(app.screen.query(Toast)) == 2, "both to be told")

        def is_whole() -> bool:
            words = " ".join(driven.text().replace("▌", " ").split())
            return all(word in words for word in LONG.split())

        await driven.until(is_whole, "all of it to be painted")
        assert all(toast.region.right <= size[0] for toast in app.screen.query(Toast))
        await driven.say("and then?")
        await driven.until_screen("ConfirmScreen")
        await driven.until(lambda: len(app.screen.query(Toast)) == 1, "the question to be free")
        await driven.until_shown("The disk is full.")


async def test_that_a_yes_did_not_hold_is_told_at_once(start) -> None:
    async with start() as driven:
        request = await driven.ask_for("write b.txt: hello")
        said = driven.notices()
        (driven.folder / "b.txt").write_text("somebody was faster")
        await driven.main.gateway.decide(request, "allow")
        await driven.until(lambda: bool(said), "it to be told")
        assert said == ["write_file was not run: b.txt changed since you were shown it. You are asked again."]
        assert (driven.folder / "b.txt").read_text() == "somebody was faster"


async def test_a_request_that_was_decided_while_its_arguments_are_edited_is_gone_with_the_editor(
    start,
) -> None:
    async with start() as driven:
        request = await driven.ask_for("write b.txt: hello")
        driven.main.open_requests()
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("ready")
        await driven.pilot.press("e")
        await driven.until_screen("ArgumentEditor")
        await driven.main.gateway.decide(request, "deny")
        await driven.until_state("done")
        await driven.pilot.press("escape")
        await driven.until_screen("MainScreen")
        assert not (driven.folder / "b.txt").exists()
