"""Feeds: bytes that every calendar program takes, stable, and readable by another maintsched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, ObjectImpact, Status
from maintsched.readers import Origin, read
from maintsched.writers.ics import FeedEntry, feed

NIGHT = Interval(datetime(2026, 12, 9, 1, tzinfo=UTC), datetime(2026, 12, 9, 5, tzinfo=UTC))
ENTRY = FeedEntry(
    uid="w-12@northgate.example",
    sequence=3,
    changed=datetime(2026, 11, 20, 10, tzinfo=UTC),
    interval=NIGHT,
    title="uk-ld4 OUTAGE, 1 of 2 left",
    description="London 01:00 to 05:00\nNew York 20:00; see CHG1",
    categories=("window", "uk-direct"),
)
MAINTNOTE = replace(
    ENTRY,
    provider="northgate.example",
    account="spotware",
    maintenance_id="W-12",
    objects=(ObjectImpact("20931177-A", Impact.OUTAGE), ObjectImpact("a,b;c\\d")),
    impact=Impact.DEGRADED,
    organizer="noc@northgate.example",
)
EXPECTED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//maintsched//maintsched//EN
CALSCALE:GREGORIAN
NAME:Northgate\\, maintenance
X-WR-CALNAME:Northgate\\, maintenance
REFRESH-INTERVAL;VALUE=DURATION:PT15M
X-PUBLISHED-TTL:PT15M
BEGIN:VEVENT
UID:w-12@northgate.example
DTSTAMP:20261120T100000Z
LAST-MODIFIED:20261120T100000Z
SEQUENCE:3
DTSTART:20261209T010000Z
DTEND:20261209T050000Z
SUMMARY:uk-ld4 OUTAGE\\, 1 of 2 left
DESCRIPTION:London 01:00 to 05:00\\nNew York 20:00\\; see CHG1
STATUS:CONFIRMED
TRANSP:TRANSPARENT
CATEGORIES:window,uk-direct
END:VEVENT
END:VCALENDAR
"""


def unfolded(data: bytes) -> str:
    return data.decode().replace("\r\n ", "").replace("\r\n", "\n")


def test_every_byte_of_a_feed() -> None:
    assert feed([ENTRY], "Northgate, maintenance").decode() == EXPECTED.replace("\n", "\r\n")


STATUSES = [
    (Status.TENTATIVE, "TENTATIVE"),
    (Status.CONFIRMED, "CONFIRMED"),
    (Status.IN_PROCESS, "CONFIRMED"),
    (Status.COMPLETED, "CONFIRMED"),
    (Status.CANCELLED, "CANCELLED"),
]


@pytest.mark.parametrize(("status", "plain"), STATUSES)
def test_a_status_is_one_that_icalendar_knows_and_cancelled_entries_stay(status: Status, plain: str) -> None:
    text = unfolded(feed([replace(MAINTNOTE, status=status)], "x"))
    assert f"\nSTATUS:{plain}\n" in text
    assert f"\nX-MAINTNOTE-STATUS:{status}\n" in text


def test_the_bytes_do_not_depend_on_the_order_of_entries_nor_on_the_clock() -> None:
    other = replace(ENTRY, uid="w-13@northgate.example", interval=NIGHT.widened(timedelta(hours=1)))
    assert feed([ENTRY, other], "x") == feed([other, ENTRY], "x")


def test_a_feed_says_nothing_that_makes_an_invitation_of_it() -> None:
    text = unfolded(feed([MAINTNOTE], "x", "for the partner", color="teal", refresh=timedelta(hours=1)))
    assert "METHOD" not in text
    assert "VALARM" not in text
    assert text.count("BEGIN:VCALENDAR") == 1
    assert "\nCOLOR:teal\nREFRESH-INTERVAL;VALUE=DURATION:PT60M\nX-PUBLISHED-TTL:PT60M\n" in text


def test_a_uid_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="w-12@northgate"):
        feed([ENTRY, ENTRY], "x")


def test_an_empty_feed_is_a_calendar() -> None:
    calendar = icalendar.Calendar.from_ical(feed([], "x"))
    assert isinstance(calendar, icalendar.Calendar)
    assert calendar.events == []


def test_icalendar_reads_what_was_meant() -> None:
    calendar = icalendar.Calendar.from_ical(feed([MAINTNOTE], "Northgate"))
    assert isinstance(calendar, icalendar.Calendar)
    (event,) = calendar.events
    assert event.errors == []
    assert (event.start, event.end) == (NIGHT.start, NIGHT.end)
    assert str(event["SUMMARY"]) == ENTRY.title
    assert str(event["DESCRIPTION"]) == ENTRY.description


def test_another_maintsched_reads_what_this_one_published() -> None:
    data = feed([replace(MAINTNOTE, status=Status.CANCELLED)], "x")
    (notice,) = read(data, Origin("partner", NIGHT.widened(timedelta(days=400))))
    assert (notice.provider, notice.account, notice.maintenance_id) == ("northgate.example", "spotware", "W-12")
    assert (notice.uid, notice.sequence, notice.stamp) == (ENTRY.uid, 3, ENTRY.changed)
    assert (notice.interval, notice.status, notice.impact) == (NIGHT, Status.CANCELLED, Impact.DEGRADED)
    assert (notice.objects, notice.problems) == (MAINTNOTE.objects, ())
    assert (notice.title, notice.sender) == (ENTRY.title, "noc@northgate.example")


@given(st.text(max_size=120), st.text(max_size=300), st.text(max_size=40))
def test_whatever_the_text_the_bytes_keep_the_rules(title: str, description: str, name: str) -> None:
    data = feed([replace(MAINTNOTE, title=title, description=description)], name)
    lines = data.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() is not None for line in lines)
    body = b"".join(lines)
    assert b"\r" not in body
    assert b"\n" not in body
    assert not any(byte < 32 or byte == 127 for byte in body)
    (notice,) = read(data, Origin("partner", NIGHT))
    assert (notice.maintenance_id, notice.interval, notice.problems) == ("W-12", NIGHT, ())
