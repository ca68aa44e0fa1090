"""The pictures in the README are those of this code."""

from __future__ import annotations

from pathlib import Path

from screenshots.__main__ import take_all

COMMITTED = Path(__file__).parents[1] / "screenshots"


async def test_the_committed_pictures_are_what_the_script_makes_byte_for_byte(tmp_path: Path) -> None:
    await take_all(tmp_path)
    made = {str(file.relative_to(tmp_path)): file.read_text() for file in tmp_path.rglob("*.svg")}
    committed = {str(file.relative_to(COMMITTED)): file.read_text() for file in COMMITTED.rglob("*.svg")}
    assert sorted(made) == sorted(committed)
    changed = [name for name in made if made[name] != committed[name]]
    assert not changed, f"look at these and commit them anew: python -m screenshots ({', '.join(changed)})"
