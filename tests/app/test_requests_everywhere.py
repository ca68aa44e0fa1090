"""Requests of every thread are opened from one place; a window that was left answers nothing on the way back to it."""

from __future__ import annotations

import asyncio

from textual import events

from afk_tui.gateway.gateway import Gateway
from afk_tui.gateway.views import WaitingRow
from afk_tui.screens.approval import ApprovalScreen
from afk_tui.screens.inbox import Chosen, InboxScreen


async def two_waiting(driven) -> list[str]:
    """Two threads, each with a call that waits; a third, new one is shown."""
    for name in ("one", "two"):
        await driven.say(f"run: echo {name} >> ran.txt")
        await driven.until(lambda: driven.main.request_bar.count == 1, "a request")
        await driven.until(lambda: not driven.main.gateway.is_working(), "the run to wait")
        await driven.pilot.press("ctrl+n")
        await driven.until(lambda: driven.main.thread_id is None, "a new thread")
    return [request.thread_id for request in await driven.main.gateway.requests()]


async def open_inbox(driven, *keys: str) -> InboxScreen:
    """The inbox with both requests, once these keys were pressed there and it hears an answer."""
    await driven.pilot.press("f4")
    await driven.until_screen("InboxScreen")
    await driven.until_shown("run_command echo two")
    await driven.pilot.press(*keys)
    inbox: InboxScreen = driven.app.screen
    await driven.until(lambda: inbox.is_ready, "its deafness to end")
    return inbox


async def test_from_the_inbox_every_request_of_every_thread_is_decided_in_one_place(start) -> None:
    async with start() as driven:
        one, two = await two_waiting(driven)
        await open_inbox(driven, "down")
        await driven.pilot.press("enter")
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("2 of 2")
        approval: ApprovalScreen = driven.app.screen
        assert approval.view is not None
        assert (approval.view.thread_id, driven.main.thread_id) == (two, two)
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        await driven.pilot.press("[")
        assert approval.view.thread_id == one
        await driven.until_shown("In the conversation: run: echo one")
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        await driven.pilot.press("a")
        await driven.until(lambda: approval.view.thread_id == two, "the other request")
        await driven.until(lambda: (driven.folder / "ran.txt").exists(), "the call to run")
        assert driven.app.screen is approval, "what other threads do closes nothing"
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        await driven.pilot.press("d")
        await driven.until_screen("MainScreen")
        assert (driven.folder / "ran.txt").read_text() == "one\n"


async def test_a_key_pressed_in_the_inbox_denies_that_request_and_shows_the_next(start) -> None:
    async with start() as driven:
        await two_waiting(driven)
        await open_inbox(driven, "down")
        await driven.pilot.press("d")
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("Denied: run_command.")
        assert [r.title for r in await driven.main.gateway.requests()] == ["run_command echo one >> ran.txt"]
        assert not (driven.folder / "ran.txt").exists()


async def test_a_yes_in_the_inbox_shows_the_request_and_executes_nothing_by_itself(start) -> None:
    async with start() as driven:
        _, two = await two_waiting(driven)
        await open_inbox(driven, "down")
        await driven.pilot.press("a")
        await driven.until_screen("ApprovalScreen")
        await driven.until_shown("Nothing is decided yet.")
        approval: ApprovalScreen = driven.app.screen
        assert approval.view is not None
        assert approval.view.thread_id == two
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        assert len(await driven.main.gateway.requests()) == 2
        await driven.pilot.press("a")
        await driven.until(lambda: (driven.folder / "ran.txt").exists(), "the call to run")
        assert (driven.folder / "ran.txt").read_text() == "two\n"


def stop_clock(screen: InboxScreen | ApprovalScreen) -> None:
    """It is as deaf as it is from here on, however slow this machine is."""
    now_s = screen._deafness._clock(None)
    screen._deafness._clock = lambda _: now_s


async def test_a_key_for_a_request_that_was_decided_elsewhere_does_not_answer_the_next_one(start) -> None:
    async with start() as driven:
        await two_waiting(driven)
        inbox = await open_inbox(driven)
        gateway = driven.main.gateway
        first = (await gateway.requests())[0]
        await driven.pilot.press("home")
        await driven.until(lambda: inbox._under_cursor == first.approval_id, "the cursor on the first")
        await driven.until(lambda: inbox.is_ready, "its deafness to end")
        stop_clock(inbox)  # before: the inbox may hear of it by itself
        await gateway.decide(first, "deny")
        await inbox.reload()
        await driven.until(lambda: inbox._under_cursor != first.approval_id, "the next one under the cursor")
        await driven.pilot.press("d")
        assert driven.app.screen is inbox
        assert [r.title for r in await gateway.requests()] == ["run_command echo two >> ran.txt"]


