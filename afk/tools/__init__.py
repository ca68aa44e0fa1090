"""What an agent can do: `@tool` for one's own functions, and the built-in workspace tools."""

from afk.tools.tool import Tool, ToolArgumentsError, ToolContext, ToolError, tool

__all__ = ["Tool", "ToolArgumentsError", "ToolContext", "ToolError", "tool"]
