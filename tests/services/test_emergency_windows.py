"""Emergencies: what the rules give way to, what they never give way to, and who must say yes when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.window import WindowState
from maintsched.errors import Refused
from maintsched.services import booking, windowing, working
from maintsched.services.booking import BookingRefused
from tests.cli.driving import Desk, at, maintnote, typed
from tests.services.living import approved, asking, audit, booked, claimed, does, patient, person, state, window

S = WindowState
WHEN = ("--circuit", "uk-ld4", "--start", typed(at(2)), "--duration", "1h")
WHAT = ("--title", "x", "--rollback", "undo")


@pytest.fixture
def calm(desk: Desk) -> Desk:
    return patient(desk)


NO_REASON = [("--emergency",), ("--override",), ("--accept-outage",), ("--emergency", "--override", "--reason", " ")]


@pytest.mark.parametrize("flags", NO_REASON)
def test_whoever_wants_the_rules_to_give_way_says_why(desk: Desk, flags: tuple[str, ...]) -> None:
    answer = desk.run("window", "book", *WHEN, *WHAT, *flags)
    assert (answer.code, "needs a reason" in answer.err, flags[0] in answer.err) == (2, True, True)


AGAINST = [
    (("--accept-outage", "--emergency"), "it is no emergency"),
    (("--accept-outage", "--override"), "overrides nothing"),
    (("--impact", "NO-IMPACT", "--override"), "takes nothing down"),
    (("--impact", "NO-IMPACT", "--accept-outage"), "takes nothing down"),
]


@pytest.mark.parametrize("verb", ["book", "check", "suggest"])
@pytest.mark.parametrize(("flags", "told"), AGAINST)
def test_what_does_not_go_together_is_wrong_usage(desk: Desk, verb: str, flags: tuple[str, ...], told: str) -> None:
    more = WHAT if verb == "book" else ()
    answer = desk.run("window", verb, *WHEN, *more, *flags, "--reason", "because")
    assert (answer.code, told in answer.err) == (2, True), answer


def test_a_dead_mail_server_does_not_stop_the_repair_and_is_recorded(empty_desk: Desk) -> None:
    refused = empty_desk.run("window", "book", *WHEN, *WHAT, "--json")
    assert (refused.code, "STALE" in {each["rule"] for each in refused.json["conflicts"]}) == (3, True)
    done = empty_desk.run("window", "book", *WHEN, *WHAT, "--emergency", "--reason", "fibre cut", "--json")
    assert done.code == 0, done
    stale = [each for each in done.json["conflicts"] if each["rule"] == "STALE"]
    assert {each["severity"] for each in stale} == {"warn"}
    assert (done.json["emergency"], done.json["reason"]) == (True, "fibre cut")
    assert any("stale" in each for each in audit(empty_desk)[0][1]["warnings"])


def soon(hours: float, length: float = 1) -> Interval:
    start = datetime.now(UTC) + timedelta(hours=hours)
    return Interval(start, start + timedelta(hours=length))


def test_an_emergency_starts_at_once_and_is_approved_within_48_hours(desk: Desk) -> None:
    with person(desk) as project:
        slot = soon(0)
        request = asking(emergency=True, reason="fibre cut")
        booked_now = booking.book(project, _at(request, slot))[0]
        working.start(project, booked_now.id)
    assert state(desk) is S.IN_PROGRESS
    does(desk, "finish")
    deadline = slot.start + timedelta(hours=48)
    for moment, overdue in ((deadline - timedelta(hours=1), False), (deadline + timedelta(hours=1), True)):
        with person(desk, moment=moment) as project, project.store.read(moment) as tx:
            (waiting,) = windowing.needs_retro_approval(tx, moment)
            assert (waiting.window.id, waiting.overdue) == ("W-1", overdue)
            assert ("is overdue" in waiting.text) is overdue
        with person(desk, moment=moment) as project:
            rows, _ = windowing.listed_windows(project, after=None, before=None, state=None, everything=False)
            assert [row.stored.window.id for row in rows] == ["W-1"]  # though it is over
    assert "retro-approval until" in desk.ok("window", "list")
    assert "waits for retro-approval until" in desk.ok("window", "show", "W-1")
    with pytest.raises(Refused):
        does(desk, "approve")  # by alice herself
    approved(desk)
    with person(desk) as project, project.store.read() as tx:
        assert windowing.needs_retro_approval(tx, deadline) == ()
    assert (state(desk), desk.json("window", "list")["windows"]) == (S.COMPLETED, [])
    with pytest.raises(Refused, match="W-1 is completed"):
        does(desk, "approve", by="carol")


def _at(request: booking.Request, slot: Interval) -> booking.Request:
    return replace(request, interval=slot)


def test_an_emergency_that_is_approved_while_it_runs_waits_for_nothing(desk: Desk) -> None:
    with person(desk) as project:
        booking.book(project, _at(asking(emergency=True, reason="cut"), soon(0)))
        working.start(project, "W-1")
    assert desk.json("window", "show", "W-1")["retro_approval"]["overdue"] is False
    approved(desk)
    assert state(desk) is S.IN_PROGRESS
    assert desk.json("window", "show", "W-1")["retro_approval"] is None


def test_an_emergency_never_skips_the_redundancy(calm: Desk) -> None:
    booked(calm, "uk-ld7")
    with person(calm) as project, pytest.raises(BookingRefused) as refused:
        booking.book(project, asking(emergency=True, reason="cut"))
    assert [each.rule for each in refused.value.conflicts if each.blocks] == ["REDUNDANCY"]


def test_an_emergency_is_not_started_into_a_second_outage(calm: Desk) -> None:
    """The other member goes down after it was booked: repairing this one would take the last path."""
    booked(calm, emergency=True, reason="cut")
    calm.carrier("1", maintnote("WO-7", at(1)))
    calm.ok("calendar", "import")
    assert state(calm) is S.NEEDS_REVIEW
    with pytest.raises(Refused, match="needs review"):
        does(calm, "start", moment=at(2))


@pytest.mark.parametrize("emergency", [False, True])
def test_an_override_takes_the_last_member_after_a_second_person_said_yes(calm: Desk, emergency: bool) -> None:
    ready_other = booked(calm, "uk-ld7")
    approved(calm, ready_other)
    booked(calm, override=True, emergency=emergency, reason="the other one is dark anyway")
    assert claimed(calm) == [(1, "uk-ld7", True), (2, "uk-ld4", False)]
    told = window(calm, "W-2")
    assert (told.override, told.emergency) == (True, emergency)
    with pytest.raises(Refused, match="W-2 is requested: it cannot be started"):
        does(calm, "start", "W-2")
    with pytest.raises(Refused, match="may not approve"):
        does(calm, "approve", "W-2")
    approved(calm, "W-2")
    assert [each for each in audit(calm, "W-2")[-1][1]["warnings"] if "0 of 1 needed" in each]
    if not emergency:
        with pytest.raises(Refused, match="no acknowledgement of Spotware"):
            does(calm, "start", "W-2", moment=at(2))
        does(calm, "ack", "W-2")
    does(calm, "start", "W-2", moment=at(2))
    assert state(calm, "W-2") is S.IN_PROGRESS


def test_an_agreed_outage_takes_every_member_once_the_partner_knows(calm: Desk) -> None:
    both = ("--circuit", "uk-ld4", "--circuit", "uk-ld7", "--start", typed(at(2)), "--duration", "1h")
    assert calm.run("window", "book", *both, *WHAT).code == 3
    assert calm.run("window", "book", *both, *WHAT, "--accept-outage", "--reason", "re-homing").code == 0
    assert {enforced for _, _, enforced in claimed(calm)} == {False}
    for told, step, moment in (("is requested", "approve", None), ("no acknowledgement of Spotware", "ack", at(2))):
        with pytest.raises(Refused, match=told):
            does(calm, "start", moment=moment)
        does(calm, step, by="bob")
    does(calm, "start", moment=at(2))


FREEZE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:fx@test
DTSTAMP:20260101T000000Z
DTSTART:{start}
DTEND:{end}
SUMMARY:FX week
END:VEVENT
END:VCALENDAR
"""


