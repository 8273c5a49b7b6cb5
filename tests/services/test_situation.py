"""A source that is not known to be up to date blocks, and says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maintsched.domain.conflict import Situation
from maintsched.domain.interval import Interval
from maintsched.services.intake import import_sources
from maintsched.services.situation import situation, stale_sources
from tests.cli.driving import Desk, Later, at, change, maintnote, typed


def stale(desk: Desk, later: timedelta) -> dict[str, str]:
    with desk.project() as project, project.store.read() as tx:
        return {s.name: s.reason for s in stale_sources(tx, project.inventory, Later.of(project, later).now())}


AGES = [(timedelta(), None), (timedelta(hours=23, minutes=55), None), (timedelta(hours=24, minutes=5), "24 h ago"),
        (timedelta(days=9), "9 d ago")]  # fmt: skip


@pytest.mark.parametrize(("later", "told"), AGES, ids=[str(later) for later, _ in AGES])
def test_a_source_is_stale_when_it_was_not_read_for_too_long(desk: Desk, later: timedelta, told: str | None) -> None:
    found = stale(desk, later)
    assert set(found) == ({"equinix", "carrier"} if told else set())
    assert all(told in reason for reason in found.values() if told)


def test_reading_again_is_what_helps(desk: Desk) -> None:
    with desk.project() as project:
        import_sources(Later.of(project, timedelta(days=3)))
    assert stale(desk, timedelta(days=3)) == {}


def test_a_source_that_says_nothing_new_is_stale_until_somebody_looked(desk: Desk) -> None:
    desk.edit("trust: senders}", "trust: senders, quiet_after: 45d, stale_after: 365d}")
    desk.edit("from: carrier/}", "from: carrier/, stale_after: 365d}")
    desk.apply()
    desk.mail("1", change(1, at(1)))
    desk.ok("calendar", "import")
    assert stale(desk, timedelta(days=44)) == {}
    found = stale(desk, timedelta(days=46))
    assert set(found) == {"equinix"}
    assert "calendar sources --confirm equinix" in found["equinix"]
    with desk.project() as project:  # its folder is read, and nothing new is there
        import_sources(Later.of(project, timedelta(days=46)))
    assert set(stale(desk, timedelta(days=46))) == {"equinix"}
    assert desk.run("calendar", "sources", "--confirm", "equinix").code == 0


GUARD = timedelta(minutes=30)  # the policy's
HALF_A_DAY_ON = ("--start", typed(at(12)), "--duration", "1h")
BEGUN = timedelta(hours=4)


def in_process(desk: Desk, end: timedelta, **more: Any) -> Situation:
    """What is known of the next hour while a work on uk-ld7 is in process whose planned end is `end` from now."""
    begun = datetime.now(UTC).replace(microsecond=0) - BEGUN
    desk.carrier("1", maintnote("WO-7", begun, hours=(BEGUN + end) / timedelta(hours=1), status="IN-PROCESS", **more))
    desk.ok("calendar", "import")
    with desk.project() as project, project.store.read() as tx:
        now = datetime.now(UTC)
        return situation(tx, project.inventory, now, Interval(now, now + timedelta(hours=1)), circuits=["uk-ld4"])


def test_work_in_process_takes_its_planned_time(desk: Desk) -> None:
    known = in_process(desk, timedelta(minutes=20))
    (taken,) = known.occupations
    assert taken.circuit == "uk-ld7"
    assert taken.interval.duration == BEGUN + timedelta(minutes=20)
    assert known.reviews == ()


@pytest.mark.parametrize("late", [timedelta(minutes=1), GUARD - timedelta(minutes=2)], ids=str)
def test_work_in_process_counts_for_one_guard_beyond_its_planned_end(desk: Desk, late: timedelta) -> None:
    known = in_process(desk, -late)
    (taken,) = known.occupations
    assert taken.interval.duration == BEGUN - late + GUARD
    assert taken.interval.end > datetime.now(UTC)
    assert known.reviews == ()


@pytest.mark.parametrize("late", [GUARD + timedelta(seconds=1), timedelta(hours=3)], ids=str)
def test_work_in_process_that_overruns_by_more_goes_to_review(desk: Desk, late: timedelta) -> None:
    known = in_process(desk, -late)
    assert known.occupations == ()
    (review,) = known.reviews
    assert (review.id, review.circuits, review.interval) == ("M-1", ("uk-ld7",), None)
    assert review.reason.startswith("said to be in process, but its end ")
    assert "calendar update M-1 --status COMPLETED" in review.reason


def test_a_review_of_an_overrun_blocks_its_group_until_it_is_said_to_be_done(desk: Desk) -> None:
    in_process(desk, -timedelta(hours=3))
    for circuit in ("uk-ld4", "uk-ld7"):
        refused = desk.json("window", "check", "--circuit", circuit, *HALF_A_DAY_ON, code=3)
        assert [(each["rule"], each["with"][0]["id"]) for each in refused["conflicts"]] == [("REVIEW", "M-1")]
    desk.ok("calendar", "update", "M-1", "--status", "COMPLETED", "--note", "their NOC says so")
    assert desk.json("window", "check", "--circuit", "uk-ld4", *HALF_A_DAY_ON)["conflicts"] == []


def test_an_overrun_elsewhere_asks_nothing(desk: Desk) -> None:
    """It hits nothing of ours, so nobody waits for it."""
    known = in_process(desk, -timedelta(hours=3), objects=("20999999-Z",))
    assert (known.occupations, known.reviews) == ((), ())


def test_only_what_can_matter_is_read(desk: Desk) -> None:
    """By circuit and time; without circuits, whatever is near."""
    desk.carrier("1", maintnote("WO-1", at(1)), maintnote("WO-2", at(9, day=3)))
    desk.ok("calendar", "import")
    assert desk.book("uk-ld7", at(20)).code == 0
    near, apart = Interval(at(0), at(24)), Interval(at(0, day=1), at(0, day=2))
    with desk.project() as project, project.store.read() as tx:

        def found(asked: Interval, circuits: list[str] | None) -> list[str]:
            known = situation(tx, project.inventory, datetime.now(UTC), asked, circuits=circuits)
            return sorted(each.id for each in known.occupations)

        assert found(near, ["uk-ld4"]) == found(near, None) == ["M-1", "W-1"]
        assert found(apart, ["uk-ld4"]) == found(apart, None) == []
        assert found(near, []) == []


def test_a_window_of_the_greatest_length_is_found_at_its_very_end(desk: Desk) -> None:
    """The search begins no earlier than the longest window could have begun."""
    desk.edit("max_window: 24h", "max_window: 31d")
    desk.apply()
    assert desk.book("uk-ld7", at(0), 31 * 24).code == 0
    with desk.project() as project, project.store.read() as tx:
        last = Interval(at(0, day=31) - timedelta(minutes=1), at(0, day=32))
        known = situation(tx, project.inventory, datetime.now(UTC), last, circuits=["uk-ld7"])
    assert [each.id for each in known.occupations] == ["W-1"]
