"""Recurrence rules (RFC 5545 section 3.3.10) before anything expands them: what they hold, and what could run away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

MAX_FINE_AGE = timedelta(days=3660)
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBERS = {
    "BYMONTH": range(1, 13),
    "BYMONTHDAY": range(1, 32),
    "BYYEARDAY": range(1, 367),
    "BYWEEKNO": range(1, 54),
    "BYSETPOS": range(1, 367),
    "BYHOUR": range(24),
    "BYMINUTE": range(60),
    "BYSECOND": range(60),
}
_SIGNED = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
_KEYS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS)
_DAY = re.compile(r"([+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)")
# RFC 5545 lets these parts stand with these frequencies only; programs disagree about what the others would mean.
_ONLY_WITH = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY", "HOURLY"),
    "BYMONTHDAY": ("YEARLY", "MONTHLY", "DAILY", "HOURLY"),
}
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parts_of(text: str) -> dict[str, str]:
    """The parts of a rule by name, each checked for itself. Raises ValueError."""
    parts: dict[str, str] = {}
    for part in text.strip().upper().split(";"):
        if not part:
            continue
        name, _, value = part.partition("=")
        if name in parts:
            raise ValueError(f"RRULE has {name} twice")
        if name not in _KEYS or not value:
            raise ValueError(f"RRULE part {part[:40]!r} is not expanded")
        parts[name] = value
    for name, value in parts.items():
        _check_values(name, value)
    _check_together(parts)
    return parts


def _check_values(name: str, value: str) -> None:
    if name in ("COUNT", "INTERVAL") and not (value.isascii() and value.isdigit() and 1 <= int(value[:12]) <= 10**9):
        raise ValueError(f"RRULE {name}={value[:20]!r} is not a number that makes sense")
    if name in _NUMBERS:
        values = value.split(",")
        if len(values) > 2 * len(_NUMBERS[name]) or not all(_is_in(name, each) for each in values):
            raise ValueError(f"RRULE {name}={value[:40]!r} is not of the standard")
    if name == "BYDAY" and not _are_days(value.split(",")):
        raise ValueError(f"RRULE BYDAY={value[:40]!r} is not of the standard")


def _is_in(name: str, text: str) -> bool:
    digits = text[1:] if name in _SIGNED and text[:1] in ("+", "-") else text
    return len(digits) <= 3 and digits.isascii() and digits.isdigit() and int(digits) in _NUMBERS[name]


def _are_days(days: list[str]) -> bool:
    found = [_DAY.fullmatch(day) for day in days]
    return len(days) <= 7 * 53 and all(day is not None and (not day[1] or 1 <= abs(int(day[1])) <= 53) for day in found)


def _check_together(parts: Mapping[str, str]) -> None:
    every = parts.get("FREQ", "")
    if every not in _FREQUENCIES:
        raise ValueError(f"RRULE FREQ={every[:20]!r}: rules finer than hourly are refused")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("RRULE has both COUNT and UNTIL")
    if any("," in parts.get(part, "") for part in ("BYMINUTE", "BYSECOND")):
        raise ValueError("RRULE with several minutes or seconds: rules finer than hourly are refused")
    for name, frequencies in _ONLY_WITH.items():
        if name in parts and every not in frequencies:
            raise ValueError(f"RRULE FREQ={every} with {name} is not of the standard")
    counted = any(day[0] in "+-0123456789" for day in parts.get("BYDAY", "MO").split(","))
    if counted and (every not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise ValueError(f"RRULE FREQ={every} with BYDAY={parts['BYDAY'][:20]!r} is not of the standard")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise ValueError("RRULE BYSETPOS without another BY part is not of the standard")


def refuse_runaway(parts: Mapping[str, str], began: datetime, until: datetime) -> None:
    """Raises ValueError for a rule that takes long to search between its first occurrence and `until`."""
    every = parts["FREQ"]
    fine = every == "HOURLY" or "," in parts.get("BYHOUR", "")
    if fine and until - began > MAX_FINE_AGE:
        raise ValueError("RRULE recurs several times a day since more than ten years")
    # A rule whose filters never agree (30 February) is searched until the year 9999 by the library: seconds for days
    # and weeks, minutes for hours. What is asked for as months or years is found at once.
    filters = {key for key in parts if key.startswith("BY")} - {"BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY"}
    if every == "HOURLY":
        endless = bool(filters) or parts.get("INTERVAL", "1") != "1"
    else:
        endless = every in ("DAILY", "WEEKLY") and len(filters) > 1
    if endless:
        named = ", ".join(sorted(filters)) or "INTERVAL"
        raise ValueError(f"RRULE FREQ={every} with {named} may never occur, and is refused")


def changes_clocks(rules: Iterable[str]) -> bool:
    """Whether each of the rules of a VTIMEZONE is one that clocks are changed by: once or twice a year, on a date."""
    return all(_changes_clocks(rule) for rule in rules)


def _changes_clocks(rule: str) -> bool:
    try:
        parts = parts_of(rule)
    except ValueError:
        return False
    if parts["FREQ"] != "YEARLY" or parts.get("INTERVAL", "1") != "1":
        return False
    if set(parts) - {"FREQ", "INTERVAL", "UNTIL", "WKST", "BYMONTH", "BYDAY", "BYMONTHDAY"}:
        return False
    months = [int(month) for month in parts.get("BYMONTH", "").split(",") if month]
    dates = [abs(int(date)) for date in parts.get("BYMONTHDAY", "").split(",") if date]
    day = parts.get("BYDAY", "")
    if not months:
        return not day and not dates  # the date of DTSTART
    if len(months) > 2 or "," in day:
        return False
    if day and (len(day) > 2) is bool(dates):  # the last Sunday, or the Sunday in a list of dates
        return False
    return not dates or any(date <= _LONGEST_MONTH[month - 1] for month in months for date in dates)
