"""`afk-tui delete`. Returns its exit code."""

from __future__ import annotations

import asyncio

from afk_tui.cli_exit import EXIT_DONE
from afk_tui.cli_options import Options
from afk_tui.cli_output import print_json, say, size
from afk_tui.gateway.clean import clean_line


def delete_one(options: Options, thread_id: str, *, as_json: bool) -> int:
    """Delete a thread, and say what went."""
    from afk_tui.gateway.deleting import delete_thread

    gone = asyncio.run(delete_thread(options.settings(), thread_id))
    if as_json:
        print_json(gone)
        return EXIT_DONE
    counts = [
        f"{gone[name]} {what}{'' if gone[name] == 1 else 's'}"
        for name, what in (
            ("messages", "message"),
            ("calls", "call"),
            ("checkpoints", "checkpoint"),
            ("pending_approvals", "waiting request"),
        )
    ]
    say(f"Deleted: {clean_line(gone['title']) or clean_line(thread_id)}")
    say(f"  {', '.join(counts)}; {size(gone['bytes_reclaimed'])} given back")
    if gone["forks"]:
        forks = "1 fork of it stays" if gone["forks"] == 1 else f"{gone['forks']} forks of it stay"
        say(f"  {forks}, with {gone['messages_kept']} of those messages")
    return EXIT_DONE
