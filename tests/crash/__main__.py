"""`python -m tests.crash --seeds N [--first SEED] [--seconds S] [--without MECHANISM]`: the crash matrix, and how
it went. Ends with 1 where a promise was broken."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from tests.crash.matrix import Disturbance, Matrix
from tests.crash.sabotage import Sabotage


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description="Kill runs, and look what is left."
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first story")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--only", choices=get_args(Disturbance), help="one way to disturb")
    parser.add_argument(
        "--without", choices=get_args(Sabotage), help="a mechanism to take out: must be noticed"
    )
    given = parser.parse_args()
    matrix = Matrix(without=given.without, only=given.only)
    try:
        report = matrix.tell(range(given.first, given.first + given.seeds), seconds=given.seconds)
    finally:
        matrix.close()
    print("\n".join(report.lines()))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
