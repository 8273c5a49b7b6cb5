"""The evaluator against a walker that looks at every minute and knows nothing of sweeps, shadows and edges."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.conflict import Candidate, Occupation, Situation, find_conflicts
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy
from maintsched.domain.notice import Impact
from maintsched.domain.window import Window, WindowState

DAY = datetime(2026, 12, 9, tzinfo=UTC)
ASKED = DAY - timedelta(days=30)
OUTAGE, DEGRADED, REDUCED, NONE = Impact.OUTAGE, Impact.DEGRADED, Impact.REDUCED_REDUNDANCY, Impact.NO_IMPACT
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

MEMBERS = ("ny-2", "ny-4", "ny-6")
minutes = st.integers(0, 90)


@st.composite
def occupations(draw: st.DrawFn, facts: bool = True) -> Occupation:
    start = draw(minutes)
    end = draw(st.integers(start + 1, start + 60))
    fact = draw(st.booleans()) if facts else False
    number = draw(st.integers(1, 9))
    return Occupation(
        "maintenance" if fact else "window",
        f"{'m' if fact else 'w'}{number}",
        "",
        draw(st.sampled_from(MEMBERS)),
        Interval(DAY + timedelta(minutes=start), DAY + timedelta(minutes=end)),
        draw(st.sampled_from(list(Impact))),
        "object",
        fact,
    )


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    start = draw(minutes)
    end = draw(st.integers(start + 1, start + 60))
    names = draw(st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3, unique=True))
    interval = Interval(DAY + timedelta(minutes=start), DAY + timedelta(minutes=end))
    return Candidate(tuple(names), interval, draw(st.sampled_from([REDUCED, DEGRADED, OUTAGE])), ASKED)


def three(min_up: int, guard: int) -> Inventory:
    group = Group("ny-three", "Spotware", MEMBERS, "ny-2", min_up=min_up)
    circuits = {name: Circuit(name, CircuitKind.CROSS_CONNECT, "NY2", "Equinix") for name in MEMBERS}
    policy = Policy(guard=timedelta(minutes=guard))
    return Inventory("Northgate", "sqlite:///x.db", "UTC", {}, {}, circuits, {"ny-three": group}, policy=policy)


def on(interval: Interval, minute: int) -> bool:
    moment = DAY + timedelta(minutes=minute)
    return interval.start <= moment < interval.end


def walker_refuses(candidate: Candidate, others: list[Occupation], min_up: int, guard: int) -> bool:
    """Minute by minute: a work is remembered for one guard; facts that hold its members anyway forgive the booking."""
    last_seen: dict[str, int] = {}
    mine: int | None = None
    for minute in range(-120, 300):
        for each in others:
            if each.impact is not NONE and on(each.interval, minute):
                last_seen[each.circuit] = minute
        if on(candidate.interval, minute):
            mine = minute
        if mine is None or minute - mine > guard:
            continue
        taken = {name for name, seen in last_seen.items() if minute - seen <= guard} | set(candidate.circuits)
        if len(MEMBERS) - len(taken) < min_up and not forgiven(candidate, others, minute, guard):
            return True
    return False


def forgiven(candidate: Candidate, others: list[Occupation], minute: int, guard: int) -> bool:
    """Whether facts as bad as the booking hold all its members, and have for a guard."""
    for name in candidate.circuits:
        holding = [
            each
            for each in others
            if each.fact
            and each.circuit == name
            and (each.impact in (OUTAGE, DEGRADED) or (each.impact is REDUCED and candidate.impact is REDUCED))
        ]
        for each_minute in range(minute - guard, minute + 1):
            if not any(on(each.interval, each_minute) for each in holding):
                return False
    return True


@given(candidates(), st.lists(occupations(), max_size=7), st.integers(1, 3), st.sampled_from([0, 1, 7, 30]))
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_the_verdict_is_the_walkers(candidate: Candidate, others: list[Occupation], min_up: int, guard: int) -> None:
    conflicts = find_conflicts(candidate, Situation(three(min_up, guard), tuple(others)))
    blocked = any(each.rule == "REDUNDANCY" for each in conflicts)
    assert blocked == walker_refuses(candidate, others, min_up, guard)


@given(candidates(), st.lists(occupations(), max_size=7), st.integers(0, 999))
def test_the_order_of_what_is_known_does_not_matter(candidate: Candidate, others: list[Occupation], seed: int) -> None:
    mixed = others + others[:1]
    Random(seed).shuffle(mixed)
    known = three(1, 30)
    assert find_conflicts(candidate, Situation(known, tuple(others))) == find_conflicts(
        candidate, Situation(known, tuple(mixed))
    )


def booked(candidate: Candidate, id_: str) -> Window:
    return Window(id_, WindowState.REQUESTED, candidate.circuits, candidate.interval, candidate.impact, "", "alice")


@given(candidates(), candidates(), st.integers(1, 2), st.sampled_from([0, 7, 30]))
def test_two_bookings_collide_both_ways_or_not_at_all(a: Candidate, b: Candidate, min_up: int, guard: int) -> None:
    known = three(min_up, guard)
    by_themselves = [each for one in (a, b) for each in find_conflicts(one, Situation(known))]
    if any(each.blocks for each in by_themselves):
        return
    first = find_conflicts(a, Situation(known, booked(b, "b").occupations()))
    second = find_conflicts(b, Situation(known, booked(a, "a").occupations()))
    assert {each.rule for each in first} == {each.rule for each in second}


@given(st.permutations([0, 1, 2]), st.lists(candidates(), min_size=3, max_size=3), st.sampled_from([7, 30]))
def test_bookings_that_passed_in_one_order_pass_when_judged_again(
    order: list[int], wanted: list[Candidate], guard: int
) -> None:
    known = three(1, guard)
    there: list[Window] = []
    for index in order:
        taken = tuple(each for one in there for each in one.occupations())
        if not find_conflicts(wanted[index], Situation(known, taken)):
            there.append(booked(wanted[index], f"w{index}"))
    everything = Situation(known, tuple(each for one in there for each in one.occupations()))
    assert all(find_conflicts(one.candidate(ASKED), everything) == () for one in there)
