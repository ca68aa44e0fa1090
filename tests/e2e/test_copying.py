"""What is copied reaches the terminal's clipboard, through tmux as well."""

from __future__ import annotations

from pathlib import Path

from tests.support.terminal import Terminal, needs_tmux

pytestmark = needs_tmux


def test_a_code_block_is_handed_to_the_terminal_by_osc_52(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with Terminal(folder, "--demo", "--trust") as terminal:
        terminal._tmux("set-option", "-g", "set-clipboard", "on")
        terminal.wait_for("A new conversation")
        terminal.press("h", "e", "l", "p")
        terminal.wait_for("│ help ")  # what is written, not the hint that was there before
        terminal.press("Enter")
        terminal.wait_for("done")
        terminal.type("/code")
        terminal.press("Enter")
        terminal.until(lambda: terminal._tmux("list-buffers", check=False) != "", "tmux to have it")
        assert terminal._tmux("show-buffer") == "write notes.txt: buy milk and then read notes.txt"
