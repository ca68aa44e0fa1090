"""The pictures in the README are those of this code."""

from __future__ import annotations

from pathlib import Path

from screenshots.__main__ import take_all

COMMITTED = Path(__file__).parents[1] / "screenshots"


async def test_the_committed_pictures_are_what_the_script_makes_byte_for_byte(tmp_path: Path) -> None:
    committed = _pictures(COMMITTED)
    made = await _take(tmp_path / "first")
    assert sorted(made) == sorted(committed)
    changed = [name for name in made if made[name] != committed[name]]
    if changed:
        # of some ninety pictures one can be caught between two frames on a busy machine: what differs must differ twice
        again = await _take(tmp_path / "second")
        changed = [name for name in changed if again[name] != committed[name]]
    assert not changed, f"look at these and commit them anew: python -m screenshots ({', '.join(changed)})"


async def _take(folder: Path) -> dict[str, str]:
    folder.mkdir()
    await take_all(folder)
    return _pictures(folder)


def _pictures(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.svg")}
