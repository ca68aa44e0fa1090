"""What comes back from a server that answers, in every shape that servers give it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from afk.llms.openai_client import OpenAIChat
from afk.llms.protocol import ChatMessage, FinishReason, ToolCall, ToolSpec, Usage
from tests.llms.kit import QUESTION, ask, request
from tests.support.model_server import Call, ModelServer, Reply, calls, refusal, text

TWO_CALLS = calls(
    ("read_file", {"path": "a.txt"}), ("write_file", {"path": "b.txt", "content": "two\nlines"})
)


async def answer_to(reply: Reply, **options: Any):
    with ModelServer([reply], **options) as server:
        llm = OpenAIChat(base_url=server.base_url)
        try:
            result = await ask(llm)
        finally:
            await llm.close()
        assert server.refused == []
        return result


async def test_text_is_streamed_in_deltas_and_stands_whole_in_the_answer() -> None:
    streamed, answer = await answer_to(text("Grüße, 世界 and everyone else"))
    assert streamed == answer.text == "Grüße, 世界 and everyone else"
    assert answer.finish_reason == "stop"
    assert answer.usage == Usage(11, 7)


@pytest.mark.parametrize(
    "reply",
    [
        TWO_CALLS,
        replace(TWO_CALLS, interleave=False),
        replace(TWO_CALLS, repeat_name=True),
        replace(TWO_CALLS, call_chunk_chars=1000),
        replace(TWO_CALLS, call_indexes=False, interleave=False),
        replace(TWO_CALLS, null_content=True),
        replace(TWO_CALLS, finish_reason="stop"),
        replace(TWO_CALLS, finish_reason="function_call"),
        replace(TWO_CALLS, done=False),
    ],
    ids=[
        "interleaved",
        "one_after_another",
        "name_in_every_fragment",
        "unfragmented",
        "without_index",
        "null_content_and_empty_choices",
        "finish_reason_stop",
        "finish_reason_function_call",
        "without_done",
    ],
)
async def test_several_tool_calls_are_put_together_from_their_fragments(reply: Reply) -> None:
    _, answer = await answer_to(reply)
    assert answer.tool_calls == (
        ToolCall("call_1_0", "read_file", '{"path": "a.txt"}'),
        ToolCall("call_1_1", "write_file", '{"path": "b.txt", "content": "two\\nlines"}'),
    )
    assert answer.finish_reason == "tool_calls"
    assert answer.text == ""


def chunk(*fragments: dict[str, Any], finish: str | None = None) -> str:
    delta = {"tool_calls": list(fragments)}
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def scripted(*events: str) -> Reply:
    """Only these events, then a clean end."""
    return Reply(insert_after=dict(enumerate(events)), end_after=len(events))


@pytest.mark.parametrize(
    "fragments",
    [
        # all calls under index 0, told apart by their ids
        [
            {"index": 0, "id": "x", "function": {"name": "one", "arguments": '{"n": 1}'}},
            {"index": 0, "id": "y", "function": {"name": "two", "arguments": '{"n": 2}'}},
        ],
        # neither index nor id
        [
            {"function": {"name": "one", "arguments": '{"n": 1}'}},
            {"function": {"name": "two", "arguments": '{"n": 2}'}},
        ],
        # a new id and the name in every fragment
        [
            {"index": 0, "id": "x1", "function": {"name": "one", "arguments": '{"n"'}},
            {"index": 0, "id": "x2", "function": {"name": "one", "arguments": ": 1}"}},
            {"index": 1, "id": "y1", "function": {"name": "two", "arguments": '{"n"'}},
            {"index": 1, "id": "y2", "function": {"name": "two", "arguments": ": 2}"}},
        ],
        # arguments null first, then as an object
        [
            {"index": 0, "id": "x", "function": {"name": "one", "arguments": None}},
            {"index": 0, "function": {"arguments": {"n": 1}}},
            {"index": 1, "id": "y", "function": {"name": "two", "arguments": {"n": 2}}},
        ],
    ],
    ids=["one_index_for_all", "no_index_no_id", "new_id_every_time", "arguments_as_object"],
)
async def test_fragments_of_servers_with_habits_of_their_own_are_told_apart(
    fragments: list[dict[str, Any]],
) -> None:
    events = [chunk(fragment) for fragment in fragments]
    _, answer = await answer_to(scripted(*events, chunk(finish="tool_calls")))
    assert [(call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        ("one", {"n": 1}),
        ("two", {"n": 2}),
    ]


async def test_the_protocols_first_form_of_a_call_is_understood() -> None:
    delta = {"function_call": {"name": "one", "arguments": '{"n": 1}'}}
    event = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": "function_call"}]})
    _, answer = await answer_to(scripted(event))
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("one", '{"n": 1}')]


async def test_arguments_that_are_no_json_reach_the_runner_as_the_model_wrote_them() -> None:
    _, answer = await answer_to(calls(("read_file", '{"path": ')))
    assert answer.tool_calls[0].arguments == '{"path":'


async def test_a_call_without_arguments_has_an_empty_object() -> None:
    _, answer = await answer_to(calls(("list_directory", "")))
    assert answer.tool_calls[0].arguments == "{}"


async def test_missing_ids_are_made_up_the_same_way_each_time() -> None:
    first = (await answer_to(replace(TWO_CALLS, call_ids=False)))[1]
    again = (await answer_to(replace(TWO_CALLS, call_ids=False)))[1]
    assert [call.id for call in first.tool_calls] == [call.id for call in again.tool_calls]
    assert len({call.id for call in first.tool_calls}) == 2


async def test_an_id_that_the_conversation_already_has_is_replaced() -> None:
    def same_id_for_ever(asked: dict[str, Any]) -> Reply:
        return calls(Call("list_directory", {}, id="call_0"))

    with ModelServer(same_id_for_ever) as server:
        llm = OpenAIChat(base_url=server.base_url)
        messages = [QUESTION]
        for _ in range(3):
            _, answer = await ask(llm, request(*messages))
            messages.append(ChatMessage("assistant", answer.text, answer.tool_calls))
            messages.append(ChatMessage("tool", "done", tool_call_id=answer.tool_calls[0].id))
        await llm.close()
        assert server.refused == []
        assert len({call.id for message in messages for call in message.tool_calls}) == 3


async def test_a_refusal_is_told_as_one_and_its_text_is_kept() -> None:
    streamed, answer = await answer_to(refusal("I can't help with that"))
    assert answer.refusal
    assert streamed == answer.text == "I can't help with that"


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("eos_token", "stop"),
        ("tool_calls", "stop"),
    ],
)
async def test_every_finish_reason_means_one_we_know(given: str, understood: FinishReason) -> None:
    _, answer = await answer_to(text("some text", finish_reason=given))
    assert answer.finish_reason == understood


async def test_calls_of_an_answer_cut_by_its_length_say_so() -> None:
    _, answer = await answer_to(replace(TWO_CALLS, finish_reason="length"))
    assert answer.finish_reason == "length"
    assert len(answer.tool_calls) == 2


async def test_an_empty_answer_is_an_answer() -> None:
    streamed, answer = await answer_to(text(""))
    assert (streamed, answer.text, answer.tool_calls, answer.finish_reason) == ("", "", (), "stop")


async def test_a_server_that_counts_no_tokens_gives_zero() -> None:
    _, answer = await answer_to(text("hello", usage=None))
    assert answer.usage == Usage(0, 0)


async def test_content_in_parts_is_text_all_the_same() -> None:
    delta = {"content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}
    event = json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]})
    streamed, _ = await answer_to(scripted(event))
    assert streamed == "in parts"


async def test_a_connection_lost_after_the_finish_reason_loses_no_answer() -> None:
    whole = text("hello", done=False)
    events = len(whole.events("m", 1, with_usage=False))
    streamed, answer = await answer_to(replace(whole, cut_after=events))
    assert streamed == answer.text == "hello"


async def test_a_server_that_refuses_stream_options_is_asked_without_and_never_with_them_again() -> None:
    with ModelServer([text("one"), text("two")], refuse_stream_options=True) as server:
        llm = OpenAIChat(base_url=server.base_url)
        assert (await ask(llm))[0] == "one"
        assert (await ask(llm))[0] == "two"
        await llm.close()
        assert ["stream_options" in sent for sent in server.requests] == [True, False, False]


async def test_the_request_carries_the_conversation_and_the_tools() -> None:
    tool = ToolSpec("read_file", "Read it", {"type": "object", "properties": {"path": {"type": "string"}}})
    messages = (
        ChatMessage("system", "Be brief"),
        QUESTION,
        ChatMessage("assistant", "", (ToolCall("id_1", "read_file", '{"path": "a"}'),)),
        ChatMessage("tool", "its text \udcff", tool_call_id="id_1"),
    )
    with ModelServer([text("ok"), text("ok")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        await ask(llm, request(*messages, tools=(tool,)))
        await ask(llm)
        await llm.close()
        assert server.refused == []
        sent, without_tools = server.requests
    assert sent["model"] == "test-model"
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "id_1",
                    "type": "function",
                    "function": {"name": "read_file", "arguments": '{"path": "a"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "id_1", "content": "its text ?"},
    ]
    assert sent["tools"][0]["function"]["name"] == "read_file"
    assert sent["tools"][0]["function"]["parameters"] == tool.parameters
    assert "tools" not in without_tools


@pytest.mark.parametrize("written", ['{"path": ', "[1, 2]", "no json"])
async def test_arguments_that_were_no_object_travel_inside_one(written: str) -> None:
    messages = (
        QUESTION,
        ChatMessage("assistant", "", (ToolCall("id_1", "read_file", written),)),
        ChatMessage("tool", "not valid", tool_call_id="id_1"),
    )
    with ModelServer([text("ok")]) as server:
        llm = OpenAIChat(base_url=server.base_url)
        await ask(llm, request(*messages))
        await llm.close()
        sent = server.requests[0]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"invalid_arguments": written}
