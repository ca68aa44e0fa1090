"""The tools of the built-in assistant, all confined to the workspace."""

from __future__ import annotations

from afk.tools.command import run_command
from afk.tools.files import list_directory, read_file
from afk.tools.search import search_files
from afk.tools.tool import Tool
from afk.tools.writing import edit_file, write_file


def workspace_tools() -> tuple[Tool, ...]:
    """Look, search, write, edit and run, in the order in which a model is offered them."""
    return (list_directory, read_file, search_files, write_file, edit_file, run_command)
