"""Summaries for scripts, as JSON-safe values."""

from __future__ import annotations

import dataclasses

from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.script import Doc, database_path
from afk_tui.gateway.script_runs import opened_engine, require_a_model
from afk_tui.gateway.settings import Settings


async def summarise(settings: Settings, thread_id: str, *, keep_recent: int | None, anew: bool) -> Doc:
    """Have the older messages of a thread summarised: the row that is on disk then. Raises GatewayError, of kind "busy"
    while a run of the thread is live; then the conversation is as it was."""
    require_a_model(settings)
    path = database_path(settings)
    if not path.exists():
        raise GatewayError(
            f"No thread {thread_id!r}: there is no database at {path}. Name it with --db or AFK_DB."
        )
    async with opened_engine(settings) as engine:
        with told():
            made = await engine.runner.summarise(
                thread_id, model=settings.model, keep_recent=keep_recent, anew=anew
            )
        return dataclasses.asdict(made)
