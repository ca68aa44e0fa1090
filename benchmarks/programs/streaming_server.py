"""A model that streams one answer at a steady pace: `streaming_server.py KIND TOKENS TOKENS_PER_S NOTES`.

Prints its base URL, then serves each chat request that answer. When it wrote the first and the last token stands in the
file NOTES, in seconds of the clock that all processes share.
"""

from __future__ import annotations

import json
import sys
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
    """Any POST is a chat request."""

    text = ""
    rate = 1000.0
    notes = Path()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        tokens = [self.text[at : at + 4] for at in range(0, len(self.text), 4)]
        self._send({"role": "assistant", "content": ""})
        began = time.monotonic()
        for number, token in enumerate(tokens):
            # a clock and not a pause after each: what a pause takes too long is made up for
            early = began + number / self.rate - time.monotonic()
            if early > 0:
                time.sleep(early)
            self._send({"content": token})
        ended = time.monotonic()
        self._send({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        self.notes.write_text(json.dumps({"began": began, "ended": ended, "tokens": len(tokens)}))

    def _send(self, delta: dict[str, str], finish: str | None = None) -> None:
        chunk = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    kind, tokens, rate, notes = sys.argv[1:]
    Handler.text, Handler.rate, Handler.notes = answer(kind, int(tokens)), float(rate), Path(notes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
