"""The agents of some pictures: one with subagents, and one whose tool leaves its outcome unknown."""

import threading

from afk.agents import Agent
from afk.tools import tool
from afk.tools.workspace import workspace_tools

researcher = Agent(name="researcher", instructions="Read.", tools=workspace_tools())
writer = Agent(name="writer", instructions="Write.", tools=workspace_tools())
editor = Agent(name="editor", instructions="Decide.", tools=workspace_tools(), subagents=[researcher, writer])

never_mind = threading.Event()


@tool(approval="never", timeout_s=0.05)
def publish(version: str, notes: str) -> str:
    """Publish a release."""
    never_mind.wait()
    return f"{version}: {notes}"


publisher = Agent(name="publisher", instructions="Publish.", tools=[publish])
