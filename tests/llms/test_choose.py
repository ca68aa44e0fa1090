"""Who answers when nobody said so."""

from __future__ import annotations

import pytest

from afk.llms.choose import app_llm, default_llm
from afk.llms.demo import DemoModel
from afk.llms.openai_client import OpenAIChat

URL = "http://localhost:11434/v1"


@pytest.mark.parametrize("env", [{}, {"OPENAI_API_KEY": " ", "OPENAI_BASE_URL": ""}])
def test_the_app_starts_on_the_demo_model_without_key_and_url(env: dict[str, str]) -> None:
    assert isinstance(app_llm(env=env), DemoModel)


@pytest.mark.parametrize("env", [{"OPENAI_API_KEY": "key"}, {"OPENAI_BASE_URL": URL}])
def test_the_app_uses_the_server_that_is_set(env: dict[str, str]) -> None:
    assert isinstance(app_llm(env=env), OpenAIChat)


def test_the_app_uses_the_demo_model_when_asked_to() -> None:
    assert isinstance(app_llm(demo=True, env={"OPENAI_API_KEY": "key"}), DemoModel)


def test_the_app_reads_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    assert app_llm().label == "localhost:11434"


def test_the_library_never_falls_back_to_the_demo_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert isinstance(default_llm(), OpenAIChat)
