"""How a drill report writes times, durations and measured values: UTC first, and nothing unmeasured as 0."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maintsched.errors import InvalidInput

NOT_MEASURED = "not measured"

# The characters of Unicode that turn the reading direction (UAX 9).
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@dataclass(frozen=True, slots=True)
class Instant:
    """One time as printed: `machine` for `<time datetime>`, `date` and `utc` in UTC, `local` in the reader's zone."""

    machine: str
    date: str
    utc: str
    precise: str
    local: str


@dataclass(frozen=True, slots=True)
class Zone:
    """The reader's zone. `name` is IANA's; `is_utc` when a local column would only repeat UTC."""

    name: str
    rules: ZoneInfo

    @property
    def is_utc(self) -> bool:
        return self.name in ("UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "UCT", "Etc/UCT", "Universal", "Etc/Universal")

    def instant(self, moment: datetime) -> Instant:
        """The texts of `moment`. Raises ValueError for a time without a zone."""
        utc = in_utc(moment)
        local = utc.astimezone(self.rules)
        day = f"{local:%Y-%m-%d} " if local.date() != utc.date() else ""
        return Instant(
            machine=utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            date=f"{utc:%Y-%m-%d}",
            utc=f"{utc:%H:%M:%S}",
            precise=clock_text(utc),
            local=f"{day}{local:%H:%M:%S %Z}",
        )


def zone_named(name: str) -> Zone:
    """Raises InvalidInput for a name that the zone data does not have."""
    try:
        return Zone(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"unknown time zone {name!r}: the report cannot print local times", "use an IANA name such as Europe/London"
        ) from error


def in_utc(moment: datetime) -> datetime:
    """Raises ValueError for a time without a zone: taking this machine's would be silently wrong."""
    if moment.tzinfo is None:
        raise ValueError(f"a report needs times with a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def clock_text(moment: datetime) -> str:
    """`06:00:12.345`, in the zone that `moment` is in."""
    return moment.isoformat(timespec="milliseconds")[11:23]


def number(value: float) -> str:
    """Three significant digits, whole from 100 on; a positive number never becomes 0."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")


def milliseconds(value: float) -> str:
    """`51 ms`, from 10 s on `12.3 s`; 0 (a clock that could not tell two instants apart) is `< 0.01 ms`."""
    if value < 0.01:
        return "< 0.01 ms"
    return f"{number(value)} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def measured(value: float | None, accuracy: float | None, lost: int | None = None) -> str:
    """`51 ms ± 10 ms`; None is not measured. Where nothing was `lost`, or nothing longer than the probe's interval
    was seen, only a bound is known: `< 10 ms`.
    """
    if value is None or not math.isfinite(value) or value < 0:
        return NOT_MEASURED
    if accuracy is None or not math.isfinite(accuracy) or accuracy <= 0:
        return "below what the probe resolves" if value == 0 else f"{milliseconds(value)} (accuracy not recorded)"
    if lost == 0 or value < accuracy:
        return f"< {milliseconds(max(value, accuracy))}"
    return f"{milliseconds(value)} ± {milliseconds(accuracy)}"


def lasting(length: timedelta) -> str:
    """`0.85 s`, `12.3 s`, `5 min 2 s`, `3 h 50 min`."""
    seconds = length.total_seconds()
    if seconds < 0:
        return "not known: it ends before it starts"
    if seconds < 0.0005:
        return "< 0.001 s"
    if seconds < 59.95:
        digits = 3 if seconds < 1 else 1
        return f"{seconds:.{digits}f}".rstrip("0").rstrip(".") + " s"
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def visible(text: str) -> str:
    """The same text with control, direction-changing and lone surrogate characters written out as `<U+202E>`.

    They are invalid in HTML, or make a line read otherwise than the bytes that were sent.
    """
    return "".join(char if _plain(char) else f"<U+{ord(char):04X}>" for char in text.replace("\r\n", "\n"))


def cut(text: str, length: int) -> str:
    """At most `length` characters, the last of them an ellipsis where something was left out."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _plain(char: str) -> bool:
    if char in "\n\t":
        return True
    return unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") and char not in _TURNING
