"""`python -m tests.llms.fit_token_weights FOLDER...`: fit the weights of `afk/llms/token_estimate.py` anew.

Needs numpy, scipy and tiktoken with its vocabulary. Reads every UTF-8 file below the folders, in pieces of a few
thousand characters, and prints the weights whose sum is below the true count for none of them, and as little above 1.12
times it as can be. Weights of counts that overlap others may be below zero; those of kinds of characters may not, so
that a text of one kind alone is never estimated at nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

from afk.llms.token_estimate import WEIGHTS, counts

PIECES = (1_200, 2_500, 4_000, 8_000)
LARGEST_FILE = 400_000
NEAR = 1.12
OVERLAPPING = {b"zz", b"kk", b"n ", b"n.", b".n", b"a.", b"AAA", b"a ", b"Aa", b". "}


def pieces(folders: list[Path]) -> list[str]:
    """The texts to fit to."""
    random = Random(1)
    found: list[str] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.stat().st_size > LARGEST_FILE:
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            at = 0
            while at < len(text) - PIECES[0]:
                size = random.choice(PIECES)
                found.append(text[at : at + size])
                at += size
    return found


def fit(texts: list[str]) -> tuple[list[float], Any]:
    """The weights, and by how much each text is then estimated too high."""
    import numpy as np
    import tiktoken
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, hstack, identity, vstack

    encoding = tiktoken.get_encoding("o200k_base")
    true = np.array([len(encoding.encode(text, disallowed_special=())) for text in texts], float)
    found = np.array([[counts(text)[feature] for feature in WEIGHTS] for text in texts], float)
    shares = csr_matrix(found / true[:, None])
    n, d = shares.shape
    solved = linprog(
        np.r_[np.zeros(d), np.ones(n)],
        A_ub=vstack([hstack([-shares, csr_matrix((n, n))]), hstack([shares, -identity(n)])]),
        b_ub=np.r_[-np.ones(n), np.full(n, NEAR)],
        bounds=[
            (None, None) if view == "text" or pattern in OVERLAPPING else (0, None)
            for view, pattern in WEIGHTS
        ]
        + [(0, None)] * n,
        method="highs",
    )
    weights = solved.x[:d]
    return list(weights), shares @ weights


def main() -> None:
    texts = pieces([Path(name) for name in sys.argv[1:]])
    weights, ratios = fit(texts)
    for feature, weight in zip(WEIGHTS, weights, strict=True):
        print(f"    {feature!r}: {weight:.2f},")
    print(
        f"{len(texts)} texts; estimate / truth: {ratios.min():.3f} to {ratios.max():.3f}, mean {ratios.mean():.3f}"
    )


if __name__ == "__main__":
    main()