def test_an_agreed_outage_does_not_lie_in_the_fx_week_and_an_emergency_may(calm: Desk) -> None:
    text = FREEZE.format(start=f"{at(0):%Y%m%dT%H%M%SZ}", end=f"{at(48):%Y%m%dT%H%M%SZ}")
    (calm.root / "fx.ics").write_text(text.replace("\n", "\r\n"), newline="")
    calm.edit("freezes:\n", "freezes:\n  - {name: test-week, from: fx.ics}\n")
    calm.apply()
    calm.ok("calendar", "import")
    both = ("--circuit", "uk-ld4", "--circuit", "uk-ld7", "--start", typed(at(2)), "--duration", "1h")
    frozen = calm.run("window", "book", *both, *WHAT, "--accept-outage", "--reason", "re-homing", "--json")
    assert frozen.code == 3
    assert [each["rule"] for each in frozen.json["conflicts"] if each["severity"] == "block"] == ["FREEZE"]
    assert calm.run("window", "book", *WHEN, *WHAT).code == 3
    assert calm.run("window", "book", *WHEN, *WHAT, "--emergency", "--reason", "cut").code == 0


def test_an_emergency_that_never_began_expires_at_its_end_and_waits_for_nobody(calm: Desk) -> None:
    booked(calm, emergency=True, reason="cut")
    assert state(calm, moment=at(3.9)) is S.REQUESTED
    assert state(calm, moment=at(4)) is S.EXPIRED
    with person(calm, moment=at(5)) as project, project.store.read(at(5)) as tx:
        assert windowing.needs_retro_approval(tx, at(5)) == ()
