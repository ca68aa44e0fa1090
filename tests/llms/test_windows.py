"""How long a request may be: by the model's name, and by what its server says when it refuses."""

from __future__ import annotations

import pytest

from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import ChatMessage, ModelError, ModelRequest
from afk.llms.windows import known_window_tokens, stated_window
from tests.llms.kit import ask
from tests.support.model_server import ModelServer, Reply, error_after, status


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-5.2-mini", 400_000),
        ("gpt-4o-2024-08-06", 128_000),
        ("gpt-4", 8_192),
        ("GPT-4-Turbo", 128_000),
        ("openai/gpt-4.1-nano", 1_047_576),
        ("ft:gpt-4o-mini:acme:x:1", 128_000),
        ("anthropic/claude-sonnet-4-5", 200_000),
        ("meta-llama/Llama-3.3-70B-Instruct", 131_072),
        ("qwen3:8b", 32_768),
        ("deepseek-chat", 131_072),
        ("my-own-model", None),
        ("", None),
    ],
)
def test_a_known_model_has_a_window_and_the_longest_name_wins(model: str, window: int | None) -> None:
    assert known_window_tokens(model) == window


REFUSALS = {
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9011 tokens.": (
        8192,
        9011,
    ),
    "This model's maximum context length is 4096 tokens. However, you requested 5100 tokens (4100 in the messages, "
    "1000 in the completion). Please reduce the length.": (4096, 5100),
    "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.": (
        4096,
        5000,
    ),
    "This endpoint's maximum context length is 128000 tokens. However, you requested about 150001 tokens": (
        128000,
        150001,
    ),
    "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 "
    "tokens: 4000 tokens from the input": (4096, 5000),
    "The input (5000 tokens) is longer than the model's context length (4096 tokens).": (4096, 5000),
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it": (4096, 5000),
    "prompt is too long: 210000 tokens > 200000 maximum": (200000, 210000),
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length": (
        32768,
        40000,
    ),
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).": (
        1048576,
        1200000,
    ),
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.": (4096, 5000),
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 100": (
        8193,
        9000,
    ),
    "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000": (1024, 2000),
    "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length "
    "of only 4096 tokens, which is not enough.": (4096, 5000),
    "Your input exceeds the context window of this model. Please adjust your input and try again.": (
        None,
        None,
    ),
    "the request exceeds the available context size, try increasing it": (None, None),
    "maximum context length is 16,385 tokens": (16385, None),
    "the context window is 0 tokens": (None, None),
}


@pytest.mark.parametrize("said", REFUSALS)
async def test_what_a_server_says_when_it_refuses_is_understood(said: str) -> None:
    assert stated_window(said) == REFUSALS[said]
    for reply in (status(400, message=said), error_after(1, {"message": said, "code": 400})):
        error = await refusal(reply)
        assert error.kind == "context_length"
        assert (error.window_tokens, error.sent_tokens) == REFUSALS[said]


async def test_a_server_that_says_it_in_fields_of_its_own_is_understood() -> None:
    body = (
        '{"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it",'
        ' "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}}'
    )
    error = await refusal(Reply(status=400, body=body))
    assert (error.kind, error.window_tokens, error.sent_tokens) == ("context_length", 4096, 5000)


async def test_other_errors_say_nothing_of_a_window() -> None:
    error = await refusal(status(400, message="Unknown parameter: maximum of 12 tokens"))
    assert (error.kind, error.window_tokens) == ("bad_request", None)


async def refusal(reply: Reply) -> ModelError:
    with ModelServer([reply]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        with pytest.raises(ModelError) as caught:
            await ask(llm, ModelRequest("m", (ChatMessage("user", "Hi"),)))
        await llm.close()
    return caught.value
