"""Where the stylesheets are: inside the package once installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def styles_folder(package: Path = _PACKAGE) -> Path:
    """The folder that holds the `.tcss` files, for the package in the folder `package`.

    A wheel carries them as `afk_tui/styles`; a checkout (or an editable install of one) has `styles/` at its
    top. Raises FileNotFoundError, which names both places, if neither holds a stylesheet.
    """
    installed, checkout = package / "styles", package.parent / "styles"
    for folder in (installed, checkout):
        if any(folder.glob("*.tcss")):
            return folder
    raise FileNotFoundError(
        f"The stylesheets of afk-tui are missing: no .tcss file in {installed} (where an installed afk-tui has them) "
        f"nor in {checkout} (where a checkout has them). Install afk-tui again."
    )
