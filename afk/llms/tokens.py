"""How many tokens a text is: counted by tiktoken where that is at hand, else estimated, erring high."""

from __future__ import annotations

from collections.abc import Iterable

from afk.llms.protocol import ChatMessage, ToolSpec


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is."""
    return (len(text.encode(errors="replace")) + 2) // 3


class TokenCounter:
    """Counts for one model."""

    errs_high_by = 1.3

    def text(self, text: str) -> int:
        return estimate_tokens(text)

    def message(self, message: ChatMessage) -> int:
        calls = sum(10 + self.text(c.name) + self.text(c.arguments) for c in message.tool_calls)
        return 5 + self.text(message.content) + calls

    def messages(self, messages: Iterable[ChatMessage]) -> int:
        return sum(self.message(message) for message in messages)

    def tools(self, tools: tuple[ToolSpec, ...]) -> int:
        import json

        return sum(12 + self.text(f"{t.name}\n{t.description}\n{json.dumps(t.parameters)}") for t in tools)


def counter_for(model: str) -> TokenCounter:
    return TokenCounter()
