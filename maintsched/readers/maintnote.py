"""MAINTNOTE calendars (NANOG BCOP for maintenance notifications, draft 0.1): one VEVENT, one Notice."""

from __future__ import annotations

import re

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.readers.contentlines import Calendar, Component, Property
from maintsched.readers.origin import Origin
from maintsched.readers.times import Times, sequence_of, stamp_of, times_of, too_long

PREFIX = "X-MAINTNOTE-"
_KNOWN = ("PROVIDER", "ACCOUNT", "MAINTENANCE-ID", "OBJECT-ID", "IMPACT", "STATUS", "OBJECT-IMPACT", "PRECEDENCE")
_STATUS = {
    **{status.value: status for status in Status},
    "CANCELED": Status.CANCELLED,
    "IN-PROGRESS": Status.IN_PROCESS,
    # Not of the standard: the work goes on at other times, so what was cancelled is alive again.
    "RE-SCHEDULED": Status.CONFIRMED,
    "RESCHEDULED": Status.CONFIRMED,
}
_OVER = re.compile(r"\b(completed?|cancell?ed|cancellation)\b", re.IGNORECASE)


def is_maintnote(event: Component) -> bool:
    return any(prop.name.startswith(PREFIX) for prop in event.properties)


def read_maintnote(event: Component, calendar: Calendar, origin: Origin) -> Notice:
    """The Notice of a MAINTNOTE VEVENT. What is missing, contradictory or unreadable ends up in `problems`."""
    status, rescheduled, bad_status = _status(event)
    over = status in (Status.CANCELLED, Status.COMPLETED)
    stamp, bad_stamp = stamp_of(event)
    sequence, bad_sequence = sequence_of(event)
    times, bad_times = _times(event, calendar, origin, over)
    objects, bad_objects = _objects(event, over)
    identity, bad_identity = _identity(event, origin, over)
    order = () if stamp or sequence is not None else ("neither SEQUENCE nor DTSTAMP: it cannot be put in order",)
    return Notice(
        provider=identity[0],
        account=identity[1],
        maintenance_id=identity[2],
        uid=event.text("UID") or identity[2],
        title=event.text("SUMMARY") or identity[2],
        stamp=stamp,
        interval=times.interval,
        status=status,
        impact=Impact.read(_value(event, "IMPACT")),
        objects=objects,
        sequence=sequence,
        problems=(
            *(event.damage + _fused(event) + bad_identity + bad_times + bad_objects),
            *(bad_status + bad_stamp + bad_sequence + order),
        ),
        rescheduled=rescheduled,
        sender=re.sub(r"(?i)^mailto:", "", event.text("ORGANIZER")),
        other_ids=tuple(text for text in _ids(event) if text != identity[2]),
    )


def _value(event: Component, name: str) -> str:
    return event.text(PREFIX + name)


def _ids(event: Component) -> tuple[str, ...]:
    return tuple(dict.fromkeys(prop.text for prop in event.all(PREFIX + "MAINTENANCE-ID") if prop.text))


def _identity(event: Component, origin: Origin, over: bool) -> tuple[tuple[str, str, str], tuple[str, ...]]:
    problems = []
    provider, account = _value(event, "PROVIDER"), _value(event, "ACCOUNT")
    ids = [prop for prop in event.all(PREFIX + "MAINTENANCE-ID") if prop.text]
    primary = [prop for prop in ids if prop.params.get("X-MAINTNOTE-PRECEDENCE", "").upper() == "PRIMARY"]
    if not provider:
        problems.append("X-MAINTNOTE-PROVIDER is missing")
    if not account and not over:  # a cancellation often leaves it out
        problems.append("X-MAINTNOTE-ACCOUNT is missing")
    if not ids:
        problems.append("X-MAINTNOTE-MAINTENANCE-ID is missing")
    if len({prop.text for prop in primary}) > 1:
        problems.append("several X-MAINTNOTE-MAINTENANCE-ID are PRIMARY")
    maintenance_id = (primary or ids)[0].text if ids else f"{origin.source}:{event.text('UID')}"
    return (provider or origin.provider or origin.source, account, maintenance_id), tuple(problems)


def _times(event: Component, calendar: Calendar, origin: Origin, over: bool) -> tuple[Times, tuple[str, ...]]:
    """A cancellation or completion may leave the time out; anything else may not."""
    if over and event.first("DTSTART") is None and event.first("DTEND") is None:
        return Times(None), ()
    times = times_of(event, calendar, origin)
    recurring = ("a recurring MAINTNOTE is not of the standard: only its first time was read",)
    unclear = recurring if event.first("RRULE") or event.first("RDATE") else ()
    return times, (*times.problems, *too_long(times.interval), *unclear)


def _objects(event: Component, over: bool) -> tuple[tuple[ObjectImpact, ...], tuple[str, ...]]:
    found: dict[str, Impact | None] = {}
    for prop in event.all(PREFIX + "OBJECT-ID"):
        if prop.text:
            found[prop.text] = _worse(found.get(prop.text), _own_impact(prop))
    problems: tuple[str, ...] = ()
    for before, text, line in event.stray:
        if before == PREFIX + "OBJECT-ID":
            # Folded without the leading space: both the rest alone and the whole may be what the provider means.
            last = event.all(before)[-1]
            found.setdefault(text, None)
            found.setdefault(last.text + text, None)
            problems = (f"{OBJECTS_INCOMPLETE}: line {line} breaks an object id",)
    if not found and not over:
        problems = ("X-MAINTNOTE-OBJECT-ID is missing",)
    return tuple(ObjectImpact(name, impact) for name, impact in found.items()), problems


def _own_impact(prop: Property) -> Impact | None:
    own = prop.params.get("X-MAINTNOTE-OBJECT-IMPACT")
    return None if own is None else Impact.read(own)


def _worse(one: Impact | None, other: Impact | None) -> Impact | None:
    given = [impact for impact in (one, other) if impact is not None]
    return max(given, key=lambda impact: impact.rank) if given else None


def _status(event: Component) -> tuple[Status | None, bool, tuple[str, ...]]:
    """X-MAINTNOTE-STATUS beats STATUS; absent means unchanged."""
    own, plain = _value(event, "STATUS").upper(), event.text("STATUS").upper()
    text = own or plain
    if not text:
        said = _OVER.search(event.text("SUMMARY"))
        return None, False, (f"no status, but the title says {said[0]!r}",) if said else ()
    rescheduled = text in ("RE-SCHEDULED", "RESCHEDULED")
    status = _STATUS.get(text)
    problems = () if status else (f"status {text[:40]!r} is not known",)
    return status, rescheduled, problems


def _fused(event: Component) -> tuple[str, ...]:
    """Names that the standard does not have, such as a value fused into a name (`X-MAINTNOTE-MAINTENANCE-090234`)."""
    return tuple(
        f"{prop.name[:60]} is not a property of the standard (line {prop.line})"
        for prop in event.properties
        if prop.name.startswith(PREFIX) and prop.name.removeprefix(PREFIX) not in _KNOWN
    )
