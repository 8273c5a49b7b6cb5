"""Bytes in, Notices out: one module for each format, pure, chosen by looking at the content."""

from __future__ import annotations

from dataclasses import replace

from maintsched.domain.notice import Notice
from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import looks_like_calendar
from maintsched.readers.equinix import is_equinix, read_equinix
from maintsched.readers.ics import read_ics
from maintsched.readers.mail import Mail, looks_like_mail, read_mail
from maintsched.readers.origin import Origin

__all__ = ["Origin", "read"]


def read(data: bytes, origin: Origin) -> tuple[Notice, ...]:
    """The notices in a calendar or mail. What is unclear in one stands in its `problems`.

    Raises NoticeUnreadable where the bytes are of no known format.
    """
    if looks_like_mail(data):
        return _of_mail(data, read_mail(data), origin)
    if looks_like_calendar(data):
        return read_ics(data, origin)
    raise NoticeUnreadable(f"{origin.source}: neither a calendar nor a mail ({len(data)} bytes)")


def _of_mail(data: bytes, mail: Mail, origin: Origin) -> tuple[Notice, ...]:
    """A calendar inside counts; else the text, where its format is known."""
    found: list[Notice] = []
    for calendar in mail.calendars:
        if looks_like_calendar(calendar):
            found += [replace(notice, sender=mail.sender) for notice in read_ics(calendar, origin)]
    if found:
        return tuple(found)
    if is_equinix(mail):
        return (read_equinix(mail, data, origin),)
    subject = mail.subject[:80] or "without subject"
    raise NoticeUnreadable(f"{origin.source}: the mail {subject!r} is of no known format")
