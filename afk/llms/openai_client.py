"""Any OpenAI-compatible server, through the `openai` package: Chat Completions, streamed.

The package takes half a second to import, so that happens when the first request is made, or in `warm_up`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from afk.llms.answer_builder import AnswerBuilder, MalformedAnswerError
from afk.llms.failures import Asked, broken_answer, failure_of, refuses_stream_options
from afk.llms.protocol import ModelError, ModelEvent, ModelRequest, TextDelta
from afk.llms.wire import request_body

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

_OPENAI_URL = "https://api.openai.com/v1"
_EXAMPLE_URL = "http://localhost:11434/v1"
_NO_KEY = "not-needed"  # the package refuses an empty key, and local servers need none
_CONNECT_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class _Endpoint:
    url: str
    key: str
    host: str


@dataclass(slots=True)
class _Connection:
    endpoint: _Endpoint
    client: AsyncOpenAI
    keeper: AsyncGenerator[None, None]


class OpenAIChat:
    """A model behind the Chat Completions API.

    What is not given is read from OPENAI_API_KEY and OPENAI_BASE_URL when an event loop makes its first
    request. With a URL the key may be missing. Connections belong to the loop they were opened in and end
    with it: one object serves several `asyncio.run`, and `close` is a courtesy.
    """

    def __init__(self, *, api_key: str | None = None, base_url: str | None = None) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._connections: dict[asyncio.AbstractEventLoop, _Connection] = {}
        self._stream_options = True

    @property
    def label(self) -> str:
        """The server's host, with its port where the URL names one."""
        return _host(self._given_url() or _OPENAI_URL) or "no valid address"

    async def warm_up(self) -> None:
        """Pay for the import and the TLS context now, in a thread, so that the first request need not.

        A missing key is no error here: the first request says it.
        """
        try:
            await self._connection()
        except ModelError:
            await asyncio.to_thread(_import_openai)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Answer `request`, see `LLM.stream`. A connection lost after the finish_reason only loses usage."""
        connection = await self._connection()
        import openai

        endpoint = connection.endpoint
        asked = Asked(request.model, endpoint.host, endpoint.key if endpoint.key != _NO_KEY else "")
        builder = AnswerBuilder(request.messages)
        content_type = ""
        try:
            async with aclosing(await self._open(connection.client, request)) as chunks:
                content_type = chunks.response.headers.get("content-type", "")
                # `async for` would leave one more suspended generator behind when the caller stops early.
                while True:
                    try:
                        chunk = await anext(chunks)
                    except StopAsyncIteration:
                        break
                    if added := builder.feed(chunk):
                        yield TextDelta(added)
        except openai.OpenAIError as error:
            if not (builder.finished and isinstance(error, openai.APIConnectionError)):
                # Not chained: the package's exception may hold the key.
                raise failure_of(asked, error, request.timeout_s) from None
        except MalformedAnswerError as error:
            raise broken_answer(asked, f"its answer held {error}", began=builder.chunks > 0) from None
        except ValueError:  # from the package's decoder: no JSON, or no UTF-8
            raise broken_answer(
                asked, "its answer held a chunk that is no JSON", began=builder.chunks > 0
            ) from None
        if builder.chunks == 0 and "event-stream" not in content_type:
            found = f"it answered {content_type or 'something'!r}, no event stream"
            raise broken_answer(asked, found, began=False)
        if not builder.finished:
            found = "its answer ended before it was finished (no finish_reason)"
            raise broken_answer(asked, found, began=True)
        try:
            answer = builder.answer()
        except MalformedAnswerError as error:
            raise broken_answer(asked, f"its answer held {error}", began=True) from None
        yield answer

    async def close(self) -> None:
        """Close the connections of this event loop, within two seconds. Later requests open new ones."""
        self._forget_closed_loops()
        connection = self._connections.pop(asyncio.get_running_loop(), None)
        if connection is not None:
            await connection.keeper.aclose()

    async def _open(self, client: AsyncOpenAI, request: ModelRequest) -> AsyncStream[object]:
        import openai

        timeout = openai.Timeout(request.timeout_s, connect=min(request.timeout_s, _CONNECT_TIMEOUT_S))

        async def post(*, stream_options: bool) -> AsyncStream[object]:
            # `cast_to=object` gives each chunk as the plain JSON it is: typed models cost more than all the
            # rest, and break on shapes that servers in the wild do send.
            return await client.post(
                "/chat/completions",
                cast_to=object,
                body=request_body(request, stream_options=stream_options),
                options={"timeout": timeout},
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )

        if self._stream_options:
            try:
                return await post(stream_options=True)
            except openai.APIStatusError as error:
                if not refuses_stream_options(error):
                    raise
                self._stream_options = False
        return await post(stream_options=False)

    async def _connection(self) -> _Connection:
        loop = asyncio.get_running_loop()
        self._forget_closed_loops()
        if loop not in self._connections:
            endpoint = self._resolve()
            client = await asyncio.to_thread(_make_client, endpoint)
            if loop not in self._connections:  # nobody else was faster while the thread worked
                keeper = _keep(client)
                self._connections[loop] = _Connection(endpoint, client, keeper)
                await anext(keeper)
        return self._connections[loop]

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._connections if loop.is_closed()]:
            del self._connections[loop]

    def _given_url(self) -> str:
        return (self._base_url or os.environ.get("OPENAI_BASE_URL") or "").strip()

    def _resolve(self) -> _Endpoint:
        url = self._given_url()
        key = (self._api_key or os.environ.get("OPENAI_API_KEY") or "").strip()
        if not url and not key:
            raise ModelError(
                "configuration",
                "No model to ask: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set. Set OPENAI_API_KEY to "
                f"use OpenAI, or OPENAI_BASE_URL for another server (such as {_EXAMPLE_URL}).",
            )
        if not (key.isascii() and key.isprintable()):
            raise ModelError(
                "configuration", "OPENAI_API_KEY holds characters that no key has. Copy it again."
            )
        host = _host(url or _OPENAI_URL)
        if host is None:
            raise ModelError(
                "configuration",
                f"OPENAI_BASE_URL is {_without_credentials(url)!r}, which is no HTTP address. Set it to one "
                f"such as {_EXAMPLE_URL}.",
            )
        return _Endpoint(url or _OPENAI_URL, key or _NO_KEY, host)


def _import_openai() -> None:
    import openai

    _ = openai.AsyncOpenAI


def _make_client(endpoint: _Endpoint) -> AsyncOpenAI:
    from openai import AsyncOpenAI

    return AsyncOpenAI(api_key=endpoint.key, base_url=endpoint.url, max_retries=0)


async def _keep(client: AsyncOpenAI) -> AsyncGenerator[None, None]:
    """Suspended for as long as the client may be used. `asyncio.run` closes suspended generators before it
    closes its loop: that is how the sockets get closed even where nobody calls `OpenAIChat.close`."""
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await client.close()
        except TimeoutError:
            pass  # a server that doesn't answer a goodbye keeps nobody waiting


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.hostname}:{port}" if port else parts.hostname


def _without_credentials(url: str) -> str:
    return url.rpartition("@")[2]
