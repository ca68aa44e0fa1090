"""The command line: what can be said, and which command does it.

Each command imports what it needs when it is called, so that `--version`, `--help` and a typing error are instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from afk_tui.cli_exit import EXIT_INTERRUPTED, ends_well
from afk_tui.cli_options import Options
from afk_tui.cli_output import print_json
from afk_tui.cli_summarise import summarise
from afk_tui.cli_values import Duration, Id
from afk_tui.start import open_app

pass_options = click.make_pass_decorator(Options)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
resume_option = click.option("--resume", "resumes", is_flag=True, help="Then go on with the run, here.")
reason_option = click.option("--reason", metavar="TEXT", help="Why. Of a denial, the model is told it.")

EPILOG = """\b
Exit codes: 0 done, 1 error, 2 wrong usage, 3 a run waits for a decision,
4 a run was interrupted (it is kept, and can be resumed)."""


def run_command(arguments: list[str]) -> int:
    """Read a command line and do what it says; the exit code."""
    try:
        code: object = cli.main(arguments, prog_name="afk-tui", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        if "--json" in arguments:
            print_json({"error": error.format_message()})
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else 0


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from afk_tui.gateway.version import VERSION

        click.echo(f"afk-tui {VERSION}")
        context.exit()


@click.group(
    invoke_without_command=True, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--db", type=click.Path(path_type=Path), help="The database; else AFK_DB, else the data folder."
)
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="Where tools act; else the current folder."
)
@click.option("--agent", metavar="NAME|MODULE:ATTR", help="Who works; else the built-in assistant.")
@click.option("--model", metavar="MODEL", help="Who answers; else AFK_MODEL, else gpt-5.2-mini.")
@click.option("--demo", is_flag=True, help="Let the offline demo model answer.")
@click.option("--trust", is_flag=True, help="Don't ask whether the workspace may be worked in.")
@click.option("--thread", "thread_id", type=Id(), metavar="ID", help="The thread to open.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version)
@click.pass_context
def cli(
    context: click.Context,
    db: Path | None,
    workspace: Path | None,
    agent: str | None,
    model: str | None,
    demo: bool,
    trust: bool,
    thread_id: str | None,
) -> int | None:
    """Chat with an agent that has real tools. What changes something waits for your yes, and survives anything.

    Without a command: the app. These options stand before the command. threads, runs and approvals list those of
    every workspace, or with --workspace those of that one.
    """
    context.obj = Options(db, workspace, agent, model, demo, trust, thread_id)
    if context.invoked_subcommand is None:
        return ends_well(open_app)(context.obj)
    return None


@cli.command()
@click.argument("prompt")
@click.option(
    "--thread", "thread_id", type=Id(), metavar="ID", help="The thread to go on with; else a new one."
)
@json_option
@pass_options
def run(options: Options, prompt: str, thread_id: str | None, as_json: bool) -> int:
    """Send PROMPT and run until an answer, or until a decision is needed.

    The answer goes to standard output as it arrives, everything else to standard error. A run that the thread
    was left with is closed. Ctrl+C stops the run; it is kept.
    """
    if not prompt.strip():
        raise click.BadArgumentUsage("PROMPT is empty; a run begins with something to do.")
    thread_id = thread_id or options.thread_id
    from afk_tui.cli_run import run_prompt

    return ends_well(run_prompt, reader_left=EXIT_INTERRUPTED)(options, prompt, thread_id, as_json=as_json)


@cli.command()
@click.argument("run_id", type=Id())
@click.option(
    "--compact", is_flag=True, help="First remove old records of its thread, as the schedule would."
)
@json_option
@pass_options
def resume(options: Options, run_id: str, compact: bool, as_json: bool) -> int:
    """Go on with a run from where it stopped; of a finished one, print its answer."""
    from afk_tui.cli_run import resume_run

    going_on = ends_well(resume_run, reader_left=EXIT_INTERRUPTED)
    return going_on(options, run_id, compacts=compact, as_json=as_json)


@cli.command()
@click.option(
    "--state",
    type=click.Choice(["waiting", "running", "interrupted", "done"]),
    help="Only those whose last run stands so.",
)
@click.option("--archived", is_flag=True, help="Only those that were archived.")
@click.option("--all", "all_threads", is_flag=True, help="Archived ones too.")
@json_option
@pass_options
def threads(
    options: Options,
    state: Literal["waiting", "running", "interrupted", "done"] | None,
    archived: bool,
    all_threads: bool,
    as_json: bool,
) -> int:
    """List the threads, pinned ones first, then the one touched last first."""
    if (state is not None) + archived + all_threads > 1:
        raise click.UsageError("--state, --archived and --all exclude each other.")
    from afk_tui.cli_threads import show_threads

    show = "archived" if archived else "all" if all_threads else state or "current"
    return ends_well(show_threads)(options, show, as_json=as_json)


@cli.command()
@click.argument("thread_id", type=Id())
@click.argument("title")
@json_option
@pass_options
def rename(options: Options, thread_id: str, title: str, as_json: bool) -> int:
    """Give a thread another title."""
    from afk_tui.cli_threads import rename_one

    return ends_well(rename_one)(options, thread_id, title, as_json=as_json)


@cli.command()
@click.argument("thread_id", type=Id())
@click.option("--undo", is_flag=True, help="Unpin it.")
@json_option
@pass_options
def pin(options: Options, thread_id: str, undo: bool, as_json: bool) -> int:
    """Pin a thread: it comes first in every list."""
    from afk_tui.cli_threads import pin_one

    return ends_well(pin_one)(options, thread_id, undo=undo, as_json=as_json)


@cli.command()
@click.argument("thread_id", type=Id())
@click.option("--undo", is_flag=True, help="Bring it back.")
@json_option
@pass_options
def archive(options: Options, thread_id: str, undo: bool, as_json: bool) -> int:
    """Archive a thread: it is listed with the archived ones only, until something is sent to it or resumed in it."""
    from afk_tui.cli_threads import archive_one

    return ends_well(archive_one)(options, thread_id, undo=undo, as_json=as_json)


@cli.command()
@json_option
@pass_options
def runs(options: Options, as_json: bool) -> int:
    """List the runs, the newest first."""
    from afk_tui.cli_commands import show_runs

    return ends_well(show_runs)(options, as_json=as_json)


@cli.command()
@json_option
@pass_options
def approvals(options: Options, as_json: bool) -> int:
    """Show what waits for a decision, whole, the oldest first."""
    from afk_tui.cli_commands import show_approvals

    return ends_well(show_approvals)(options, as_json=as_json)


@cli.command()
@click.option("--revoke", "grant_id", type=Id(), metavar="GRANT_ID", help="Take this one back.")
@json_option
@pass_options
def grants(options: Options, grant_id: str | None, as_json: bool) -> int:
    """List what is always allowed, the newest first, or take one of them back."""
    from afk_tui.cli_commands import revoke_one, show_grants

    if grant_id is not None:
        return ends_well(revoke_one)(options, grant_id, as_json=as_json)
    return ends_well(show_grants)(options, as_json=as_json)


@cli.command()
@click.argument("approval_id", type=Id())
@click.option(
    "--always",
    type=click.Choice(["thread", "workspace"]),
    help="Remember it, in its thread or its workspace.",
)
@click.option(
    "--pattern",
    metavar="PATTERN",
    help="With --always: for every call that this covers, not only the very same.",
)
@reason_option
@resume_option
@json_option
@pass_options
def approve(
    options: Options,
    approval_id: str,
    always: Literal["thread", "workspace"] | None,
    pattern: str | None,
    reason: str | None,
    resumes: bool,
    as_json: bool,
) -> int:
    """Allow a call with exactly the arguments that its request shows: once, or with --always from now on.

    PATTERN is a command's first words ("git status") or, for a file, a path below the workspace with * and **
    ("src/*.py"). It must cover the call itself. See what is always allowed, and take it back, with: afk-tui grants
    """
    if pattern is not None and always is None:
        raise click.UsageError(
            "A pattern is remembered: say where, with --always thread or --always workspace."
        )
    from afk_tui.cli_commands import decide_request

    return ends_well(decide_request)(
        options,
        approval_id,
        "allow",
        reason=reason,
        resumes=resumes,
        as_json=as_json,
        always=always,
        pattern=pattern,
    )


@cli.command()
@click.argument("approval_id", type=Id())
@reason_option
@resume_option
@json_option
@pass_options
def deny(options: Options, approval_id: str, reason: str | None, resumes: bool, as_json: bool) -> int:
    """Refuse a call."""
    from afk_tui.cli_commands import decide_request

    return ends_well(decide_request)(
        options, approval_id, "deny", reason=reason, resumes=resumes, as_json=as_json
    )


@cli.command()
@click.argument("approval_id", type=Id())
@click.argument("outcome", type=click.Choice(["again", "happened", "skip"]))
@reason_option
@resume_option
@json_option
@pass_options
def settle(
    options: Options, approval_id: str, outcome: str, reason: str | None, resumes: bool, as_json: bool
) -> int:
    """Say what became of a call whose outcome is unknown.

    again: run it once more. happened: it took effect. skip: go on without knowing.
    """
    match outcome:
        case "again":
            decision = "run_again"
        case "happened":
            decision = "happened"
        case _:
            decision = "skip"
    from afk_tui.cli_commands import decide_request

    return ends_well(decide_request)(
        options, approval_id, decision, reason=reason, resumes=resumes, as_json=as_json
    )


@cli.command()
@click.argument("thread_id", type=Id())
@json_option
@pass_options
def checkpoints(options: Options, thread_id: str, as_json: bool) -> int:
    """List the checkpoints of a thread, the newest first."""
    from afk_tui.cli_commands import show_checkpoints

    return ends_well(show_checkpoints)(options, thread_id, as_json=as_json)


@cli.command()
@click.argument("thread_id", type=Id())
@click.option("--format", "format_", type=click.Choice(["md", "json"]), default="md", show_default=True)
@pass_options
def export(options: Options, thread_id: str, format_: str) -> int:
    """Print a whole thread: its messages, its calls, and who decided about them. Nothing is cut."""
    from afk_tui.cli_commands import export_thread

    return ends_well(export_thread)(options, thread_id, as_json=format_ == "json")


@cli.command()
@click.argument("thread_id", type=Id())
@json_option
@pass_options
def delete(options: Options, thread_id: str, as_json: bool) -> int:
    """Delete a thread and all that belongs to it, for good. Nothing is asked.

    Forks of it stay, with the messages that they read. Refused while a run of it is live.
    """
    from afk_tui.cli_delete import delete_one

    return ends_well(delete_one)(options, thread_id, as_json=as_json)


cli.add_command(summarise)


@cli.command()
@click.argument("thread_id", type=Id(), required=False)
@click.option("--all", "all_threads", is_flag=True, help="Every thread, one after another.")
@click.option(
    "--max-age", "max_age_ms", type=Duration(), metavar="AGE", help="Keep younger events (90m, 24h, 7d)."
)
@click.option("--max-entries", type=click.IntRange(min=1), metavar="N", help="Keep the newest N states.")
@click.option("--dry-run", is_flag=True, help="Count, and remove nothing.")
@json_option
@pass_options
def compact(
    options: Options,
    thread_id: str | None,
    all_threads: bool,
    max_age_ms: int | None,
    max_entries: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove old records of a thread, or of all.

    Events (telemetry) go by age, states (checkpoints, summaries) by count. With neither --max-age nor
    --max-entries: events older than 24h, and all but the newest 50 states. With one of them the other kind is left
    alone. Messages are never removed, nor what an unfinished run needs. Ctrl+C stops it between two small steps.
    """
    if (thread_id is None) == (not all_threads):
        raise click.UsageError("Name one THREAD_ID, or --all.")
    from afk_tui.cli_compact import compact_threads

    return ends_well(compact_threads)(
        options,
        thread_id,
        max_age_ms=max_age_ms,
        max_entries=max_entries,
        dry_run=dry_run,
        as_json=as_json,
    )


