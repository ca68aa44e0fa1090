"""What real servers refuse in a chat request, as one sentence."""

from __future__ import annotations

from typing import Any, cast


def objection(request: dict[str, Any]) -> str | None:
    """Why this request would be answered 400, or None."""
    if not isinstance(request.get("model"), str) or not request["model"]:
        return "you must provide a model parameter"
    if request.get("stream") is not True:
        return "this server only streams"
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages must be a list with at least one message"
    return _about_messages(cast("list[dict[str, Any]]", messages)) or _about_tools(request)


def _about_messages(messages: list[dict[str, Any]]) -> str | None:
    awaited: list[str] = []
    seen: set[str] = set()
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if not isinstance(message.get("content"), str):
            return f"{where}: content must be a string, not {message.get('content')!r}"
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in awaited:
                return f"{where}: a tool result without its call: {message.get('tool_call_id')!r}"
            awaited.remove(message["tool_call_id"])
            continue
        if awaited:
            return f"{where}: tool calls without their results before it: {', '.join(awaited)}"
        if message.get("role") not in ("system", "user", "assistant"):
            return f"{where}: unknown role {message.get('role')!r}"
        for call in message.get("tool_calls") or []:
            if not isinstance(call["function"]["arguments"], str) or not call["function"]["name"]:
                return f"{where}: a tool call needs a name and its arguments as text"
            if not call["id"] or call["id"] in seen:
                return f"{where}: a tool call id that is empty or used before: {call['id']!r}"
            seen.add(call["id"])
            awaited.append(call["id"])
    return f"tool calls without their results at the end: {', '.join(awaited)}" if awaited else None


def _about_tools(request: dict[str, Any]) -> str | None:
    if "tools" in request and not request["tools"]:
        return "tools must not be an empty list"
    return None
