"""What time does to a window: it expires, it overruns; readers know at once, the next writer stores it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.window import WindowState
from maintsched.errors import Refused
from maintsched.services import booking, windowing, working
from maintsched.services.booking import BookingRefused
from maintsched.store.tables import WindowRow
from tests.cli.driving import Desk, at
from tests.services.living import (
    approved,
    asking,
    audit,
    booked,
    claimed,
    does,
    patient,
    person,
    ready,
    state,
    window,
)

S = WindowState


@pytest.fixture
def calm(desk: Desk) -> Desk:
    return patient(desk)


def rules(refused: pytest.ExceptionInfo[BookingRefused]) -> list[str]:
    return [conflict.rule for conflict in refused.value.conflicts if conflict.blocks]


def test_a_request_that_nobody_approves_within_seven_days_gives_its_slot_back(calm: Desk) -> None:
    booked(calm, "uk-ld7")
    week = datetime.now(UTC) + timedelta(days=7)
    assert state(calm, moment=week - timedelta(minutes=1)) is S.REQUESTED
    assert state(calm, moment=week + timedelta(minutes=1)) is S.EXPIRED
    assert claimed(calm) == [(1, "uk-ld7", True)]  # nobody has written yet
    with person(calm, moment=week - timedelta(minutes=1)) as project, pytest.raises(BookingRefused):
        booking.book(project, asking())
    assert booked(calm, moment=week + timedelta(minutes=1)) == "W-2"
    assert claimed(calm) == [(2, "uk-ld4", True)]
    assert [action for action, _ in audit(calm)] == ["window.book", "window.expire"]
    assert state(calm) is S.EXPIRED  # it is stored now, whatever the clock says


def test_a_request_that_nobody_approves_before_its_start_expires(calm: Desk) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    slot = Interval(soon, soon + timedelta(hours=2))
    with person(calm) as project:
        booking.book(project, replace(asking(), interval=slot))
    assert state(calm, moment=soon - timedelta(seconds=1)) is S.REQUESTED
    assert state(calm, moment=soon) is S.EXPIRED
    with pytest.raises(Refused, match="W-1 is expired: it cannot be approved"):
        does(calm, "approve", by="bob", moment=soon)


def test_an_approved_window_that_never_started_expires_at_its_end(calm: Desk) -> None:
    ready(calm)
    assert state(calm, moment=at(3.99)) is S.ACKNOWLEDGED
    assert state(calm, moment=at(4)) is S.EXPIRED


def test_a_move_begins_the_seven_days_anew(calm: Desk) -> None:
    booked(calm)
    later = datetime.now(UTC) + timedelta(days=6)
    with person(calm, moment=later) as project:
        working.move(project, "W-1", Interval(at(6), at(8)))
    assert state(calm, moment=later + timedelta(days=6)) is S.REQUESTED
    assert state(calm, moment=later + timedelta(days=8)) is S.EXPIRED


def test_what_is_expired_is_listed_as_such_before_it_is_stored(calm: Desk) -> None:
    booked(calm)
    with person(calm, moment=datetime.now(UTC) + timedelta(days=8)) as project:
        for words, ids in (({"state": "expired"}, ["W-1"]), ({"state": "requested"}, []), ({"state": None}, [])):
            rows, _ = windowing.listed_windows(project, after=None, before=None, everything=False, **words)
            assert [row.stored.window.id for row in rows] == ids, words
        shown = windowing.judged_window(project, "W-1").stored
        assert (shown.window.state, shown.sequence) == (S.EXPIRED, 1)
    calm.edit("uk-ld4", "uk-new")
    with person(calm, moment=datetime.now(UTC) + timedelta(days=8)) as project:
        from maintsched.store import inventories

        with project.store.read(project.now()) as tx:
            assert inventories.circuits_in_use(tx, ("requested",), project.now()) == {}


def test_work_that_overruns_is_noticed_and_goes_on_holding_its_slot(calm: Desk) -> None:
    ready(calm)
    does(calm, "start", moment=at(2))
    assert booked(calm, "uk-ld7", 10) == "W-2"
    approved(calm, "W-2")
    late = at(9)  # five hours too late: far beyond what is near the end of the slot
    with person(calm, moment=late) as project:
        rows, _ = windowing.listed_windows(project, after=None, before=None, state=None, everything=False)
        assert [(row.stored.window.id, row.overrun_since) for row in rows] == [("W-1", at(4)), ("W-2", None)]
        with pytest.raises(BookingRefused) as refused:
            booking.book(project, asking("uk-ld7", 9.1, 0.5))
        assert rules(refused) == ["REDUNDANCY"]
        found = windowing.judged_window(project, "W-1")
        assert found.overrun_since == at(4)
    does(calm, "finish", moment=late)
    assert audit(calm)[-1][1]["overrun"] == audit(calm)[-1][1]["planned"]
    assert abs(window(calm).interval.end - late) < timedelta(minutes=1)


def test_an_overrun_that_runs_into_another_window_keeps_it_from_starting(calm: Desk) -> None:
    ready(calm)
    ready(calm, circuit="uk-ld7", start=5)
    does(calm, "start", moment=at(2))
    with pytest.raises(BookingRefused):
        does(calm, "start", "W-2", moment=at(5))
    does(calm, "finish", moment=at(5.1))
    does(calm, "start", "W-2", moment=at(5.2))  # what a person says is completed counts no more, as with a provider's


def test_an_overrun_is_told_wherever_the_window_is_seen(desk: Desk) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    request = asking(emergency=True, reason="cut")
    with person(desk) as project:
        booking.book(project, replace(request, interval=Interval(now, now + timedelta(hours=1))))
        working.start(project, "W-1")
        with project.store.write(project.actor) as tx:  # as it will be in two hours
            row = tx.session.get_one(WindowRow, 1)
            row.starts_at, row.ends_at = now - timedelta(hours=2), now - timedelta(hours=1)
            tx.audit("test", "W-1", {})
    since = f"overrun since {now - timedelta(hours=1):%Y-%m-%d %H:%M}"
    for words in (("list",), ("show", "W-1")):
        assert since in desk.ok("window", *words), words
    (row_,) = desk.json("window", "list")["windows"]
    assert row_["overrun_since"] == f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert "W-1" in desk.ok("status")
    refused = desk.run("window", "check", "--circuit", "uk-ld7", "--start", "+2m", "--duration", "1h", "--json")
    assert (refused.code, refused.json["conflicts"][0]["rule"]) == (3, "REDUNDANCY")
