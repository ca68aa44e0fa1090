"""The stylesheets are found in a checkout and in an installed wheel, and missed loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk_tui.styles_folder import styles_folder


def make_package(folder: Path) -> Path:
    package = folder / "afk_tui"
    package.mkdir(parents=True)
    return package


def test_a_checkout_has_them_beside_the_package(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "base.tcss").touch()
    assert styles_folder(package) == tmp_path / "styles"


def test_an_installed_package_uses_its_own_even_beside_a_folder_of_that_name(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    for folder in (tmp_path / "styles", package / "styles"):
        folder.mkdir()
        (folder / "base.tcss").touch()
    assert styles_folder(package) == package / "styles"


def test_a_missing_folder_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    (tmp_path / "styles").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        styles_folder(package)
    assert str(package / "styles") in str(caught.value)
    assert str(tmp_path / "styles") in str(caught.value)
