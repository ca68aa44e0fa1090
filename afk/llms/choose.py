"""Which model answers when nobody passed one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from afk.llms.demo import DemoModel
from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import LLM

DEMO_DELTA_DELAY_S = 0.02  # slow enough to see the demo stream, fast enough not to wait for it


def default_llm() -> LLM:
    """The library's rule: the server that OPENAI_API_KEY and OPENAI_BASE_URL name, never the demo model."""
    return OpenAIChat()


def app_llm(
    *, demo: bool = False, env: Mapping[str, str] | None = None, delta_delay_s: float = DEMO_DELTA_DELAY_S
) -> LLM:
    """The app's rule: the demo model if asked for, or if there is neither a key nor a URL."""
    found = os.environ if env is None else env
    key, url = found.get("OPENAI_API_KEY", "").strip(), found.get("OPENAI_BASE_URL", "").strip()
    if demo or not (key or url):
        return DemoModel(delta_delay_s=delta_delay_s)
    return OpenAIChat(api_key=key or None, base_url=url or None)


def who_answers(llm: LLM, model: str) -> str:
    """The model's name; where the demo model answers in its place, that one's."""
    return llm.label if isinstance(llm, DemoModel) else model