async def test_an_answer_to_a_request_that_was_decided_meanwhile_answers_nothing_and_that_is_told(
    start,
) -> None:
    async with start() as driven:
        await two_waiting(driven)
        inbox = await open_inbox(driven)
        gateway, said = driven.main.gateway, driven.notices()
        first = (await gateway.requests())[0]
        await gateway.decide(first, "deny")
        inbox.dismiss(Chosen(first.approval_id, "d"))  # pressed before the list was read again
        await driven.until(lambda: bool(said), "it to be told")
        assert said == ["That request was decided meanwhile: nothing was answered."]
        assert [r.title for r in await gateway.requests()] == ["run_command echo two >> ran.txt"]
        assert driven.app.screen is driven.main


async def test_an_inbox_that_is_left_while_it_is_read_again_is_no_bug(start, monkeypatch) -> None:
    async with start() as driven:
        await two_waiting(driven)
        inbox = await open_inbox(driven)
        go, asked, waiting = asyncio.Event(), asyncio.Event(), Gateway.waiting

        async def slowly(gateway: Gateway) -> list[WaitingRow]:
            asked.set()
            await go.wait()
            return await waiting(gateway)

        monkeypatch.setattr(Gateway, "waiting", slowly)
        reading = asyncio.create_task(inbox.reload())
        await asked.wait()
        inbox.dismiss(None)
        await driven.until(lambda: not inbox.is_running, "the inbox to be gone")
        go.set()
        await reading


async def test_a_reason_is_begun_in_the_inbox_and_reaches_that_request(start) -> None:
    async with start() as driven:
        await two_waiting(driven)
        await open_inbox(driven)
        await driven.pilot.press("r")
        await driven.until_screen("ApprovalScreen")
        approval: ApprovalScreen = driven.app.screen
        await driven.until(lambda: approval.mode == "reasoning", "the field for a reason")
        await driven.pilot.press(*"no", "enter")
        await driven.until_shown("Denied: run_command.")
        decided = await driven.main.gateway._store.list_approvals(pending_only=False)
        assert [(a.status, a.decision_reason) for a in decided] == [("denied", "no"), ("pending", None)]


async def test_a_request_that_arrives_while_the_window_is_left_stays_a_bar_over_the_draft(start) -> None:
    async with start() as driven:
        driven.main.composer.focus()
        driven.app.post_message(events.AppBlur())
        await driven.until(lambda: not driven.main.composer.has_focus, "the terminal to take the focus away")
        driven.main.submit("write b.txt: hello")
        await driven.until(lambda: driven.main.request_bar.count == 1, "the bar")
        await driven.until(lambda: not driven.main.gateway.is_working(), "the run to wait")
        await driven.pilot.pause()
        driven.app.post_message(events.AppFocus())
        await driven.until(lambda: driven.main.composer.has_focus, "the composer to have it back")
        await driven.pilot.press(*"add")
        assert driven.main.composer.draft == "add"
        assert driven.main.request_bar.count == 1


async def test_a_request_on_the_screen_is_deaf_anew_when_one_comes_back_to_the_window(start) -> None:
    async with start() as driven:
        driven.main.conversation.focus()
        driven.main.submit("write b.txt: hello")
        await driven.until_screen("ApprovalScreen")
        approval: ApprovalScreen = driven.app.screen
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        clock = approval._deafness._clock
        stop_clock(approval)
        driven.app.post_message(events.AppBlur())
        driven.app.post_message(events.AppFocus())
        await driven.pilot.press("d", "a")
        assert driven.app.screen is approval
        assert len(await driven.main.gateway.requests()) == 1
        approval._deafness._clock = clock
        await driven.until(lambda: approval.is_ready, "its deafness to end")
        await driven.pilot.press("d")
        await driven.until_screen("MainScreen")


async def test_how_a_request_calls_is_changed_by_its_command_and_remembered(start) -> None:
    async with start() as driven:
        assert driven.app.attention.alerts == "notify"
        await driven.say("/alerts")
        await driven.until(lambda: driven.app.attention.alerts == "off", "the next way")
        await driven.until(
            lambda: any("calls nobody" in n.message for n in driven.app._notifications), "it said"
        )
    async with start() as driven:
        await driven.until(lambda: driven.app.attention.alerts == "off", "what was chosen")
