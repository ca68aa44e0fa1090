"""What a step asks of a long conversation costs what is new, and is what it would be if all were looked at."""

from __future__ import annotations

import random

import pytest

from afk.chat import ChatMessage, Transcript
from afk.core.context import Conversation
from afk.llms.tokens import TokenCounter
from afk.memory.summaries import SummaryRecord


def records(count: int) -> Transcript:
    roles = ("user", "assistant")
    messages = [ChatMessage(roles[n % 2], f"message {n}") for n in range(count)]
    return Transcript(list(range(1, count + 1)), messages, set(), count)


def anew(conversation: Conversation) -> int:
    """The tokens of a request, counted message by message."""
    return TokenCounter().messages(conversation.request())


async def test_the_tokens_of_a_request_are_those_of_its_messages_whatever_came_before() -> None:
    chance = random.Random(3)
    conversation = Conversation("Be brief.", records(40), None, ())
    for seq in range(41, 141):
        conversation.append(
            seq, ChatMessage(chance.choice(("user", "assistant")), "word " * chance.randint(1, 30))
        )
        if chance.random() < 0.2:
            cut = conversation.plan(0, keep_recent=chance.randint(1, 12))
            if cut is not None:
                summary = SummaryRecord(
                    1,
                    "th",
                    "th",
                    "run",
                    "In short.",
                    cut.first_seq,
                    cut.through_seq,
                    cut.through_seq,
                    cut.verbatim,
                    None,
                    "m",
                    1,
                    1,
                    3,
                    9,
                    "auto",
                    False,
                    False,
                    0,
                )
                conversation.use(summary, pins=(chance.randint(1, seq),))
        assert conversation.tokens() == anew(conversation)


async def test_a_step_counts_what_is_new_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = Conversation("", records(2_000), None, ())
    conversation.tokens()
    looked_at: list[int] = []
    real = Conversation._count

    def count(self: Conversation, n: int) -> int:
        looked_at.append(n)
        return real(self, n)

    monkeypatch.setattr(Conversation, "_count", count)
    conversation.append(2_001, ChatMessage("assistant", "more"))
    conversation.tokens()
    conversation.tokens()
    assert looked_at == [2_000]
