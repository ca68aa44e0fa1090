"""Makes processes quickly: one that has imported everything and has no threads, and forks a child for each order.

An order is a line of JSON, {"kind", "scenario", "output": PATH, "kill_after_s"}; the answers are the child's process
id, then its status as `os.waitpid` gives it, once when it stops itself and once when it ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import aiosqlite
import openai
import pydantic

import afk.memory.sqlite.store
from tests.crash import program, story

# a child that goes on for ever ends with SIGALRM, and is told from one that ends
GIVE_UP_AFTER_S = 90

PRELOADED = (aiosqlite, openai.AsyncOpenAI, pydantic, afk.memory.sqlite.store)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 0
            try:
                _perform(order)
            except BaseException:  # noqa: BLE001 - the end of the child: whatever it was is told, and is a failure
                traceback.print_exc()
                status = 1
            os._exit(status)
        print(child, flush=True)
        if order["kill_after_s"] is not None:
            time.sleep(order["kill_after_s"])
            os.kill(child, signal.SIGKILL)  # it is not waited for yet, so the id is still its own
        status = os.waitpid(child, os.WUNTRACED)[1]
        print(status, flush=True)
        if os.WIFSTOPPED(status):
            print(os.waitpid(child, 0)[1], flush=True)


def _perform(order: dict[str, Any]) -> None:
    signal.alarm(GIVE_UP_AFTER_S)
    fields = order["scenario"]
    kill = fields.pop("kill")
    fields["kill"] = tuple(kill) if kill else None
    output = Path(order["output"])
    if order["kind"] == "Chapter":
        story.perform(story.Chapter(**fields), output)
    else:
        program.perform(program.Scenario(**fields), output)


if __name__ == "__main__":
    main()
