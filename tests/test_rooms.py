"""The contracts between rooms cover every room: a new file can't slip past them."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GATEWAY = "afk_tui.gateway"


def contract(name: str) -> dict[str, list[str]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [found] = [one for one in config["tool"]["importlinter"]["contracts"] if one["name"] == name]
    return found


def children(package: str) -> set[str]:
    found = (ROOT / package).iterdir()
    named = (path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").exists())
    return {f"{package}.{name}" for name in named if not name.startswith("__")}


def test_every_part_of_the_app_but_the_gateway_is_kept_from_the_engine() -> None:
    checked = contract("Only the gateway imports the engine")["source_modules"]
    assert set(checked) == children("afk_tui") - {GATEWAY}


def test_every_room_of_the_engine_but_memory_is_kept_from_sql() -> None:
    checked = contract("SQL stands in one room")["source_modules"]
    assert set(checked) == children("afk") - {"afk.memory"} | {"afk_tui"}
