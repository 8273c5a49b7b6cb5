"""Times and durations as people type them. A local time that does not exist, or exists twice, is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maintsched.errors import InvalidInput

LONGEST = timedelta(days=3660)
YEARS = (2000, 2199)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_EXAMPLES = "2026-12-09T01:00Z, 2026-12-09T01:00+01:00, now, +2h"


def parse_duration(text: str) -> timedelta:
    """`90m`, `2h`, `1h30m`, `14d`. Raises InvalidInput."""
    if not _DURATION.fullmatch(text):
        raise InvalidInput(f"{text!r} is no duration", "use 90m, 2h, 1h30m or 14d")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))
    if seconds > LONGEST.total_seconds():
        raise InvalidInput(f"{text!r} is too long", f"at most {LONGEST.days}d")
    found = timedelta(seconds=seconds)
    if not found:
        raise InvalidInput(f"{text!r} is no time at all", "use 90m, 2h, 1h30m or 14d")
    return found


def parse_moment(
    text: str, zone: str, now: datetime, *, local_allowed: bool, base: datetime | None = None
) -> tuple[datetime, str]:
    """The moment in UTC, and how a local time was understood. `+2h` counts from `base`, else now."""
    now = now.replace(microsecond=0)  # a window is booked and published in whole seconds
    if text == "now":
        return now, ""
    if text.startswith("+"):
        return (base or now) + parse_duration(text[1:]), ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no time", f"use ISO 8601: {_EXAMPLES}") from error
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise InvalidInput(f"{text!r} is out of range", f"years from {YEARS[0]} to {YEARS[1]}")
    if moment.tzinfo is not None:
        return moment.astimezone(UTC), ""
    if not local_allowed:
        raise InvalidInput(f"{text!r} has no zone", f"write it with Z or an offset ({_EXAMPLES}), or give --tz ZONE")
    return _local(moment, zone, text)


def parse_zone(name: str) -> ZoneInfo:
    """An IANA zone. Raises InvalidInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(f"{name!r} is no time zone", "use an IANA name such as Europe/London") from error


def _local(moment: datetime, zone: str, text: str) -> tuple[datetime, str]:
    known = parse_zone(zone)
    first, second = moment.replace(tzinfo=known, fold=0), moment.replace(tzinfo=known, fold=1)
    if first.astimezone(UTC).astimezone(known).replace(tzinfo=None) != moment:
        raise InvalidInput(f"{text} does not exist in {zone}: the clocks go forward over it", "use UTC (…Z)")
    if first.utcoffset() != second.utcoffset():
        raise InvalidInput(f"{text} exists twice in {zone}: the clocks go back", "use UTC (…Z) or an offset")
    utc = first.astimezone(UTC)
    return utc, f"{first:%a %d %b %Y %H:%M %Z} ({zone}) = {utc:%Y-%m-%dT%H:%MZ}"
