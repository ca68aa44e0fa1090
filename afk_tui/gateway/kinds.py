"""The words for what things are and how they stand. `views.py` has the things: a start needs the words alone."""

from __future__ import annotations

from typing import Literal

ItemKind = Literal["user", "assistant", "call", "note", "queued"]
CallStatus = Literal[
    "waiting", "running", "ran", "failed", "denied", "answered", "interrupted", "unknown", "proposed"
]
Standing = Literal["idle", "working", "waiting", "stopped", "elsewhere", "decided"]
