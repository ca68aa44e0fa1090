"""What a person set up for good: `config.toml` beside `policy.toml`, or the file that AFK_CONFIG names.

theme = "nord"               # wins over the one that was picked in the app
alerts = "bell"              # so does this: "off", "bell" or "notify", as /alerts has them

[keys]                       # an action's name (afk-tui doctor lists them) and its key, or several
new_thread = "ctrl+t"
copy_last = ["f12", "alt+c"]
resume = ""                  # no key
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from afk_tui.attention import ALERTS, Alerts


@dataclass(frozen=True, slots=True)
class UserConfig:
    """What the file says, as far as it can be understood; the rest is as if it were not there, and told in `problems`,
    a sentence each. `path` None: there is no such file."""

    path: Path | None = None
    theme: str | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    alerts: Alerts | None = None
    problems: tuple[str, ...] = ()


def config_path() -> Path | None:
    """The file that AFK_CONFIG names (empty: none), else `config.toml` in the user's configuration folder if it is
    there."""
    named = os.environ.get("AFK_CONFIG")
    if named is not None:
        return Path(named).expanduser() if named else None
    path = config_home() / "config.toml"
    return path if path.exists() else None


def config_home() -> Path:
    """The user's configuration folder; it need not be there."""
    from platformdirs import user_config_path

    return user_config_path("afk-tui", appauthor=False)


def read_config() -> UserConfig:
    """The person's settings. Raises nothing: what can't be read or understood is a problem to be told, and the app
    starts without it."""
    path = config_path()
    if path is None:
        return UserConfig()
    import tomllib  # a start without the file does not pay for it

    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return UserConfig(path, problems=(f"{path} can't be read: {error.strerror}.",))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return UserConfig(path, problems=(f"{path} is not valid TOML: {error}. Nothing of it is used.",))
    problems = [f"{path} says {name!r}, which means nothing." for name in said.keys() - _KNOWN]
    read = UserConfig(
        path=path,
        theme=_theme(said.get("theme"), problems),
        keys=_keys(said.get("keys", {}), problems),
        alerts=_alerts(said.get("alerts"), problems),
    )
    return UserConfig(read.path, read.theme, read.keys, read.alerts, tuple(problems))


_KNOWN = frozenset({"theme", "keys", "alerts"})


def _theme(said: Any, problems: list[str]) -> str | None:
    if said is None or isinstance(said, str):
        return said
    problems.append(f'theme is to be a name, as in theme = "nord", and not {said!r}.')
    return None


def _keys(said: Any, problems: list[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        problems.append(
            'keys is to be a table: a line [keys], and below it lines like new_thread = "ctrl+t".'
        )
        return {}
    keys: dict[str, tuple[str, ...]] = {}
    for name, value in cast("dict[str, Any]", said).items():
        several: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(key, str) for key in several):
            problems.append(f'The key of {name} is to be a text like "ctrl+t", or a list of such texts.')
            continue
        keys[name] = tuple(key for key in several if key)
    return keys


def _alerts(said: Any, problems: list[str]) -> Alerts | None:
    if said is None or said in ALERTS:
        return said
    problems.append('alerts is "off", "bell" or "notify".')
    return None


def no_such_theme(name: str, themes: Iterable[str]) -> str:
    """What is said of a theme that there is not."""
    return f"There is no theme {name!r}. There are: {', '.join(sorted(themes))}."
