"""Take every picture anew: `python -m screenshots [FOLDER] [--scene NAME] [--png]` (a PNG beside each, to look at)."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from screenshots.scenes import SCENES, Scene


async def take(scenes: list[Scene], folder: Path) -> None:
    """The pictures of each scene, into `folder`."""
    for scene in scenes:
        await scene.take(folder)


def make_png(svg: Path) -> None:
    """The same as a bitmap."""
    import resvg_py

    svg.with_suffix(".png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_path=str(svg))))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument(
        "--scene", action="append", choices=[scene.name for scene in SCENES], help="only this"
    )
    parser.add_argument("--png", action="store_true")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    scenes = [scene for scene in SCENES if not chosen.scene or scene.name in chosen.scene]
    asyncio.run(take(scenes, chosen.folder))
    for svg in sorted(chosen.folder / file for scene in scenes for file in scene.files()):
        print(svg)
        if chosen.png:
            make_png(svg)


if __name__ == "__main__":
    main()
