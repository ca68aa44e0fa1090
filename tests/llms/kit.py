"""Small helpers of this room's tests."""

from __future__ import annotations

from afk.llms.protocol import LLM, Answer, ChatMessage, ModelRequest, TextDelta, ToolSpec

QUESTION = ChatMessage("user", "hello")


def request(
    *messages: ChatMessage, tools: tuple[ToolSpec, ...] = (), timeout_s: float = 10.0
) -> ModelRequest:
    return ModelRequest("test-model", messages or (QUESTION,), tools, timeout_s)


async def ask(llm: LLM, asked: ModelRequest | None = None) -> tuple[str, Answer]:
    """What was streamed, and the answer that ended it."""
    streamed: list[str] = []
    answers: list[Answer] = []
    async for event in llm.stream(asked or request()):
        assert not answers, "nothing comes after the answer"
        if isinstance(event, TextDelta):
            streamed.append(event.text)
        if isinstance(event, Answer):
            answers.append(event)
    assert len(answers) == 1
    return "".join(streamed), answers[0]
