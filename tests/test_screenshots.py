"""The pictures in the README are those of this code."""

from __future__ import annotations

from pathlib import Path

from screenshots.__main__ import take_all

COMMITTED = Path(__file__).parents[1] / "screenshots"


async def test_the_committed_pictures_are_what_the_script_makes_byte_for_byte(tmp_path: Path) -> None:
    committed = {file.name: file.read_text() for file in COMMITTED.glob("*.svg")}
    changed: list[str] = []
    for attempt in ("first", "second"):  # on a machine that is very busy a frame can come a moment late
        folder = tmp_path / attempt
        folder.mkdir()
        await take_all(folder)
        made = {file.name: file.read_text() for file in folder.glob("*.svg")}
        assert sorted(made) == sorted(committed)
        changed = [name for name in made if made[name] != committed[name]]
        if not changed:
            return
    assert not changed, f"look at these and commit them anew: python -m screenshots ({', '.join(changed)})"
