"""A decision counts where it was made, wherever the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.screens.stage import begin_waiting, open_gateway, until_run

LASTING = "run: while [ ! -f go ]; do sleep 0.05; done"


async def test_that_another_process_was_faster_to_go_on_with_the_run_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await open_gateway(tmp_path, database=tmp_path / "afk.db")
    thread_id = await begin_waiting(one, LASTING)
    other = await open_gateway(tmp_path, database=tmp_path / "afk.db")
    [request] = await one.requests()
    decide = one._runner.decide

    async def and_the_other_goes_on(*args: Any, **kwargs: Any) -> Any:
        decided = await decide(*args, **kwargs)
        await other.resume(thread_id)
        await until_run(one, thread_id, "elsewhere")
        return decided

    monkeypatch.setattr(one._runner, "decide", and_the_other_goes_on)
    await one.decide(request, "allow")
    (tmp_path / "go").touch()
    await until_run(one, thread_id, "idle")
    await one.close()
    await other.close()
