"""Makes processes quickly: one that has imported everything and has no threads, and forks a child for each order.

An order is a line of JSON, {"scenario": ..., "output": PATH}; the answers are the child's process id, then its
status as `os.waitpid` gives it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import aiosqlite
import openai
import pydantic

import afk.memory.sqlite.store
from tests.crash.program import Scenario, perform

PRELOADED = (aiosqlite, openai.AsyncOpenAI, pydantic, afk.memory.sqlite.store)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 0
            try:
                kill = order["scenario"].pop("kill")
                scenario = Scenario(**order["scenario"], kill=tuple(kill) if kill else None)
                perform(scenario, Path(order["output"]))
            except BaseException:  # noqa: BLE001 - the end of the child: whatever it was is told, and is a failure
                traceback.print_exc()
                status = 1
            os._exit(status)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
