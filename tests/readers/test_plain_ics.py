"""Plain calendars: zones, all-day entries, recurrence, and what is refused."""

from __future__ import annotations

import time

import pytest

from maintsched.domain.notice import Impact, Status
from maintsched.errors import NoticeUnreadable
from maintsched.readers import read

from .given import calendar, one, origin, plain_event, shown


def test_a_day_without_end_lasts_a_day_and_a_duration_counts_from_the_start() -> None:
    day = one(calendar("UID:a\nDTSTART;VALUE=DATE:20260715"), timezone="UTC")
    hours = one(calendar("UID:a\nDTSTART:20260715T080000Z\nDURATION:PT90M"))
    assert shown(day.interval) == "2026-07-15T00:00Z/2026-07-16T00:00Z"
    assert shown(hours.interval) == "2026-07-15T08:00Z/2026-07-15T09:30Z"


def test_identity_is_source_and_uid_and_the_impact_is_the_sources() -> None:
    notice = one(
        calendar(plain_event(":20260715T080000Z", ":20260715T100000Z")), provider="Spotware", impact=Impact.DEGRADED
    )
    assert (notice.provider, notice.account, notice.maintenance_id) == ("Spotware", "", "box:u1")
    assert (notice.title, notice.impact, notice.status) == ("Upgrade", Impact.DEGRADED, None)


STATUSES = [
    ("STATUS:CANCELLED", "", Status.CANCELLED, False),
    ("STATUS:TENTATIVE", "", Status.TENTATIVE, False),
    ("", "METHOD:CANCEL\n", Status.CANCELLED, False),
    ("STATUS:MAYBE", "", None, True),
    ("STATUS:CONFIRMED\nSUMMARY:Canceled: Upgrade", "", Status.CONFIRMED, True),
]


@pytest.mark.parametrize(("lines", "header", "status", "doubtful"), STATUSES)
def test_status(lines: str, header: str, status: Status | None, doubtful: bool) -> None:
    event = f"UID:u1\nDTSTART:20260715T080000Z\nDTEND:20260715T100000Z\n{lines}"
    notice = one(calendar(event, header=header))
    assert (notice.status, bool(notice.problems)) == (status, doubtful)


def test_a_rule_is_expanded_inside_the_horizon_on_the_wall_clock() -> None:
    london = ";TZID=Europe/London:"
    rule = "RRULE:FREQ=MONTHLY;BYDAY=1SA;UNTIL=20260530T000000Z"
    event = plain_event(f"{london}20260307T220000", f"{london}20260308T020000", rule)
    notices = read(calendar(event), origin())
    assert [(notice.uid, shown(notice.interval)) for notice in notices] == [
        ("u1@20260307T220000Z", "2026-03-07T22:00Z/2026-03-08T02:00Z"),
        ("u1@20260404T210000Z", "2026-04-04T21:00Z/2026-04-05T01:00Z"),
        ("u1@20260502T210000Z", "2026-05-02T21:00Z/2026-05-03T01:00Z"),
    ]


def test_moved_left_out_and_added_occurrences() -> None:
    dates = "EXDATE:20260707T080000Z\nRDATE:20260720T080000Z"
    master = plain_event(":20260706T080000Z", ":20260706T090000Z", f"RRULE:FREQ=DAILY;COUNT=4\n{dates}")
    moved = "UID:u1\nRECURRENCE-ID:20260708T080000Z\nDTSTART:20260708T200000Z\nDTEND:20260708T210000Z\nSTATUS:CANCELLED"
    notices = read(calendar(master, moved), origin())
    assert [(notice.uid, shown(notice.interval)[:17], notice.status) for notice in notices] == [
        ("u1@20260706T080000Z", "2026-07-06T08:00Z", None),
        ("u1@20260708T080000Z", "2026-07-08T20:00Z", Status.CANCELLED),
        ("u1@20260709T080000Z", "2026-07-09T08:00Z", None),
        ("u1@20260720T080000Z", "2026-07-20T08:00Z", None),
    ]


def test_a_rule_in_utc_in_a_calendar_with_a_zone_is_doubted_where_the_readings_differ() -> None:
    rule = plain_event(":20260304T080000Z", ":20260304T090000Z", "RRULE:FREQ=MONTHLY;COUNT=2")
    winter, summer = read(calendar(rule, header="X-WR-TIMEZONE:Europe/London\n"), origin())
    assert winter.problems == ()
    assert "an hour off" in " ".join(summer.problems)


REFUSED = [
    ("DTSTART:20200101T000000Z", "PT1M", "FREQ=MINUTELY"),
    ("DTSTART:20260101T000000Z", "PT1S", "FREQ=SECONDLY"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=0,1,2"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;BYSECOND=0,1"),
    ("DTSTART:20260101T000000Z", "P3650D", "FREQ=HOURLY"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=HOURLY"),
    ("DTSTART:19700101T000000Z", "PT1M", "FREQ=HOURLY"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;INTERVAL=0"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=HOURLY;BYMONTHDAY=31"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=HOURLY;INTERVAL=24;BYHOUR=5"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=SOMETIMES"),
    ("DTSTART:20260101T000000Z", "PT1M", "FREQ=DAILY;COUNT=2;UNTIL=20260110T000000Z"),
]


@pytest.mark.parametrize(("start", "length", "rule"), REFUSED, ids=[case[2] for case in REFUSED])
def test_a_rule_that_could_run_away_is_refused_in_time_and_not_dropped(start: str, length: str, rule: str) -> None:
    begun = time.monotonic()
    notice = one(calendar(f"UID:bomb\n{start}\nDURATION:{length}\nRRULE:{rule}"))
    assert notice.interval is None
    assert notice.problems
    assert time.monotonic() - begun < 4


ALLOWED = [
    "FREQ=DAILY;COUNT=1000000000",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "FREQ=DAILY;BYMONTH=1",
    "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
]


@pytest.mark.parametrize("rule", ALLOWED)
def test_a_rule_with_a_far_end_or_none_is_expanded_quickly(rule: str) -> None:
    begun = time.monotonic()
    notices = read(calendar(f"UID:far\nDTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:{rule}"), origin())
    assert all(notice.problems == () for notice in notices)
    assert len(notices) <= 730
    assert time.monotonic() - begun < 4


ENCODINGS = [
    ("LF only", lambda data: data.replace(b"\r\n", b"\n")),
    ("CR only", lambda data: data.replace(b"\r\n", b"\r")),
    ("BOM", lambda data: b"\xef\xbb\xbf" + data),
    ("UTF-16", lambda data: data.decode().encode("utf-16")),
    ("blank lines", lambda data: data.replace(b"\r\n", b"\r\n\r\n")),
    ("Latin-1", lambda data: data.replace(b"Upgrade", b"Upgr\xe4de")),
]


@pytest.mark.parametrize(("why", "change"), ENCODINGS, ids=[case[0] for case in ENCODINGS])
def test_bytes_as_programs_write_them(why: str, change: object) -> None:
    assert callable(change)
    notice = one(change(calendar(plain_event(":20260715T080000Z", ":20260715T100000Z"))))
    assert (shown(notice.interval), notice.problems) == ("2026-07-15T08:00Z/2026-07-15T10:00Z", ())


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"hello", b"<html></html>", b"{}"])
def test_bytes_of_no_known_format_are_an_error_not_an_empty_calendar(data: bytes) -> None:
    with pytest.raises(NoticeUnreadable, match=r"neither a calendar nor a mail|of no known format"):
        read(data, origin())


def test_a_calendar_without_events_has_no_notices() -> None:
    assert read(calendar(), origin()) == ()
