"""The commands that look, decide and tidy up. Each returns its exit code."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Literal

from afk_tui.cli_exit import EXIT_DONE, EXIT_ERROR
from afk_tui.cli_options import Options
from afk_tui.cli_output import (
    age,
    argument_lines,
    moment,
    print_json,
    print_table,
    say,
    size,
    tell,
    tell_empty,
)
from afk_tui.cli_run import request_lines, resume_run
from afk_tui.gateway.clean import clean_line

_DECIDED = {
    "allowed": "Allowed",
    "denied": "Denied",
    "run_again": "To be run again",
    "happened": "Settled as happened",
    "skipped": "Skipped",
}


def show_runs(options: Options, *, as_json: bool) -> int:
    """`afk-tui runs`."""
    from afk_tui.gateway.script import list_runs

    runs = asyncio.run(list_runs(options.settings(), options.workspace))
    if as_json:
        print_json(runs)
    elif not runs:
        tell_empty(options, "No runs")
    else:
        rows = [
            (
                run["run_id"],
                run["state"].replace("_", " "),
                age(run["updated_at_ms"]),
                run["thread_id"],
                _why(run),
            )
            for run in runs
        ]
        print_table(("RUN", "STATE", "AGE", "THREAD", "WHY IT STOPPED"), rows, right=(2,))
    return EXIT_DONE


def _why(run: dict[str, Any]) -> str:
    why = run["interruption"]["detail"] if run["interruption"] else ""
    if run["parent_run_id"] is None:
        return why
    inside = f"(subagent {run['agent_name']} of {run['parent_run_id']})"
    return f"{inside} {why}".strip()


def show_approvals(options: Options, *, as_json: bool) -> int:
    """`afk-tui approvals`. For people each request is shown whole: nobody should decide about what is cut."""
    from afk_tui.gateway.script import list_approvals

    requests = asyncio.run(list_approvals(options.settings(), options.workspace))
    if as_json:
        print_json(requests)
    elif not requests:
        tell_empty(options, "Nothing waits for a decision")
    else:
        for request in requests:
            lines = request_lines(options, request)
            lines.insert(
                1, f"  asked {moment(request['requested_at_ms'])} by {clean_line(request['agent_path'])}"
            )
            say("\n".join(lines) + ("" if request is requests[-1] else "\n"))
    return EXIT_DONE


def show_grants(options: Options, *, as_json: bool) -> int:
    """`afk-tui grants`."""
    from afk_tui.gateway.grants import list_grants

    found = asyncio.run(list_grants(options.settings(), options.workspace))
    if as_json:
        print_json([document for document, _ in found])
    elif not found:
        tell("Nothing is always allowed: every call that needs a yes asks for one.")
    else:
        rows = [
            (
                row.grant_id,
                row.tool_name,
                "this thread" if row.scope == "thread" else "workspace",
                moment(row.since_ms),
                row.decided_by,
                row.thread_title if row.scope == "thread" else row.workspace,
                row.covers,
            )
            for _, row in found
        ]
        print_table(("GRANT", "TOOL", "IN", "SINCE", "BY", "WHERE", "COVERS"), rows)
    return EXIT_DONE


def revoke_one(options: Options, grant_id: str, *, as_json: bool) -> int:
    """`afk-tui grants --revoke`."""
    from afk_tui.gateway.grants import revoke_grant

    document, row = asyncio.run(revoke_grant(options.settings(), grant_id))
    if as_json:
        print_json(document)
    else:
        say(f"Revoked: {row.tool_name}, {row.covers}")
    return EXIT_DONE


def show_checkpoints(options: Options, thread_id: str, *, as_json: bool) -> int:
    """`afk-tui checkpoints`."""
    from afk_tui.gateway.script import list_checkpoints

    checkpoints = asyncio.run(list_checkpoints(options.settings(), thread_id))
    if as_json:
        print_json(checkpoints)
    else:
        rows = [
            (
                one["checkpoint_id"],
                str(one["number"]),
                str(one["step"]),
                one["phase"],
                str(one["message_count"]),
                size(one["size_bytes"]),
                moment(one["created_at_ms"]),
            )
            for one in checkpoints
        ]
        headers = ("CHECKPOINT", "NUMBER", "STEP", "PHASE", "MESSAGES", "SIZE", "TIME")
        print_table(headers, rows, right=(1, 2, 4, 5))
    return EXIT_DONE


def export_thread(options: Options, thread_id: str, *, as_json: bool) -> int:
    """`afk-tui export`."""
    from afk_tui.gateway.export import read_thread, to_markdown

    document = asyncio.run(read_thread(options.settings(), thread_id, whole_outputs=as_json))
    if as_json:
        print_json(document)
    else:
        sys.stdout.write(to_markdown(document))
    return EXIT_DONE


def decide_request(
    options: Options,
    approval_id: str,
    decision: Literal["allow", "deny", "run_again", "happened", "skip"],
    *,
    reason: str | None,
    resumes: bool,
    as_json: bool,
    always: Literal["thread", "workspace"] | None = None,
    pattern: str | None = None,
) -> int:
    """`afk-tui approve`, `deny` and `settle`. With `resumes` the run's document and exit code stand for both."""
    from afk_tui.gateway.script import decide
    from afk_tui.gateway.script_runs import check

    settings = options.settings()
    if resumes:
        check(settings)  # before anything is recorded
    request, state = asyncio.run(
        decide(settings, approval_id, decision, reason, always=always, pattern=pattern)
    )
    if as_json and not resumes:
        print_json(request)
        return EXIT_DONE
    write = tell if resumes else say
    write(f"{_DECIDED[request['status']]}: {clean_line(request['tool_name'])}")
    write("\n".join(argument_lines(request["arguments"])))
    write(
        f"  by {clean_line(request['decided_by'])}, {moment(request['decided_at_ms'])}"
        + (f": {clean_line(request['reason'])}" if request["reason"] else "")
    )
    if always is not None:
        covers = f"calls like it: {clean_line(pattern)}" if pattern is not None else "this very call"
        write(f"  from now on always allowed in this {always}: {covers}")
    if resumes:
        return resume_run(options, request["run_id"], as_json=as_json)
    if state == "running":
        tell("The run goes on in the process that has it open.")
    else:
        tell(f"The run goes on with: {options.command('resume', request['run_id'], runs=True)}")
    return EXIT_DONE


