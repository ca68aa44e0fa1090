"""Which threads a list shows."""

from __future__ import annotations

from typing import Literal, get_args

ThreadFilter = Literal["current", "waiting", "running", "interrupted", "done", "archived", "all"]
"""current: all that are not archived. waiting, running, interrupted, done: of those, the ones whose last run stands so
(a request that waits counts as waiting, a cancelled run as interrupted). archived: only those. all: archived too."""

THREAD_FILTERS: tuple[ThreadFilter, ...] = get_args(ThreadFilter)