@cli.command()
@click.option(
    "--every",
    type=click.Choice(["hourly", "daily", "off"]),
    help="Set the schedule, for the app too. off: turn it off, and end.",
)
@click.option(
    "--max-age", "max_age_ms", type=Duration(), metavar="AGE", help="Keep younger events (90m, 24h, 7d)."
)
@click.option("--max-entries", type=click.IntRange(min=1), metavar="N", help="Keep the newest N states.")
@click.option("--once", is_flag=True, help="Look at all threads one time, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line, for each thing done.")
@pass_options
def watch(
    options: Options,
    every: Literal["hourly", "daily", "off"] | None,
    max_age_ms: int | None,
    max_entries: int | None,
    once: bool,
    as_json: bool,
) -> int:
    """Compact threads on a schedule, here, until Ctrl+C or SIGTERM.

    The schedule is kept in the database: an open app follows it as well, and each thread is compacted by one of them.
    With neither --max-age nor --max-entries it keeps what it kept, at first events of 24h and 50 states; with one of
    them the other kind is left alone. A thread is left alone while a run of it goes on. No run is begun or resumed,
    and no model is asked.
    """
    from afk_tui.cli_compact import watch_schedule

    return ends_well(watch_schedule)(
        options, every=every, max_age_ms=max_age_ms, max_entries=max_entries, once=once, as_json=as_json
    )


@cli.command()
@click.option(
    "--salvage",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write everything that can be read of the database into the new file OUT.",
)
@click.option(
    "--reindex", "reindex_wanted", is_flag=True, help="Make the search index anew, of the messages."
)
@json_option
@pass_options
def doctor(options: Options, salvage: Path | None, reindex_wanted: bool, as_json: bool) -> int:
    """Check that everything needed is there and sound. Changes nothing, unless told to."""
    from afk_tui.cli_commands import examine_all, reindex, salvage_into

    if salvage is not None and reindex_wanted:
        raise click.UsageError("--salvage and --reindex exclude each other.")
    if reindex_wanted:
        return ends_well(reindex)(options, as_json=as_json)
    if salvage is not None:
        return ends_well(salvage_into)(options, salvage, as_json=as_json)
    return ends_well(examine_all)(options, as_json=as_json)
