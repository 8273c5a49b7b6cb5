"""The evaluator against a walker that looks at every minute, in any order of its inputs and of the bookings."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.conflict import Candidate, Conflict, Situation, find_conflicts
from maintsched.domain.hours import allowed, outside
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory, Site
from maintsched.domain.window import Window, WindowState
from tests.domain.walker import (
    DAYS,
    LASTS,
    MINUTE,
    Walker,
    candidates,
    inventories,
    minute_of,
    occupations,
    shows,
    situations,
)

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")
# what a walker by the minute does not look at: the circuits' places, and what stands outside the situation
NOT_WALKED = ("SHARED-FATE", "LEAD-TIME", "LENGTH", "HORIZON", "STALE", "REVIEW")


def worst(conflicts: tuple[Conflict, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in conflicts:
        if each.rule not in NOT_WALKED:
            found[each.rule] = "block" if each.blocks or found.get(each.rule) == "block" else "warn"
    return found


@given(situations())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@pytest.mark.slow
def test_the_verdict_is_the_walkers(asked: tuple[Candidate, Situation, datetime]) -> None:
    candidate, situation, day = asked
    assert worst(find_conflicts(candidate, situation)) == Walker(candidate, situation, day).verdict()


@given(situations(), st.integers(0, 999))
def test_the_order_of_what_is_known_does_not_matter(asked: tuple[Candidate, Situation, datetime], seed: int) -> None:
    candidate, situation, _ = asked
    random = Random(seed)

    def mixed(known: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample([*known, *known[:1]], len(known) + len(known[:1])))

    again = replace(situation, occupations=mixed(situation.occupations), freezes=mixed(situation.freezes))
    turned = replace(candidate, circuits=candidate.circuits[::-1])
    assert find_conflicts(turned, again) == find_conflicts(candidate, situation)


def booked(candidate: Candidate, id_: str) -> Window:
    kind = candidate.kind
    return Window(
        id_, WindowState.REQUESTED, candidate.circuits, candidate.interval, candidate.impact, "", "alice", kind=kind
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Inventory, Candidate, Candidate]:
    day = draw(st.sampled_from(DAYS))
    return draw(inventories()), draw(candidates(day)), draw(candidates(day))


@given(pairs())
@settings(max_examples=300)
def test_two_bookings_collide_both_ways_or_not_at_all(asked: tuple[Inventory, Candidate, Candidate]) -> None:
    known, a, b = asked
    if any(each.blocks for one in (a, b) for each in find_conflicts(one, Situation(known))):
        return
    first = find_conflicts(a, Situation(known, booked(b, "b").occupations()))
    second = find_conflicts(b, Situation(known, booked(a, "a").occupations()))
    assert {each.rule for each in first if each.blocks} == {each.rule for each in second if each.blocks}


@given(st.permutations([0, 1, 2]), inventories(), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_bookings_that_passed_in_one_order_pass_when_judged_again(
    order: list[int], known: Inventory, data: st.DataObject
) -> None:
    wanted = [data.draw(candidates(DAYS[0])) for _ in order]
    there: list[Window] = []
    for index in order:
        taken = tuple(each for one in there for each in one.occupations())
        if not any(each.blocks for each in find_conflicts(wanted[index], Situation(known, taken))):
            there.append(replace(booked(wanted[index], f"w{index}"), emergency=wanted[index].emergency))
    everything = Situation(known, tuple(each for one in there for each in one.occupations()))
    for one in there:
        again = one.candidate(one.interval.start - timedelta(days=30))
        assert not any(each.blocks for each in find_conflicts(again, everything))


@given(situations(), st.data())
def test_what_is_farther_than_a_guard_changes_nothing(
    asked: tuple[Candidate, Situation, datetime], data: st.DataObject
) -> None:
    candidate, situation, day = asked
    far = data.draw(st.lists(occupations(day), max_size=4))
    near = candidate.interval.widened(situation.inventory.policy.guard)
    more = tuple(each for each in far if not each.interval.overlaps(near))
    known = replace(situation, occupations=(*situation.occupations, *more))
    assert find_conflicts(candidate, known) == find_conflicts(candidate, situation)


@given(
    st.sampled_from(DAYS),
    st.sampled_from(["Europe/London", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.tuples(st.integers(0, 95), st.integers(0, 95)).filter(lambda pair: pair[0] != pair[1]),
    st.tuples(st.integers(0, LASTS), st.integers(1, 2000)),
)
@settings(max_examples=60)
def test_the_hours_of_a_site_are_what_its_clock_shows(
    day: datetime, zone: str, quarters: tuple[int, int], span: tuple[int, int]
) -> None:
    hours = "-".join(f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in quarters)
    site = Site("S", "Equinix", zone, hours=hours)
    within = Interval(minute_of(day, span[0]), minute_of(day, sum(span)))
    walked = {minute for minute in range(*(span[0], sum(span))) if shows(site, minute_of(day, minute))}
    inside, rest = (
        {minute for part in parts for minute in range((part.start - day) // MINUTE, (part.end - day) // MINUTE)}
        for parts in (allowed(site, within), outside(site, within))
    )
    assert inside == walked
    assert rest == set(range(span[0], sum(span))) - walked
