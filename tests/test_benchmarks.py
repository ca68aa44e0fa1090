"""The benchmarks can be run: at a tiny size, without the peers, which take minutes to install."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.report import Report, merged

ROOT = Path(__file__).parent.parent


def test_the_benchmarks_measure_at_a_tiny_size_and_print_one_json_document() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            "persist",
            "resume",
            "compaction",
            "--quick",
            "--rounds",
            "1",
            "--no-peers",
            "--json",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )

    persist, resume, compaction = json.loads(done.stdout)["reports"]
    ours = [row for row in persist["rows"] if row[0] == "afk"]
    # three boundaries a step, two of them flushed, and one of either for the beginning and the end of the run
    assert {row[1] for row in ours} == {"5", "10"}
    assert {(float(row[5]), float(row[6])) for row in ours} == {(3 + 2 / 5, 2 + 2 / 5)}
    verdicts = {target["what"]: target["verdict"] for target in persist["targets"]}
    assert verdicts["CPU at 10 steps against LangGraph, sync"] == "not measured"
    assert {row[0] for row in resume["rows"]} == {"afk"}
    removed = [row[3] for row in compaction["rows"]]
    assert removed[0] == removed[1] != "0"  # what the bare deletes remove, the compaction does


def test_crowds_are_measured_at_a_tiny_size() -> None:
    command = [sys.executable, "-m", "benchmarks", "crowded", "--quick", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--no-peers", "--json"], capture_output=True, text=True, cwd=ROOT, check=True
    )

    [crowded] = json.loads(done.stdout)["reports"]
    assert [(row[0], row[1]) for row in crowded["rows"]] == [
        (what, size)
        for what, sizes in (("threads", (10, 100)), ("messages", (20, 100)), ("checkpoints", (10, 100)))
        for size in map(str, sizes)
    ]
    assert {target["verdict"] for target in crowded["targets"]} <= {"reached", "MISSED"}


def test_what_is_measured_anew_replaces_its_own_section_of_the_results() -> None:
    results = "# Results\n\n## One\n\nold\n\n## Two\n\nkept\n\n## By hand\n\nkept too\n"
    one, three = Report("one", "One", ("a",), [("new",)]), Report("three", "Three", ("b",), [("c",)])

    text = merged(results, [one, three], "Taken today.")

    assert re.findall(r"^## (.*)", text, re.MULTILINE) == ["One", "Two", "Three", "By hand"]
    assert "## One\n\nTaken today.\n\n| a   |\n|-----|\n| new |\n\n## Two\n\nkept\n" in text
    assert "old" not in text
    assert text.endswith("## By hand\n\nkept too\n")


def test_the_app_is_measured_in_a_terminal_at_a_tiny_size() -> None:
    command = [sys.executable, "-m", "benchmarks", "first_paint", "streaming", "--quick", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--no-peers", "--json"], capture_output=True, text=True, cwd=ROOT, check=True
    )

    first, streaming = json.loads(done.stdout)["reports"]
    assert [row[0] for row in first["rows"]] == ["a bare Textual app", "afk-tui"]
    assert {row[0] for row in streaming["rows"]} == {"afk-tui"}
    taken = {target["what"]: target["verdict"] for target in [*first["targets"], *streaming["targets"]]}
    # a stream as short as this can be over before a key is pressed
    missing = {what for what, verdict in taken.items() if verdict == "not measured"}
    assert {what for what in missing if what.partition(":")[0] not in ("fence", "table", "mixed")} == {
        "lines: echo p50 against codex",
        "lines: processor time against codex",
    }
    assert streaming["notes"][0] == "Measured without peers.", "nothing failed"


def test_a_benchmark_of_another_name_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert done.returncode == 2
    assert "no benchmark is named nothing; there are persist, resume" in done.stderr
