"""The first moments: what is pressed before the conversation can be shown."""

from __future__ import annotations

import asyncio


async def test_what_is_typed_while_the_app_starts_is_in_the_composer(start, monkeypatch) -> None:
    from afk_tui.gateway.gateway import Gateway

    go = asyncio.Event()
    opened = Gateway.open

    async def slowly(gateway: Gateway) -> None:
        await go.wait()
        await opened(gateway)

    monkeypatch.setattr(Gateway, "open", slowly)
    async with start(ready=False) as driven:
        await driven.until(lambda: driven.app.screen is driven.main, "the main screen")
        said = driven.notices()
        await driven.pilot.press("l", "i", "ctrl+n", "f5", "s", "t")
        go.set()
        await driven.until(lambda: driven.app.focused is not None, "the app to be ready")
        assert driven.main.composer.draft == "list"
        assert said == []
        await driven.pilot.press("enter")
        await driven.until_shown("a.txt")
