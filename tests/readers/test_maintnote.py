"""MAINTNOTE calendars, sound ones and those that senders really write."""

from __future__ import annotations

import pytest

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.domain.notice import Impact, ObjectImpact, Status
from maintsched.readers import read

from .given import calendar, maintnote, one, origin, shown


def test_every_property_of_the_standard_is_read() -> None:
    notice = one(calendar(maintnote()))
    assert (notice.provider, notice.account, notice.maintenance_id) == ("carrier.example", "A-1", "WO-7")
    assert (notice.uid, notice.sequence, notice.title) == ("42", 1, "Work on a line card")
    assert shown(notice.interval) == "2026-12-09T01:00Z/2026-12-09T05:00Z"
    assert (notice.status, notice.impact) == (Status.CONFIRMED, Impact.OUTAGE)
    assert notice.objects == (ObjectImpact("IC-1"),)
    assert notice.sender == "noc@carrier.example"
    assert notice.problems == ()


STATUSES = [
    ("own beats plain", {"X-MAINTNOTE-STATUS": "CANCELLED", "STATUS": "CONFIRMED"}, Status.CANCELLED, False),
    ("own beats plain, other way", {"X-MAINTNOTE-STATUS": "CONFIRMED", "STATUS": "CANCELLED"}, Status.CONFIRMED, False),
    ("plain where there is no own", {"X-MAINTNOTE-STATUS": None, "STATUS": "CANCELLED"}, Status.CANCELLED, False),
    ("absent is unchanged", {"X-MAINTNOTE-STATUS": None}, None, False),
    ("leading space", {"X-MAINTNOTE-STATUS": " COMPLETED"}, Status.COMPLETED, False),
    ("small letters", {"X-MAINTNOTE-STATUS": "in-process"}, Status.IN_PROCESS, False),
    ("rescheduled is alive", {"X-MAINTNOTE-STATUS": "RE-SCHEDULED"}, Status.CONFIRMED, False),
    ("unknown needs a person", {"X-MAINTNOTE-STATUS": "X-PAUSED"}, None, True),
    (
        "title says over",
        {"X-MAINTNOTE-STATUS": None, "SUMMARY": "Urgent maintenance: Completed [V-1]"},
        None,
        True,
    ),
]


@pytest.mark.parametrize(("why", "changes", "status", "doubtful"), STATUSES, ids=[case[0] for case in STATUSES])
def test_status(why: str, changes: dict[str, str | None], status: Status | None, doubtful: bool) -> None:
    notice = one(calendar(maintnote(changes)))
    assert notice.status == status
    assert bool(notice.problems) is doubtful


PROBLEMS = [
    ({"X-MAINTNOTE-PROVIDER": None}, "PROVIDER is missing", True),
    ({"X-MAINTNOTE-ACCOUNT": None}, "ACCOUNT is missing", True),
    ({"X-MAINTNOTE-MAINTENANCE-ID": None}, "MAINTENANCE-ID is missing", True),
    ({"X-MAINTNOTE-OBJECT-ID": None}, "OBJECT-ID is missing", True),
    ({"DTSTART": None}, "DTSTART is missing", False),
    ({"DTEND": None}, "DTEND is missing", False),
    ({"DTSTART": "20261209Z"}, "not a calendar time", False),
    ({"DTSTART": "20261209T250000Z"}, "hour must be", False),
    ({"DTSTART": "20261209T010060Z"}, "second must be", False),
    ({"DTSTART": "20261209T010000"}, "has no zone", False),
    ({"DTSTART": "20261209T010000Z\nDTSTART:20261210T010000Z"}, "more than once", False),
    ({"DTEND": "20261209T000000Z"}, "before or when it starts", False),
    ({"DTEND": "20261209T010000Z"}, "before or when it starts", False),
    ({"DTEND": "20261211T010000Z"}, "longer than 24 h", True),
    ({"SEQUENCE": "two"}, "SEQUENCE 'two'", True),
    ({"DTSTAMP": "20261340T000000Z"}, "month must be", True),
    ({"SEQUENCE": None, "DTSTAMP": None}, "cannot be put in order", True),
    ({"X-MAINTNOTE-MAINTENANCE-090234": "x"}, "not a property of the standard", True),
    ({"RRULE": "FREQ=DAILY;COUNT=3"}, "recurring MAINTNOTE", True),
]


@pytest.mark.parametrize(("changes", "says", "has_time"), PROBLEMS, ids=[case[1] for case in PROBLEMS])
def test_what_is_missing_or_contradictory_goes_to_a_person(
    changes: dict[str, str | None], says: str, has_time: bool
) -> None:
    notice = one(calendar(maintnote(changes)))
    assert [problem for problem in notice.problems if says in problem], notice.problems
    assert (notice.interval is not None) is has_time


