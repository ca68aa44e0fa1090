"""What the driver rests on in Textual, which is private there: a new version is looked at before it is allowed."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import pytest
import textual
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from afk_tui.app import AfkApp
from afk_tui.gateway.launch import Settings
from afk_tui.terminal.driver import TerminalDriver
from afk_tui.terminal.pacing import PacedApp

PROJECT = Path(__file__).parents[2]


def test_only_the_minor_version_that_was_looked_at_is_allowed() -> None:
    assert textual.__version__.startswith("8.2.")
    dependencies = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [line for line in dependencies if line.startswith("textual")] == ["textual>=8.2.8,<8.3"]


@pytest.mark.parametrize("name", ["write", "start_application_mode", "close", "run_input_thread"])
def test_what_the_driver_replaces_is_there_with_the_same_parameters(name: str) -> None:
    theirs, ours = getattr(LinuxDriver, name), getattr(TerminalDriver, name)
    assert ours is not theirs
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def test_frames_reach_the_driver_through_display_alone() -> None:
    assert list(inspect.signature(App._display).parameters) == list(
        inspect.signature(PacedApp._display).parameters
    )
    assert "_driver.write" in inspect.getsource(App._display)
    # whoever else writes a frame would do it past the pacing
    for part in ("screen", "_compositor", "widget"):
        source = Path(inspect.getfile(textual)).with_name(f"{part}.py").read_text()
        assert "driver.write" not in source


def test_what_paints_a_key_at_once_and_keeps_the_first_ones_is_there() -> None:
    assert "_forward_event(event)" in inspect.getsource(App.on_event)
    assert list(inspect.signature(Screen._forward_event).parameters) == ["self", "event"]
    assert list(inspect.signature(Screen._on_timer_update).parameters) == ["self"]
    idle = inspect.getsource(Screen._on_idle)
    assert "self._dirty_widgets" in idle
    assert "self._update_timer.resume()" in idle
    assert list(inspect.signature(App._end_batch).parameters) == ["self"]
    assert "self._batch_count" in inspect.getsource(App._end_batch)
    assert list(inspect.signature(Screen._screen_resized).parameters) == ["self", "size"]


def test_the_parts_that_are_used_are_there() -> None:
    parser = XTermParser()
    assert [key.key for key in parser.feed("a")] == ["a"]
    assert list(parser.tick()) == []
    source = inspect.getsource(LinuxDriver)
    for name in ("exit_event", "_key_thread", "attrs_before", "_must_signal_resume", "fileno"):
        assert f"self.{name}" in source
    app: App[None] = App()
    assert list(app._notifications) == []
    assert callable(app._unnotify)
    assert "self.run_input_thread()" in source
    assert "self._auto_restart" in source


def test_the_app_runs_on_it_and_on_another_where_that_is_asked_for(tmp_path: Path, monkeypatch) -> None:
    settings = Settings(workspace=tmp_path)
    assert AfkApp(settings).driver_class is TerminalDriver
    monkeypatch.setattr("textual.constants.DRIVER", "textual.drivers.headless_driver:HeadlessDriver")
    assert AfkApp(settings).driver_class.__name__ == "HeadlessDriver"
