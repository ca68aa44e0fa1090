"""How much a model can take in at once, by its name.

From what the providers publish about their models (OpenAI, Anthropic, Google, Meta, Mistral, DeepSeek, Alibaba; as of
2026). A server of one's own often gives a model less than it could take: then its refusal, or a person, says so.
"""

from __future__ import annotations

import re

# the longest beginning wins; of "vendor/model" names, the part behind the last slash counts
WINDOWS: dict[str, int] = {
    # OpenAI
    "gpt-5": 400_000,
    "gpt-4.1": 1_047_576,
    "gpt-4.5": 128_000,
    "gpt-4o": 128_000,
    "gpt-4-turbo": 128_000,
    "gpt-4-1106": 128_000,
    "gpt-4-0125": 128_000,
    "gpt-4-32k": 32_768,
    "gpt-4": 8_192,
    "gpt-3.5-turbo-instruct": 4_096,
    "gpt-3.5": 16_385,
    "gpt-oss": 131_072,
    "chatgpt-4o": 128_000,
    "codex-mini": 200_000,
    "o1-mini": 128_000,
    "o1-preview": 128_000,
    "o1": 200_000,
    "o3": 200_000,
    "o4": 200_000,
    # Anthropic
    "claude": 200_000,
    "claude-2.0": 100_000,
    "claude-instant": 100_000,
    # Google
    "gemini": 1_048_576,
    "gemini-1.0": 32_760,
    "gemini-1.5-pro": 2_097_152,
    "gemma-3": 131_072,
    "gemma3": 131_072,
    "gemma-2": 8_192,
    "gemma2": 8_192,
    "gemma": 8_192,
    # Meta
    "llama-4-scout": 10_485_760,
    "llama-4": 1_048_576,
    "llama-3.1": 131_072,
    "llama-3.2": 131_072,
    "llama-3.3": 131_072,
    "llama3.1": 131_072,
    "llama3.2": 131_072,
    "llama3.3": 131_072,
    "llama-3": 8_192,
    "llama3": 8_192,
    "meta-llama-3.1": 131_072,
    "meta-llama-3": 8_192,
    "llama-2": 4_096,
    "llama2": 4_096,
    # Mistral
    "mistral-large": 131_072,
    "mistral-medium": 131_072,
    "mistral-small": 32_768,
    "mistral-nemo": 131_072,
    "mistral": 32_768,
    "ministral": 131_072,
    "codestral": 32_768,
    "devstral": 131_072,
    "magistral": 40_960,
    "pixtral": 131_072,
    "mixtral-8x22b": 65_536,
    "mixtral": 32_768,
    # Alibaba
    "qwen3-coder": 262_144,
    "qwen3": 32_768,
    "qwen2.5": 32_768,
    "qwen2": 32_768,
    "qwq": 131_072,
    # DeepSeek
    "deepseek": 65_536,
    "deepseek-chat": 131_072,
    "deepseek-reasoner": 131_072,
    "deepseek-v3": 131_072,
    "deepseek-r1": 131_072,
    # others
    "grok-4": 262_144,
    "grok-3": 131_072,
    "grok-2": 131_072,
    "command-r": 128_000,
    "command-a": 262_144,
    "phi-4": 16_384,
    "phi-3": 4_096,
    "kimi-k2": 131_072,
    "glm-4": 131_072,
    "minimax-m1": 1_000_000,
}

_FINE_TUNED = re.compile(r"^ft:([^:]+):?")


def known_window_tokens(model: str) -> int | None:
    """The context window of a model that is known by name, in tokens; None for any other."""
    name = model.strip().lower().rpartition("/")[2]
    if found := _FINE_TUNED.match(name):
        name = found[1]
    best = max((known for known in WINDOWS if name.startswith(known)), key=len, default=None)
    return None if best is None else WINDOWS[best]


# What servers write when they refuse: the most that they take, in a group of that name, and what they were sent.
_N = r"(?P<{}>\d[\d,_]*)"
_LIMIT, _SENT = _N.format("limit"), _N.format("sent")
_STATED = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        # OpenAI, vLLM, OpenRouter: "maximum context length is 4096 tokens. However, you requested 5000"
        rf"context (?:length|window)(?: of)?(?: is)?(?: only)? {_LIMIT} tokens.*?"
        rf"(?:you )?(?:requested(?: a total of| about)?|resulted in|request has|contains?) {_SENT}",
        # llama.cpp: "request (5000 tokens) exceeds the available context size (4096 tokens)"
        rf"\({_SENT} tokens\) exceeds the available context size \({_LIMIT} tokens\)",
        # SGLang: "The input (5000 tokens) is longer than the model's context length (4096 tokens)"
        rf"\({_SENT} tokens\) is longer than the model's context length \({_LIMIT} tokens\)",
        # Anthropic: "prompt is too long: 210000 tokens > 200000 maximum"
        rf"prompt is too long: {_SENT} tokens > {_LIMIT} maximum",
        # Mistral: "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum"
        rf"prompt contains {_SENT} tokens.*?too large for model with {_LIMIT} maximum",
        # Gemini: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)"
        rf"token count \(?{_SENT}\)? exceeds the maximum number of tokens allowed \(?{_LIMIT}\)?",
        # vLLM: "The decoder prompt (length 5000) is longer than the maximum model length of 4096"
        rf"\(length {_SENT}\) is longer than the maximum model length of {_LIMIT}",
        # text-generation-inference: "`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000"
        rf"must be <= {_LIMIT}\. Given: {_SENT}",
        rf"must have less than {_LIMIT} tokens\. Given: {_SENT}",
        # LM Studio: "keep the first 5000 tokens ... loaded with context length of only 4096 tokens"
        rf"keep the first {_SENT} tokens.*?context length of only {_LIMIT} tokens",
        # any of them, without what was sent
        rf"(?:maximum context length|context window|context length|context size|context limit|model length)"
        rf"(?: of| is|:| only|=)* \(?{_LIMIT}\)?",
        rf"(?:n_ctx|max_model_len|max_position_embeddings)\W+{_LIMIT}",
    )
)


def stated_window(said: str) -> tuple[int | None, int | None]:
    """What a refusal says: the most tokens that the server takes, and how many it was sent; None for what it does not
    say."""
    for pattern in _STATED:
        found = pattern.search(said)
        if found is None:
            continue
        numbers = {name: int(re.sub(r"\D", "", text)) for name, text in found.groupdict().items() if text}
        limit = numbers.get("limit", 0)
        if limit > 0:
            return limit, numbers.get("sent") or None
    return None, None
