"""The calendars and mails that ship with the demo's inventory."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from maintsched.domain.notice import Impact, Status
from maintsched.readers import read

from .given import one, origin, shown

CALENDARS = Path(__file__).parents[2] / "calendars"
MAILS = [
    (
        "ld7-switch-replacement",
        "CHG0300101",
        Status.CONFIRMED,
        "2026-12-09T01:00Z/2026-12-09T05:00Z",
        "20931178-A",
        ("LD7",),
    ),
    (
        "ld4-fibre-cancelled",
        "CHG0300102",
        Status.CANCELLED,
        "2026-12-16T23:00Z/2026-12-17T03:00Z",
        "20931177-A",
        ("LD4",),
    ),
    (
        "sg-dark-fibre",
        "CHG0300103",
        Status.CONFIRMED,
        "2027-01-08T16:00Z/2027-01-08T22:00Z",
        "30044055-B",
        ("SG1", "SG3"),
    ),
]


@pytest.mark.parametrize(
    ("name", "ticket", "status", "when", "serial", "sites"), MAILS, ids=[case[0] for case in MAILS]
)
def test_the_sample_mails(
    name: str, ticket: str, status: Status, when: str, serial: str, sites: tuple[str, ...]
) -> None:
    notice = one((CALENDARS / "inbox" / f"{name}.eml").read_bytes(), provider="Equinix")
    assert (notice.maintenance_id, notice.status, shown(notice.interval)) == (ticket, status, when)
    assert ([item.object_id for item in notice.objects], notice.sites) == ([serial], sites)
    assert (notice.impact, notice.problems) == (Impact.OUTAGE, ())


def test_every_sample_mail_is_in_the_table() -> None:
    assert {path.stem for path in (CALENDARS / "inbox").glob("*.eml")} == {case[0] for case in MAILS}


def test_the_platforms_saturdays_follow_its_server_time() -> None:
    notices = read((CALENDARS / "spotware.ics").read_bytes(), origin(provider="Spotware", timezone="NY+7"))
    by_day = {shown(notice.interval)[:10]: shown(notice.interval) for notice in notices}
    assert by_day["2026-12-12"] == "2026-12-12T06:00Z/2026-12-12T21:00Z"
    assert by_day["2027-03-13"] == "2027-03-13T06:00Z/2027-03-13T21:00Z"
    assert by_day["2027-04-10"] == "2027-04-10T05:00Z/2027-04-10T20:00Z"
    assert len(notices) == 13
    assert all(notice.interval and notice.interval.start.weekday() == 5 for notice in notices)
    assert all(notice.interval and notice.interval.duration == timedelta(hours=15) for notice in notices)


def test_the_sample_maintnote_names_the_panel_port_of_ld4() -> None:
    notice = one((CALENDARS / "provider-maintnote.ics").read_bytes())
    assert ([item.object_id for item in notice.objects], notice.status) == (["PP:0101:1100001"], Status.CONFIRMED)
    assert (shown(notice.interval), notice.problems) == ("2027-01-10T00:00Z/2027-01-10T04:00Z", ())
