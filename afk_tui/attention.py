"""Asking for a person's attention beside the screen: the window's title, the bell, and the desktop's notifications.

All of it is written to the terminal directly, so all of it is of clean text alone. What a terminal does not know it
ignores; those that are known to print it instead get the bell only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from textual.app import App

from afk_tui.gateway.clean import clean_line

Alerts = Literal["off", "bell", "notify"]
ALERTS: tuple[Alerts, ...] = get_args(Alerts)
VARIABLE = "AFK_ALERTS"
MOST_CHARS = 160

_SAVE_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_PRINTS_WHAT_IT_DOES_NOT_KNOW = frozenset({"", "dumb", "linux", "cons25", "emacs"})


def alerts_of(remembered: str | None, environ: Mapping[str, str] = os.environ) -> Alerts:
    """What was chosen in the app, else what AFK_ALERTS says, else "notify"."""
    for chosen in (remembered, environ.get(VARIABLE)):
        for known in ALERTS:
            if chosen == known:
                return known
    return "notify"


class Attention:
    """The terminal around one app. `show_waiting` says what waits now; new requests are told of while the terminal has
    no focus, which it must report for that (in tmux: `set -g focus-events on`)."""

    def __init__(self, app: App[Any], environ: Mapping[str, str] = os.environ) -> None:
        self._app = app
        self._environ = environ
        self._known: set[str] | None = None
        self._title: str | None = None
        self._wanted = ""
        self.alerts: Alerts = alerts_of(None, environ)

    def show_waiting(self, waiting: Sequence[tuple[str, str]], folder: str) -> None:
        """`waiting`: id and title of each request, in any thread; `folder` is where the app works. What waits at the
        first time is not new to anybody."""
        name = folder.rstrip("/").rpartition("/")[2] or folder
        count = f"({len(waiting)}) " if waiting else ""
        self._wanted = f"{count}afk-tui · {name}"
        self._set_title(self._wanted)
        known, self._known = self._known, {request_id for request_id, _ in waiting}
        new = [title for request_id, title in waiting if known is not None and request_id not in known]
        if new and not self._app.app_focus:
            self._alert(new)

    def restore(self) -> None:
        """Give the window the title back that it had."""
        if self._title is not None:
            self._title = None
            self._write(_RESTORE_TITLE)

    def go_on(self) -> None:
        """The terminal is the app's again, after it was given back for a while."""
        if self._wanted:
            self._set_title(self._wanted)

    def _set_title(self, title: str) -> None:
        if not self._knows_sequences or title == self._title:
            return
        save = _SAVE_TITLE if self._title is None else ""
        self._title = title
        self._write(f"{save}\x1b]2;{_plain(title)}\x07")

    def _alert(self, new: Sequence[str]) -> None:
        if self.alerts == "off":
            return
        more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
        note = self._notification(f"{_plain(new[0])}{more}") if self.alerts == "notify" else ""
        self._write(f"{note}\x07")

    def _notification(self, text: str) -> str:
        """OSC 777 for the terminals that want it so, else OSC 9; handed through by tmux where it is allowed to."""
        if not self._knows_sequences:
            return ""
        said = f"Waiting for you: {text}"
        if self._wants_777:
            sequence = f"\x1b]777;notify;afk-tui;{said.replace(';', ',')}\x07"
        else:
            sequence = f"\x1b]9;afk-tui: {said}\x07"
        if "TMUX" in self._environ:
            doubled = sequence.replace("\x1b", "\x1b\x1b")
            return f"\x1bPtmux;{doubled}\x1b\\"
        return sequence

    @property
    def _knows_sequences(self) -> bool:
        term = self._environ.get("TERM", "")
        in_screen = "STY" in self._environ and "TMUX" not in self._environ
        return term not in _PRINTS_WHAT_IT_DOES_NOT_KNOW and not in_screen

    @property
    def _wants_777(self) -> bool:
        return "VTE_VERSION" in self._environ or self._environ.get("TERM", "").startswith(("foot", "rxvt"))

    def _write(self, text: str) -> None:
        driver = self._app._driver
        if driver is not None and not self._app.is_headless:
            driver.write(text)
            driver.flush()


def _plain(text: str) -> str:
    """One line of what a terminal prints, at most `MOST_CHARS` long, with what was cut off said."""
    line = clean_line(text)
    if len(line) > MOST_CHARS:
        line = f"{line[:MOST_CHARS]}… (+{len(line) - MOST_CHARS} characters)"
    return "".join(character for character in line if character.isprintable())
