"""Whether everything that afk-tui needs is there and sound. Nothing is made or changed, and no server is asked."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from afk.agents.errors import AgentError
from afk.core.inputs import DEFAULT_MODEL
from afk.llms.openai_client import OpenAIChat
from afk.memory.sqlite.health import SCHEMA_VERSION, SQLITE_VERSION, DatabaseHealth, examine
from afk.memory.sqlite.salvage import salvage
from afk_tui.gateway.clean import clean
from afk_tui.gateway.errors import GatewayError, told
from afk_tui.gateway.indexing import make_index
from afk_tui.gateway.script import Doc, database_path, opened_store
from afk_tui.gateway.settings import Settings, load_agent, own_policy, policy_path
from afk_tui.gateway.version import VERSION
from afk_tui.keys import rebound
from afk_tui.styles_folder import styles_folder
from afk_tui.user_config import config_home, no_such_theme, read_config

_PACKAGES = ("textual", "openai", "aiosqlite", "pydantic", "pygments", "platformdirs", "click")
_NO_ADDRESS = "no valid address"
# a step of a run fits into less
FREE_BYTES_AT_LEAST = 1 << 20


def diagnose(settings: Settings) -> Doc:
    """What was found, and in `problems` one sentence for each thing that is broken and what to do about it. Reads
    the whole database once."""
    problems: list[str] = []
    return {
        "versions": _versions(problems),
        "database": _database(settings, problems),
        "styles": _styles(problems),
        "agent": _agent(settings, problems),
        "model": _model(settings, problems),
        "policy": _policy(problems),
        "config": _config(problems),
        "terminal": _terminal(os.environ),
        "ok": not problems,
        "problems": problems,
    }


def save_what_can_be_read(settings: Settings, out: Path) -> Doc:
    """Write a new database with every row of the present one that can be read, and say what was lost. Raises
    GatewayError where `out` exists or nothing can be read."""
    path = database_path(settings)
    if not path.is_file():
        raise GatewayError(f"There is no database at {path}. Name one with --db or AFK_DB.")
    with told():
        report = salvage(path, out)
    return {
        "path": str(out.absolute()),
        "rows": dict(report.rows),
        "damaged_tables": list(report.damaged_tables),
        "broken_runs": list(report.broken_runs),
        "damaged_outputs": list(report.damaged_outputs),
    }


async def make_index_anew(settings: Settings) -> Doc:
    """Make the search index anew from the messages. Raises GatewayError."""
    async with opened_store(settings) as store:
        with told():
            await store.forget_search_index()
            await make_index(store)
            return {"path": str(database_path(settings)), "search_index": await store.search_index_state()}


def _versions(problems: list[str]) -> Doc:
    versions: Doc = {"afk-tui": VERSION, "python": platform.python_version(), "sqlite": SQLITE_VERSION}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
            problems.append(f"The package {name} is not installed. Install afk-tui again.")
    return versions


def _database(settings: Settings, problems: list[str]) -> Doc:
    path = database_path(settings)
    found: Doc = {
        "path": str(path),
        "exists": path.exists(),
        "size_bytes": 0,
        "free_bytes": None,
        "schema_version": None,
        # of an earlier version: only its pages and what waits in it are looked at
        "is_earlier": False,
        "integrity": None,
        "open_runs": {},
        "waiting_requests": 0,
        "broken_runs": {},
        "incomplete_threads": [],
        "search_index": "none",
        "outputs": 0,
        "output_bytes": 0,
        "damaged_outputs": {},
    }
    if not found["exists"]:
        folder = next(parent for parent in path.parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            problems.append(
                f"There is no database at {path} yet, and none can be made: {folder} can't be written to. "
                "Allow writing there, or name another file with --db or AFK_DB."
            )
        return found
    if not path.is_file():
        problems.append(f"{path} is not a file, so no database. Name another one with --db or AFK_DB.")
        return found
    found["size_bytes"] = sum(_size(Path(f"{path}{suffix}")) for suffix in ("", "-wal"))
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        problems.append(
            f"{path}, or its folder, can't be written to. Allow it, or name another file with --db or AFK_DB."
        )
    found["free_bytes"] = shutil.disk_usage(path.parent).free
    if found["free_bytes"] < FREE_BYTES_AT_LEAST:
        problems.append(
            f"The disk that holds {path} is full ({found['free_bytes']} bytes are free). Free some space: what was "
            "recorded before is safe, and runs go on from there."
        )
    try:
        health = examine(path)
    except AgentError as error:
        found["integrity"] = "unreadable"
        problems.append(clean(str(error)))
        return found
    found["schema_version"] = health.schema_version
    found["is_earlier"] = 0 < health.schema_version < SCHEMA_VERSION
    found["integrity"] = "broken" if health.problems else "ok"
    found["open_runs"] = dict(health.open_runs)
    found["waiting_requests"] = health.waiting_requests
    found["broken_runs"] = dict(health.broken_runs)
    found["incomplete_threads"] = list(health.incomplete_threads)
    found["search_index"] = health.search_index
    found["outputs"], found["output_bytes"] = health.outputs, health.output_bytes
    found["damaged_outputs"] = dict(health.damaged_outputs)
    _tell_what_does_not_fit(path, health, problems)
    if health.problems:
        problems.append(
            f"The database {path} is damaged ({clean('; '.join(health.problems))}). Write everything that can still "
            "be read of it into a new one with: afk-tui doctor --salvage OUT"
        )
    return found


def _tell_what_does_not_fit(path: Path, health: DatabaseHealth, problems: list[str]) -> None:
    for run_id, why in health.broken_runs.items():
        problems.append(
            f"Run {clean(run_id)} can't be resumed: {why}. Everything else of its thread can be read: fork it from an "
            "earlier checkpoint (/checkpoints), or save the file with: afk-tui doctor --salvage OUT"
        )
    for thread_id in health.incomplete_threads:
        problems.append(
            f"Messages of thread {clean(thread_id)} are missing in {path}. Write what is there into a new database, in "
            "which it can go on, with: afk-tui doctor --salvage OUT"
        )
    if health.search_index == "damaged":
        problems.append(
            f"The search index in {path} is damaged. No message is lost, but finding may miss some. Make it anew with: "
            "afk-tui doctor --reindex"
        )
    for sha, why in health.damaged_outputs.items():
        problems.append(
            f"The whole result {sha[:12]}, {clean(why)}. What the conversation shows of it is there, and the thread "
            "goes on; call the tool again for the rest."
        )


def _policy(problems: list[str]) -> Doc:
    path = policy_path()
    if path is None:
        return {"path": None, "rules": 0}
    try:
        return {"path": str(path), "rules": len(own_policy().rules)}
    except GatewayError as error:
        problems.append(f"{error} Mend it, or take it away: without that nothing starts.")
        return {"path": str(path), "rules": None}


def _config(problems: list[str]) -> Doc:
    """The person's own settings; what is wrong with them keeps nothing from starting."""
    from textual.theme import BUILTIN_THEMES

    config = read_config()
    actions, about_keys = rebound(config.keys)
    found = [*config.problems, *about_keys]
    if config.theme is not None and config.theme not in BUILTIN_THEMES:
        found.append(no_such_theme(config.theme, BUILTIN_THEMES))
    problems.extend(clean(f"config.toml: {problem}") for problem in found)
    return {
        "path": str(config.path or config_home() / "config.toml"),
        "exists": config.path is not None,
        "theme": config.theme,
        "alerts": config.alerts,
        "keys": {action.name: action.key for action in actions},
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _styles(problems: list[str]) -> str | None:
    try:
        return str(styles_folder())
    except FileNotFoundError as error:
        problems.append(str(error))
        return None


def _agent(settings: Settings, problems: list[str]) -> Doc:
    name = settings.agent
    if name is None:
        return {"name": "assistant", "loads": True}
    try:
        return {"name": load_agent(name, settings.model).name, "loads": True}
    except GatewayError as error:
        problems.append(str(error))
        return {"name": name, "loads": False}


def _model(settings: Settings, problems: list[str]) -> Doc:
    has_key = bool(os.environ.get("OPENAI_API_KEY", "").strip())
    has_url = bool(os.environ.get("OPENAI_BASE_URL", "").strip())
    demo = settings.demo or not (has_key or has_url)
    host = OpenAIChat().label
    if host == _NO_ADDRESS and not demo:
        problems.append(
            "OPENAI_BASE_URL is no HTTP address. Set it to one such as http://localhost:11434/v1, or unset it."
        )
    name = settings.model or os.environ.get("AFK_MODEL") or DEFAULT_MODEL
    return {"name": name, "api_key_set": has_key, "base_url_set": has_url, "host": host, "demo": demo}


def _terminal(environment: Mapping[str, str]) -> Doc:
    columns, lines = shutil.get_terminal_size()
    return {
        "term": environment.get("TERM", ""),
        "colors": _colors(environment),
        "is_terminal": bool(
            sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()
        ),
        "columns": columns,
        "lines": lines,
        "encoding": _encoding(),
    }


def _encoding() -> str:
    stdout: Any = sys.stdout
    return str(getattr(stdout, "encoding", "") or "")


def _colors(environment: Mapping[str, str]) -> int:
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR") or term in ("", "dumb"):
        return 0
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return 2**24
    return 256 if "256" in term else 16
