"""The pictures in the README are those of this code."""

from __future__ import annotations

from pathlib import Path

import pytest

from screenshots.scenes import SCENES, Scene

COMMITTED = Path(__file__).parents[1] / "screenshots"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_the_committed_pictures_are_what_the_script_makes_byte_for_byte(
    tmp_path: Path, scene: Scene
) -> None:
    await scene.take(tmp_path)
    made = _pictures(tmp_path)
    assert sorted(made) == sorted(scene.files())
    changed = [name for name in made if made[name] != (COMMITTED / name).read_text()]
    assert not changed, (
        f"look at these and commit them anew: python -m screenshots --scene {scene.name} ({', '.join(changed)})"
    )


def test_every_committed_picture_is_one_of_a_scene() -> None:
    assert sorted(_pictures(COMMITTED)) == sorted(file for scene in SCENES for file in scene.files())


def _pictures(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.svg")}
