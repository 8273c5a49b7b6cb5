"""A drill's `cron`: five fields as in crontab(5), with weekdays as names only."""

from __future__ import annotations

import re

from maintsched.config.problems import Wrong
from maintsched.config.values import plain

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_PART = re.compile(r"(\*|[A-Z0-9]+)(?:-([A-Z0-9]+))?(?:/([0-9]{1,2}))?")


def cron(value: object) -> str:
    """Five fields, single spaces. Refuses what cron programs read differently."""
    fields = plain(value).upper().split()
    if len(fields) != 5:
        raise Wrong(f"has {len(fields)} fields", 'five: minute hour day month weekday, such as "0 6 * * SUN"')
    minute, hour, days, months, weekdays = fields
    if re.search(r"[0-9]", weekdays):
        reason = f"the weekday {weekdays!r} counts days; crontab counts from Sunday, other schedulers from Monday"
        raise Wrong(reason, f"names: {', '.join(WEEKDAYS)}")
    _values(minute, "minute", 0, 59)
    _values(hour, "hour", 0, 23)
    day_set = _values(days, "day of the month", 1, 31)
    month_set = _values(months, "month", 1, 12, MONTHS)
    _values(weekdays, "weekday", 0, 6, WEEKDAYS)
    if days != "*" and weekdays != "*":
        reason = "names a day of the month and a weekday; crontab runs on either, other schedulers only where both fit"
        raise Wrong(reason, "one of the two; * for the other")
    if min(day_set) > max(_LONGEST_MONTH.get(month, 31) for month in month_set):
        raise Wrong("names a day that none of its months has", "a date that exists")
    return " ".join(fields)


def _values(field: str, name: str, low: int, high: int, words: tuple[str, ...] = ()) -> set[int]:
    allowed = f"{low}-{high}" if not words else ", ".join(words)
    allowed = f"* or {allowed}, lists (,) and ranges (-) of them, steps (*/n)"
    result: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match or (match[1] == "*" and match[2]) or (match[3] and match[1] != "*" and not match[2]):
            raise Wrong(f"the {name} {part!r} cannot be read", allowed)
        if match[1] == "*":
            start, end = low, high
        else:
            start = _number(match[1], name, low, high, words, allowed)
            end = _number(match[2], name, low, high, words, allowed) if match[2] else start
        step = int(match[3] or 1)
        if start > end or not step:
            raise Wrong(
                f"the {name} {part!r} is empty: it ends before it starts", f"{allowed}; write the values as a list"
            )
        result.update(range(start, end + 1, step))
    return result


def _number(text: str, name: str, low: int, high: int, words: tuple[str, ...], allowed: str) -> int:
    if text in words:
        return words.index(text) + low
    if text.isdigit() and low <= int(text) <= high:
        return int(text)
    raise Wrong(f"the {name} {text!r} is not known", allowed)
