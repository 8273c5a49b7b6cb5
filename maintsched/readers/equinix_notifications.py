"""Answers of Equinix's Notifications API v1 (docs.equinix.com/api-catalog/notificationsv1): searches, single objects.

Work is what ends in MAINTENANCE. An incident is happening and takes its sites (OUTAGE) until resolved. An advisory
or a SmartView notice takes nothing (NO-IMPACT), but is there to be seen. Any other type counts as OUTAGE, in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from maintsched.domain.notice import Impact, Notice, Status
from maintsched.readers.equinix_json import NO_DATE, fingerprint, ids_of, stamp_of, status_of, text, texts, window
from maintsched.readers.origin import Origin

_TYPE = re.compile(r"(?:MANAGED_SERVICES_)?(?:IBX|NETWORK)_(?P<kind>[A-Z_]+)")
_HARMLESS = ("ADVISORY", "SMARTVIEW")
_WRITTEN = re.compile(
    r"(created|updated|modified|lastupdated|lastmodified|sent|published|posted)(at|on|time|date|datetime|timestamp)?"
)
_NO_ZONE = "the interface promises UTC"


def is_equinix_notifications(value: object) -> bool:
    """Whether a JSON value is a search's answer, a list of notifications, or a single one."""
    return any(_is_notification(item) for item in _items(value)) or _is_empty_answer(value)


def read_equinix_notifications(value: object, origin: Origin) -> tuple[Notice, ...]:
    """A Notice for each notification; and one in doubt where pages of the answer are missing."""
    notices = [_notice(item, origin) for item in _items(value)]
    return (*notices, *_missing_pages(value, len(notices), origin))


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        listed = value.get("data", value.get("notifications"))
        return listed if isinstance(listed, list) else [value]
    return value if isinstance(value, list) else []


def _is_notification(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str) or not _TYPE.fullmatch(item["type"].strip()):
        return False
    return "notificationNumber" in item or "startTimestamp" in item


def _is_empty_answer(value: object) -> bool:
    return isinstance(value, dict) and value.get("data") == [] and isinstance(value.get("pagination"), dict)


def _notice(item: object, origin: Origin) -> Notice:
    fields: Mapping[str, object] = item if isinstance(item, dict) else {}
    number, others, problems = ids_of((text(fields, "notificationNumber"), text(fields, "id")), item)
    sites = tuple(site.upper() for site in texts(fields.get("ibxs"), "ibx", "code", "name"))
    status, odd = status_of(text(fields, "status"))
    kind, impact, unknown = _kind(text(fields, "type"))
    if kind == "INCIDENT" and status is not None and status.counts:
        status = Status.IN_PROCESS
    times = window(text(fields, "startTimestamp"), text(fields, "endTimestamp"), _NO_ZONE)
    over = status is not None and not status.counts
    stamp = _stamp(fields)
    late = text(fields, "status").upper() not in ("", "NEW")
    doubts = [*problems, *odd, *unknown]
    doubts += [] if over and times.interval is None else times.problems
    doubts += [] if sites else ["it names no IBX"]
    doubts += [NO_DATE] if stamp is None and late else []
    return Notice(
        provider=origin.provider or "Equinix",
        account="+".join(sorted(_accounts(fields))),
        maintenance_id=number,
        uid=number,
        title=_title(fields, kind, sites, number),
        stamp=stamp,
        interval=times.interval,
        status=status,
        impact=impact,
        sites=sites,
        problems=tuple(doubts),
        extended=text(fields, "status").upper() == "EXTENDED",
        rescheduled=text(fields, "status").upper() == "RESCHEDULED",
        other_ids=others,
    )


def _kind(type_: str) -> tuple[str, Impact, tuple[str, ...]]:
    """The last word of the type, the impact that it stands for, and a problem where it is not known."""
    found = _TYPE.fullmatch(type_)
    kind = found["kind"].rpartition("IBX_")[2].rpartition("NETWORK_")[2] if found else ""
    if kind in ("MAINTENANCE", "INCIDENT"):
        return kind, Impact.OUTAGE, ()
    if kind in _HARMLESS:
        return kind, Impact.NO_IMPACT, ()
    return kind, Impact.OUTAGE, (f"its type {type_[:40]!r} is not known",)


def _accounts(fields: Mapping[str, object]) -> tuple[str, ...]:
    given = fields.get("accountNumbers", fields.get("accountNumber", fields.get("accounts")))
    return texts(given, "accountNumber", "number")


def _stamp(fields: Mapping[str, object]) -> datetime | None:
    """When it was last written: its own times, and those of the mails that were sent of it."""
    mails = fields.get("emails")
    records = [fields, *(mail for mail in (mails if isinstance(mails, list) else []) if isinstance(mail, dict))]
    return stamp_of(
        value
        for record in records
        for name, value in record.items()
        if isinstance(value, str) and _WRITTEN.fullmatch(name.casefold())
    )


def _title(fields: Mapping[str, object], kind: str, sites: tuple[str, ...], number: str) -> str:
    said = text(fields, "summary", "title", "subject", "description")
    where = ", ".join(sites[:6]) or number
    return said[:160] if said else f"{kind.replace('_', ' ').capitalize() or 'Notification'} {where}"


def _missing_pages(value: object, count: int, origin: Origin) -> tuple[Notice, ...]:
    """An answer of several pages is not complete in itself: what the others hold is not known."""
    pages = value.get("pagination") if isinstance(value, dict) else None
    if not isinstance(pages, dict):
        return ()
    total, offset = (_number(pages.get(name)) for name in ("total", "offset"))
    if not text(pages, "next") and not offset and (total is None or total <= count):
        return ()
    of = f" of {total}" if total is not None else ""
    what = f"the answer holds {count}{of} notifications, from number {(offset or 0) + 1} on"
    page = _notice({"id": f"page-{fingerprint(pages)}", "type": "IBX_MAINTENANCE"}, origin)
    return (
        replace(page, title=what, status=Status.CONFIRMED, problems=(f"{what}: the other pages are not in this file",)),
    )


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else None
