"""The time and the names of new rows; a store takes others in tests and for pictures that must not change."""

from __future__ import annotations

import secrets
import time


def now_ms() -> int:
    """Milliseconds since the epoch. For people only: nothing is ordered, owned or expired by comparing clocks
    of two processes."""
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    """A name never given before, such as `run_4f0c…` (80 random bits)."""
    return f"{prefix}_{secrets.token_hex(10)}"
