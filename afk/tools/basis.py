"""What a call is about, as it is at one moment: so that what a person was shown is what is changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Basis:
    """`what` names it for a person ("notes.txt"); `fingerprint` is another text whenever it is something else."""

    what: str
    fingerprint: str


def fingerprint(*parts: str | bytes) -> str:
    """One short text for these parts, which no others have."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        whole.update(f"{len(data)}:".encode())
        whole.update(data)
    return whole.hexdigest()
