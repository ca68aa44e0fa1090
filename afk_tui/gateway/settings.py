"""What the command line says, and the engine that it stands for."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from afk.agents.agent import Agent
from afk.agents.policy import Policy
from afk.core.config import RunnerConfig
from afk.core.inputs import DEFAULT_MODEL
from afk.core.runner import Runner
from afk.llms.choose import app_llm
from afk.llms.demo import DemoModel
from afk.llms.protocol import LLM
from afk.memory.sqlite.store import SQLiteMemoryStore, default_path
from afk.memory.store import MemoryStore
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.launch import ASSISTANT, Settings

INSTRUCTIONS = """\
You are a careful assistant working in a folder of the user's through tools. Look before you change anything.
Paths are relative to that folder; @path in a message names a file there. Calls that change something wait for the
user's approval and may be denied or edited: take a denial and its reason seriously, and never try to reach the same
end by another way. If the outcome of a call is unknown, look at what is there before you go on. Be brief; answer in
Markdown."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a gateway works with. `lacks_key`: the demo model answers because nothing says who else could."""

    runner: Runner
    store: MemoryStore
    agent: Agent
    llm: LLM
    model: str
    workspace: Path
    database: Path
    lacks_key: bool = False


def build(settings: Settings, *, store: MemoryStore | None = None, llm: LLM | None = None) -> Engine:
    """The engine for these settings; nothing is opened yet. Raises GatewayError for an agent that can't be loaded,
    a workspace that is no folder, or a policy that can't be understood."""
    workspace = settings.folder()
    agent = load_agent(settings.agent, settings.model)
    model = settings.model or agent.model or os.environ.get("AFK_MODEL") or DEFAULT_MODEL
    database = (settings.db or default_path()).expanduser().absolute()
    store = store or SQLiteMemoryStore(database)
    chosen = llm or app_llm(demo=settings.demo)
    lacks_key = llm is None and not settings.demo and isinstance(chosen, DemoModel)
    config = RunnerConfig(
        interaction_mode="headless", approval_fallback="pause", context_window_tokens=own_window_tokens()
    )
    runner = Runner(memory_store=store, llm=chosen, policy=own_policy(), workspace=workspace, config=config)
    return Engine(runner, store, agent, chosen, model, workspace, database, lacks_key)


def own_window_tokens() -> int | None:
    """How many tokens the model takes, as AFK_CONTEXT_TOKENS says; None where it does not. Raises GatewayError."""
    said = os.environ.get("AFK_CONTEXT_TOKENS", "").strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and int(said) > 0):
        raise GatewayError(
            f"AFK_CONTEXT_TOKENS is {said!r}; it must be a whole number above zero, such as 32768."
        )
    return int(said)


def own_policy() -> Policy:
    """The rules of the person's own, in `policy_path()`. Raises GatewayError."""
    path = policy_path()
    if path is None:
        return Policy()
    # a start without rules does not pay for reading TOML
    from afk.agents.policy_file import load_policy

    with told():
        return load_policy(path)


def policy_path() -> Path | None:
    """The file that AFK_POLICY names (empty: none), else `policy.toml` in the user's configuration folder, if it is
    there."""
    named = os.environ.get("AFK_POLICY")
    if named == "":
        return None
    if named is not None:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    path = user_config_path("afk-tui", appauthor=False) / "policy.toml"
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # it may be there and protect something: reading it says what is wrong
    return path


def load_agent(name: str | None, model: str | None) -> Agent:
    """The built-in assistant, or the Agent at `module:attr` (the current folder is searched too)."""
    if name is None or name == ASSISTANT:
        from afk.tools.workspace import workspace_tools

        return Agent(name=ASSISTANT, model=model, instructions=INSTRUCTIONS, tools=workspace_tools())
    module_name, _, attribute = name.partition(":")
    if not attribute:
        raise GatewayError(
            f"There is no agent {name!r}. Use {ASSISTANT!r}, or MODULE:ATTRIBUTE for one of your own."
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise GatewayError(f"The agent {name!r} could not be loaded: {error}.") from error
    if not isinstance(found, Agent):
        raise GatewayError(f"{name!r} is a {type(found).__name__}, not an afk.agents.Agent.")
    return found if model is None else replace(found, model=model)
