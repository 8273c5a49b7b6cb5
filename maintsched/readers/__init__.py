"""Bytes in, Notices out: one module for each format, pure, chosen by looking at the content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from maintsched.domain.notice import Notice
from maintsched.errors import NoticeUnreadable
from maintsched.readers.aws_health import is_aws_health, read_aws_health
from maintsched.readers.aws_mail import is_aws_mail, read_aws_mail
from maintsched.readers.contentlines import clean, looks_like_calendar
from maintsched.readers.equinix import is_equinix, read_equinix
from maintsched.readers.equinix_gateway import is_equinix_gateway, read_equinix_gateway
from maintsched.readers.equinix_notifications import is_equinix_notifications, read_equinix_notifications
from maintsched.readers.ics import read_ics
from maintsched.readers.jsontext import looks_like_json, read_json
from maintsched.readers.mail import Mail, looks_like_mail, read_mail
from maintsched.readers.origin import Origin
from maintsched.readers.spotware_mail import is_spotware_mail, read_spotware_mail

__all__ = ["Origin", "read"]

# Each format: whether a mail or a JSON value is of it, and its reader. The first that says yes reads.
MAILS: tuple[tuple[Callable[[Mail], bool], Callable[[Mail, bytes, Origin], tuple[Notice, ...]]], ...] = (
    (is_aws_mail, read_aws_mail),  # before Equinix, in whose buildings AWS's endpoints are
    (is_equinix, read_equinix),
    (is_spotware_mail, read_spotware_mail),
)
JSONS: tuple[tuple[Callable[[object], bool], Callable[[object, Origin], tuple[Notice, ...]]], ...] = (
    (is_equinix_notifications, read_equinix_notifications),
    (is_equinix_gateway, read_equinix_gateway),
    (is_aws_health, read_aws_health),
)


def read(data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """The notices in a calendar, mail or JSON text. What is unclear in one stands in its `problems`.

    Raises NoticeUnreadable where the bytes are of no known format.
    """
    if looks_like_json(data):
        return tuple(map(cleaned, _of_json(data, origin)))
    if looks_like_mail(data):
        return tuple(map(cleaned, _of_mail(data, read_mail(data), origin)))
    if looks_like_calendar(data):
        return read_ics(data, origin)
    raise NoticeUnreadable(f"{origin.source}: neither a calendar nor a mail nor JSON ({len(data)} bytes)")


def _of_mail(data: bytes, mail: Mail, origin: Origin) -> tuple[Notice, ...]:
    """A calendar inside counts; else the text, where its format is known."""
    found: list[Notice] = []
    for calendar in mail.calendars:
        if looks_like_calendar(calendar):
            found += [replace(notice, sender=mail.sender) for notice in read_ics(calendar, origin)]
    if found:
        return tuple(found)
    for fits, reader in MAILS:
        if fits(mail):
            return reader(mail, data, origin)
    subject = mail.subject[:80] or "without subject"
    raise NoticeUnreadable(f"{origin.source}: the mail {subject!r} is of no known format")


def _of_json(data: bytes, origin: Origin) -> tuple[Notice, ...]:
    value = read_json(data)
    for fits, reader in JSONS:
        if fits(value):
            return reader(value, origin)
    raise NoticeUnreadable(f"{origin.source}: JSON of no known format")


def cleaned(notice: Notice) -> Notice:
    """The notice without control characters in any of its texts, whatever its reader let through."""
    return replace(
        notice,
        provider=clean(notice.provider),
        account=clean(notice.account),
        maintenance_id=clean(notice.maintenance_id),
        uid=clean(notice.uid),
        title=clean(notice.title),
        sender=clean(notice.sender),
        objects=tuple(replace(item, object_id=clean(item.object_id)) for item in notice.objects),
        sites=tuple(map(clean, notice.sites)),
        problems=tuple(map(clean, notice.problems)),
        other_ids=tuple(map(clean, notice.other_ids)),
    )
