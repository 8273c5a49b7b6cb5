"""Free slots: exact edges, and the same answer as the evaluator's."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintsched.domain.conflict import Candidate, Freeze, Occupation, OpenReview, Situation, StaleSource, find_conflicts
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy
from maintsched.domain.notice import Impact
from maintsched.domain.schedule import free_slots

DAY = datetime(2026, 12, 9, tzinfo=UTC)
ASKED = DAY - timedelta(days=30)
MINUTE = timedelta(minutes=1)
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def at(text: str) -> datetime:
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def during(text: str) -> Interval:
    start, end = text.split("-")
    return Interval(at(start), at(end))


def inventory(policy: Policy | None = None) -> Inventory:
    circuits = {
        name: Circuit(name, CircuitKind.CROSS_CONNECT, site, "Equinix", router=f"edge-{site}")
        for name, site in (("uk-ld4", "LD4"), ("uk-ld7", "LD7"))
    }
    group = Group("uk-direct", "Spotware", ("uk-ld4", "uk-ld7"), "uk-ld4")
    return Inventory(
        "Northgate", "sqlite:///x.db", "UTC", {}, {}, circuits, {"uk-direct": group}, policy=policy or Policy()
    )


def taken(when: str, *circuits: str, fact: bool = True) -> tuple[Occupation, ...]:
    kind = "maintenance" if fact else "window"
    return tuple(
        Occupation(kind, f"{kind}-{when}", "", name, during(when), Impact.OUTAGE, "object", fact)
        for name in circuits or ("uk-ld7",)
    )


def asking(hours: float = 2, circuit: str = "uk-ld4") -> Candidate:
    return Candidate((circuit,), Interval(DAY, DAY + timedelta(hours=hours)), Impact.OUTAGE, ASKED)


KNOWN = Situation(inventory())
CASES: dict[str, tuple[Situation, tuple[str, ...]]] = {
    "nothing is on": (KNOWN, ("00:00-02:00",)),
    "before, between and after, with one guard": (
        replace(KNOWN, occupations=(*taken("02:30-05:00"), *taken("08:00-09:17"))),
        ("00:00-02:00", "05:30-07:30", "09:47-11:47"),
    ),
    "a gap that is a minute too short": (
        replace(KNOWN, occupations=(*taken("02:29-05:00"), *taken("07:59-09:17"))),
        ("09:47-11:47",),
    ),
    "our own work on the same circuit needs no guard": (
        replace(KNOWN, occupations=taken("01:00-05:00", "uk-ld4", fact=False)),
        ("05:00-07:00",),
    ),
    "inside the platform's own outage": (
        replace(KNOWN, occupations=taken("01:00-05:00", "uk-ld4", "uk-ld7")),
        ("01:30-03:30", "05:30-07:30"),
    ),
    "a freeze ends": (replace(KNOWN, freezes=(Freeze(during("00:30-06:00"), "FX week"),)), ("06:00-08:00",)),
    "a review of a stated time": (
        replace(KNOWN, reviews=(OpenReview("n1", "no serial", ("uk-ld7",), during("01:00-03:00")),)),
        ("03:30-05:30",),
    ),
    "a review of any time": (replace(KNOWN, reviews=(OpenReview("n1", "unreadable"),)), ()),
    "a stale source": (replace(KNOWN, stale=(StaleSource("equinix", "31 h old"),)), ()),
    "maintenances are not known so far": (replace(KNOWN, known_until=at("02:29")), ()),
    "maintenances are just known so far": (replace(KNOWN, known_until=at("02:30")), ("00:00-02:00",)),
    "only where the whole slot fits": (replace(KNOWN, occupations=taken("00:00-21:31")), ()),
    "where the whole slot just fits": (replace(KNOWN, occupations=taken("00:00-21:30")), ("22:00-24:00",)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_free_slots(case: str) -> None:
    situation, expected = CASES[case]
    slots = free_slots(asking(), situation, not_before=DAY, until=at("24:00"))
    assert slots == tuple(during(each) for each in expected)


def test_no_more_slots_than_asked_for() -> None:
    situation = replace(KNOWN, occupations=(*taken("02:30-05:00"), *taken("08:00-09:00")))
    assert free_slots(asking(), situation, not_before=DAY, until=at("24:00"), count=2) == (
        during("00:00-02:00"),
        during("05:30-07:30"),
    )


def test_a_lead_time_that_policy_enforces_is_waited_for() -> None:
    situation = Situation(inventory(Policy(severity={"LEAD-TIME": "block"}, lead_time=timedelta(hours=3))))
    candidate = replace(asking(), requested_at=DAY)
    assert free_slots(candidate, situation, not_before=DAY, until=at("24:00")) == (during("03:00-05:00"),)


intervals = st.tuples(st.integers(0, 200), st.integers(1, 60)).map(
    lambda pair: Interval(DAY + pair[0] * MINUTE, DAY + (pair[0] + pair[1]) * MINUTE)
)
works = st.builds(
    lambda interval, circuit, fact, number: Occupation(
        "maintenance" if fact else "window", f"{number}", "", circuit, interval, Impact.OUTAGE, "object", fact
    ),
    intervals,
    st.sampled_from(["uk-ld4", "uk-ld7"]),
    st.booleans(),
    st.integers(1, 9),
)


@given(
    st.lists(works, max_size=8),
    st.lists(intervals.map(lambda interval: Freeze(interval, "freeze")), max_size=2),
    st.integers(1, 40),
    st.sampled_from([0, 5, 30]),
)
@pytest.mark.slow
def test_slots_are_where_a_walker_finds_them(
    occupations: list[Occupation], freezes: list[Freeze], length: int, guard: int
) -> None:
    situation = Situation(
        inventory(Policy(guard=guard * MINUTE)), occupations=tuple(occupations), freezes=tuple(freezes)
    )
    candidate = asking(length / 60)

    def free(minute: int) -> bool:
        start = DAY + minute * MINUTE
        moved = replace(candidate, interval=Interval(start, start + length * MINUTE))
        return not any(each.blocks for each in find_conflicts(moved, situation))

    walked = [minute for minute in range(301 - length) if free(minute) and (minute == 0 or not free(minute - 1))]
    slots = free_slots(candidate, situation, not_before=DAY, until=DAY + 300 * MINUTE, count=99)
    expected = [(DAY + minute * MINUTE, DAY + (minute + length) * MINUTE) for minute in walked]
    got = [(each.start, each.end) for each in slots]
    # a walker by the minute does not see a block of less than one: where two free stretches touch, slots has both
    assert [each for each in got if each in expected] == expected
    for slot in slots:
        assert not any(each.blocks for each in find_conflicts(replace(candidate, interval=slot), situation))
        earlier = Interval(slot.start - MINUTE / 60, slot.end - MINUTE / 60)
        assert slot.start == DAY or any(
            each.blocks for each in find_conflicts(replace(candidate, interval=earlier), situation)
        )
