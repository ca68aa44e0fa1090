"""Pictures of one conversation and of what is a key away from it: requests, checkpoints, what a compaction removed."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from screenshots.stage import Stage

WRITE = "write todo.md: # To do\n\n- buy bread and milk\n- call Grace\n- water the plants\n"
COMMAND = 'run: for f in *.md *.txt; do echo "$f: $(wc -l < $f) lines"; done | sort -r > counts && cat counts'


async def conversation(shown: Stage, folder: Path) -> None:
    """A thread that is done, one that waits: main, approvals, checkpoints, compaction, menu, help."""
    await shown.say("list and then read todo.md")
    await shown.until_standing("idle")
    shown.clock.move(42)
    await shown.pilot.press("ctrl+n")
    await shown.say("search clock and then write plan.txt: A clock that stands still.")
    await shown.until_standing("waiting")
    shown.clock.move(17)
    await shown.pilot.press("ctrl+n")
    await shown.say(f"list and then {WRITE.strip()}")
    await shown.until_standing("waiting")
    await shown.shoot(folder / "main.svg")

    await shown.pilot.press("f4")
    await shown.until_screen("InboxScreen")
    await shown.pilot.press("escape")
    await shown.open_request()
    await shown.shoot(folder / "approval-write.svg")
    await shown.allow()
    await shown.until_standing("idle")

    shown.clock.move(3)
    # a conversation that fits: how high what is out of sight is guessed to be depends on when it came into sight
    await shown.pilot.press("ctrl+n")
    await shown.until(lambda: shown.main.thread_id is None, "a new thread")
    await shown.say(COMMAND)
    await shown.until_standing("waiting")
    await shown.open_request()
    await shown.shoot(folder / "approval-command.svg")
    await shown.allow()
    await shown.until_standing("idle")

    await shown.pilot.press("f5")
    await shown.until_screen("CheckpointsScreen")
    await shown.pilot.press("down")
    await shown.until(lambda: "open calls" in shown.text.lower() or "+" in shown.text, "details")
    await shown.shoot(folder / "checkpoints.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")

    await shown.pilot.press("f2")
    await shown.until_screen("MenuScreen")
    await shown.shoot(folder / "menu.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")
    await shown.pilot.press("f1")
    await shown.until_screen("HelpScreen")
    await shown.shoot(folder / "help.svg")
    await shown.pilot.press("escape")
    await shown.until_screen("MainScreen")


async def compaction(shown: Stage, folder: Path) -> None:
    """What a compaction removed."""
    for number in range(1, 6):
        await shown.say(f"list together with read ideas.txt and then run: echo {number} >> log.txt")
        await shown.until_standing("waiting")
        await shown.open_request()
        await shown.allow()
        await shown.until_standing("idle")
        shown.clock.move(13 * 60)
    await shown.pilot.press("f6")
    await shown.until_screen("CompactionScreen")
    shown.app.screen.query_one("#state-count Input", Input).value = "12"
    shown.app.set_focus(None)
    # the dry run of this limit, not the one of when it was opened: that would be replaced, and its question with it
    await shown.until(lambda: " 35 23 0 12 " in " ".join(shown.text.split()), "the dry run")
    await shown.quiet()
    await shown.shoot(folder / "compaction-dry.svg")
    await shown.pilot.press("c")
    await shown.until(
        lambda: shown.app.focused is not None and shown.app.focused.id == "keep", "the question"
    )
    await shown.pilot.press("y")
    await shown.until(lambda: "Done:" in shown.text, "the result")
    await shown.quiet()
    await shown.shoot(folder / "compaction.svg")


async def streaming(shown: Stage, folder: Path) -> None:
    """An answer that is still arriving."""
    shown.model.hold_after = 240
    await shown.say("tell a long story")
    await shown.until(shown.model.held.is_set, "the answer to be held")
    await shown.until(lambda: "running" in shown.text, "the run to be shown as running")
    # shown anew, so that it does not matter in which portions it came
    await shown.main.show_thread(shown.main.thread_id)
    await shown.until(lambda: "harbour master came up the" in shown.text, "the last words")
    await shown.quiet()
    await shown.shoot(folder / "streaming.svg")


async def output(shown: Stage, folder: Path) -> None:
    """A long result, whole, where something was looked for."""
    lines = (
        'for i in $(seq 4000); do echo "12:00:01 worker $((i % 7)): item $i is done in $((i % 90)) ms"; done'
    )
    await shown.say(f"run: {lines}")
    await shown.until_standing("waiting")
    await shown.open_request()
    await shown.allow()
    await shown.until_standing("idle")
    shown.main.action_output()
    await shown.until_screen("OutputScreen")
    await shown.until(lambda: "of 4,001 lines" in shown.text, "the result")
    await shown.pilot.press("slash")
    shown.app.screen.query_one("#typed", Input).value = "ITEM 2024"
    await shown.pilot.press("enter")
    await shown.until(lambda: "line 2,025" in shown.text, "the match")
    await shown.quiet()
    await shown.shoot(folder / "output.svg")


async def subagents(shown: Stage, folder: Path) -> None:
    """What one subagent did, unfolded, and what another one asks for."""
    await shown.say("ask researcher: search clock")
    await shown.until_standing("idle")
    shown.clock.move(2)
    await shown.say("ask writer: write plan.txt: A clock that stands still.")
    await shown.until_standing("waiting")
    conversation = shown.main.conversation
    conversation.focus()
    await shown.pilot.press("home")
    for _ in range(8):
        if any("▌" in line and "▸" in line for line in shown.text.splitlines()):
            break
        await shown.pilot.press("down")
        await shown.quiet()
    await shown.pilot.press("enter")
    await shown.until(lambda: "search_files" in shown.text, "the call to be unfolded")
    await shown.quiet()
    await shown.shoot(folder / "subagents.svg")
