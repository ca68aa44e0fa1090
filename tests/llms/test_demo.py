"""The demo model drives the real tools of a real folder, one conversation at a time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from afk.llms.demo import DemoModel
from afk.llms.demo_texts import HELP, STORY, long_answer
from afk.llms.protocol import ChatMessage, ModelRequest, TextDelta, ToolCall, ToolSpec
from afk.tools import ToolContext, ToolError
from afk.tools.workspace import workspace_tools
from tests.llms.kit import ask

TOOLS = {tool.name: tool for tool in workspace_tools()}
SPECS = tuple(ToolSpec(tool.name, tool.description, tool.parameters) for tool in TOOLS.values())
DENIED = "The person denied this call. Reason: not today"


async def step(messages: list[ChatMessage], tools: tuple[ToolSpec, ...] = SPECS) -> ChatMessage:
    """The model's next message. Each time a new model: it must need no memory."""
    _, answer = await ask(DemoModel(), ModelRequest("demo", tuple(messages), tools))
    return ChatMessage("assistant", answer.text, answer.tool_calls)


async def execute(folder: Path, call: ToolCall) -> str:
    tool = TOOLS[call.name]
    context = ToolContext(folder, "run", "thread", call.id, call.id)
    try:
        return await tool.call(context, tool.validate(json.loads(call.arguments)))
    except ToolError as error:
        return str(error)


