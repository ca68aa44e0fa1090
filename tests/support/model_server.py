"""A model on loopback: a real HTTP server that speaks OpenAI's Chat Completions streaming protocol.

In process, in a thread of its own, on a free port:

    with ModelServer([calls(("read_file", {"path": "a.txt"})), text("Done")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        ...
        assert server.requests[0]["messages"][-1]["content"] == "Read a.txt"
        assert server.refused == []

The script is a list of replies, served in order, or a callable from the request's JSON to a reply (it runs in
the server's threads). Past its end the server answers 500, or repeats the last reply (`repeat_last=True`).
`model_replies.py` says what a reply can be; all its constructors can be imported from here.

A reply with `hold_after=N` stops there: `server.wait_until_held()` returns when it has, `server.release()`
lets one hold go on (before or after it began). `server.wait_until(condition)` waits for anything else seen
here.

A request that no real server would accept is answered 400 and kept in `refused`: null content, a tool call
without its result right after it, a result without its call, an id used twice.

As a process (`python -m tests.support.model_server --port 0 --script FILE.json`): the first line printed is
the base URL. There, beside /v1, POST /release lets a hold go on and GET /requests gives all requests so far.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from tests.support.model_replies import (
    Call,
    Reply,
    calls,
    cut_after,
    end_after,
    error_after,
    html,
    malformed_after,
    refusal,
    replies_from_json,
    stall_after,
    status,
    text,
)
from tests.support.request_rules import objection

__all__ = [
    "Call",
    "Exchange",
    "ModelServer",
    "Reply",
    "calls",
    "cut_after",
    "end_after",
    "error_after",
    "html",
    "malformed_after",
    "refusal",
    "replies_from_json",
    "stall_after",
    "status",
    "text",
]

Script = Sequence[Reply] | Callable[[dict[str, Any]], Reply]


@dataclass(slots=True)
class Exchange:
    """One chat request and how it went. `sent` counts the events written; `client_left` is true if the client
    closed the connection before the answer was whole."""

    request: dict[str, Any]
    headers: dict[str, str]
    sent: int = 0
    held: bool = False
    finished: bool = False
    client_left: bool = False


class ModelServer:
    """See the module. `api_key`: any other key is answered 401. `refuse_stream_options`: a request that
    carries them is answered 400, as some servers do."""

    def __init__(
        self,
        script: Script,
        *,
        repeat_last: bool = False,
        api_key: str | None = None,
        refuse_stream_options: bool = False,
        models: Sequence[str] = ("test-model",),
        port: int = 0,
    ) -> None:
        self.exchanges: list[Exchange] = []
        self.refused: list[str] = []
        self._script = script
        self._repeat_last = repeat_last
        self._api_key = api_key
        self._refuse_stream_options = refuse_stream_options
        self._models = tuple(models)
        self._served = 0
        self._permits = 0
        self._closing = False
        self._changed = threading.Condition()
        self._http = _LoopbackServer(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._started = False

    @property
    def base_url(self) -> str:
        """What `OPENAI_BASE_URL` is to be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The JSON of every chat request so far, refused ones included."""
        return [exchange.request for exchange in self.exchanges]

    def start(self) -> Self:
        """Begin to answer; returns at once, the port is already open."""
        self._started = True
        self._thread.start()
        return self

    def close(self) -> None:
        """Drop every connection and stop. May be called twice."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        if self._started:
            self._http.shutdown()
            self._thread.join()
        self._http.drop_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def release(self, holds: int = 1) -> None:
        """Let `holds` holds go on, those that wait now or those to come."""
        with self._changed:
            self._permits += holds
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[ModelServer], object], *, timeout_s: float = 10.0) -> None:
        """Return once `condition(self)` is true; raises `TimeoutError`. In a coroutine: `to_thread`."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(condition(self)), timeout_s):
                raise TimeoutError(f"not seen within {timeout_s} s; exchanges so far: {self.exchanges}")

    def wait_until_held(self, *, timeout_s: float = 10.0) -> None:
        """Return once a reply stands at its hold or its stall."""
        self.wait_until(lambda server: any(one.held for one in server.exchanges), timeout_s=timeout_s)

    # Below: called by the handlers, in their threads.

    def next_reply(self, exchange: Exchange) -> Reply:
        """Record the request and choose its reply."""
        request = exchange.request
        with self._changed:
            self.exchanges.append(exchange)
            self._changed.notify_all()
            if (
                self._api_key is not None
                and exchange.headers.get("authorization") != f"Bearer {self._api_key}"
            ):
                return status(401, message="Incorrect API key provided", error_code="invalid_api_key")
            if self._refuse_stream_options and "stream_options" in request:
                return status(400, message="Unrecognized request argument supplied: stream_options")
            if complaint := objection(request):
                self.refused.append(complaint)
                return status(400, message=complaint, error_type="invalid_request_error")
            if not callable(self._script):
                at = self._served
                self._served += 1
                if at < len(self._script):
                    return self._script[at]
                if self._repeat_last and self._script:
                    return self._script[-1]
                return status(500, message="the script is exhausted")
        return self._script(request)

    def note(self, exchange: Exchange, **changes: Any) -> None:
        """Record how an exchange goes on, and wake who waits for it."""
        with self._changed:
            for name, value in changes.items():
                setattr(exchange, name, value)
            self._changed.notify_all()

    def hold(self, exchange: Exchange, connection: socket.socket, *, for_ever: bool) -> bool:
        """Wait for a release; False when the client left or the server closes."""
        self.note(exchange, held=True)
        try:
            while True:
                with self._changed:
                    if self._closing:
                        return False
                    if self._permits and not for_ever:
                        self._permits -= 1
                        return True
                    self._changed.wait(0.02)
                if _has_left(connection):
                    self.note(exchange, client_left=True)
                    return False
        finally:
            self.note(exchange, held=False)

    def models_body(self) -> dict[str, Any]:
        """The answer to GET /v1/models."""
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in self._models]}


def _has_left(connection: socket.socket) -> bool:
    try:
        if not select.select([connection], [], [], 0)[0]:
            return False
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


class _LoopbackServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: ModelServer) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._open_changed = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's full name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._open_changed:
            self._open.discard(request)
            self._open_changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is nothing to report
            super().handle_error(request, client_address)

    def drop_connections(self) -> None:
        with self._open_changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster
            self._open_changed.wait_for(lambda: not self._open, 5.0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def owner(self) -> ModelServer:
        return cast("_LoopbackServer", self.server).owner

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        owner = self.owner
        if self.path == "/v1/models":
            self._send(200, json.dumps(owner.models_body()))
        elif self.path == "/requests":
            self._send(200, json.dumps(owner.requests))
        else:
            self._send(404, json.dumps({"error": {"message": f"no such path: {self.path}"}}))

    def do_POST(self) -> None:
        owner = self.owner
        size = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(size)
        if len(body) < size:  # the client died while it asked
            self.close_connection = True
            return
        if self.path == "/release":
            owner.release()
            self._send(200, "{}")
            return
        if self.path != "/v1/chat/completions":
            self._send(404, json.dumps({"error": {"message": f"no such path: {self.path}"}}))
            return
        request = cast("dict[str, Any]", json.loads(body))
        exchange = Exchange(request, {name.lower(): value for name, value in self.headers.items()})
        reply = owner.next_reply(exchange)
        try:
            if reply.body is not None or reply.status != 200:
                self._send(reply.status, reply.body or "", reply)
                owner.note(exchange, finished=True)
            else:
                self._stream(reply, exchange)
        except OSError:
            self.close_connection = True
            owner.note(exchange, client_left=True)

    def _send(self, code: int, body: str, reply: Reply | None = None) -> None:
        data = body.encode()
        self.send_response(code)
        self.send_header("Content-Type", reply.content_type if reply else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (reply.headers if reply else {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: Reply, exchange: Exchange) -> None:
        owner = self.owner
        request = exchange.request
        with_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        events = reply.events(str(request["model"]), len(request["messages"]), with_usage=with_usage)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for sent in range(len(events) + 1):
            for_ever = sent == reply.stall_after
            held = sent == reply.hold_after or for_ever
            if held and not owner.hold(exchange, self.connection, for_ever=for_ever):
                self.close_connection = True
                return
            if sent == reply.cut_after:
                self.close_connection = True
                return
            if sent == len(events) or sent == reply.end_after:
                break
            if reply.delay_s:
                time.sleep(reply.delay_s)
            data = f"data: {events[sent]}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            owner.note(exchange, sent=sent + 1)
        self.wfile.write(b"0\r\n\r\n")
        owner.note(exchange, finished=True)


def main() -> None:
    """Serve a script until the process is ended."""
    parser = argparse.ArgumentParser(description="A scripted model on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, required=True, help="a JSON list of replies")
    parser.add_argument("--repeat-last", action="store_true")
    parser.add_argument("--api-key")
    options = parser.parse_args()
    replies = replies_from_json(json.loads(options.script.read_text()))
    server = ModelServer(
        replies, repeat_last=options.repeat_last, api_key=options.api_key, port=options.port
    ).start()
    print(server.base_url, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
