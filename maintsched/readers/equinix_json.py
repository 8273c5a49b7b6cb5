"""What both JSON interfaces of Equinix have in common: fields as text, ids, states, times with and without a zone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from maintsched.domain.notice import Status
from maintsched.readers.contentlines import clean
from maintsched.readers.equinix_metros import zone_of_code
from maintsched.readers.equinix_subject import tickets
from maintsched.readers.origin import Origin
from maintsched.readers.times import Times, WallTime, resolved, too_long
from maintsched.readers.zones import UTC_ZONE, Zone, zone_named

NO_DATE = "it says nothing of when it was written: it cannot be put in order"
_STATES = {
    "NEW": Status.CONFIRMED,
    "SCHEDULED": Status.CONFIRMED,
    "CONFIRMED": Status.CONFIRMED,
    "UPDATED": Status.CONFIRMED,
    "RESCHEDULED": Status.CONFIRMED,
    "EXTENDED": Status.CONFIRMED,
    "REMINDER": Status.CONFIRMED,
    "TENTATIVE": Status.TENTATIVE,
    "INPROGRESS": Status.IN_PROCESS,
    "INPROCESS": Status.IN_PROCESS,
    "CANCELLED": Status.CANCELLED,
    "CANCELED": Status.CANCELLED,
    "COMPLETED": Status.COMPLETED,
    "RESOLVED": Status.COMPLETED,
}


def text(fields: Mapping[str, object], *names: str) -> str:
    """The first of these fields that holds text, as one line; empty where none does. Capitals do not count."""
    folded = {key.casefold(): value for key, value in fields.items()}
    for name in names:
        value = folded.get(name.casefold())
        if isinstance(value, str) and value.strip():
            return clean(value)
    return ""


def texts(value: object, *names: str) -> tuple[str, ...]:
    """The texts of a list, of a list of objects with one of these fields, or of a text with commas; each once."""
    if isinstance(value, str):
        value = re.split(r"[,;]", value)
    found = []
    for item in value if isinstance(value, list) else []:
        found.append(text(item, *names) if isinstance(item, dict) else clean(item) if isinstance(item, str) else "")
    return tuple(dict.fromkeys(one for one in found if one))


def status_of(state: str) -> tuple[Status | None, tuple[str, ...]]:
    """A state in either interface's words; None where there is none, CONFIRMED with a problem where it is unknown."""
    if not state:
        return None, ()
    word = re.sub(r"[\s_-]", "", state.upper())
    if word in _STATES:
        return _STATES[word], ()
    return Status.CONFIRMED, (f"its state {state[:40]!r} is not known",)


def ids_of(candidates: Sequence[str], whole: object) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The id that Equinix's mails use too, the other ones, and a problem where there is none at all."""
    given = list(dict.fromkeys(one for one in candidates if one))
    of_mails = [found[0] for one in given if (found := tickets(one)) and found[0] == one.upper()]
    if not given:
        return f"json-{fingerprint(whole)}", (), ("it has no maintenance id",)
    first = of_mails[0] if of_mails else given[0]
    return first, tuple(one for one in given if one.upper() != first.upper()), ()


def fingerprint(whole: object) -> str:
    """Sixteen hexadecimal digits that stand for the content."""
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]


def stamp_of(values: Iterable[str]) -> datetime | None:
    """The latest of the times at which something was written, in UTC; without zone they are meant so."""
    found = []
    for value in values:
        moment = parsed(value)
        if moment is not None:
            with suppress(OverflowError):
                found.append(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    return max(found, default=None)


def parsed(value: str) -> datetime | None:
    """An ISO 8601 date and time, with or without zone; None where it is none."""
    try:
        moment = datetime.fromisoformat(value)
        return moment if "T" in value.upper() or " " in value else None
    except (ValueError, OverflowError):
        return None


def window(start: str, end: str, zone: Zone | str) -> Times:
    """Two times as one interval. `zone` is that of times without one, or why none is certain."""
    walls = []
    for name, value in (("start", start), ("end", end)):
        if not value:
            return Times(None, (f"it has no {name}",))
        moment = parsed(value)
        if moment is None:
            return Times(None, (f"its {name} {value[:40]!r} is not a time",))
        if moment.tzinfo is None and isinstance(zone, str):
            return Times(None, (f"its {name} {value[:40]!r} has no zone, and {zone}",))
        try:
            walls.append(_wall(moment, zone))
        except OverflowError:
            return Times(None, (f"its {name} {value[:40]!r} is outside of what can be reckoned with",))
    times = resolved(*walls)
    return Times(times.interval, (*times.problems, *too_long(times.interval)))


def _wall(moment: datetime, zone: Zone | str) -> WallTime:
    if moment.tzinfo is not None or isinstance(zone, str):
        return WallTime(moment.astimezone(UTC).replace(tzinfo=None), UTC_ZONE)
    return WallTime(moment, zone)


def zone_for(sites: Sequence[str], origin: Origin) -> Zone | str:
    """The zone of times without one: the source's, else that of all the sites; else why it is not certain."""
    if origin.timezone:
        return zone_named(origin.timezone) or f"the zone {origin.timezone!r} of {origin.source} is not known"
    names = {origin.site_zones.get(site) or zone_of_code(site) for site in sites}
    if len(names) == 1 and (name := next(iter(names))) and (zone := zone_named(name)):
        return zone
    return "the zone of its sites is not certain"