TOLERATED = [{"ORGANIZER": None}, {"SEQUENCE": None}, {"DTSTAMP": None}, {"SUMMARY": None}, {"UID": None}]


@pytest.mark.parametrize("changes", TOLERATED, ids=[next(iter(case)) for case in TOLERATED])
def test_what_some_senders_leave_out_is_tolerated(changes: dict[str, str | None]) -> None:
    assert one(calendar(maintnote(changes))).problems == ()


def test_a_cancellation_may_leave_out_time_objects_and_impact() -> None:
    left_out = {"DTSTART": None, "DTEND": None, "X-MAINTNOTE-OBJECT-ID": None, "X-MAINTNOTE-IMPACT": None}
    notice = one(calendar(maintnote({**left_out, "X-MAINTNOTE-STATUS": "CANCELLED"})))
    assert (notice.status, notice.interval, notice.objects, notice.problems) == (Status.CANCELLED, None, (), ())


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        ("X-MAINTNOTE-MAINTENANCE-ID:B", "WO-7"),
        ("X-MAINTNOTE-MAINTENANCE-ID;X-MAINTNOTE-PRECEDENCE=PRIMARY:B", "B"),
        ("X-MAINTNOTE-MAINTENANCE-ID;X-MAINTNOTE-PRECEDENCE=NON-PRIMARY:B", "WO-7"),
    ],
)
def test_the_primary_maintenance_id_counts_else_the_first(ids: str, chosen: str) -> None:
    assert one(calendar(maintnote(extra=ids))).maintenance_id == chosen


def test_objects_have_their_own_impact_and_come_once() -> None:
    extra = (
        "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=NO-IMPACT:000999\n"
        'X-MAINTNOTE-OBJECT-ID;ALTREP="https://x.example/a:b;c";X-MAINTNOTE-OBJECT-IMPACT=X-ODD:7\n'
        "X-MAINTNOTE-OBJECT-ID:IC-1\n"
    )
    notice = one(calendar(maintnote(extra=extra)))
    assert notice.objects == (
        ObjectImpact("IC-1"),
        ObjectImpact("000999", Impact.NO_IMPACT),
        ObjectImpact("7", Impact.OUTAGE),
    )


def test_an_unknown_impact_is_an_outage() -> None:
    assert one(calendar(maintnote({"X-MAINTNOTE-IMPACT": "X-SOME"}))).impact is Impact.OUTAGE


def test_an_object_id_folded_without_its_space_is_kept_both_ways_and_needs_a_person() -> None:
    notice = one(calendar(maintnote({"X-MAINTNOTE-OBJECT-ID": "AB-CD EP1:654-\nSR654"})))
    assert {"SR654", "AB-CD EP1:654-SR654"} <= {item.object_id for item in notice.objects}
    assert any(problem.startswith(OBJECTS_INCOMPLETE) for problem in notice.problems)


def test_raw_lines_inside_a_description_do_no_harm() -> None:
    notice = one(calendar(maintnote(extra="DESCRIPTION:Our customers \nget more capacity\nand will be told.\n")))
    assert notice.problems == ()


def test_one_bad_event_does_not_spoil_the_rest_of_the_file() -> None:
    good, bad = maintnote(), maintnote({"DTSTART": "tomorrow", "X-MAINTNOTE-MAINTENANCE-ID": "WO-8"})
    first, second, third = read(calendar(good, bad, "X-MAINTNOTE-NOTHING:x"), origin())
    assert (first.problems, shown(first.interval)) == ((), "2026-12-09T01:00Z/2026-12-09T05:00Z")
    assert (second.maintenance_id, second.interval) == ("WO-8", None)
    assert third.problems


def test_two_events_with_one_uid_stay_two_maintenances() -> None:
    notices = read(calendar(maintnote(), maintnote({"X-MAINTNOTE-MAINTENANCE-ID": "WO-8"})), origin())
    assert [notice.maintenance_id for notice in notices] == ["WO-7", "WO-8"]


def test_a_file_that_ends_inside_an_event_is_not_trusted() -> None:
    data = calendar(maintnote()).split(b"END:VEVENT")[0]
    assert "the file ends inside this event" in one(data).problems


def test_text_cannot_carry_control_characters() -> None:
    notice = one(calendar(maintnote({"SUMMARY": "red\x1b[31m\u202eevil\\nline"})))
    assert notice.title == "red[31mevil line"
