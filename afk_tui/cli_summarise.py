"""`afk-tui summarise`. Returns its exit code."""

from __future__ import annotations

import click

from afk_tui.cli_exit import EXIT_DONE, ends_well
from afk_tui.cli_options import Options
from afk_tui.cli_output import print_json, say, tell
from afk_tui.cli_values import Id
from afk_tui.gateway.clean import clean


@click.command()
@click.argument("thread_id", type=Id())
@click.option(
    "--keep-recent",
    type=click.IntRange(min=0),
    metavar="N",
    help="Keep at least the newest N messages; else about a quarter of the conversation.",
)
@click.option("--anew", is_flag=True, help="From the messages alone, as if there were no summary yet.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.make_pass_decorator(Options)
def summarise(options: Options, thread_id: str, keep_recent: int | None, anew: bool, as_json: bool) -> int:
    """Have the model summarise the older messages of a thread; it is sent the summary in their place from then on.

    No message is removed. The model is the one of the thread's last run, unless --model names another. Refused while a
    run of the thread is live. Ctrl+C leaves everything as it was.
    """
    return ends_well(summarise_one)(options, thread_id, keep_recent=keep_recent, anew=anew, as_json=as_json)


def summarise_one(
    options: Options, thread_id: str, *, keep_recent: int | None, anew: bool, as_json: bool
) -> int:
    """Make the summary, and show it."""
    import asyncio

    from afk_tui.gateway.script_summaries import summarise as make

    made = asyncio.run(make(options.settings(), thread_id, keep_recent=keep_recent, anew=anew))
    if as_json:
        print_json(made)
        return EXIT_DONE
    say(clean(made["text"]))
    tell(
        f"{made['message_count']} messages summarised by {clean(made['model'])}: "
        f"{made['tokens']} tokens in the place of {made['replaced_tokens']}"
    )
    return EXIT_DONE
