"""What lasts is kept out of the search for garbage, in a process whose start switched it off and nowhere else."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

from afk_tui import garbage

PROGRAM = """
import asyncio, gc, json, sys
{switch_off}
from afk_tui import garbage
from afk_tui.widgets import conversation
from tests.widgets.conversation_kit import running, until
from tests.widgets.test_conversation_long import LongCountingSource

async def main():
    conversation.MANY = int(sys.argv[1])
    conversation.SETTLED_S = 0
    async with running((60, 20)) as (pilot, app):
        garbage.begin_search()
        began = gc.get_freeze_count()
        await app.conversation.open(LongCountingSource(3000))
        await until(pilot, lambda: not app.conversation.workers._workers)
        assert len(app.conversation.pages.entries) == 3000
        print(json.dumps([gc.isenabled(), began, gc.get_freeze_count() - began]))

asyncio.run(main())
"""


def searched(many: int, *, switch_off: bool) -> tuple[bool, int, int]:
    """Whether garbage is searched for, how many objects are kept out of it at the start, and how many after a
    conversation of 3,000 messages was opened, of which `many` are worth it."""
    program = PROGRAM.format(switch_off="gc.disable()" if switch_off else "")
    done = subprocess.run(
        [sys.executable, "-c", program, str(many)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    enabled, began, more = json.loads(done.stdout)
    return enabled, began, more


def test_what_the_start_and_a_long_conversation_made_is_not_searched_again() -> None:
    enabled, began, more = searched(3000, switch_off=True)
    assert enabled
    assert began > 10_000
    assert more > 3000


def test_a_short_conversation_is_searched_as_anything_else() -> None:
    _, began, more = searched(3001, switch_off=True)
    assert began > 10_000
    assert more <= 0


def test_in_a_process_that_searches_already_nothing_is_kept_out_of_it() -> None:
    assert searched(1, switch_off=False) == (True, 0, 0)
    before = gc.get_freeze_count()
    garbage.keep_what_is_there()
    assert gc.get_freeze_count() == before
