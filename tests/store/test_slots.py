"""What our windows hold near a time: found by circuit and start, however long they are, and only while they count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.interval import Interval
from maintsched.domain.life import LONGEST
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState
from maintsched.errors import Unavailable
from maintsched.store import slots, windows
from maintsched.store.engine import Store

from .conftest import ALICE

NIGHT = datetime(2027, 3, 1, 22, tzinfo=UTC)
ASKED = NIGHT - timedelta(days=3)
HOUR = timedelta(hours=1)
GUARD = timedelta(minutes=30)


@pytest.fixture(params=["store", pytest.param("postgres", marks=pytest.mark.servers)], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


def add(store: Store, start: datetime, length: timedelta, *circuits: str, now: datetime = ASKED) -> str:
    window = Window(
        "", WindowState.REQUESTED, circuits or ("a",), Interval(start, start + length), Impact.OUTAGE, "work", "alice"
    )
    with store.write(ALICE, now) as tx:
        added = windows.add_window(tx, window, [])
        tx.audit("window.book", added.id, {})
    return added.id


def found(store: Store, near: Interval, *circuits: str, now: datetime = ASKED) -> list[tuple[str, str]]:
    """Window and circuit; the same whether it is asked for by circuit or for all of them."""
    with store.read(now) as tx:
        some = slots.booked(tx, near, circuits, now, GUARD)
        every = slots.booked(tx, near, None, now, GUARD)
        listed = {each.window.id for each in windows.windows(tx, near=near, counting=True)}
    result = sorted((each.id, each.circuit) for each in some)
    assert result == sorted((each.id, each.circuit) for each in every if each.circuit in circuits)
    assert {id_ for id_, _ in result} <= listed
    return result


TIMES = [
    (NIGHT - HOUR, NIGHT, False),
    (NIGHT - HOUR, NIGHT + timedelta(seconds=1), True),
    (NIGHT + LONGEST - timedelta(seconds=1), NIGHT + LONGEST + HOUR, True),
    (NIGHT + LONGEST, NIGHT + LONGEST + HOUR, False),
]


@pytest.mark.parametrize(("start", "end", "there"), TIMES)
def test_the_longest_window_is_found_from_its_first_to_its_last_second(
    either: Store, start: datetime, end: datetime, there: bool
) -> None:
    add(either, NIGHT, LONGEST)
    assert found(either, Interval(start, end), "a") == ([("W-1", "a")] if there else [])


def test_a_longer_one_is_refused_by_the_database_itself(either: Store) -> None:
    with pytest.raises(Unavailable, match="window_is_not_endless"):
        add(either, NIGHT, LONGEST + timedelta(minutes=1))


def test_only_the_circuits_that_are_asked_for(either: Store) -> None:
    add(either, NIGHT, HOUR, "a", "b")
    add(either, NIGHT, HOUR, "c")
    near = Interval(NIGHT, NIGHT + HOUR)
    assert found(either, near, "b", "c") == [("W-1", "b"), ("W-2", "c")]
    assert found(either, near) == []


def test_what_was_not_approved_in_time_holds_nothing(either: Store) -> None:
    """From its start on, whether or not anybody has noted it down."""
    add(either, NIGHT, HOUR)
    near = Interval(NIGHT, NIGHT + HOUR)
    assert found(either, near, "a", now=NIGHT - HOUR) == [("W-1", "a")]
    assert found(either, near, "a", now=NIGHT) == []


@pytest.mark.parametrize("state", [state for state in WindowState if not state.counts and state.value != "expired"])
def test_what_is_over_holds_nothing(either: Store, state: WindowState) -> None:
    add(either, NIGHT, HOUR)
    with either.write(ALICE, ASKED) as tx:
        windows.set_state(tx, "W-1", state)
        tx.audit("test", "W-1", {})
    assert found(either, Interval(NIGHT, NIGHT + HOUR), "a") == []


def test_work_that_overruns_goes_on_for_a_guard_from_now(either: Store) -> None:
    add(either, NIGHT, HOUR)
    with either.write(ALICE, NIGHT - timedelta(minutes=5)) as tx:
        windows.set_state(tx, "W-1", WindowState.IN_PROGRESS)
        tx.audit("test", "W-1", {})
    late = NIGHT + timedelta(days=40)
    with either.read(late) as tx:
        (taken,) = slots.booked(tx, Interval(late, late + HOUR), ["a"], late, GUARD)
    assert taken.interval == Interval(NIGHT, late + GUARD)