def examine_all(options: Options, *, as_json: bool) -> int:
    """`afk-tui doctor`."""
    from afk_tui.gateway.doctor import diagnose

    found = diagnose(options.settings())
    if as_json:
        print_json(found)
    else:
        for line in _doctor_lines(found):
            say(line)
    for problem in found["problems"]:
        tell(f"afk-tui: {clean_line(problem)}")
    return EXIT_DONE if found["ok"] else EXIT_ERROR


def salvage_into(options: Options, out: Path, *, as_json: bool) -> int:
    """`afk-tui doctor --salvage OUT`."""
    from afk_tui.gateway.doctor import save_what_can_be_read

    report = save_what_can_be_read(options.settings(), out)
    if as_json:
        print_json(report)
        return EXIT_DONE
    rows = ", ".join(f"{count} {name}" for name, count in report["rows"].items() if count)
    say(f"written to {clean_line(report['path'])}: {rows or 'no rows'}")
    if report["damaged_tables"]:
        tell(f"afk-tui: not everything could be read of: {', '.join(report['damaged_tables'])}")
    for run_id in report["broken_runs"]:
        tell(
            f"afk-tui: run {clean_line(run_id)} can't be resumed any more; its conversation goes on with a message"
        )
    say(f"To go on with it: afk-tui --db {clean_line(report['path'])}")
    return EXIT_DONE


def reindex(options: Options, *, as_json: bool) -> int:
    """`afk-tui doctor --reindex`."""
    from afk_tui.gateway.doctor import make_index_anew

    made = asyncio.run(make_index_anew(options.settings()))
    if as_json:
        print_json(made)
    else:
        say(f"The search index was made anew in {clean_line(made['path'])}.")
    return EXIT_DONE


def _doctor_lines(found: dict[str, Any]) -> list[str]:
    database, model, terminal = found["database"], found["model"], found["terminal"]
    versions = ", ".join(f"{name} {version or 'missing'}" for name, version in found["versions"].items())
    lines = [f"versions   {versions}", f"database   {clean_line(database['path'])}"]
    if not database["exists"]:
        lines.append("           not there yet: the first run makes it")
    else:
        lines.append(
            f"           {size(database['size_bytes'])}, schema {database['schema_version'] or 'unknown'}, "
            f"integrity {database['integrity'] or 'unknown'}"
        )
        if database["is_earlier"]:
            lines.append(
                "           of an earlier version: the next start gives it the format of this one, and keeps a copy; "
                "what its rows say was not looked at"
            )
        runs = ", ".join(
            f"{count} {state.replace('_', ' ')}" for state, count in database["open_runs"].items()
        )
        lines.append(
            f"           open runs: {runs or 'none'}; waiting requests: {database['waiting_requests']}; "
            f"search index: {database['search_index']}"
        )
        if database["outputs"]:
            lines.append(
                f"           long results: {database['outputs']:,}, of {database['output_bytes']:,} bytes"
            )
    server = "the demo model, offline" if model["demo"] else clean_line(model["host"])
    lines += [
        f"styles     {clean_line(found['styles'] or 'missing')}",
        f"agent      {clean_line(found['agent']['name'])}",
        f"policy     {_policy_line(found['policy'])}",
        f"config     {_config_line(found['config'])}",
        f"model      {clean_line(model['name'])} at {server}; key set: {'yes' if model['api_key_set'] else 'no'}",
        f"terminal   TERM={clean_line(terminal['term']) or '(not set)'}, {terminal['colors']} colors, "
        f"{terminal['columns']}x{terminal['lines']}, {terminal['encoding']}",
        "all is well" if found["ok"] else f"problems: {len(found['problems'])}",
    ]
    return lines


def _policy_line(policy: dict[str, Any]) -> str:
    if policy["path"] is None:
        return "no rules of your own"
    rules = "can't be used" if policy["rules"] is None else f"rules: {policy['rules']}"
    return f"{clean_line(policy['path'])}, {rules}"


def _config_line(config: dict[str, Any]) -> str:
    keys = ", ".join(f"{name}={key}" for name, key in config["keys"].items() if key)
    there = "" if config["exists"] else " (not there)"
    return f"{clean_line(config['path'])}{there}; keys: {clean_line(keys)}"


def _shown(folder: Path) -> str:
    return clean_line(str(folder))
