"""`python -m benchmarks [NAME ...]`: measure this project beside its peers and the floor, and write RESULTS.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import compaction, crowded, first_paint, persist, resume, streaming
from benchmarks.peers import Peers
from benchmarks.report import Report, machine, merged

Measure = Callable[[Peers, int, bool, Callable[[str], None]], Report]
ALL: dict[str, Measure] = {
    "persist": persist.measure,
    "resume": resume.measure,
    "compaction": compaction.measure,
    "first_paint": first_paint.measure,
    "streaming": streaming.measure,
    "crowded": crowded.measure,
}
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    given = _arguments()
    peers = Peers(wanted=not given.no_peers)
    reports: list[Report] = []
    for name in given.names or ALL:
        report = ALL[name](peers, given.rounds, given.quick, lambda line, name=name: _tell(f"{name}: {line}"))
        reports.append(report)
        if not given.json:
            print(report.markdown(), flush=True)
    if given.json:
        print(json.dumps({"machine": machine(), "reports": [r.as_json() for r in reports]}, indent=1))
    if given.write:
        RESULTS.write_text(merged(RESULTS.read_text(encoding="utf-8"), reports, machine()), encoding="utf-8")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(ALL)} (default: all)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that everything runs")
    parser.add_argument("--no-peers", action="store_true", help="without installing other people's programs")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument(
        "--write",
        action="store_true",
        help="put what was measured into RESULTS.md beside this program; the rest of it stays",
    )
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in ALL]:
        parser.error(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(ALL)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
