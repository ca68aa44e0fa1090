"""The built-in tools as a whole."""

from __future__ import annotations

from afk.tools.workspace import workspace_tools


def test_the_workspace_tools_are_declared_as_what_they_do() -> None:
    declared = [
        (tool.name, tool.effect, tool.approval, tool.verify is not None) for tool in workspace_tools()
    ]
    assert declared == [
        ("list_directory", "read", "never", False),
        ("read_file", "read", "never", False),
        ("search_files", "read", "never", False),
        ("write_file", "once", "policy", True),
        ("edit_file", "once", "policy", True),
        ("run_command", "once", "policy", False),
    ]


def test_every_argument_is_described_to_the_model() -> None:
    for tool in workspace_tools():
        for name, schema in tool.parameters["properties"].items():
            assert schema.get("description"), f"{tool.name}.{name}"


def test_only_a_command_and_a_search_can_be_killed() -> None:
    assert [tool.name for tool in workspace_tools() if not tool.is_threaded] == [
        "search_files",
        "run_command",
    ]


def test_reading_asks_for_files_that_look_like_secrets() -> None:
    asking = [tool.name for tool in workspace_tools() if tool.ask_when is not None]
    assert asking == ["read_file"]
