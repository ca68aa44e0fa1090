"""A `ModelRequest` as the JSON body of a Chat Completions request."""

from __future__ import annotations

import json
from typing import Any

from afk.llms.protocol import ChatMessage, ModelRequest, ToolCall


def request_body(request: ModelRequest, *, stream_options: bool) -> dict[str, Any]:
    """The body to POST. `stream_options` asks for token counts; some servers refuse it."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
    }
    if request.tools:  # an empty list is refused by OpenAI
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in request.tools
        ]
    if stream_options:
        body["stream_options"] = {"include_usage": True}
    return body


def _message(message: ChatMessage) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": _sendable(message.content)}
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _arguments(call: ToolCall) -> str:
    """The call's arguments, as an object whatever the model wrote.

    vLLM and llama.cpp parse the arguments in the history and refuse the whole conversation, for ever, when
    one call's are no JSON; so those travel inside an object, where the model still sees what it wrote.
    """
    try:
        parsed = json.loads(call.arguments)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return _sendable(call.arguments)
    return json.dumps({"invalid_arguments": call.arguments}) if call.arguments.strip() else "{}"


def _sendable(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot carry (undecodable output holds them)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
