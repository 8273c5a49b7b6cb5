"""Free slots: exact edges, and the same answer as the evaluator's."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintsched.domain.conflict import (
    Candidate,
    Freeze,
    Occupation,
    OpenReview,
    Situation,
    StaleSource,
    find_conflicts,
)
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy, Site
from maintsched.domain.notice import Impact
from maintsched.domain.schedule import free_slots, never_fits
from tests.domain.walker import LASTS, MINUTE, moved, situations

DAY = datetime(2026, 12, 9, tzinfo=UTC)
ASKED = DAY - timedelta(days=30)
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


AT_NIGHT = "22:00-06:00"
LONDON = Site("LD4", "Equinix", "Europe/London", hours=AT_NIGHT)
NEW_YORK = Site("LD7", "Equinix", "America/New_York", hours=AT_NIGHT)


def with_hours(*sites: Site, policy: Policy | None = None) -> Situation:
    return Situation(replace(inventory(policy), sites={site.name: site for site in sites}))


def nights(candidate: Candidate, situation: Situation, first: str, days: int = 3) -> list[str]:
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    slots = free_slots(candidate, situation, not_before=begin, until=begin + timedelta(days=days))
    return [f"{slot.start:%m-%d %H:%M}" for slot in slots]


def test_a_slot_begins_when_the_site_opens_by_its_own_clock_also_when_clocks_change() -> None:
    london = with_hours(LONDON)
    assert nights(asking(8), london, "2026-12-09T07:00") == ["12-09 22:00", "12-10 22:00", "12-11 22:00"]
    assert nights(asking(2), london, "2026-12-09T05:00") == ["12-09 22:00", "12-10 22:00", "12-11 22:00"]
    assert nights(asking(8), london, "2026-10-24T07:00") == ["10-24 21:00", "10-25 22:00", "10-26 22:00"]
    assert nights(asking(8), london, "2027-03-26T07:00") == ["03-26 22:00", "03-28 21:00"]  # a night of seven hours
    assert nights(asking(7), london, "2027-03-26T07:00") == ["03-26 22:00", "03-27 22:00", "03-28 21:00"]


def test_a_slot_suits_every_site_that_is_worked_on() -> None:
    both = replace(asking(3), circuits=("uk-ld4", "uk-ld7"), accepts=("REDUNDANCY",))
    # 22:00-06:00 in London, and 03:00-11:00 in London because it is five hours earlier in New York
    assert nights(both, with_hours(LONDON, NEW_YORK), "2026-12-09T07:00", 2) == ["12-10 03:00", "12-11 03:00"]


def test_an_emergency_waits_neither_for_the_night_nor_for_the_end_of_a_freeze() -> None:
    frozen = replace(with_hours(LONDON), freezes=(Freeze(during("00:00-24:00"), "FX week"),))
    assert free_slots(replace(asking(), emergency=True), frozen, not_before=at("12:00"), until=at("24:00")) == (
        during("12:00-14:00"),
    )


def test_a_slot_lies_where_the_survivors_carry_enough() -> None:
    names = ("uk-ld4", "uk-ld7", "uk-ld5")
    kind = CircuitKind.CROSS_CONNECT
    circuits = {name: Circuit(name, kind, name[-3:].upper(), "Equinix", speed=100_000_000) for name in names}
    group = Group("uk-direct", "Spotware", names, "uk-ld4", mode="active_active", concurrent_users=6000)
    known = replace(inventory(), circuits=circuits, groups={"uk-direct": group})
    slots = free_slots(asking(), Situation(known, taken("03:00-05:00")), not_before=DAY, until=at("09:00"))
    assert slots == (during("00:00-02:00"), during("05:30-07:30"))


def test_a_slot_may_lie_where_the_slow_standby_is_away() -> None:
    names = ("uk-ld4", "uk-ld7", "uk-ld5")
    speeds = dict(zip(names, (1000, 1000, 100), strict=True))
    kind = CircuitKind.CROSS_CONNECT
    circuits = {
        name: Circuit(name, kind, name[-3:].upper(), "Equinix", speed=speeds[name] * 1_000_000) for name in names
    }
    group = Group("uk-direct", "Spotware", names, "uk-ld4", concurrent_users=6000)
    known = Situation(replace(inventory(), circuits=circuits, groups={"uk-direct": group}))
    away = replace(known, occupations=taken("04:00-08:00", "uk-ld5"))
    assert never_fits(asking(), known)
    assert free_slots(asking(), away, not_before=DAY, until=at("24:00")) == (during("04:00-06:00"),)


STALE = (StaleSource("equinix", "31 h old"),)
NEVER: dict[str, tuple[Candidate, Situation, str]] = {
    "longer than policy allows": (asking(25), KNOWN, "LENGTH"),
    "as long as the night in which the clocks go back": (asking(9), with_hours(LONDON), ""),
    "longer than even that night": (asking(9.1), with_hours(LONDON), "HOURS"),
    "as long as the hours": (asking(8), with_hours(LONDON), ""),
    "longer than the hours that two sites have in common": (
        replace(asking(4.5), circuits=("uk-ld4", "uk-ld7"), accepts=("REDUNDANCY",)),
        with_hours(LONDON, NEW_YORK),
        "HOURS",
    ),
    "as long as they have in the weeks when only New York has changed its clocks": (
        replace(asking(4), circuits=("uk-ld4", "uk-ld7"), accepts=("REDUNDANCY",)),
        with_hours(LONDON, NEW_YORK),
        "",
    ),
    "hours that only warn": (asking(9.5), with_hours(LONDON, policy=Policy(severity={"HOURS": "warn"})), ""),
    "a stale source": (asking(), replace(KNOWN, stale=STALE), "STALE"),
    "a stale source, in an emergency": (replace(asking(), emergency=True), replace(KNOWN, stale=STALE), ""),
    "a stale source that somebody accepted": (replace(asking(), accepts=("STALE",)), replace(KNOWN, stale=STALE), ""),
    "a review of any time": (asking(), replace(KNOWN, reviews=(OpenReview("n1", "unreadable"),)), "REVIEW"),
    "a review of a stated time": (
        asking(),
        replace(KNOWN, reviews=(OpenReview("n1", "unreadable", (), during("00:00-24:00")),)),
        "",
    ),
    "maintenances are not known as far as that": (asking(), replace(KNOWN, known_until=at("02:29")), "HORIZON"),
    "both members, and no outage to do it in": (replace(asking(), circuits=("uk-ld4", "uk-ld7")), KNOWN, "REDUNDANCY"),
    "both members, and maybe there is one": (
        replace(asking(), circuits=("uk-ld4", "uk-ld7")),
        replace(KNOWN, occupations=taken("01:00-05:00", "uk-ld4", "uk-ld7")),
        "",
    ),
    "without impact": (replace(asking(100), impact=Impact.NO_IMPACT), replace(KNOWN, stale=STALE), ""),
    "something is on": (asking(), replace(KNOWN, occupations=taken("00:00-24:00")), ""),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_can_never_be_booked_is_told_at_once(case: str) -> None:
    candidate, situation, rule = NEVER[case]
    found = never_fits(candidate, situation)
    assert (found.rule if found else "") == rule
    slots = free_slots(candidate, situation, not_before=DAY, until=DAY + timedelta(days=400))
    assert bool(slots) is not bool(rule)
    if found:
        assert (found.severity, found.interval) == ("block", candidate.interval)


def test_what_fits_only_the_night_of_the_change_of_clocks_does_not_fit_before_it() -> None:
    found = never_fits(asking(8.5), with_hours(LONDON), until=DAY + timedelta(days=90))
    assert found
    assert found.rule == "HOURS"
    assert never_fits(asking(8.5), with_hours(LONDON), until=datetime(2027, 10, 31, 7, tzinfo=UTC)) is None


def test_why_hours_never_fit_names_the_sites_and_their_hours() -> None:
    found = never_fits(asking(9.5), with_hours(LONDON))
    assert found
    assert (
        found.message == "it lasts 570 min, longer than the hours allowed ever leave: 22:00-06:00 Europe/London (LD4)"
    )
    assert [(each.kind, each.id) for each in found.with_] == [("site", "LD4")]


severities = st.sampled_from(
    [
        {},
        {},
        {"INSIDE-OUTAGE": "block"},
        {"REDUNDANCY": "warn"},
        {"REDUNDANCY": "block", "CAPACITY": "block"},
        {"CAPACITY": "warn", "LEAD-TIME": "block"},
    ]
)


@given(situations(), severities, st.integers(0, 200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@pytest.mark.slow
def test_slots_are_where_a_walker_finds_them(
    asked: tuple[Candidate, Situation, datetime], severity: dict[str, str], lead: int
) -> None:
    candidate, situation, day = asked
    policy = replace(situation.inventory.policy, severity=severity, lead_time=lead * MINUTE)
    situation = replace(situation, inventory=replace(situation.inventory, policy=policy))
    candidate = replace(candidate, requested_at=day)
    length = candidate.interval.duration // MINUTE

    def free(start: datetime) -> bool:
        return not any(each.blocks for each in find_conflicts(moved(candidate, start), situation))

    walked = [free(day + minute * MINUTE) for minute in range(LASTS + 1 - length)]
    first = [minute for minute, here in enumerate(walked) if here and (minute == 0 or not walked[minute - 1])]
    slots = free_slots(candidate, situation, not_before=day, until=day + LASTS * MINUTE, count=999)
    expected = [moved(candidate, day + minute * MINUTE).interval for minute in first]
    # a walker by the minute does not see a block of less than one: where two free stretches touch, slots has both
    assert [each for each in slots if each in expected] == expected
    for slot in slots:
        assert free(slot.start)
        assert slot.start == day or not free(slot.start - timedelta(microseconds=1))
    if never_fits(moved(candidate, day), situation):
        assert not any(walked)
