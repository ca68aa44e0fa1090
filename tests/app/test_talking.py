"""What is sent, what comes back, and what waits."""

from __future__ import annotations

import asyncio

import pytest

from afk_tui.actions import ACTIONS
from afk_tui.palette import offered
from afk_tui.screens.main import MainScreen


async def test_looking_needs_no_yes(start) -> None:
    async with start() as driven:
        await driven.say("read a.txt")
        await driven.until_state("done")
        await driven.until_shown("first line")
        assert driven.main.request_bar.count == 0


async def test_a_request_stays_a_bar_while_the_composer_has_the_focus_and_enter_opens_it(start) -> None:
    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        assert isinstance(driven.app.screen, MainScreen)
        assert not (driven.folder / "b.txt").exists()
        await driven.pilot.press("enter")
        await driven.until_screen("ApprovalScreen")


async def test_a_request_opens_by_itself_where_nobody_is_typing(start) -> None:
    async with start() as driven:
        driven.main.conversation.focus()
        driven.main.submit("write b.txt: hello")
        await driven.until_screen("ApprovalScreen")


async def test_started_again_it_shows_the_same_request_by_itself_and_runs_nothing(start) -> None:
    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        [before] = await driven.main.gateway.requests()
    async with start() as driven:
        await driven.until_screen("ApprovalScreen")
        [after] = await driven.main.gateway.requests()
        assert after == before
        assert not (driven.folder / "b.txt").exists()


async def test_a_message_sent_while_a_call_waits_is_offered_as_the_reason_of_a_denial(start) -> None:
    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        await driven.say("not in this folder, please")
        await driven.until_screen("ConfirmScreen")
        await driven.until_shown("as the reason")
        await driven.until(lambda: driven.app.screen.is_ready, "the dialog to hear")
        await driven.pilot.press("d")
        await driven.until_state("done")
        await driven.until_shown("denied")
        effects = await driven.main.gateway._store.list_effects(
            (await driven.main.gateway._store.list_runs())[0].run_id
        )
        assert "not in this folder, please" in effects[0][1].text
        assert not (driven.folder / "b.txt").exists()


async def test_a_message_sent_while_a_run_works_is_sent_when_it_ends(start) -> None:
    async with start() as driven:
        await driven.say("run: sleep 60")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        await driven.say("list")
        await driven.until_screen("ConfirmScreen")
        await driven.until(lambda: driven.app.screen.is_ready, "the dialog to hear")
        await driven.pilot.press("q")
        await driven.until_screen("MainScreen")
        [request] = await driven.main.gateway.requests()
        await driven.main.gateway.decide(request, "deny")
        await driven.until(
            lambda: [e.kind for e in driven.main.conversation.pages.entries].count("user") == 2,
            "the queued message to be sent",
        )
        await driven.until_state("done")


async def test_a_decision_of_another_process_is_seen_and_the_run_goes_on(start, tmp_path) -> None:
    import asyncio
    import sys

    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        [request] = await driven.main.gateway.requests()
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "afk_tui", "--db", str(tmp_path / "afk.db"), "approve", request.approval_id,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await other.wait() == 0
        await driven.until(lambda: (driven.folder / "b.txt").exists(), "the file")
        await driven.until_state("done")


async def test_drafts_are_kept_for_each_thread_over_a_restart(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        await driven.pilot.press(*"one")
        await driven.main.open_thread(None)
        await driven.pilot.press(*"two")
        await driven.main.open_thread(
            (await driven.main.gateway.threads(everywhere=False).page(0, 1))[0].thread_id
        )
        assert driven.main.composer.draft == "one"
    async with start() as driven:
        await driven.until(lambda: driven.main.composer.draft == "one", "the thread's draft")
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: driven.main.composer.draft == "two", "the new thread's draft")


async def test_a_first_start_asks_about_the_folder_until_it_is_answered_with_yes(start) -> None:
    async with start(trust=False) as driven:
        await driven.until_screen("TrustScreen")
        await driven.until_shown("May the agent work in this folder?")
        await driven.until(lambda: driven.app.screen.is_ready, "the question to hear")
        await driven.pilot.press("n")
        await driven.until_left()
    async with start(trust=False) as driven:
        await driven.until_screen("TrustScreen")
        await driven.until(lambda: driven.app.screen.is_ready, "the question to hear")
        await driven.pilot.press("y")
        await driven.until_screen("MainScreen")
    async with start(trust=False) as driven:
        await driven.until(lambda: driven.app.focused is driven.main.composer, "the app to be ready")


