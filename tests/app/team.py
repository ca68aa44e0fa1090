"""A team of agents for the app's tests: `tests.app.team:boss`."""

from afk.agents import Agent
from afk.tools.workspace import workspace_tools

helper = Agent(name="helper", instructions="Help.", tools=workspace_tools())
lead = Agent(name="lead", instructions="Lead.", tools=workspace_tools(), subagents=[helper])
boss = Agent(name="boss", instructions="Decide.", tools=workspace_tools(), subagents=[helper, lead])
