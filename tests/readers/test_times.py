"""Times of calendar entries: every way in which a zone is given, left out or contradicted."""

from __future__ import annotations

import pytest

from .given import calendar, one, plain_event, shown

NO_DST = """BEGIN:VTIMEZONE
TZID:{0}
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+{1}
TZOFFSETTO:+{1}
END:STANDARD
END:VTIMEZONE
"""

HISTORY = """BEGIN:VTIMEZONE
TZID:Calcutta office
BEGIN:STANDARD
DTSTART:18540628T000000
TZOFFSETFROM:+055328
TZOFFSETTO:+055320
END:STANDARD
BEGIN:STANDARD
DTSTART:19060101T000000
TZOFFSETFROM:+055320
TZOFFSETTO:+0530
END:STANDARD
END:VTIMEZONE
"""
OUTLOOK = """BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""

TIMES = [
    # (what, start, end, calendar header, declared zone, expected, what a problem says)
    ("utc", ":20260715T080000Z", ":20260715T100000Z", "", None, "2026-07-15T08:00Z/2026-07-15T10:00Z", ""),
    (
        "floating, declared",
        ":20260715T080000",
        ":20260715T100000",
        "",
        "Europe/London",
        "2026-07-15T07:00Z/2026-07-15T09:00Z",
        "",
    ),
    ("floating, undeclared", ":20260715T080000", ":20260715T100000", "", None, "", "has no zone"),
    (
        "server time, summer",
        ":20260718T080000",
        ":20260718T230000",
        "",
        "NY+7",
        "2026-07-18T05:00Z/2026-07-18T20:00Z",
        "",
    ),
    (
        "server time, winter",
        ":20261212T080000",
        ":20261212T230000",
        "",
        "NY+7",
        "2026-12-12T06:00Z/2026-12-12T21:00Z",
        "",
    ),
    (
        "server time while only New York has summer",
        ":20260314T080000",
        ":20260314T090000",
        "",
        "NY+7",
        "2026-03-14T05:00Z/2026-03-14T06:00Z",
        "",
    ),
    (
        "calendar's zone",
        ":20260715T080000",
        ":20260715T100000",
        "X-WR-TIMEZONE:Europe/Berlin\n",
        None,
        "2026-07-15T06:00Z/2026-07-15T08:00Z",
        "",
    ),
    (
        "calendar's zone against the declared one",
        ":20260715T080000",
        ":20260715T100000",
        "X-WR-TIMEZONE:UTC\n",
        "Europe/London",
        "",
        "its file says UTC",
    ),
    (
        "iana",
        ";TZID=Europe/London:20260715T080000",
        ";TZID=Europe/London:20260715T100000",
        "",
        None,
        "2026-07-15T07:00Z/2026-07-15T09:00Z",
        "",
    ),
    (
        "two zones",
        ";TZID=Europe/London:20260715T080000",
        ";TZID=America/New_York:20260715T080000",
        "",
        None,
        "2026-07-15T07:00Z/2026-07-15T12:00Z",
        "",
    ),
    (
        "windows name",
        ";TZID=GMT Standard Time:20260715T080000",
        ":20260715T100000Z",
        "",
        None,
        "2026-07-15T07:00Z/2026-07-15T10:00Z",
        "",
    ),
    (
        "quoted windows name",
        ';TZID="Eastern Standard Time":20260715T080000',
        ":20260715T150000Z",
        "",
        None,
        "2026-07-15T12:00Z/2026-07-15T15:00Z",
        "",
    ),
    (
        "prefixed name",
        ";TZID=/freeassociation.sourceforge.net/Europe/London:20260715T080000",
        ":20260715T100000Z",
        "",
        None,
        "2026-07-15T07:00Z/2026-07-15T10:00Z",
        "",
    ),
    ("unknown name", ";TZID=GMT Standard Time 1:20260715T080000", ":20260715T100000Z", "", None, "", "is not known"),
    (
        "custom name, defined",
        ";TZID=Plant:20260715T080000",
        ":20260715T100000Z",
        NO_DST.format("Plant", "0300"),
        None,
        "2026-07-15T05:00Z/2026-07-15T10:00Z",
        "",
    ),
    (
        "London without summer time",
        ";TZID=Europe/London:20260715T080000",
        ":20260715T100000Z",
        NO_DST.format("Europe/London", "0000"),
        None,
        "",
        "contradicts",
    ),
    (
        "the same in winter",
        ";TZID=Europe/London:20261215T080000",
        ":20261215T100000Z",
        NO_DST.format("Europe/London", "0000"),
        None,
        "2026-12-15T08:00Z/2026-12-15T10:00Z",
        "",
    ),
    (
        "GMT with summer time",
        ";TZID=GMT:20260715T080000",
        ":20260715T100000Z",
        NO_DST.format("GMT", "0100"),
        None,
        "",
        "contradicts",
    ),
    ("EST in summer", ";TZID=EST:20260715T080000", ":20260715T150000Z", "", None, "", "often meant"),
    (
        "EST in winter",
        ";TZID=EST:20261215T080000",
        ":20261215T150000Z",
        "",
        None,
        "2026-12-15T13:00Z/2026-12-15T15:00Z",
        "",
    ),
    (
        "hour that does not exist",
        ";TZID=America/New_York:20260308T023000",
        ":20260308T120000Z",
        "",
        None,
        "2026-03-08T06:30Z/2026-03-08T12:00Z",
        "does not exist",
    ),
    (
        "hour that exists twice",
        ";TZID=America/New_York:20261101T003000",
        ";TZID=America/New_York:20261101T013000",
        "",
        None,
        "2026-11-01T04:30Z/2026-11-01T06:30Z",
        "exists twice",
    ),
    (
        "all day",
        ";VALUE=DATE:20260715",
        ";VALUE=DATE:20260716",
        "",
        "Europe/London",
        "2026-07-14T23:00Z/2026-07-15T23:00Z",
        "",
    ),
    ("all day, bare", ":20260715", ":20260716", "", "America/New_York", "2026-07-15T04:00Z/2026-07-16T04:00Z", ""),
    (
        "the day of 25 hours",
        ";VALUE=DATE:20261025",
        ";VALUE=DATE:20261026",
        "",
        "Europe/London",
        "2026-10-24T23:00Z/2026-10-26T00:00Z",
        "",
    ),
    ("all day, undeclared", ";VALUE=DATE:20260715", ";VALUE=DATE:20260716", "", None, "", "has no zone"),
    (
        "two days",
        ";VALUE=DATE:20260715",
        ";VALUE=DATE:20260717",
        "",
        "UTC",
        "2026-07-15T00:00Z/2026-07-17T00:00Z",
        "longer than 24 h",
    ),
    (
        "declared zone that does not exist",
        ":20260715T080000",
        ":20260715T100000",
        "",
        "Europe/Slough",
        "",
        "is not known",
    ),
    (
        "the end of time",
        ":99991231T235959",
        ":99991231T235959",
        "",
        "America/New_York",
        "",
        "outside of what can be reckoned",
    ),
    (
        "GMT in summer",
        ";TZID=GMT:20260715T080000",
        ":20260715T150000Z",
        "",
        None,
        "",
        "Europe/London, which is often meant",
    ),
    (
        "GMT in winter",
        ";TZID=GMT:20261215T080000",
        ":20261215T150000Z",
        "",
        None,
        "2026-12-15T08:00Z/2026-12-15T15:00Z",
        "",
    ),
    (
        "a zone beside Z that agrees",
        ";TZID=Europe/London:20261215T080000Z",
        ";TZID=Etc/UTC:20261215T150000Z",
        "",
        None,
        "2026-12-15T08:00Z/2026-12-15T15:00Z",
        "",
    ),
    (
        "a zone beside Z that does not",
        ";TZID=Europe/London:20260715T080000Z",
        ":20260715T150000Z",
        "",
        None,
        "",
        "in UTC by its Z, but in 'Europe/London' by its TZID",
    ),
    (
        "an unknown zone beside Z",
        ";TZID=Slough:20260715T080000Z",
        ":20260715T150000Z",
        "",
        None,
        "",
        "in UTC by its Z, but in 'Slough' by its TZID",
    ),
    (
        "what Outlook shows for a zone, defined",
        ";TZID=(UTC+00:00) Dublin, London:20260715T080000",
        ":20260715T100000Z",
        NO_DST.format("(UTC+00:00) Dublin\\, London", "0100"),
        None,
        "2026-07-15T07:00Z/2026-07-15T10:00Z",
        "",
    ),
    (
        "what Outlook shows for a zone, undefined",
        ";TZID=(UTC+00:00) Dublin, London:20260715T080000",
        ":20260715T100000Z",
        "",
        "UTC",
        "",
        "'(UTC+00:00) Dublin, London' is not known",
    ),
    (
        "a definition that cannot be read",
        ";TZID=Europe/London:20260715T080000",
        ":20260715T100000Z",
        "BEGIN:VTIMEZONE\nTZID:Europe/London\nEND:VTIMEZONE\n",
        None,
        "2026-07-15T07:00Z/2026-07-15T10:00Z",
        "own definition of the time zone Europe/London cannot be read",
    ),
    (
        "a zone whose history begins before 1900",
        ";TZID=Calcutta office:20260715T080000",
        ":20260715T100000Z",
        HISTORY,
        None,
        "2026-07-15T02:30Z/2026-07-15T10:00Z",
        "",
    ),
    (
        "rules since 1601, as Outlook writes them",
        ";TZID=Office:20260715T080000",
        ";TZID=Office:20261215T080000",
        OUTLOOK,
        None,
        "2026-07-15T07:00Z/2026-12-15T08:00Z",
        "longer than 24 h",
    ),
    (
        "calendar's zone that is unknown",
        ":20260715T080000",
        ":20260715T100000",
        "X-WR-TIMEZONE:Slough\n",
        None,
        "",
        "has no zone",
    ),
    (
        "calendar's Windows zone",
        ":20260715T080000",
        ":20260715T100000",
        "X-WR-TIMEZONE:GMT Standard Time\n",
        None,
        "2026-07-15T07:00Z/2026-07-15T09:00Z",
        "",
    ),
    (
        "server time while London has winter and New York summer",
        ":20271106T080000",
        ":20271106T090000",
        "",
        "NY+7",
        "2027-11-06T05:00Z/2027-11-06T06:00Z",
        "",
    ),
    ("a day to a time", ";VALUE=DATE:20260715", ":20260716T000000Z", "", "UTC", "", "not both days or both times"),
    ("lower case", ":20260715t080000z", ":20260715T100000Z", "", None, "", "is not a calendar time"),
    ("the year nought", ":00000715T080000Z", ":20260715T100000Z", "", None, "", "year 0 is out of range"),
    ("other digits", ":２０２６0715T080000Z", ":20260715T100000Z", "", None, "", "is not a calendar time"),
]


@pytest.mark.parametrize(
    ("why", "start", "end", "header", "zone", "expected", "says"), TIMES, ids=[c[0] for c in TIMES]
)
def test_times(why: str, start: str, end: str, header: str, zone: str | None, expected: str, says: str) -> None:
    notice = one(calendar(plain_event(start, end), header=header), timezone=zone)
    assert shown(notice.interval) == expected
    assert (says in " ".join(notice.problems)) if says else notice.problems == ()
