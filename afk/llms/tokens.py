"""How many tokens a text is: counted by tiktoken where it and its vocabulary are at hand, else estimated.

tiktoken is the extra `tokens`. It downloads a vocabulary when it is first used; that is never waited for here, nor
begun: only one that is in its cache already is used (TIKTOKEN_CACHE_DIR says where, as tiktoken has it).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from afk.llms.protocol import ChatMessage, ToolSpec
from afk.llms.token_estimate import estimate_tokens

# what a chat template adds, rounded up
PER_MESSAGE, PER_CALL, PER_TOOL, PER_REQUEST = 5, 10, 12, 3

# what tiktoken names in its cache by the address that it would download from, and the file's SHA-256
_HOST = "https://openaipublic.blob.core.windows.net/encodings/"
_VOCABULARIES = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}


class TokenCounter:
    """Counts for one model: exactly, with `count`, or by the estimate, up to `errs_high_by` times the truth."""

    def __init__(self, count: Callable[[str], int] | None = None) -> None:
        self._count = count or estimate_tokens
        self.errs_high_by = 1.3 if count is None else 1.0

    def text(self, text: str) -> int:
        """Tokens of a text."""
        return self._count(text)

    def message(self, message: ChatMessage) -> int:
        """Tokens of a message, with its calls and what frames it."""
        calls = sum(PER_CALL + self.text(c.name) + self.text(c.arguments) for c in message.tool_calls)
        return PER_MESSAGE + self.text(message.content) + calls

    def messages(self, messages: Iterable[ChatMessage]) -> int:
        """Tokens of all messages of a request."""
        return PER_REQUEST + sum(self.message(message) for message in messages)

    def tools(self, tools: Iterable[ToolSpec]) -> int:
        """Tokens of the tools offered with a request."""
        return sum(
            PER_TOOL + self.text(f"{t.name}\n{t.description}\n{json.dumps(t.parameters)}") for t in tools
        )


def count_tokens(text: str, model: str) -> int:
    """Tokens of a text for a model. The first call for a model may read a vocabulary, for half a second."""
    return counter_for(model).text(text)


@lru_cache(maxsize=32)
def counter_for(model: str) -> TokenCounter:
    """The best counter there is for a model, which need not be known. May read a vocabulary, for half a second."""
    return TokenCounter(_exact(model))


async def counter_soon(model: str) -> TokenCounter:
    """`counter_for`, without holding up the loop."""
    # the estimate needs nothing, and the first thread of a process takes 2 ms
    return await asyncio.to_thread(counter_for, model) if _may_count() else counter_for(model)


def _may_count() -> bool:
    """Whether tiktoken, which takes a while to import, can have a vocabulary to count with."""
    return any(os.path.exists(_kept_at(name)) for name in _VOCABULARIES) and find_spec("tiktoken") is not None


def _exact(model: str) -> Callable[[str], int] | None:
    if not _may_count():
        return None
    tiktoken = import_module("tiktoken")
    try:
        name = tiktoken.encoding_name_for_model(model.rpartition("/")[2])
    except KeyError:  # another vendor's, which counts otherwise
        return None
    if not _is_at_hand(name):
        return None
    encoding = tiktoken.get_encoding(name)
    return lambda text: len(encoding.encode(text.encode(errors="replace").decode(), disallowed_special=()))


def _is_at_hand(name: str) -> bool:
    """Whether tiktoken would find this vocabulary whole where it looks first, so that it downloads nothing."""
    wanted = _VOCABULARIES.get(name)
    if wanted is None:
        return False
    try:
        kept = Path(_kept_at(name)).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(kept).hexdigest() == wanted


def _kept_at(name: str) -> str:
    """Where tiktoken keeps a vocabulary; "" where it was told to keep none."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder is None:
        folder = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    address = f"{_HOST}{name}.tiktoken"
    return os.path.join(folder, hashlib.sha1(address.encode()).hexdigest()) if folder else ""
