"""Whatever the bytes: our error or notices, nothing else, and what is not certain is doubted."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.errors import MaintschedError
from maintsched.readers import read
from maintsched.readers.freezes import read_freezes

from .given import HORIZON, calendar, maintnote, origin, plain_event
from .test_equinix import body, mail
from .test_equinix_mails import QUOTE

SEEDS = [
    calendar(maintnote(), maintnote({"DTSTART": "20261209T010000"})),
    calendar(plain_event(";TZID=Europe/London:20260307T220000", ":20260308T020000Z", "RRULE:FREQ=WEEKLY;COUNT=3")),
    calendar(plain_event(":20260715", ":20260716", "EXDATE:20260715"), header="X-WR-TIMEZONE:Europe/Berlin\n"),
    mail(body()),
    mail(body(before=QUOTE), subject="CANCELLED - Splicing [CHG0300101]"),
    mail(text="UTC: WEDNESDAY, 09 DEC 01:00 - 05:00\nAccount # Product Service Serial #\n1 x 2\n"),
]
PIECES = [
    *(b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VCALENDAR", b"END:VALARM"),
    b"BEGIN:VTIMEZONE\r\nTZID:Europe/London\r\nEND:VTIMEZONE",
    *(b"DTSTART:00010101T000000", b"DTEND:99991231T235959Z", b"DURATION:-P1D", b"DURATION:P99999999999D"),
    *(b"RRULE:FREQ=DAILY;UNTIL=0", b"RRULE:FREQ=YEARLY;BYDAY=99MO", b"RECURRENCE-ID:20260715", b"RDATE:x,y"),
    *(b"TZID=../../etc/passwd", b"TZID=", b"SEQUENCE:-99999999999999999999", b"\x00", b"\r\n \r\n", b"\xff\xfe"),
    *(b"UTC: MONDAY, 99 XXX 99:99 - 99:99", b"SPAN: 31-FEB-2026", b"<table><tr><th>Account #<th>Serial #", b"=?x?"),
    *(b"Content-Type: text/html; charset=nonsense", b"Content-Transfer-Encoding: base64"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data = data[:start] + draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12))) + data[end:]
    return data


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_no_reader_raises_anything_but_our_error(data: bytes) -> None:
    try:
        notices = read(data, origin(timezone="NY+7"))
    except MaintschedError:
        return
    for notice in notices:
        over = notice.status is not None and not notice.status.counts
        assert notice.interval is not None or notice.problems or over
        assert notice.maintenance_id


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=300), damaged()))
def test_no_freeze_calendar_raises_anything_but_our_error(data: bytes) -> None:
    try:
        freezes = read_freezes(data, HORIZON)
    except MaintschedError:
        return
    assert all(found.overlaps(HORIZON) for found, _ in freezes.freezes)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"From: a\r\nDate: b\r\n"])
)
def test_noise_is_no_notice_or_a_doubted_one(noise: bytes, head: bytes) -> None:
    try:
        notices = read(head + noise, origin())
    except MaintschedError:
        return
    assert all(notice.problems or notice.interval for notice in notices)
