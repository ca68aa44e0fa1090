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
    await t.open("CompactionScreen", "f6")
    await t.see("compaction")
    await t.close()
    await t.open("CommandPalette", "ctrl+p")
    await t.close()
    await t.open("FindScreen", "f3", *"owned")
    await t.see("find")
    await t.close()
    app.main.begin(app.main.gateway, TEXT)
    await t.see("notification", "There is no thread")
    app.app_focus = False
    t.say(f"run: {TEXT}")
    await t.until(lambda: app.main.request_bar.count == 1, "a request that is told of")
    app.exit(return_code=0)


def main() -> None:
    """Run it."""
    folder, report, net = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    workspace = folder / f"w[{NAME}" / "nope] end"
    workspace.mkdir(parents=True)
    (workspace / f"{NAME}.txt").write_text(TEXT + "\n")
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