async def converse(folder: Path, message: str, *, denied: tuple[str, ...] = ()) -> list[ChatMessage]:
    """The whole conversation that a message leads to."""
    messages = [ChatMessage("user", message)]
    while True:
        answer = await step(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return messages
        for call in answer.tool_calls:
            result = DENIED if call.name in denied else await execute(folder, call)
            messages.append(ChatMessage("tool", result, tool_call_id=call.id))


def calls_of(messages: list[ChatMessage]) -> list[list[str]]:
    return [[call.name for call in message.tool_calls] for message in messages if message.tool_calls]


@pytest.mark.parametrize(
    ("message", "tool_name", "arguments"),
    [
        ("list", "list_directory", {"path": "."}),
        ("List src", "list_directory", {"path": "src"}),
        ("read notes.txt", "read_file", {"path": "notes.txt"}),
        ('read "my notes.txt"', "read_file", {"path": "my notes.txt"}),
        ("search TODO: later", "search_files", {"pattern": "TODO: later"}),
        ("write a.txt: b: c", "write_file", {"path": "a.txt", "content": "b: c"}),
        ("write a.txt:\none\ntwo", "write_file", {"path": "a.txt", "content": "one\ntwo"}),
        ("write a.txt:", "write_file", {"path": "a.txt", "content": ""}),
        (
            "write a.txt: it came and then left",
            "write_file",
            {"path": "a.txt", "content": "it came and then left"},
        ),
        (
            "edit a.py: x = 1 => x = 2",
            "edit_file",
            {"path": "a.py", "old_text": "x = 1", "new_text": "x = 2"},
        ),
        ("edit a.py: gone =>", "edit_file", {"path": "a.py", "old_text": "gone", "new_text": ""}),
        ("run: echo a: b | cat", "run_command", {"command": "echo a: b | cat"}),
    ],
)
async def test_a_command_becomes_the_call_it_names(
    message: str, tool_name: str, arguments: dict[str, str]
) -> None:
    answer = await step([ChatMessage("user", message)])
    assert [call.name for call in answer.tool_calls] == [tool_name]
    assert json.loads(answer.tool_calls[0].arguments) == arguments
    TOOLS[tool_name].validate(arguments)


@pytest.mark.parametrize(
    "message", ["hello", "read", "read all the files", "run the tests", "list and then dance"]
)
async def test_anything_else_is_answered_with_what_it_can_do(message: str) -> None:
    answer = await step([ChatMessage("user", message)])
    assert answer.content == HELP
    assert answer.tool_calls == ()


async def test_commands_joined_by_and_then_run_one_after_another(tmp_path: Path) -> None:
    message = "write notes.txt: buy milk and then edit notes.txt: milk => bread and then read notes.txt"
    messages = await converse(tmp_path, message)
    assert calls_of(messages) == [["write_file"], ["edit_file"], ["read_file"]]
    assert (tmp_path / "notes.txt").read_text() == "buy bread"
    assert "**Read `notes.txt`**" in messages[-1].content
    assert "buy bread" in messages[-1].content


async def test_commands_joined_by_together_with_are_called_at_once(tmp_path: Path) -> None:
    message = "write a.txt: A together with write b.txt: B and then list"
    messages = await converse(tmp_path, message)
    assert calls_of(messages) == [["write_file", "write_file"], ["list_directory"]]
    ids = [call.id for one in messages for call in one.tool_calls]
    assert len(set(ids)) == 3
    assert "a.txt" in messages[-1].content
    assert "b.txt" in messages[-1].content


async def test_a_denied_call_is_told_as_not_done_with_its_reason(tmp_path: Path) -> None:
    message = "write notes.txt: hello and then list"
    messages = await converse(tmp_path, message, denied=("write_file",))
    assert calls_of(messages) == [["write_file"], ["list_directory"]]
    assert "**1 of 2 not done.**" in messages[-1].content
    assert f"**Write `notes.txt`** (not done): {DENIED}" in messages[-1].content
    assert not (tmp_path / "notes.txt").exists()


async def test_a_failed_call_is_told_in_the_tools_own_words(tmp_path: Path) -> None:
    messages = await converse(tmp_path, "read missing.txt")
    assert messages[-2].content in messages[-1].content
    assert "missing.txt" in messages[-2].content


async def test_a_second_message_begins_anew_with_ids_of_its_own(tmp_path: Path) -> None:
    messages = await converse(tmp_path, "write a.txt: A")
    messages.append(ChatMessage("user", "read a.txt"))
    answer = await step(messages)
    assert [call.name for call in answer.tool_calls] == ["read_file"]
    assert answer.tool_calls[0].id not in {call.id for one in messages for call in one.tool_calls}


async def test_results_with_fences_of_their_own_stay_inside_ours(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("````\ncode\n````\n")
    messages = await converse(tmp_path, "read a.md")
    assert "`````\n````\ncode\n````" in messages[-1].content


async def test_a_long_result_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("".join(f"line {n}\n" for n in range(30)))
    messages = await converse(tmp_path, "read long.txt")
    assert "line 19" in messages[-1].content
    assert "line 20" not in messages[-1].content
    assert "more lines)" in messages[-1].content


async def test_a_tool_that_the_agent_lacks_is_named_and_nothing_is_called() -> None:
    tools = tuple(spec for spec in SPECS if spec.name != "run_command")
    answer = await step([ChatMessage("user", "write a.txt: A and then run: ls")], tools)
    assert answer.tool_calls == ()
    assert "I would need `run_command`" in answer.content


async def test_the_same_conversation_gives_the_same_answer() -> None:
    messages = [ChatMessage("user", "read a.txt together with read b.txt")]
    assert await step(messages) == await step(messages)


async def test_a_story_shows_a_fence_a_list_and_a_table_word_by_word() -> None:
    request = ModelRequest("demo", (ChatMessage("user", "Tell me a long story!"),))
    deltas = [event.text async for event in DemoModel().stream(request) if isinstance(event, TextDelta)]
    assert "".join(deltas) == STORY
    assert len(deltas) > 300
    assert all(mark in STORY for mark in ("\n```python\n", "\n- ", "\n| ---"))


@pytest.mark.parametrize("lines", [1, 9, 10, 11, 12, 500])
async def test_an_answer_of_any_length_has_its_lines_and_closes_its_fences(lines: int) -> None:
    answer = await step([ChatMessage("user", f"stream {lines} lines")])
    assert answer.content == long_answer(lines)
    assert answer.content.count("\n") == lines
    assert answer.content.count("```") % 2 == 0


async def test_words_come_as_slowly_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    await ask(DemoModel(delta_delay_s=0.25), ModelRequest("demo", (ChatMessage("user", "stream 1 line"),)))
    assert pauses
    assert set(pauses) == {0.25}


def test_it_says_that_it_is_no_real_model() -> None:
    assert DemoModel().label == "demo model (offline)"
