"""Keys typed before a dialog opened must not answer it: it is deaf until the keyboard was quiet for a while."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from textual import events

QUIET_S = 0.5
# how often to look whether to show that it is over
LOOK_EVERY_S = 0.1

Clock = Callable[[events.Key | None], float]
"""The time in seconds at which a key was read; of None, the time now."""


def key_time(key: events.Key | None) -> float:
    """Textual stamps a key when it is read, so that one read before the dialog was painted is told apart."""
    return time.monotonic() if key is None else key.time


class Deafness:
    """Deaf from `deafen` on, until `QUIET_S` after `begin` (the dialog is on the screen) without any key."""

    def __init__(self, clock: Clock = key_time) -> None:
        self._clock = clock
        self._quiet_since_s = math.inf
        self._over = False

    def deafen(self) -> None:
        """Hear nothing, for as long as `begin` is not called."""
        self._quiet_since_s = math.inf
        self._over = False

    def begin(self) -> None:
        """What is asked is on the screen now: the quiet time begins."""
        self._quiet_since_s = self._clock(None)

    def hears(self, key: events.Key) -> bool:
        """Whether this key counts; one that does not makes the quiet time begin anew."""
        at_s = self._clock(key)
        self._over = self._over or at_s - self._quiet_since_s >= QUIET_S
        if not self._over:
            self._quiet_since_s = max(self._quiet_since_s, at_s)
        return self._over

    def mistaken(self, key: events.Key) -> None:
        """That key means nothing here: where it is a character, somebody types who looks elsewhere. Deaf anew, or the
        next letter of the word could be an answer."""
        if key.is_printable:
            self._over = False
            self._quiet_since_s = self._clock(key)

    @property
    def is_over(self) -> bool:
        """Whether a key pressed now would count."""
        return self._over or self._clock(None) - self._quiet_since_s >= QUIET_S
