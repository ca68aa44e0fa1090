"""The command. What plainly opens the app does so at once; everything else is the command line's to read."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afk_tui.cli_exit import EXIT_ERROR, ends_well
from afk_tui.cli_options import Options
from afk_tui.cli_output import fail, prepare_streams

_PATHS = {"--db": "db", "--workspace": "workspace"}
_TEXTS = {"--agent": "agent", "--model": "model", "--thread": "thread_id"}
_FLAGS = {"--demo": "demo", "--trust": "trust"}


def main() -> None:
    """Run the command line of this process, and end it."""
    prepare_streams()
    options = plain_options(sys.argv[1:])
    if options is None or "_AFK_TUI_COMPLETE" in os.environ:
        from afk_tui.cli import run_command

        sys.exit(run_command(sys.argv[1:]))
    sys.exit(ends_well(open_app)(options))


def plain_options(arguments: Sequence[str]) -> Options | None:
    """What opens the app, where that is all that is said, and plainly; None where click is to read it.

    click and the commands take a fifth of a start. What this takes, click takes alike (tests/cli/test_start.py).
    """
    given: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in _FLAGS and not equals:
            given[_FLAGS[name]] = True
            continue
        if name not in _PATHS and name not in _TEXTS:
            return None
        if not equals:
            value = rest.pop(0) if rest else ""
        if not value.strip() or value.startswith("-"):
            return None
        if name in _PATHS:
            given[_PATHS[name]] = Path(value)
        else:
            given[_TEXTS[name]] = value
    return Options(**given)


def open_app(options: Options) -> int:
    """Open the app in this terminal until it is left; its exit code."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        fail("The app needs a terminal. In a script use: afk-tui run PROMPT", as_json=False)
        return EXIT_ERROR
    # nearly all that a start allocates stays; looking through it for garbage again and again is a fifth of the time
    gc.disable()
    from afk_tui.app import run_app

    return run_app(options.settings(), options.thread_id)
