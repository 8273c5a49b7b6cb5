"""What is left of each group in the coming days: against a count of every quarter of an hour, and in cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from maintsched.domain.conflict import Occupation
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.redundancy import members_taken
from maintsched.services.timeline import Row, fewest, rows_of
from tests.config.inputs import SMALL, loaded

NIGHT = datetime(2026, 12, 9, 0, tzinfo=UTC)
SPAN = Interval(NIGHT, NIGHT + timedelta(hours=12))
MORE = "  uk-three: {partner: Bridge, circuits: [uk-ld7, uk-ld4], primary: uk-ld7, min_up: 2}\n"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    folder: Path = tmp_path_factory.mktemp("config")
    return loaded(folder, SMALL.replace("calendars:\n", f"{MORE}calendars:\n", 1))


def work(id_: str, circuit: str, start: float, end: float, impact: Impact = Impact.OUTAGE) -> Occupation:
    when = Interval(NIGHT + timedelta(hours=start), NIGHT + timedelta(hours=end))
    return Occupation("maintenance", id_, f"work {id_}", circuit, when, impact, "object", fact=True)


def brief(rows: tuple[Row, ...], group: str = "uk-direct") -> list[tuple[float, float, int, str]]:
    """(from hour, to hour, left, because) of one group."""
    return [
        (
            (row.interval.start - NIGHT) / timedelta(hours=1),
            (row.interval.end - NIGHT) / timedelta(hours=1),
            row.left,
            "+".join(each.id for each in row.because),
        )
        for row in rows
        if row.group == group
    ]


@dataclass(frozen=True)
class Case:
    works: list[Occupation]
    rows: list[tuple[float, float, int, str]]


CASES = {
    "nothing planned": Case([], []),
    "one work": Case([work("M-1", "uk-ld4", 1, 5)], [(1, 5, 1, "M-1")]),
    "work that runs already is told from now on": Case([work("M-1", "uk-ld4", -3, 4)], [(0, 4, 1, "M-1")]),
    "work that goes on later is told up to the horizon": Case([work("M-1", "uk-ld4", 10, 20)], [(10, 12, 1, "M-1")]),
    "work that is over, or later, is not told": Case([work("M-1", "uk-ld4", -3, 0), work("M-2", "uk-ld4", 12, 14)], []),
    "two members one after the other": Case(
        [work("M-1", "uk-ld4", 1, 3), work("M-2", "uk-ld7", 3, 5)], [(1, 3, 1, "M-1"), (3, 5, 1, "M-2")]
    ),
    "two members at the same time": Case(
        [work("M-1", "uk-ld4", 1, 4), work("M-2", "uk-ld7", 3, 5)],
        [(1, 3, 1, "M-1"), (3, 4, 0, "M-1+M-2"), (4, 5, 1, "M-2")],
    ),
    "two works on one member": Case(
        [work("M-1", "uk-ld4", 1, 4), work("M-2", "uk-ld4", 2, 3)],
        [(1, 2, 1, "M-1"), (2, 3, 1, "M-1+M-2"), (3, 4, 1, "M-1")],
    ),
    "reduced redundancy is not clean": Case(
        [work("M-1", "uk-ld4", 1, 3, Impact.REDUCED_REDUNDANCY)], [(1, 3, 1, "M-1")]
    ),
    "no impact takes nothing": Case([work("M-1", "uk-ld4", 1, 3, Impact.NO_IMPACT)], []),
    "what the group needs takes the member that lies elsewhere": Case(
        [work("M-1", "ld4-ld7", 1, 3)], [(1, 3, 1, "M-1")]
    ),
    "one work on both members": Case([work("M-1", "uk-ld4", 1, 3), work("M-1", "uk-ld7", 1, 3)], [(1, 3, 0, "M-1")]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_left(inventory: Inventory, case: Case) -> None:
    assert brief(rows_of(inventory, case.works, SPAN)) == case.rows


def test_a_row_names_who_stands_and_what_the_works_do(inventory: Inventory) -> None:
    [row] = [
        row
        for row in rows_of(inventory, [work("M-1", "ld4-ld7", 1, 3), work("M-1", "uk-ld7", 1, 3)], SPAN)
        if row.group == "uk-direct"
    ]
    assert (row.standing, row.size, row.min_up, row.short) == (("uk-ld4",), 2, 1, False)
    [because] = row.because
    assert (because.circuits, because.impact, because.title) == (("ld4-ld7", "uk-ld7"), Impact.OUTAGE, "work M-1")


def test_every_group_is_told_by_its_own_measure(inventory: Inventory) -> None:
    rows = rows_of(inventory, [work("M-1", "uk-ld4", 1, 3)], SPAN)
    assert [(row.group, row.short) for row in rows] == [("uk-direct", False), ("uk-three", True)]


def test_the_worst_instant_of_a_span(inventory: Inventory) -> None:
    works = [work("M-1", "uk-ld4", 1, 4), work("M-2", "uk-ld7", 3, 5)]
    assert fewest(inventory, works, "uk-direct", SPAN) == ()
    assert fewest(inventory, works[:1], "uk-direct", SPAN) == ("uk-ld7",)
    assert fewest(inventory, [], "uk-direct", SPAN) == ("uk-ld4", "uk-ld7")


quarters = some.integers(-8, 56)
occupations = some.lists(
    some.builds(
        lambda number, circuit, start, length, impact: work(
            f"M-{number}", circuit, start / 4, (start + length) / 4, impact
        ),
        some.integers(1, 4),
        some.sampled_from(["uk-ld4", "uk-ld7", "ld4-ld7"]),
        quarters,
        some.integers(1, 20),
        some.sampled_from(Impact),
    ),
    max_size=6,
)


@given(occupations)
def test_every_quarter_of_an_hour_is_counted_right(inventory: Inventory, works: list[Occupation]) -> None:
    rows = rows_of(inventory, works, SPAN)
    for group in inventory.groups.values():
        own = [row for row in rows if row.group == group.name]
        for quarter in range(48):
            instant = NIGHT + timedelta(minutes=15 * quarter)
            there = [
                each
                for each in works
                if each.interval.start <= instant < each.interval.end and each.impact is not Impact.NO_IMPACT
            ]
            down = members_taken(group, [each.circuit for each in there], inventory)
            told = [row for row in own if row.interval.start <= instant < row.interval.end]
            relevant = {each.id for each in there if members_taken(group, [each.circuit], inventory)}
            assert [row.left for row in told] == ([len(group.circuits) - len(down)] if relevant else [])
            assert {each.id for row in told for each in row.because} == relevant


@given(occupations)
def test_the_order_of_the_works_does_not_matter(inventory: Inventory, works: list[Occupation]) -> None:
    shuffled = sorted(works, key=repr, reverse=True)
    assert rows_of(inventory, shuffled, SPAN) == rows_of(inventory, works, SPAN)


@given(occupations)
def test_neighbouring_rows_say_different_things(inventory: Inventory, works: list[Occupation]) -> None:
    rows = rows_of(inventory, works, SPAN)
    for one, other in pairwise(rows):
        if one.group == other.group and one.interval.end == other.interval.start:
            assert (one.standing, one.because) != (other.standing, other.because)
