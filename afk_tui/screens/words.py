"""Times, sizes and counts as a person reads them."""

from __future__ import annotations

from datetime import datetime

UNITS_OF_AGE: tuple[tuple[str, int], ...] = (
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
)


def when(at_ms: int, now_ms: int) -> str:
    """A local time: "14:02:11" today, "Nov 23 14:02" this year, else the date."""
    at, now = datetime.fromtimestamp(at_ms / 1000), datetime.fromtimestamp(now_ms / 1000)
    if at.date() == now.date():
        return at.strftime("%H:%M:%S")
    return at.strftime("%b %d %H:%M" if at.year == now.year else "%Y-%m-%d")


def size(size_bytes: int) -> str:
    """ "812 B", "4.1 KB", "12 MB"."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    number = float(size_bytes)
    for unit in ("KB", "MB", "GB"):
        number /= 1000
        if number < 999.5 or unit == "GB":
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
    raise AssertionError("unreachable")


def count(number: int, one: str, many: str = "") -> str:
    """ "1 event", "1,204 events"."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def age_of(age_ms: int) -> str:
    """An age in the largest unit that fits it evenly: "24h", "90m", "7d"."""
    for unit, unit_ms in UNITS_OF_AGE:
        if age_ms >= 2 * unit_ms and age_ms % unit_ms == 0:
            return f"{age_ms // unit_ms}{unit}"
    for unit, unit_ms in UNITS_OF_AGE:
        if age_ms % unit_ms == 0 and age_ms:
            return f"{age_ms // unit_ms}{unit}"
    return f"{age_ms / 1000:g}s"
