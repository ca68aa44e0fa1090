"""The engine's errors, as the app tells them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from afk_tui.gateway.clean import clean


class GatewayError(Exception):
    """Something went wrong; `str(error)` says what, what is safe, and what to do, in clean text.

    `kind` is "decided" (somebody decided before), "busy" (the run is running elsewhere), "store" (the database can't
    be read or written) or "other".
    """

    def __init__(self, message: str, kind: str = "other") -> None:
        super().__init__(clean(message))
        self.kind = kind


class ArgumentProblems(GatewayError):
    """What is wrong with edited arguments: `by_field` by the name of the argument, "" for the call as a whole."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("; ".join(by_field.values()))
        self.by_field = {name: clean(text) for name, text in by_field.items()}


@contextmanager
def told() -> Generator[None]:
    """Let the engine's errors through as GatewayErrors; anything else is a bug and passes as it is."""
    # whoever only knows GatewayError, as the first frame does, does not pay for the engine
    from afk.agents.errors import AgentError, AgentRunBusyError, ApprovalAlreadyDecidedError, StoreError
    from afk.llms.protocol import ModelError

    try:
        yield
    except ApprovalAlreadyDecidedError as error:
        raise GatewayError(str(error), "decided") from error
    except AgentRunBusyError as error:
        raise GatewayError(str(error), "busy") from error
    except StoreError as error:
        raise GatewayError(str(error), "store") from error
    except (AgentError, ModelError) as error:
        raise GatewayError(str(error)) from error


@contextmanager
def unless_busy() -> Generator[None]:
    """A run that was only to go on, wherever that is: that it does so elsewhere is no error."""
    try:
        yield
    except GatewayError as error:
        if error.kind != "busy":
            raise
