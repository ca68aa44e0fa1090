"""SIZE steps of a durable workflow: a step that is the model's answer, and one that is the tool."""

from __future__ import annotations

import logging
import os
import threading
import time

from common import FOLDER, SIZE, WORDS, Clock, bytes_of, finish, result_of
from dbos import DBOS, DBOSConfig, SetWorkflowID

RESUMING = "resume" in WORDS

config: DBOSConfig = {
    "name": "benchmark",
    "system_database_url": f"sqlite:///{FOLDER / 'dbos.db'}",
    "log_level": "ERROR",
    "application_version": "1",
    "executor_id": "local",
}
logging.disable(logging.ERROR)
DBOS(config=config)
launched_at = 0.0


@DBOS.step()
def model(n: int) -> str:
    return f'{{"id": "call_{n}", "name": "work", "arguments": {{"n": {n}}}}}'


@DBOS.step()
def work(n: int) -> str:
    return result_of(n)


@DBOS.step()
def last() -> str:
    if RESUMING:
        now = time.monotonic()
        finish({"start_s": now - float(WORDS[-1]), "load_s": now - launched_at})
    if "prepare" in WORDS:
        finish({})
    return "Done."


@DBOS.workflow()
def run() -> str:
    for n in range(SIZE):
        model(n)
        work(n)
    return last()


launched_at = time.monotonic()
DBOS.launch()
if RESUMING:  # it goes on by itself with what was pending, and `last` ends the process
    threading.Event().wait(600)
    os._exit(1)
clock = Clock()
with SetWorkflowID("thread"):
    assert run() == "Done."
figures = clock.figures()
finish({**figures, "bytes": bytes_of("dbos.db")})
