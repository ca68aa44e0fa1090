"""The commands that list threads and keep them in order. Each returns its exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from afk_tui.cli_exit import EXIT_DONE
from afk_tui.cli_options import Options
from afk_tui.cli_output import age, print_json, print_table, say, tell_empty
from afk_tui.gateway.clean import clean_line

if TYPE_CHECKING:
    from afk_tui.gateway.threads import ThreadFilter


def show_threads(options: Options, show: ThreadFilter, *, as_json: bool) -> int:
    """`afk-tui threads`."""
    from afk_tui.gateway.script import list_threads

    threads = asyncio.run(list_threads(options.settings(), options.workspace, show))
    if as_json:
        print_json(threads)
    elif not threads:
        tell_empty(options, "No threads" if show in ("current", "all") else f"No threads are {show}")
    else:
        rows = [
            (thread["thread_id"], _state(thread), age(thread["updated_at_ms"]), thread["title"])
            for thread in threads
        ]
        print_table(("THREAD", "STATE", "AGE", "TITLE"), rows, right=(2,))
    return EXIT_DONE


def _state(thread: dict[str, Any]) -> str:
    words = [thread["state"].replace("_", " ")]
    words += [
        word
        for word, holds in (
            ("pinned", thread["pinned_at_ms"]),
            ("archived", thread["archived_at_ms"]),
            ("new", thread["is_unread"]),
        )
        if holds
    ]
    return ", ".join(words)


def rename_one(options: Options, thread_id: str, title: str, *, as_json: bool) -> int:
    """`afk-tui rename`."""
    from afk_tui.gateway.threads import rename_thread

    return _tell("Renamed", asyncio.run(rename_thread(options.settings(), thread_id, title)), as_json=as_json)


def pin_one(options: Options, thread_id: str, *, undo: bool, as_json: bool) -> int:
    """`afk-tui pin`."""
    from afk_tui.gateway.threads import pin_thread

    done = asyncio.run(pin_thread(options.settings(), thread_id, pinned=not undo))
    return _tell("No longer pinned" if undo else "Pinned", done, as_json=as_json)


def archive_one(options: Options, thread_id: str, *, undo: bool, as_json: bool) -> int:
    """`afk-tui archive`."""
    from afk_tui.gateway.threads import archive_thread

    done = asyncio.run(archive_thread(options.settings(), thread_id, archived=not undo))
    return _tell("Out of the archive" if undo else "Archived", done, as_json=as_json)


def _tell(what: str, thread: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(thread)
    else:
        say(f"{what}: {clean_line(thread['title'])}")
    return EXIT_DONE
