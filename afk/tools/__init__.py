"""What an agent can do: `@tool` for one's own functions, and the built-in workspace tools."""

from afk.tools.basis import Basis
from afk.tools.tool import BasisChangedError, Tool, ToolArgumentsError, ToolContext, ToolError, tool

__all__ = ["Basis", "BasisChangedError", "Tool", "ToolArgumentsError", "ToolContext", "ToolError", "tool"]
