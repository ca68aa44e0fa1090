"""The estimate of a text's tokens is never too low, and little too high, for what conversations are made of."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from afk.llms import tokens
from afk.llms.protocol import ChatMessage, ToolCall, ToolSpec
from afk.llms.token_estimate import estimate_tokens
from afk.llms.tokens import TokenCounter, count_tokens, counter_for
from tests.llms.token_texts import texts

COUNTED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("token_counts.json").read_text())
# what is neither may be a little too low, or more too high: tables of a directory, hexadecimal, Cyrillic
BOUNDS = {"prose": (1.0, 1.3), "code": (1.0, 1.3), "cjk": (1.0, 1.3), "other": (0.97, 1.7)}


@pytest.mark.parametrize("name", COUNTED)
def test_the_estimate_errs_high_and_by_three_tenths_at_most_on_prose_code_and_cjk(name: str) -> None:
    counted = COUNTED[name]
    ratio = estimate_tokens(counted["text"]) / counted["tokens"]
    least, most = BOUNDS[counted["kind"]]
    assert least <= ratio <= most


@pytest.mark.parametrize("kind", ["prose", "code", "cjk"])
def test_the_estimate_of_all_texts_of_a_kind_is_nearer_still(kind: str) -> None:
    of_kind = [counted for counted in COUNTED.values() if counted["kind"] == kind]
    estimated = sum(estimate_tokens(counted["text"]) for counted in of_kind)
    assert 1.0 <= estimated / sum(counted["tokens"] for counted in of_kind) <= 1.2


@pytest.mark.parametrize("name", texts())
def test_the_estimate_holds_beside_tiktoken_itself_where_its_vocabulary_is(name: str) -> None:
    counter = counter_for("gpt-4o")
    if counter.errs_high_by > 1:
        pytest.skip("tiktoken's vocabulary is not in its cache here")
    kind, text = texts()[name]
    least, most = BOUNDS[kind]
    assert least <= estimate_tokens(text) / counter.text(text) <= most


def test_whatever_the_text_is_there_is_an_estimate() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens(" ") >= 1
    assert estimate_tokens("\udcff\ud800") >= 1
    for char in "ae .=-\n0文あ한🎉\x00":
        # one character over and over is a token for a few dozen of them at the very least
        assert estimate_tokens(char * 4_000) >= 4_000 / 130, repr(char)


def test_twice_the_text_is_about_twice_the_tokens() -> None:
    text = COUNTED["README.md"]["text"]
    assert estimate_tokens(text + text) == pytest.approx(2 * estimate_tokens(text), rel=0.01)


def test_a_request_counts_its_calls_its_tools_and_what_frames_them() -> None:
    counter = TokenCounter(len)
    bare = ChatMessage("assistant", "abc")
    assert counter.message(bare) == 3 + tokens.PER_MESSAGE
    calls = ChatMessage("assistant", "abc", (ToolCall("id", "look", '{"a": 1}'),))
    assert counter.message(calls) == 3 + tokens.PER_MESSAGE + tokens.PER_CALL + 4 + 8
    assert counter.messages([bare, bare]) == tokens.PER_REQUEST + 2 * counter.message(bare)
    assert counter.tools([ToolSpec("look", "Looks.", {})]) == tokens.PER_TOOL + len("look\nLooks.\n{}")


def test_without_its_vocabulary_at_hand_tiktoken_is_not_asked_and_nothing_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("tiktoken")

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a vocabulary was about to be downloaded")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    counter_for.cache_clear()
    try:
        assert counter_for("gpt-4o").errs_high_by > 1
        assert count_tokens("Hello there", "gpt-4o") == estimate_tokens("Hello there")
        for name in os.listdir(tmp_path):
            (tmp_path / name).unlink()
        torn = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
        torn.write_bytes(b"aGVsbG8= 0\n")
        counter_for.cache_clear()
        assert counter_for("gpt-4o").errs_high_by > 1
        assert torn.read_bytes() == b"aGVsbG8= 0\n"
    finally:
        counter_for.cache_clear()


def test_without_a_vocabulary_nothing_is_imported_and_no_thread_begun(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, threading\n"
        "from afk.llms.tokens import counter_soon\n"
        "assert asyncio.run(counter_soon('gpt-4o')).errs_high_by > 1\n"
        "assert 'tiktoken' not in sys.modules\n"
        "assert 'concurrent.futures.thread' not in sys.modules\n"
    )
    environment = {**os.environ, "TIKTOKEN_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def test_of_a_model_that_tiktoken_does_not_know_the_tokens_are_estimated() -> None:
    assert counter_for("my-own-model").errs_high_by > 1
    assert counter_for("claude-sonnet-4-5").errs_high_by > 1
