"""How long a request to a model may be, as far as that is known."""

from __future__ import annotations

import json

from afk.core.config import RunnerConfig
from afk.llms.protocol import LLM, ModelError
from afk.llms.windows import known_window_tokens
from afk.memory.store import MemoryStore

# of a request that was refused without a word about how long it may be
SHARE_OF_REFUSED = 0.75


class Window:
    """How long a request to one model may be, as far as that is known here: told, learned or looked up."""

    def __init__(self, store: MemoryStore, llm: LLM, model: str, config: RunnerConfig) -> None:
        self._store = store
        self._key = f"context:{model}@{llm.label}"
        self._model = model
        self._config = config
        self.tokens: int | None = config.context_window_tokens
        self.is_learned = False

    async def load(self) -> None:
        """Find out what is known. What was told comes before what was learned, that before what is published."""
        if self.tokens is not None:
            return
        learned = _read(await self._store.get_preference(self._key))
        self.is_learned = learned is not None
        self.tokens = learned or known_window_tokens(self._model)

    @property
    def request_tokens(self) -> int | None:
        """What a request may be, with room left for the answer."""
        if self.tokens is None:
            return None
        return self.tokens - min(self._config.answer_tokens, self.tokens // 4)

    def refused(self, error: ModelError, sent_tokens: int) -> int:
        """Learn from a refusal of a request that counts `sent_tokens` here; the window from now on."""
        learned = int(sent_tokens * SHARE_OF_REFUSED)
        stated, sent = error.window_tokens, error.sent_tokens
        if stated and sent and sent > stated:
            # in tokens as they are counted here, which may be fewer than the server's
            learned = int(stated * min(1.0, sent_tokens / sent))
        elif stated and stated < sent_tokens:
            learned = stated
        self.is_learned = True
        self.tokens = max(1, learned if self.tokens is None else min(self.tokens, learned))
        return self.tokens

    def accepted(self, sent_tokens: int, errs_high_by: float) -> bool:
        """Of a window that was learned: whether that is wrong by now, since a request was answered that counts so many
        tokens here, up to `errs_high_by` times the truth; then it is as if nothing had been learned."""
        if self.tokens is None or sent_tokens <= self.tokens * errs_high_by:
            return False
        self.is_learned = False
        self.tokens = self._config.context_window_tokens or known_window_tokens(self._model)
        return True

    async def keep(self) -> None:
        """Write down what was learned, or that nothing is, for the runs to come."""
        await self._store.set_preference(
            self._key, json.dumps({"v": 1, "tokens": self.tokens if self.is_learned else None})
        )


def _read(stored: str | None) -> int | None:
    """A window that an earlier run learned."""
    if stored is None:
        return None
    try:
        tokens = json.loads(stored)["tokens"]
    except (ValueError, KeyError, TypeError):
        return None  # of another version: it is learned anew
    return tokens if isinstance(tokens, int) and tokens > 0 else None
