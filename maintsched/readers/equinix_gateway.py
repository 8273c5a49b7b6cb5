"""Maintenance and incident messages that Equinix's Messaging Gateway (EMG) pushes as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Impact, Notice, ObjectImpact, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers.equinix_impact import impact_of_phrase
from maintsched.readers.equinix_json import NO_DATE, ids_of, stamp_of, status_of, text, texts, window, zone_for
from maintsched.readers.equinix_metros import zone_of_code
from maintsched.readers.equinix_subject import tickets
from maintsched.readers.jsontext import read_json
from maintsched.readers.origin import Origin
from maintsched.readers.zones import Zone, zone_named

_RESOURCE = re.compile(r"(?P<what>DataCenter|Network)\.(?P<kind>Maintenance|Incident|Advisory|SecurityIncident)")
_SITE_FIELDS = ("IBX", "IBXs", "IbxCode", "Ibx Code", "IbxList", "AffectedIbxs", "Location", "Locations")
_ASSET_ID_FIELDS = ("AssetId", "Asset", "AssetNumber", "CircuitId", "ServiceId", "Id", "Number")


def is_equinix_gateway(value: object) -> bool:
    """Whether a JSON value is a message about maintenance, an incident or an advisory, or a list of such."""
    return any(_resource(task) is not None for task in _tasks(value))


def read_equinix_gateway(value: object, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each message. Raises NoticeUnreadable where one of them cannot be told."""
    notices = []
    for task in _tasks(value):
        resource = _resource(task)
        if resource is None:
            raise NoticeUnreadable(f"{origin.source}: one of several gateway messages is of another kind")
        body = _unpacked(_field(task, "Body"))
        if not isinstance(body, dict):
            raise NoticeUnreadable(f"{origin.source}: a gateway message has no Body")
        notices.append(_notice(task, body, resource, origin))
    return tuple(notices)


def _tasks(value: object) -> list[Mapping[str, object]]:
    """The tasks of one message or of several; each may be packed as text inside of its envelope."""
    messages = value if isinstance(value, list) else [value]
    found: list[Mapping[str, object]] = []
    for message in messages:
        task = _unpacked(_field(message, "Task")) if isinstance(message, dict) else None
        task = task if isinstance(task, dict) else message
        found.append(task if isinstance(task, dict) else {})
    return found


def _field(fields: Mapping[str, object], name: str) -> object:
    return next((value for key, value in fields.items() if key.casefold() == name.casefold()), None)


def _unpacked(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return read_json(value.encode("utf-8", "surrogatepass"))
        except NoticeUnreadable:
            return None
    return value


def _resource(task: Mapping[str, object]) -> re.Match[str] | None:
    return _RESOURCE.fullmatch(text(task, "Resource"))


def _notice(task: Mapping[str, object], body: Mapping[str, object], resource: re.Match[str], origin: Origin) -> Notice:
    # The customer's own reference counts only where it is one of Equinix's ids.
    reference = text(body, "RequestorId")
    number, others, problems = ids_of((text(body, "ServicerId"), reference if tickets(reference) else ""), body)
    objects, of_assets, incomplete = _assets(_field(body, "Assets"))
    sites = _sites(body, of_assets)
    status, odd = _status(text(body, "State"), resource["kind"])
    times = window(text(body, "StartDateTime"), text(body, "EndDateTime"), _zone(body, sites, origin))
    over = status is not None and not status.counts
    stamp = stamp_of((text(task, "CreateTimeUTC", "CreateTime"), text(body, "CreateTimeUTC", "ModifiedDateTime")))
    sequence, no_order = _sequence(text(body, "Sequence"))
    doubts = [*problems, *odd, *incomplete, *no_order]
    doubts += [] if over and times.interval is None else times.problems
    doubts += [] if sites or objects else ["it names no IBX and no asset"]
    doubts += [NO_DATE] if stamp is None and sequence is None else []
    return Notice(
        provider=origin.provider or "Equinix",
        account="+".join(sorted(texts(_field(body, "AccountNumber"), "AccountNumber"))),
        maintenance_id=number,
        uid=number,
        title=text(body, "Description", "Summary")[:160] or f"{resource[0]} {number}",
        stamp=stamp,
        interval=times.interval,
        status=status,
        impact=_impact(text(body, "Impact"), resource["kind"]),
        objects=objects,
        sites=sites,
        sequence=sequence,
        problems=tuple(doubts),
        extended=text(body, "State").upper() == "EXTENDED",
        rescheduled=text(body, "State").upper() == "RESCHEDULED",
        other_ids=others,
    )


def _status(state: str, kind: str) -> tuple[Status | None, tuple[str, ...]]:
    """An incident that is not over is happening."""
    status, odd = status_of(state)
    if kind.endswith("Incident") and (status is None or status.counts):
        return Status.IN_PROCESS, odd
    return status, odd


def _impact(said: str, kind: str) -> Impact:
    if kind == "Advisory":
        return Impact.NO_IMPACT
    return impact_of_phrase(said) or Impact.OUTAGE


def _sequence(said: str) -> tuple[int | None, tuple[str, ...]]:
    if not said:
        return None, ()
    if re.fullmatch(r"\d{1,10}", said, re.ASCII):
        return int(said), ()
    return None, (f"its Sequence {said[:40]!r} is not a number",)


def _zone(body: Mapping[str, object], sites: Sequence[str], origin: Origin) -> Zone | str:
    """A zone that the message names goes before what the source declares."""
    named = next((str(value) for key, value in body.items() if "timezone" in key.casefold() and value), "")
    if not named:
        return zone_for(sites, origin)
    return zone_named(named) or f"the zone {named[:40]!r} that the message names is not known"


def _sites(body: Mapping[str, object], of_assets: Sequence[str]) -> tuple[str, ...]:
    found = [place for name in _SITE_FIELDS for place in texts(_field(body, name), "Ibx", "Code", "Name")]
    return tuple(dict.fromkeys((*(one.upper() if zone_of_code(one) else one for one in found), *of_assets)))


def _assets(value: object) -> tuple[tuple[ObjectImpact, ...], tuple[str, ...], tuple[str, ...]]:
    """The assets' ids, their sites, and a problem where one has no id; fields by name, as their set varies."""
    ids: list[str] = []
    sites: list[str] = []
    nameless = 0
    listed = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    for asset in listed:
        fields: Mapping[str, object] = asset if isinstance(asset, dict) else {"Id": asset}
        serial = text(fields, *(name for name in fields if "serial" in name.casefold())) or text(
            fields, *_ASSET_ID_FIELDS
        )
        ids += [serial] if serial else []
        nameless += not serial
        sites += [site.upper() for name in _SITE_FIELDS for site in texts(_field(fields, name), "Ibx", "Code", "Name")]
    lost = nameless or (value and not listed)
    problems = (f"{OBJECTS_INCOMPLETE}: an asset of the message has no id that can be read",) if lost else ()
    return tuple(map(ObjectImpact, dict.fromkeys(ids))), tuple(dict.fromkeys(sites)), problems
