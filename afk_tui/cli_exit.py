"""How a command ends: its exit code, and what is said of whatever went wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from afk_tui.cli_options import Options
from afk_tui.cli_output import fail, silence_stdout, tell

P = ParamSpec("P")
EXIT_DONE, EXIT_ERROR, EXIT_USAGE, EXIT_AWAITING, EXIT_INTERRUPTED = 0, 1, 2, 3, 4
EXIT_READER_LEFT = 141  # what a shell reports of any program that is ended by SIGPIPE


def ends_well(
    body: Callable[Concatenate[Options, P], int], *, reader_left: int = EXIT_READER_LEFT
) -> Callable[Concatenate[Options, P], int]:
    """`body`, whose expected failures are told in one line and an exit code. Its keyword `as_json`, where it has
    one, makes the error a document too. `reader_left` is the code for an output that nobody reads any more."""

    @functools.wraps(body)
    def ended(options: Options, /, *args: P.args, **kwargs: P.kwargs) -> int:
        from afk_tui.gateway.errors import GatewayError

        as_json = bool(kwargs.get("as_json"))
        try:
            code = body(options, *args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            silence_stdout()
            return reader_left
        except GatewayError as error:
            fail(str(error), as_json=as_json)
            return EXIT_ERROR
        except KeyboardInterrupt:
            tell("afk-tui: stopped. What was done so far is kept.")
            return EXIT_INTERRUPTED
        except OSError as error:
            _tell_of(error, as_json)
            return EXIT_ERROR
        return code

    return ended


def _tell_of(error: OSError, as_json: bool) -> None:
    try:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", as_json=as_json)
        sys.stdout.flush()
    except OSError:  # it is standard output itself that can't be written; standard error has the line
        silence_stdout()
