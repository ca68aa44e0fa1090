"""A model that streams one answer at a steady pace: `streaming_server.py KIND NUMBER NUMBER_PER_S NOTES`.

Prints its base URL, then serves each request that answer, in the way of Chat Completions or of Responses. When it
wrote the first and the last piece of the latest answer, and how many it has given, stands in the file NOTES, in seconds
of the clock that all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

LAST_WORDS = "Quod7391erat"

PROSE = (
    "The keeper wrote down **everything** before she did it, and then what came of it, in `log.txt`.\n"
    "She never repeated a deed of which she *could not know* whether it had been done.\n\n"
)
ITEMS = "- look at the lamp\n- look at the boat\n  - and at its rope\n- write it down\n\n"


def pieces(kind: str, number: int) -> list[str]:
    """The answer as it is sent: `number` lines of Markdown ("lines"), else about so many tokens of four characters.

    Of tokens there are "mixed", "fence" (one code block) and "table" (one table).
    """
    if kind == "lines":
        whole = "".join(_until(80 * number, _section)).splitlines(keepends=True)[: number - 2]
        return [*whole, "\n", f"{LAST_WORDS}\n"]
    text = answer(kind, number)
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def answer(kind: str, tokens: int) -> str:
    """About `tokens` tokens of four characters: "mixed", "fence" (one code block) or "table" (one table)."""
    size, parts = 4 * tokens, []
    match kind:
        case "fence":
            parts.append("```python\n")
            parts += _until(size, lambda n: f"    total_{n} = add(total_{n - 1}, {n})  # the next of them\n")
            parts.append("```\n\n")
        case "table":
            parts.append("| number | name | state |\n| --- | --- | --- |\n")
            parts += _until(size, lambda n: f"| {n} | call number {n} | done, and **kept** |\n")
            parts.append("\n")
        case _:
            parts += _until(size, _section)
    return f"{''.join(parts)}{LAST_WORDS}\n"


def _section(number: int) -> str:
    code = "".join(f"    step_{n}(log, key={n!r})\n" for n in range(30))
    rows = "".join(f"| {n} | call {n} | done |\n" for n in range(12))
    return (
        f"## Part {number}\n\n{PROSE}{ITEMS}```python\ndef part_{number}(log):\n{code}```\n\n"
        f"| number | call | state |\n| --- | --- | --- |\n{rows}\n{PROSE}"
    )


def _until(size: int, make) -> list[str]:
    parts, length = [], 0
    for number in count(1):
        if length >= size:
            return parts
        parts.append(make(number))
        length += len(parts[-1])
    raise AssertionError("unreachable")


class Handler(BaseHTTPRequestHandler):
    """Any POST asks for the answer; a GET for the models."""

    pieces: tuple[str, ...] = ()
    rate = 1000.0
    notes = Path()
    answers = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        self._head("application/json")
        self.wfile.write(json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._head("text/event-stream")
        wire = Responses() if self.path.endswith("/responses") else Completions()
        self.wfile.write(wire.beginning())
        began = time.monotonic()
        for number, piece in enumerate(self.pieces):
            # a clock and not a pause after each: what a pause takes too long is made up for
            early = began + number / self.rate - time.monotonic()
            if early > 0:
                time.sleep(early)
            self.wfile.write(wire.piece(piece))
        ended = time.monotonic()
        self.wfile.write(wire.end("".join(self.pieces)))
        with self.lock:
            Handler.answers += 1
            told = {"began": began, "ended": ended, "pieces": len(self.pieces), "answers": Handler.answers}
            beside = self.notes.with_suffix(".new")
            beside.write_text(json.dumps(told))
            os.replace(beside, self.notes)  # a reader finds the one or the other, whole

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Completions:
    """The events of Chat Completions."""

    def beginning(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def end(self, text: str) -> bytes:
        del text
        return self._chunk({}, "stop") + b"data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [choice],
        }
        return f"data: {json.dumps(chunk)}\n\n".encode()


AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


class Responses:
    """The events of Responses, which is what codex speaks."""

    def beginning(self) -> bytes:
        part = {"type": "output_text", "text": "", "annotations": []}
        return (
            self._event("response.created", response={"id": "r1", "status": "in_progress", "output": []})
            + self._event("response.output_item.added", output_index=0, item=self._item("in_progress", ""))
            + self._event("response.content_part.added", **AT, part=part)
        )

    def piece(self, text: str) -> bytes:
        return self._event("response.output_text.delta", **AT, delta=text)

    def end(self, text: str) -> bytes:
        item = self._item("completed", text)
        usage = {
            "input_tokens": 1,
            "output_tokens": 1,
            "total_tokens": 2,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        return (
            self._event("response.output_text.done", **AT, text=text)
            + self._event("response.output_item.done", output_index=0, item=item)
            + self._event(
                "response.completed",
                response={"id": "r1", "status": "completed", "output": [item], "usage": usage},
            )
        )

    def _event(self, kind: str, **values: object) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **values})}\n\n".encode()

    def _item(self, status: str, text: str) -> dict[str, object]:
        content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": content}


if __name__ == "__main__":
    kind, number, rate, notes = sys.argv[1:]
    Handler.pieces, Handler.rate, Handler.notes = tuple(pieces(kind, int(number))), float(rate), Path(notes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
