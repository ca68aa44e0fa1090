"""Whatever went wrong between us and a model, as a `ModelError` that a person can act on."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from afk.llms.protocol import ModelError, ModelErrorKind
from afk.llms.windows import stated_window

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAIError

_ADVICE: dict[ModelErrorKind, str] = {
    "configuration": "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own.",
    "auth": "Check OPENAI_API_KEY, and that it belongs to this server and may use this model.",
    "not_found": "Check the model's name and OPENAI_BASE_URL (it usually ends in /v1).",
    "bad_request": "The same request will not be accepted later either: choose another model, or change it.",
    "context_length": "The conversation is too long for this model: use one with a longer context, "
    "or begin a new thread.",
    "rate_limit": "It asks to wait a while.",
    "timeout": "Check that the server is up and not overloaded.",
    "unavailable": "Check that the server is up and can be reached.",
    "protocol": "Check that OPENAI_BASE_URL points at an OpenAI-compatible API (it usually ends in /v1).",
}
_QUOTA_ADVICE = "The account's quota is spent: check its plan and billing, or choose another model."

# What servers write into `code` or `type` of an error object: OpenAI, OpenRouter, vLLM, llama.cpp, LiteLLM.
_KINDS_BY_NAME: dict[str, ModelErrorKind] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "permission_error": "auth",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "invalid_request_error": "bad_request",
    "badrequesterror": "bad_request",
}
_QUOTA_NAMES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"})
_TOO_LONG = re.compile(
    r"context[ _](length|window|size|limit)|maximum context|prompt is too long|too many (input )?tokens"
    r"|maximum (model length|number of tokens allowed)|tokens \+ .max_new_tokens|must have less than \d+ tokens",
    re.IGNORECASE,
)
_KEY_LIKE = re.compile(r"\b(sk|pk|gsk|xai)-[\w*.-]{4,}")
_EXCERPT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked, for the message. `secret` never appears in one."""

    model: str
    host: str
    secret: str = ""

    def failure(
        self,
        kind: ModelErrorKind,
        found: str,
        *,
        advice: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        window: tuple[int | None, int | None] = (None, None),
    ) -> ModelError:
        """`found` completes the sentence "Asked MODEL at HOST: ..."."""
        sentence = f"Asked {self.model!r} at {self.host}: {found.rstrip('.')}. {advice or _ADVICE[kind]}"
        return ModelError(
            kind,
            self.redact(sentence),
            status=status,
            retry_after_s=retry_after_s,
            window_tokens=window[0],
            sent_tokens=window[1],
        )

    def redact(self, text: str) -> str:
        """`text` without the key, which servers like to repeat."""
        if len(self.secret) >= 4:
            text = text.replace(self.secret, "[key]")
        return _KEY_LIKE.sub("[key]", text)


def failure_of(asked: Asked, error: OpenAIError, timeout_s: float) -> ModelError:
    """What an exception of the `openai` package means."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _status_failure(asked, error)
    if isinstance(error, openai.APITimeoutError):
        return asked.failure("timeout", f"nothing came back for {timeout_s:g} s")
    if isinstance(error, openai.APIConnectionError):
        cause = str(error.__cause__ or "").strip() or error.message
        return asked.failure("unavailable", f"the connection failed ({_excerpt(cause)})")
    if isinstance(error, openai.APIError):
        return _streamed_failure(asked, error.body, error.message)
    return asked.failure("configuration", f"the request could not be made ({_excerpt(str(error))})")


def broken_answer(asked: Asked, found: str, *, began: bool) -> ModelError:
    """The answer was no chat completion stream; `found` says what it was. `began`: part of it was one, so the
    address is right."""
    return asked.failure("protocol", found, advice="Resume to ask again." if began else None)


def refuses_stream_options(error: APIStatusError) -> bool:
    """Whether a server said no to `stream_options`, which some do not know."""
    said = f"{error.message} {error.body}"
    return error.status_code in (400, 422) and ("stream_options" in said or "include_usage" in said)


def retry_after_s(headers: Mapping[str, str], *, now_s: float | None = None) -> float | None:
    """Seconds a server asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date."""
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        if isfinite(wait):
            return max(wait, 0.0)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    return max(until.timestamp() - (time.time() if now_s is None else now_s), 0.0)


def _status_failure(asked: Asked, error: APIStatusError) -> ModelError:
    names, said = _describe(error.body, error.message)
    status = error.status_code
    spent = status == 402 or (status == 429 and bool(names & _QUOTA_NAMES))
    kind: ModelErrorKind = "auth" if spent else _kind_of_status(status, names, said)
    return asked.failure(
        kind,
        f"it answered {status}: {_excerpt(said)}",
        advice=_QUOTA_ADVICE if spent else None,
        status=status,
        retry_after_s=retry_after_s(error.response.headers),
        window=_window_in(error.body, said) if kind == "context_length" else (None, None),
    )


def _streamed_failure(asked: Asked, body: object, message: str) -> ModelError:
    names, said = _describe(body, message)
    status = next((int(name) for name in names if name.isdecimal() and 400 <= int(name) <= 599), None)
    spent = status == 402 or bool(names & _QUOTA_NAMES)
    kind: ModelErrorKind
    if spent:
        kind = "auth"
    elif status is not None:
        kind = _kind_of_status(status, names, said)
    elif _TOO_LONG.search(said):
        kind = "context_length"
    else:
        named = sorted(name for name in names if name in _KINDS_BY_NAME)
        kind = _KINDS_BY_NAME[named[0]] if named else "unavailable"
    return asked.failure(
        kind,
        f"it broke off its answer with an error: {_excerpt(said)}",
        advice=_QUOTA_ADVICE if spent else None,
        status=status,
        window=_window_in(body, said) if kind == "context_length" else (None, None),
    )


def _kind_of_status(status: int, names: set[str], said: str) -> ModelErrorKind:
    if status in (401, 403):
        return "auth"
    if status == 404:
        return "not_found"
    if status == 429:
        return "rate_limit"
    if status in (408, 409) or status >= 500:
        return "unavailable"
    too_long = any(_KINDS_BY_NAME.get(name) == "context_length" for name in names) or _TOO_LONG.search(said)
    return "context_length" if too_long else "bad_request"


def _describe(body: object, message: str) -> tuple[set[str], str]:
    """The names an error object carries (`code` and `type`, lower case) and its text."""
    if isinstance(body, str) and body.strip():
        return set(), body
    if not isinstance(body, dict):
        return set(), message
    error = cast("dict[str, Any]", body)
    names = {str(error[key]).lower() for key in ("code", "type") if error.get(key) is not None}
    said = error.get("message") or error.get("detail") or error.get("error")
    return names, said if isinstance(said, str) else message


def _window_in(body: object, said: str) -> tuple[int | None, int | None]:
    """What a refusal says of the window and of what was sent; llama.cpp has them as fields of their own."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    limit, sent = fields.get("n_ctx"), fields.get("n_prompt_tokens")
    if isinstance(limit, int) and limit > 0:
        return limit, sent if isinstance(sent, int) and sent > 0 else None
    return stated_window(said)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT_CHARS else f"{line[:_EXCERPT_CHARS]}…"