async def test_titles_with_markup_are_shown_as_they_are(start) -> None:
    async with start() as driven:
        await driven.say("[@click=app.quit]press[/] [/nope] [b]x")
        await driven.until_shown("[@click=app.quit]press[/] [/nope] [b]x")


async def test_an_unknown_command_gives_the_text_back(start) -> None:
    async with start() as driven:
        await driven.say("/nonsense here")
        await driven.until(lambda: driven.main.composer.draft == "/nonsense here", "the draft")


def test_every_action_has_its_handler_and_its_command() -> None:
    for action in ACTIONS:
        assert callable(getattr(MainScreen, f"action_{action.name}"))
    assert len({a.command for a in ACTIONS}) == len(ACTIONS)


async def test_every_action_is_in_the_palette_and_done_from_there(start) -> None:
    async with start() as driven:
        assert {action.name for action in offered(driven.app)} == {a.name for a in ACTIONS} - {"palette"}
        await driven.pilot.press("ctrl+p")
        await driven.until(lambda: "Palette" in type(driven.app.screen).__name__, "the palette")
        await driven.pilot.press(*"/compact")
        await driven.until_shown("f6 · /compact")
        await driven.pilot.press("enter")
        await driven.until_screen("CompactionScreen")


async def test_every_command_opens_what_its_key_opens(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        for command, screen in (
            ("/menu", "MenuScreen"),
            ("/help", "HelpScreen"),
            ("/approvals", "InboxScreen"),
            ("/checkpoints", "CheckpointsScreen"),
            ("/compact", "CompactionScreen"),
            ("/find", "FindScreen"),
            ("/grants", "GrantsScreen"),
        ):
            await driven.say(command)
            await driven.until_screen(screen)
            await driven.pilot.press("escape")
            await driven.until_screen("MainScreen")
        for key, screen in (
            ("f2", "MenuScreen"),
            ("f1", "HelpScreen"),
            ("f4", "InboxScreen"),
            ("f3", "FindScreen"),
        ):
            await driven.pilot.press(key)
            await driven.until_screen(screen)
            await driven.pilot.press("escape")
            await driven.until_screen("MainScreen")


async def test_nothing_said_in_passing_lies_over_a_request(start) -> None:
    async with start() as driven:
        await driven.say("write b.txt: hello")
        await driven.until_state("waiting")
        driven.app.notify("over everything", timeout=60)
        await driven.until(lambda: len(driven.app._notifications) == 1, "the notice")
        driven.main.open_requests()
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("ready")
        assert len(driven.app._notifications) == 0


async def test_what_is_written_while_its_thread_is_read_stays_as_it_is(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        main, typed = driven.main, 0
        reading = asyncio.create_task(main.show_thread(main.thread_id))
        while not reading.done():
            main.composer.insert("x")
            typed += 1
            await asyncio.wait([reading], timeout=0.001)
        await reading
        assert typed > 2
        assert main.composer.draft == "x" * typed


@pytest.mark.parametrize("how", ["ctrl+q", "a signal"])
async def test_a_message_about_which_one_is_asked_is_a_draft_again_after_leaving(start, how: str) -> None:
    async with start() as driven:
        await driven.ask_for("write b.txt: hello")
        await driven.say("my precious words")
        await driven.until_screen("ConfirmScreen")
        if how == "ctrl+q":
            await driven.pilot.press("ctrl+q")
            await driven.until_left()
        else:
            await driven.app.request_shutdown()
    async with start() as driven:
        await driven.until(lambda: driven.main.composer.draft == "my precious words", "the draft")


async def test_a_draft_that_goes_along_is_not_written_twice(start) -> None:
    async with start() as driven:
        await driven.say("list")
        await driven.until_state("done")
        main = driven.main
        assert main.thread_id is not None
        # as it was written down while the thread was being read
        await main.gateway.remember("draft", main.thread_id, "and then")
        main.composer.insert("and then")
        await main.show_thread(main.thread_id, takes_draft=True)
        assert main.composer.draft == "and then"
