"""`afk-tui grants`: what is always allowed, and taking it back."""

from __future__ import annotations

import asyncio

from afk_tui.cli_exit import EXIT_DONE
from afk_tui.cli_output import moment, print_json, print_table, say, tell
from afk_tui.cli_values import Options


def show_grants(options: Options, *, as_json: bool) -> int:
    """Standing grants, the newest first."""
    from afk_tui.gateway.grants import list_grants

    found = asyncio.run(list_grants(options.settings(), options.workspace))
    if as_json:
        print_json([document for document, _ in found])
    elif not found:
        tell("Nothing is always allowed: every call that needs a yes asks for one.")
    else:
        rows = [
            (
                row.grant_id,
                row.tool_name,
                "this thread" if row.scope == "thread" else "workspace",
                moment(row.since_ms),
                row.decided_by,
                row.thread_title if row.scope == "thread" else row.workspace,
                row.covers,
            )
            for _, row in found
        ]
        print_table(("GRANT", "TOOL", "IN", "SINCE", "BY", "WHERE", "COVERS"), rows)
    return EXIT_DONE


def revoke(options: Options, grant_id: str, *, as_json: bool) -> int:
    """Take one back."""
    from afk_tui.gateway.grants import revoke_grant

    document, row = asyncio.run(revoke_grant(options.settings(), grant_id))
    if as_json:
        print_json(document)
    else:
        say(f"Revoked: {row.tool_name}, {row.covers}")
    return EXIT_DONE
