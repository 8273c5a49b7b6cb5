"""Several people act on one window at the same time: one of them does it, the others are told; on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.window import WindowState
from maintsched.errors import Refused
from maintsched.services import approving, booking, working
from maintsched.services.booking import BookingRefused
from maintsched.services.project import Project
from tests.cli.driving import Desk, Later, at, desk, empty_desk, made_once, read_once
from tests.services.living import approved, asking, audit, booked, claimed, person, ready, state, window

__all__ = ["desk", "empty_desk", "made_once", "read_once"]

PEOPLE = [f"person-{number}" for number in range(6)]


@pytest.fixture
def served(empty_desk: Desk, new_database: Callable[[], str]) -> Desk:
    """A project on PostgreSQL."""
    empty_desk.edit("database: sqlite:///maintsched.db", f"database: {new_database()}")
    empty_desk.ok("db", "upgrade")
    empty_desk.apply()
    empty_desk.ok("calendar", "import")
    return empty_desk


def together(desk: Desk, act: Callable[[Project], object], people: Iterable[str] = PEOPLE) -> list[str]:
    """Everybody does it at once; what became of each."""
    names = list(people)
    ready_all = Barrier(len(names))

    def one(name: str) -> str:
        with person(desk, name) as project:
            ready_all.wait(30)
            try:
                act(project)
            except (Refused, BookingRefused) as refusal:
                return refusal.message
        return "done"

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(one, names))


def approves_once(desk: Desk) -> None:
    booked(desk)
    told = together(desk, lambda project: approving.approve(project, "W-1"))
    assert (told.count("done"), len(window(desk).approvals)) == (1, 1)
    assert {each for each in told if each != "done"} == {"W-1 is approved: it cannot be approved"}
    assert [action for action, _ in audit(desk)] == ["window.book", "window.approve"]


def starts_once(desk: Desk) -> None:
    begin = datetime.now(UTC) + timedelta(minutes=5)
    with person(desk) as project:
        booking.book(project, replace(asking(), interval=Interval(begin, begin + timedelta(hours=1))))
        approved(desk)
        working.acknowledge(project, "W-1", "SW-1")
    told = together(desk, lambda project: working.start(project, "W-1"))
    assert told.count("done") == 1
    assert {each for each in told if each != "done"} == {"W-1 is in progress: it cannot be started"}
    assert window(desk).interval.start < begin  # it began early, and its claims with it
    assert state(desk) is WindowState.IN_PROGRESS
    assert [action for action, _ in audit(desk)].count("window.start") == 1


def moves_one_of_two_into_the_slot(desk: Desk) -> None:
    """Two windows of different members want the same night."""
    booked(desk, "uk-ld4", 2)
    booked(desk, "uk-ld7", 12)

    def go(project: Project) -> object:
        name = "W-1" if project.actor.name == "person-0" else "W-2"
        return working.move(project, name, Interval(at(20), at(22)))

    told = together(desk, go, PEOPLE[:2])
    assert sorted(each == "done" for each in told) == [False, True]
    assert len({window(desk, name).interval for name in ("W-1", "W-2")}) == 2
    assert len(claimed(desk)) == 2


def books_the_slot_of_an_expired_one_once(desk: Desk) -> None:
    booked(desk, "uk-ld7")
    late = datetime.now(UTC) + timedelta(days=7, minutes=1)
    told = together(
        desk, lambda project: booking.book(Later.at(project, late), asking(emergency=True, reason="cut")), PEOPLE[:4]
    )
    assert told.count("done") == 1
    assert [action for action, _ in audit(desk)] == ["window.book", "window.expire"]
    assert claimed(desk) == [(2, "uk-ld4", True)]


RACES = [approves_once, starts_once, moves_one_of_two_into_the_slot, books_the_slot_of_an_expired_one_once]


@pytest.mark.parametrize("race", RACES)
def test_on_sqlite_one_does_it(desk: Desk, race: Callable[[Desk], None]) -> None:
    race(desk)


@pytest.mark.servers
@pytest.mark.parametrize("race", RACES)
def test_on_postgresql_one_does_it(served: Desk, race: Callable[[Desk], None]) -> None:
    race(served)


@pytest.mark.servers
def test_a_life_on_postgresql(served: Desk) -> None:
    name = ready(served)
    assert state(served, name) is WindowState.ACKNOWLEDGED
    served.ok("window", "list", "--all")
    served.ok("window", "list", "--state", "expired")
    served.ok("db", "check")
    served.ok("window", "cancel", name)
    assert claimed(served) == []
