"""What is said once a database of an earlier version was given the format of this one."""

from __future__ import annotations

from afk.memory.store import MemoryStore
from afk_tui.gateway.clean import clean_line


def told_of_conversion(store: MemoryStore) -> str | None:
    """That it was, and where it is kept as it was; None where it was not."""
    kept = store.kept_copy
    if kept is None:
        return None
    return (
        f"The database has the format of this version now. As it was it is kept in {clean_line(str(kept))}: delete "
        "that when all is well. What you delete from now on still stands in it."
    )
