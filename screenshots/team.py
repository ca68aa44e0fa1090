"""The agents of the picture of subagents: `screenshots.team:editor`."""

from afk.agents import Agent
from afk.tools.workspace import workspace_tools

researcher = Agent(name="researcher", instructions="Read.", tools=workspace_tools())
writer = Agent(name="writer", instructions="Write.", tools=workspace_tools())
editor = Agent(name="editor", instructions="Decide.", tools=workspace_tools(), subagents=[researcher, writer])
