"""What a person set up in `config.toml`; nothing in it keeps the app from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk_tui.user_config import UserConfig, config_path, read_config

WHOLE = """
theme = "nord"
alerts = "notify"

[keys]
new_thread = "ctrl+t"
copy_last = ["f9", "alt+c"]
resume = ""
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("AFK_CONFIG", str(path))
    return path


def test_what_the_file_says_is_read(file: Path) -> None:
    file.write_text(WHOLE)
    assert read_config() == UserConfig(
        path=file,
        theme="nord",
        keys={"new_thread": ("ctrl+t",), "copy_last": ("f9", "alt+c"), "resume": ()},
        alerts="notify",
    )


def test_without_a_file_everything_is_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFK_CONFIG", "")
    assert read_config() == UserConfig()
    monkeypatch.delenv("AFK_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path() is None
    assert read_config() == UserConfig()


def test_a_file_that_is_named_and_not_there_is_told(file: Path) -> None:
    [problem] = read_config().problems
    assert str(file) in problem
    assert "can't be read" in problem


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("theme = ", "not valid TOML"),
        ("theme = 3", "theme is to be a name"),
        ("keys = 3", "keys is to be a table"),
        ("[keys]\nfind = 3", "The key of find"),
        ("[keys]\nfind = ['f9', 3]", "The key of find"),
        ("alerts = 'loud'", '"off", "bell" or "notify"'),
        ("alerts = 3", '"off", "bell" or "notify"'),
        ("colour = 1", "which means nothing"),
    ],
)
def test_what_can_not_be_understood_is_told_and_the_rest_is_used(file: Path, text: str, word: str) -> None:
    file.write_text(text)
    read = read_config()
    assert len(read.problems) == 1
    assert word in read.problems[0]
    assert (read.theme, dict(read.keys), read.alerts) == (None, {}, None)


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert "not valid TOML" in read_config().problems[0]
