"""The app in this very terminal, led through every screen with hostile text in each; run by `test_hostile_text.py`.

Arguments: the folder to work in, a file to note the places in where the text was seen, and "net" or "bare" (without
the filter behind the screen, so that only what was cleaned before is clean).
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from textual import events
from textual.pilot import Pilot

from afk_tui import last_net
from afk_tui.app import AfkApp
from afk_tui.gateway.settings import Settings
from afk_tui.screens.approval import ApprovalScreen
from afk_tui.screens.trust import TrustScreen

DEADLINE_S = 30.0
# a window title, colours by C1, direction, nothing, a tag; then markup that crashes, and markup that quits
NAME = "\x1b]0;OWNED\x07\x9b31m\u202e\u200b\U000e0041[@click=app.quit]"
TEXT = f"{NAME}QUIT[/nope][/]"
SEEN = "␛]0;"


class Tour:
    """Goes from screen to screen, and notes where the hostile text is seen."""

    def __init__(self, pilot: Pilot[None], report: Path) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.report = report

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                self.note(f"never came: {what}\n{self.text()}")
                raise AssertionError(what)
            await self.pilot.pause()
            await asyncio.sleep(0.01)

    def text(self) -> str:
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(line.text.rstrip() for line in lines[: self.app.size.height])

    def note(self, line: str) -> None:
        with self.report.open("a") as report:
            report.write(f"{line}\n")

    async def see(self, place: str, text: str = SEEN) -> None:
        await self.until(lambda: text in self.text(), f"{text} in {place}")
        self.note(place)

    async def open(self, name: str, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.until(lambda: type(self.app.screen).__name__ == name, name)

    async def close(self) -> None:
        main = self.app.main
        while self.app.screen is not main:
            await self.pilot.press("escape")
            await self.pilot.pause()

    async def talk(self, message: str, items: int) -> None:
        """Say it, and wait until so many items (the message, calls, an answer) are there and nothing goes on."""
        main = self.app.main
        wanted = len(main.conversation.pages.entries) + items
        self.say(message)
        await self.until(
            lambda: len(main.conversation.pages.entries) >= wanted and main.run_view.standing == "idle",
            f"the answer to {message}",
        )

    def say(self, message: str) -> None:
        # not through the composer, which cleans what is pasted: messages come from the command line as well
        self.app.main.submit(message)


async def tour(pilot: Pilot[None], report: Path) -> None:
    """Every place that shows text of others."""
    t = Tour(pilot, report)
    app = t.app
    await t.until(lambda: type(app.screen).__name__ == "TrustScreen", "the question of trust")
    await t.see("trust")
    trust = cast("TrustScreen", app.screen)
    await t.until(lambda: trust.is_ready, "the end of its deafness")
    await pilot.press("y")
    await t.until(lambda: app.main.has_begun, "the composer")
    t.say(f'read "{NAME}.txt" and then read "{NAME}none" and then write new.txt: {TEXT}')
    await t.until(lambda: app.main.request_bar.count == 1, "a request")
    await t.see("conversation")
    await t.see("request bar")
    await t.open("ApprovalScreen", "f4")
    await t.see("approval of a write", "[/nope]")
    approval = cast("ApprovalScreen", app.screen)
    await t.until(lambda: approval.is_ready, "the end of its deafness")
    await t.open("ArgumentEditor", "e")
    await t.see("argument editor", "\\u001b]0;OWNED")
    await t.close()
    await t.open("InboxScreen", "ctrl+n", "f4")
    await t.see("inbox")
    await t.close()
    t.say(f"run: echo '{TEXT}' >&2; exit 3")
    await t.until(
        lambda: app.main.request_bar.count == 1 and app.main.run_view.standing == "waiting", "another"
    )
    await t.open("InboxScreen", "f4")
    await t.see("inbox of two", "run_command echo '␛]0;")
    await t.open("ApprovalScreen", "down", "enter")
    await t.see("several requests", "▸ ● run_command echo '␛]0;")
    await t.see("approval of a command", "[/nope]")
    approval = cast("ApprovalScreen", app.screen)
    await t.until(lambda: approval.is_ready, "the end of its deafness")
    await pilot.press("D")
    await t.see("deny all", "Deny these 2 requests")
    await pilot.press("escape")
    await t.until(lambda: approval.is_ready, "the end of its deafness")
    await pilot.press("t")
    await t.see("what always would remember", "t or y")
    await t.until(lambda: approval._deafness.is_over, "the end of its deafness")
    await pilot.press("t")
    await t.until(lambda: len(approval._requests) == 1, "the decision")
    await t.close()
    await t.until(lambda: app.main.run_view.standing == "idle", "the end of the command")
    await t.see("output of a command", "QUIT")
    app.main.action_grants()
    await t.until(lambda: type(app.screen).__name__ == "GrantsScreen", "the grants")
    await t.see("grants", "echo '␛]0;")
    await t.close()
    await t.open("CheckpointsScreen", "f5")
    await t.see("checkpoints", "[/nope]")
    await t.close()
    await compacted(t)
    await filtered(t)
    await t.open("CommandPalette", "ctrl+p")
    await t.close()
    await t.open("FindScreen", "f3", *"owned")
    await t.see("find")
    await t.close()
    await long_result(t)
    await written(t)
    await summarised(t)
    app.main.begin(app.main.gateway, TEXT)
    await t.see("notification", "There is no thread")
    app.app_focus = False
    t.say(f"run: {TEXT}")
    await t.until(lambda: app.main.request_bar.count == 1, "a request that is told of")
    app.exit(return_code=0)


async def compacted(t: Tour) -> None:
    """Compacting this thread, then what is said of that among the past ones of all threads."""
    main = t.app.main
    assert main.thread_id is not None
    # past ones have room for the beginning of a title and its end
    await main.gateway._store.rename_thread(main.thread_id, NAME)
    await t.open("CompactionScreen", "f6")
    await t.see("compaction")
    await t.pilot.press("c")
    await t.until(lambda: "y remove" in t.text(), "the question")
    await t.pilot.press("y")
    await t.until(lambda: "Done: " in t.text(), "the removal")
    await t.pilot.press("a")
    await t.until(lambda: "Compaction  all threads" in t.text(), "all threads")
    await t.see("past compactions", f"{SEEN}OWN")
    await t.close()


async def filtered(t: Tour) -> None:
    """Which threads are listed, asked over a list of them."""
    t.app.main.action_filter_threads()
    await t.until(lambda: type(t.app.screen).__name__ == "ThreadFilterScreen", "the filters")
    await t.see("filters of the threads", "Show which threads?")
    await t.see("threads behind the filters")
    await t.pilot.press("d")
    await t.until(lambda: t.app.screen is t.app.main, "the choice")
    await t.see("threads that are done")
    t.app.main.action_filter_threads()
    await t.until(lambda: type(t.app.screen).__name__ == "ThreadFilterScreen", "the filters again")
    await t.pilot.press("c")
    await t.until(lambda: t.app.screen is t.app.main, "all of them again")


async def long_result(t: Tour) -> None:
    """A result that is opened on a screen of its own."""
    t.say("run: cat long.txt")
    await t.until(lambda: t.app.main.request_bar.count == 1, "a request")
    t.app.main.open_requests()
    await t.until(lambda: type(t.app.screen).__name__ == "ApprovalScreen", "the request")
    approval = cast("ApprovalScreen", t.app.screen)
    await t.until(lambda: approval.is_ready, "the end of its deafness")
    await t.pilot.press("a")
    await t.until(lambda: t.app.screen is t.app.main, "the decision")
    await t.until(lambda: t.app.main.run_view.standing == "idle", "the result")
    t.app.main.action_output()
    await t.until(lambda: type(t.app.screen).__name__ == "OutputScreen", "the long result")
    await t.see("long result", f"{SEEN}OWNED␇⟨9b⟩31m⟨U+202E⟩")
    await t.close()


async def written(t: Tour) -> None:
    """What is asked about a thread and a message, what the composer offers, and what is pasted into it."""
    for action, screen, place in (
        (t.app.main.action_rename_thread, "AskTextScreen", "new title"),
        (t.app.main.action_delete_thread, "ConfirmScreen", "deleting"),
        (t.app.main.action_edit_message, "EditMessageScreen", "message to be sent again"),
    ):
        await t.pilot.pause()
        action()
        await t.until(lambda screen=screen: type(t.app.screen).__name__ == screen, screen)
        await t.see(place, "OWNED")
        await t.close()
    composer = t.app.main.composer
    composer.focus()
    await t.pilot.press("@")
    await t.see("names of files", f"{SEEN}OWNED␇⟨9b⟩31m")
    await t.pilot.press("escape", "ctrl+u")
    composer.post_message(events.Paste(f"{TEXT}\n" * 2_000))
    await t.until(lambda: "[pasted 1: 2,000 lines" in t.text(), "what was pasted")
    await t.open("PasteScreen", "ctrl+o")
    await t.see("paste", f"{SEEN}OWNED␇⟨9b⟩31m")
    await t.close()
    await t.pilot.press("ctrl+c")


async def summarised(t: Tour) -> None:
    """The record that the model wrote of older messages."""
    for _ in range(3):
        await t.talk(f"what is {TEXT}", items=2)
    t.app.main.action_summarise()
    await t.until(lambda: type(t.app.screen).__name__ == "SummaryScreen", "the summary")
    await t.see("summary")
    await t.close()


def main() -> None:
    """Run it."""
    folder, report, net = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    workspace = folder / f"w[{NAME}" / "nope] end"
    workspace.mkdir(parents=True)
    (workspace / f"{NAME}.txt").write_text(TEXT + "\n")
    (workspace / "long.txt").write_text(f"{TEXT}\n" * 2_000)
    if net == "bare":
        last_net.install = lambda app: None
    app = AfkApp(Settings(workspace=workspace, db=folder / "afk.db", demo=True), cursor_blink=False)

    async def lead(pilot: Pilot[None]) -> None:
        try:
            await tour(pilot, report)
        except BaseException as error:
            with report.open("a") as out:
                out.write(f"failed: {error!r}\n")
            raise
        finally:
            with report.open("a") as out:
                out.write("".join(f"bug: {bug!r}\n" for bug in app.bugs) + "over\n")
            app.exit()

    asyncio.run(app.run_async(auto_pilot=lead))


if __name__ == "__main__":
    main()
