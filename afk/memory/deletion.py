"""What the deletion of a thread takes with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThreadDeletion:
    """What goes with a thread, counted in rows; of a dry run, what would.

    `messages` and `calls` are those of its own, the conversations of its subagents among them; `messages_kept` of
    those messages stay, unlisted, for the `forks` that read them. `title` is as it is stored. `bytes_reclaimed` is
    what the database file shrank by: 0 for a dry run, and for a deletion that can still be undone.
    """

    thread_id: str
    title: str
    messages: int
    messages_kept: int
    calls: int
    runs: int
    checkpoints: int
    pending_approvals: int
    forks: int
    bytes_reclaimed: int = 0
