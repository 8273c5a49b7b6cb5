"""Texts of the config file → values, and back. A reader takes the text as it stands, and raises Wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from maintsched.config.problems import Wrong, did_you_mean
from maintsched.domain.inventory import Address, Network, Secret
from maintsched.domain.notice import Impact

DURATION = re.compile(r"(0|[1-9][0-9]{0,11})(ms|s|m|h|d)")
SPEED = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([MGT])")
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SPOTWARE_ZONE = "NY+7"

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_BITS = {"M": 10**6, "G": 10**9, "T": 10**12}
_LONGEST = timedelta(days=3650)


class Located(str):
    """An absolute path or SQLite URL that remembers how the file wrote it, so that it reads the same elsewhere."""

    written: str

    def __new__(cls, value: str, written: str = "") -> Located:
        located = super().__new__(cls, value)
        located.written = written or value
        return located


def plain(value: object) -> str:
    """The text of a scalar on one line; a list, a mapping, or nothing is Wrong."""
    if not isinstance(value, str):
        raise Wrong(f"is a {'mapping' if isinstance(value, Mapping) else 'list'}, not a value", "one value")
    text = value.strip()
    if not text:
        raise Wrong("is empty", "a value; leave the key out where there is none")
    if not text.isprintable():
        raise Wrong("has a line break or another control character in it", "printable text on one line")
    return text


def paragraph(value: object) -> str:
    """A text over several lines, as one."""
    return plain(" ".join(value.split()) if isinstance(value, str) else value)


def matching(pattern: str, allowed: str) -> Callable[[object], str]:
    """A reader for texts that match `pattern` as a whole."""
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        text = plain(value)
        if not compiled.fullmatch(text):
            raise Wrong(f"{text!r} does not fit", allowed)
        return text

    return read


def one_of(*names: str) -> Callable[[object], str]:
    """A reader for one of a few words, written as they are."""

    def read(value: object) -> str:
        text = plain(value)
        if text not in names:
            raise Wrong(f"{text!r} is not known{did_you_mean(text, names)}", ", ".join(names))
        return text

    return read


def impact(*names: str) -> Callable[[object], Impact]:
    """A reader for an impact, by its name in the MAINTNOTE standard."""
    read = one_of(*names)
    return lambda value: Impact(read(value))


def boolean(value: object) -> bool:
    text = plain(value)
    if text not in ("true", "false"):
        instead = {"yes": "true", "on": "true", "True": "true", "1": "true"}.get(text, "")
        instead = instead or {"no": "false", "off": "false", "False": "false", "0": "false"}.get(text, "")
        raise Wrong(f"{text!r} is not a truth value" + (f"; write {instead}" if instead else ""), "true, false")
    return text == "true"


def integer(low: int, high: int) -> Callable[[object], int]:
    """A reader for whole numbers from `low` to `high`, in plain digits."""

    def read(value: object) -> int:
        text = plain(value)
        allowed = f"a whole number from {low} to {high}"
        if not INTEGER.fullmatch(text):
            raise Wrong(f"{text!r} is not a whole number in plain digits", allowed)
        if not low <= int(text) <= high:
            raise Wrong(f"{text} is out of range", allowed)
        return int(text)

    return read


def duration(value: object) -> timedelta:
    """`50ms`, `5s`, `90m`, `2h`, `14d`."""
    text = plain(value)
    allowed = "a whole number with ms, s, m, h or d: 50ms, 5s, 90m, 2h, 14d"
    match = DURATION.fullmatch(text)
    if not match:
        unit = "; the unit is missing" if text.isdigit() else ""
        raise Wrong(f"{text!r} is not a duration{unit}", allowed)
    milliseconds = int(match[1]) * _UNITS[match[2]]
    if milliseconds > _LONGEST // timedelta(milliseconds=1):
        raise Wrong(f"{text} is longer than {_LONGEST.days}d", f"at most {_LONGEST.days}d")
    return timedelta(milliseconds=milliseconds)


def some_time(value: object) -> timedelta:
    """A duration that is not zero."""
    length = duration(value)
    if not length:
        raise Wrong("is zero", "a duration longer than 0s")
    return length


def duration_text(length: timedelta) -> str:
    """The inverse of `duration`, in the largest unit that is exact; below a millisecond in `us`."""
    microseconds = length // timedelta(microseconds=1)
    if microseconds % 1000:
        return f"{microseconds}us"
    milliseconds = microseconds // 1000
    if not milliseconds:
        return "0s"
    unit = next(unit for unit, size in _UNITS.items() if milliseconds % size == 0)
    return f"{milliseconds // _UNITS[unit]}{unit}"


def speed(value: object) -> int:
    """`200M`, `1G`, `2.5G` → bit/s."""
    text = plain(value)
    match = SPEED.fullmatch(text)
    bits = int(Decimal(match[1]) * _BITS[match[2]]) if match else 0
    if not bits:
        raise Wrong(f"{text!r} is not a speed", "a number with M, G or T (bit/s): 200M, 1G, 10G")
    return bits


def speed_text(bits: int) -> str:
    """The inverse of `speed`; a number of bit/s that no unit divides stays a number."""
    for unit in ("T", "G", "M"):
        if bits and bits % _BITS[unit] == 0:
            return f"{bits // _BITS[unit]}{unit}"
    return str(bits)


def address(value: object) -> Address:
    text = plain(value)
    try:
        return ip_address(text)
    except ValueError as error:
        hint = "; a prefix length does not belong here" if "/" in text else ""
        raise Wrong(f"{text!r} is not an address{hint}", "an IPv4 or IPv6 address: 10.210.4.2") from error


def network(value: object) -> Network:
    text = plain(value)
    allowed = "an IPv4 or IPv6 network with its prefix length: 10.210.4.0/30"
    if "/" not in text:
        raise Wrong(f"{text!r} has no prefix length", allowed)
    try:
        return ip_network(text)
    except ValueError as error:
        try:
            right = ip_network(text, strict=False)
        except ValueError:
            raise Wrong(f"{text!r} is not a network", allowed) from error
        raise Wrong(f"{text!r} has host bits set; the network is {right}", str(right)) from error


def timezone(value: object) -> str:
    """An IANA name. Abbreviations such as EST are refused: they have no daylight-saving time."""
    text = plain(value)
    allowed = "an IANA name: Europe/London, America/New_York, UTC"
    if text == "UTC":
        return text
    try:
        known = "/" in text and bool(ZoneInfo(text))
    except (KeyError, ValueError, OSError):
        known = False
    if not known or text.startswith(("posix/", "right/")):
        names = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
        near = did_you_mean(text, names) or did_you_mean(text, {name.rpartition("/")[2] for name in names})
        raise Wrong(f"{text!r} is not a time zone{near}", allowed)
    return text


def calendar_timezone(value: object) -> str:
    """An IANA name, or `NY+7`: New York plus seven hours, on United States daylight-saving dates."""
    try:
        return SPOTWARE_ZONE if plain(value) == SPOTWARE_ZONE else timezone(value)
    except Wrong as wrong:
        raise Wrong(wrong.what, f"{wrong.allowed}, {SPOTWARE_ZONE}") from wrong


def hours(value: object) -> str:
    """`22:00-06:00`, local time of the site."""
    text = plain(value)
    start, _, end = text.partition("-")
    if not HOURS.fullmatch(text) or start == end:
        raise Wrong(f"{text!r} is not a span of hours", '"HH:MM-HH:MM": "22:00-06:00"')
    return text


def day(value: object) -> str:
    text = plain(value)
    try:
        if date.fromisoformat(text).isoformat() != text:
            raise ValueError(text)
    except ValueError as error:
        raise Wrong(f"{text!r} is not a date", "YYYY-MM-DD") from error
    return text


def secret(value: object) -> Secret:
    """`{env: NAME}` or `{file: PATH}`. The messages never repeat what stands there: it may be the secret itself."""
    allowed = "{env: NAME} or {file: PATH}"
    if isinstance(value, str):
        raise Wrong("a secret itself does not belong in this file", allowed)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise Wrong("is not one reference to a secret", allowed)
    [(kind, where)] = value.items()
    if kind == "env" and isinstance(where, str) and VARIABLE.fullmatch(where):
        return Secret(env=where)
    if kind == "file" and isinstance(where, str):
        return Secret(file=path(where))
    raise Wrong("is not a reference to a secret", f"{allowed}; NAME in letters, digits and _")


def path(value: object) -> str:
    """A path as written; `absolute` makes it absolute."""
    text = plain(value)
    if text.startswith("~") and text != "~" and not text.startswith("~/"):
        raise Wrong(f"{text!r} names another user's home directory", "~/…, or a full path")
    if "://" in text:
        raise Wrong("is a URL, not a path", "a path, relative to this file, or absolute, or ~/…")
    return text


def absolute(base: Path, written: str) -> Located:
    """`written`, a path of the file, seen from the folder `base` that the file lies in; `~` is this user's home."""
    return Located(str(base / Path(written).expanduser()), written)
