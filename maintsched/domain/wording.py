"""Times and durations in messages for people: UTC, to the minute where that says it all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from maintsched.domain.interval import Interval


def moment(at: datetime) -> str:
    """`2026-12-09 01:00Z`, with seconds only where there are any."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%d} {_clock(utc)}"


def span(interval: Interval) -> str:
    """`2026-12-09 01:00Z–05:00Z`; the date is repeated where it changes."""
    same_day = interval.start.date() == interval.end.date()
    return f"{moment(interval.start)}–{_clock(interval.end) if same_day else moment(interval.end)}"


def length(duration: timedelta) -> str:
    """`14 d`, `24 h`, `30 min`, `90 s`: in the largest unit that divides it."""
    total = round(duration.total_seconds())
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if total and total % seconds == 0:
            return f"{total // seconds} {unit}"
    return f"{total} s"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}Z" if not at.second and not at.microsecond else f"{at:%H:%M:%S}Z"
