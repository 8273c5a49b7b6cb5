"""What AWS mails and AWS Health events share: moments, places, verdicts, and which of them are about the same work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from maintsched.domain.interval import Interval, iso
from maintsched.readers.times import Times, too_long

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
# A zone is written in capitals; `GMT+1` and `GMT (+1)` must not be read as GMT.
_ZONE = r"(?:\s*(?:(?-i:[A-Z]{1,5})(?![+\-\w:])|[+-]\d{2}:?\d{2}(?!\d)))?(?!\s*\(?[+-]\s*\d)"
_WORDED = rf"(?:[A-Z][a-z]{{2,8}},?\s+)?\d{{1,2}}\s+[A-Z][a-z]{{2,8}}\.?,?\s+\d{{4}},?\s+{_CLOCK}{_ZONE}"
_ISO = rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]\s*{_CLOCK}{_ZONE}"
MOMENT = rf"(?:{_WORDED}|{_ISO})"

_PARTS = re.compile(
    rf"(?:(?P<day>[A-Za-z]{{3,9}}),?\s+)?(?P<dom>\d{{1,2}})\s+(?P<month>[A-Za-z]{{3,9}})\.?,?\s+(?P<year>\d{{4}}),?"
    rf"\s+(?P<clock>{_CLOCK})\s*(?P<zone>\S.*)?",
    re.ASCII,
)
_ISO_PARTS = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<dom>\d{{2}})[T ]\s*(?P<clock>{_CLOCK})\s*(?P<zone>\S.*)?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d*)?|\d(?:\.\d+)?[eE]\+?0?9", re.ASCII)

EVENT_ARN = re.compile(
    r"arn:aws[a-z-]*:health:[a-z0-9-]*:\d*:event/(?:(?P<service>[A-Z0-9-]+)/)?(?P<code>\w+)/(?P<own>[\w-]+)", re.ASCII
)
_UNIQUE = re.compile(r"[0-9A-Za-z-]{16,}", re.ASCII)

TYPED_ID = re.compile(r"(?<![\w-])dx(?:con|vif|lag|gw)-[0-9a-z]{3,24}(?![\w-])", re.IGNORECASE | re.ASCII)
_ANY_ID = re.compile(r"[0-9a-z]{3,12}-[0-9a-z]{4,24}(?:-[0-9a-z]{2,24})*", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-\d", re.ASCII)

_PLACE = re.compile(
    r"\b(?:endpoint|router|device|location)s?\s+(?:located\s+|that\s+is\s+)?(?:in|at)\s+(?P<place>.{2,120}?)"
    r"(?=\s+(?:from|between|has|have|will|is|was|starting|during|on)\b|[.;](?:\s|\\n|$)|\s*$)",
    re.IGNORECASE,
)
_IBX = re.compile(r"\b[A-Z]{2}\d{1,2}\b")
_COUNTRY = re.compile(r"[A-Z]{2,3}")

_VERDICT = re.compile(
    r"\b(?:has|have)\s+(?:now\s+|also\s+)?(?:been\s+)?(?:successfully\s+)?"
    r"(?P<word>cancell?ed|completed|re-?scheduled|extended|postponed|scheduled)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:if|once|when|after|until|unless|before|whether|as soon as|should)\b", re.IGNORECASE)


def told_once(problems: Iterable[str]) -> tuple[str, ...]:
    """Each problem once. What they quote may hold what the store separates them by."""
    return tuple(dict.fromkeys(problem.replace("; ", ", ") for problem in problems))


def moment(text: str) -> datetime:
    """`Mon, 13 Sep 2021 19:02:00 GMT` or ISO 8601 as UTC. Raises ValueError with the reason, also without a zone."""
    plain = " ".join(text.split())
    found = _PARTS.fullmatch(plain) or _ISO_PARTS.fullmatch(plain)
    if found is None:
        raise ValueError(f"the time {plain[:40]!r} cannot be read")
    month = found["month"]
    number = int(month) if month.isdigit() else _index(_MONTHS, month) + 1
    if not 1970 <= int(found["year"]) <= 2199:
        raise ValueError(f"the time {plain[:40]!r} is in no year that work can be in")
    hour, minute, second = (*(int(float(part)) for part in found["clock"].split(":")), 0)[:3]
    at = datetime(
        int(found["year"]), number, int(found["dom"]), hour, minute, second, tzinfo=_zone(found["zone"], plain)
    )
    day = found.groupdict().get("day")
    if day and _index(_DAYS, day) != at.weekday():
        raise ValueError(f"{plain[:40]!r} is a {at:%A}")
    return at.astimezone(UTC)


def instant(text: str) -> datetime:
    """A time of AWS Health: as `moment`, or seconds since 1970. Raises ValueError."""
    if _EPOCH.fullmatch(text.strip()):
        return datetime.fromtimestamp(int(float(text)), UTC)
    return moment(text)


def _index(names: tuple[str, ...], word: str) -> int:
    short = word[:3].capitalize()
    if short not in names:
        raise ValueError(f"{word[:20]!r} is no day or month")
    return names.index(short)


def _zone(word: str | None, text: str) -> timezone:
    if not word:
        raise ValueError(f"the time {text[:40]!r} has no zone")
    if word.upper() in ("GMT", "UTC", "Z"):
        return UTC
    offset = _OFFSET.fullmatch(word)
    if offset is None:
        raise ValueError(f"the zone {word[:20]!r} of {text[:40]!r} is not known")
    away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    return timezone(-away if offset[1] == "-" else away)


def window(start: str, end: str, *, epoch: bool = False) -> Times:
    """Two times as written, as one interval; none where either cannot be trusted."""
    read = instant if epoch else moment
    problems = []
    found = []
    for text in (start, end):
        try:
            found.append(read(text))
        except (ValueError, OverflowError) as error:
            problems.append(str(error))
    if problems:
        return Times(None, tuple(dict.fromkeys(problems)))
    if found[1] <= found[0]:
        return Times(None, (f"it ends ({iso(found[1])}) before or when it starts ({iso(found[0])})",))
    interval = Interval(found[0], found[1])
    return Times(interval, too_long(interval))


def event_id(arn: str) -> str:
    """What the events of one work have in common; the whole ARN where that cannot be told.

    AWS makes an event of its own for the planning, the cancellation and the completion of a work. Their ARNs differ by
    the type code, and end in the same long id after it.
    """
    found = EVENT_ARN.fullmatch(arn)
    own = found["own"].removeprefix(found["code"] + "_") if found else arn
    return own if found and own != found["own"] and _UNIQUE.fullmatch(own) else arn


def work_id(start: datetime, names: Iterable[str]) -> str:
    """An id for work of which AWS tells none: its start and the objects (else the places) that it hits.

    The end is left out, since an extension moves it; the account, since object ids are unique in all of AWS. Work that
    hits other objects is never taken for the same: the newer notice would make the older one's circuits vanish.
    """
    digest = sha256("\n".join(sorted({name.casefold() for name in names})).encode()).hexdigest()[:12]
    return f"DX-{start:%Y%m%dT%H%M%SZ}-{digest}"


def object_ids(start: datetime, objects: Iterable[str]) -> tuple[str, ...]:
    """One further id for each object at that start. An object has but one work that begins then, so that notices of the
    same work have some in common even where one lists fewer objects.
    """
    return tuple(dict.fromkeys(f"{name.casefold()}@{start:%Y%m%dT%H%M%SZ}" for name in objects))


def is_object_id(text: str) -> bool:
    """Whether a lone word may be the id of a connection, interface, LAG or gateway."""
    return _ANY_ID.fullmatch(text) is not None and not _REGION.fullmatch(text)


def places(text: str) -> tuple[str, ...]:
    """The Equinix codes of the endpoints that a text names, else their cities; () where it names none."""
    found: list[str] = []
    for match in _PLACE.finditer(" ".join(text.split())):
        place = match["place"].strip(" .,")
        codes = _IBX.findall(place) if "equinix" in place.casefold() else []
        found += codes or [_city(place)]
    return tuple(dict.fromkeys(name for name in found if name))


def _city(place: str) -> str:
    """`New York` of `A Block, New York, NY`; a text without commas as it stands."""
    parts = [part.strip() for part in place.split(",") if part.strip()]
    if len(parts) > 1 and _COUNTRY.fullmatch(parts[-1]):
        parts.pop()
    return parts[-1] if parts else ""


def verdicts(text: str) -> frozenset[str]:
    """What a text says has been done with the work: cancelled, completed, rescheduled, extended, scheduled.

    Sentences with a condition ("once it has been completed") say nothing of what is.
    """
    found = set()
    for sentence in re.split(r"(?<=[.!?])\s+|\\n|\n\s*\n", text):
        for match in _VERDICT.finditer(sentence):
            if not _CONDITION.search(sentence[: match.start()]):
                found.add(normal(match["word"]))
    return frozenset(found)


def normal(word: str) -> str:
    """One spelling for each verdict."""
    plain = word.casefold().replace("re-", "re")
    return {
        "canceled": "cancelled",
        "cancellation": "cancelled",
        "complete": "completed",
        "postponed": "rescheduled",
    }.get(plain, plain)
