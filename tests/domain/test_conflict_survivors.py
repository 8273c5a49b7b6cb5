"""What the survivors carry, what may go with the work, and when a site may be worked on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maintsched.domain.capacity import needed
from maintsched.domain.conflict import Candidate, Occupation, Situation, find_conflicts
from maintsched.domain.hours import allowed
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Policy, Site
from tests.domain.situations import (
    DEGRADED,
    NONE,
    OUTAGE,
    REDUCED,
    asking,
    during,
    inventory,
    maintenance,
    told,
    window,
)

MEGABIT = 1_000_000
BLOCKED, WARNED = [("CAPACITY", "block")], [("CAPACITY", "warn")]


def carrying(
    *speeds: int | None, mode: str = "active_active", users: int | None = 6000, policy: Policy | None = None
) -> Inventory:
    """Members a, b, c … of these speeds in Mbit/s; 6000 users need 180."""
    names = "abcd"[: len(speeds)]
    circuits = {
        name: Circuit(name, CircuitKind.CROSS_CONNECT, f"S{name}", "Equinix", speed=speed and speed * MEGABIT)
        for name, speed in zip(names, speeds, strict=True)
    }
    group = Group("uk-direct", "Spotware", tuple(names), "a", mode=mode)
    return replace(inventory(policy), circuits=circuits, groups={"uk-direct": group}, concurrent_users=users)


A = asking("01:00-03:00", "a")
STANDBY = "active_standby"
CAPACITY: dict[str, tuple[Candidate, Inventory, tuple[Occupation, ...], list[tuple[str, str]]]] = {
    "the other one carries it all": (A, carrying(100, 180), (), []),
    "one Mbit/s less": (A, carrying(1000, 179), (), BLOCKED),
    "nobody said how many users": (A, carrying(1000, 100, users=None), (), []),
    "degraded is down": (replace(A, impact=DEGRADED), carrying(1000, 100), (), BLOCKED),
    "reduced redundancy": (replace(A, impact=REDUCED), carrying(1000, 100), (), WARNED),
    "no impact": (replace(A, impact=NONE), carrying(1000, 100), (), []),
    "two that are active carry together": (A, carrying(100, 90, 90), (), []),
    "of two standbys the slower may be the one": (A, carrying(1000, 1000, 100, mode=STANDBY), (), BLOCKED),
    "the fast one stays": (asking("01:00-03:00", "b"), carrying(1000, 100, mode=STANDBY), (), []),
    "a circuit without a speed carries nothing": (A, carrying(1000, None), (), BLOCKED),
    "a maintenance takes the second": (A, carrying(100, 100, 100), maintenance("02:00-05:00", "b"), BLOCKED),
    "a maintenance has just left the second": (A, carrying(100, 100, 100), maintenance("00:00-00:31", "b"), BLOCKED),
    "the second has been back for a guard": (A, carrying(100, 100, 100), maintenance("00:00-00:30", "b"), []),
    "the other is announced, not confirmed, where policy only warns of that": (
        A,
        carrying(100, 100, 100, policy=Policy(tentative="warn")),
        maintenance("02:00-05:00", "b", tentative=True),
        WARNED,
    ),
    "the slow standby may be away, or may not": (
        A,
        carrying(1000, 1000, 100, mode=STANDBY, policy=Policy(tentative="warn")),
        maintenance("00:00-05:00", "c", tentative=True),
        BLOCKED,
    ),
    "the slow standby is away": (
        A,
        carrying(1000, 1000, 100, mode=STANDBY),
        maintenance("00:00-05:00", "c"),
        [],
    ),
    "a fact holds the member anyway": (
        asking("02:30-04:00", "a"),
        carrying(100, 90),
        maintenance("02:00-05:00", "a"),
        [],
    ),
    "a mild booking beside one that takes a member down": (
        replace(A, impact=REDUCED),
        carrying(100, 100, 100),
        window("01:00-03:00", "b", impact=OUTAGE).occupations(),
        BLOCKED,
    ),
    "one that takes a member down beside a mild one": (
        A,
        carrying(100, 100, 100),
        window("01:00-03:00", "b", impact=REDUCED).occupations(),
        BLOCKED,
    ),
    "two mild bookings": (
        replace(A, impact=REDUCED),
        carrying(100, 100, 100),
        window("01:00-03:00", "b", impact=REDUCED).occupations(),
        WARNED,
    ),
    "where nothing is left the redundancy rule says so": (
        A,
        carrying(100, 100),
        maintenance("01:00-03:00", "b"),
        [("REDUNDANCY", "block")],
    ),
    "policy warns": (A, carrying(1000, 100, policy=Policy(severity={"CAPACITY": "warn"})), (), WARNED),
}


@pytest.mark.parametrize("case", CAPACITY)
def test_what_survives_carries_three_times_the_minimum(case: str) -> None:
    candidate, known, others, expected = CAPACITY[case]
    assert told(find_conflicts(candidate, Situation(known, others))) == expected


def test_a_capacity_conflict_says_what_is_left_of_what_is_needed_and_why() -> None:
    known = carrying(100, 100, 100, None)
    (found,) = find_conflicts(A, Situation(known, maintenance("02:00-05:00", "b")))
    assert (found.group, found.available, found.required) == ("uk-direct", 100, 180)
    assert found.interval == during("02:00-03:00")
    assert [(each.id, each.circuits) for each in found.with_] == [("m1", ("b",))]
    assert found.message == (
        "uk-direct would be left 100 of 180 Mbit/s needed 2026-12-09 02:00Z–03:00Z: "
        "Equinix CHG0123456 (maintenance m1) takes b 2026-12-09 02:00Z–05:00Z; "
        "no speed is known of d: counted as 0"
    )


@pytest.mark.parametrize(("users", "megabits"), [(None, None), (1, 3), (100, 3), (101, 6), (6000, 180), (6001, 183)])
def test_three_times_one_megabit_for_every_hundred_users(users: int | None, megabits: int | None) -> None:
    known = carrying(100, 100, users=users)
    assert needed(known.groups["uk-direct"], known) == megabits


def test_the_users_of_the_group_come_before_those_of_the_broker() -> None:
    known = carrying(100, 100)
    assert needed(replace(known.groups["uk-direct"], concurrent_users=2000), known) == 60


def placed(**places: tuple[str, str | None, str | None]) -> Inventory:
    """Circuits of one group by site, router and interface."""
    circuits = {
        name: Circuit(name, CircuitKind.CROSS_CONNECT, site, "Equinix", router=router, interface=interface)
        for name, (site, router, interface) in places.items()
    }
    sites = {name: Site(name, "Equinix", "Europe/London", campus="Slough") for name in ("LD4", "LD7")}
    group = Group("uk-direct", "Spotware", tuple(circuits), "a")
    return replace(inventory(), sites=sites, circuits=circuits, groups={"uk-direct": group})


SHARED: dict[str, tuple[Inventory, str]] = {
    "nothing but the campus": (placed(a=("LD4", "edge1", "eth1"), b=("LD7", "edge2", "eth1")), ""),
    "the site": (placed(a=("LD4", "edge1", "eth1"), b=("LD4", "edge2", "eth1")), "b (at site LD4 like a)"),
    "the router": (placed(a=("LD4", "edge1", "eth1"), b=("LD7", "edge1", "eth2")), "b (on router edge1 like a)"),
    "the port, under two VLANs": (
        placed(a=("LD4", "edge1", "ae0.10"), b=("LD4", "edge1", "ae0.20")),
        "b (on port ae0 of edge1 like a)",
    ),
    "two ports of one card": (
        placed(a=("LD4", "edge1", "xe-0/0/1"), b=("LD4", "edge1", "xe-0/0/10")),
        "b (on router edge1 like a)",
    ),
    "no router is known": (placed(a=("LD4", None, None), b=("LD7", None, None)), ""),
    "two of three": (
        placed(a=("LD4", "edge1", "eth1"), b=("LD4", "edge2", "eth1"), c=("LD7", "edge1", "eth2")),
        "b (at site LD4 like a) and c (on router edge1 like a)",
    ),
}


@pytest.mark.parametrize("case", SHARED)
def test_what_may_go_with_the_work(case: str) -> None:
    known, expected = SHARED[case]
    found = find_conflicts(A, Situation(known))
    message = f"uk-direct: the work may take {expected} too" if expected else None
    assert [(each.rule, each.severity, each.message) for each in found] == (
        [("SHARED-FATE", "warn", message)] if message else []
    )


def test_shared_fate_names_who_would_go_and_what_would_be_left() -> None:
    (found,) = find_conflicts(A, Situation(SHARED["two of three"][0]))
    assert (found.group, found.available, found.required) == ("uk-direct", 0, 1)
    assert [(each.kind, each.id) for each in found.with_] == [("circuit", "b"), ("circuit", "c")]


def test_a_member_that_is_worked_on_itself_is_no_survivor() -> None:
    known = placed(a=("LD4", "edge1", "eth1"), b=("LD4", "edge1", "eth2"), c=("LD7", "edge2", "eth1"))
    assert find_conflicts(asking("01:00-03:00", "a", "b"), Situation(known)) == ()


def at_night(when: str, zone: str = "Europe/London", hours: str = "22:00-06:00") -> list[tuple[str, str]]:
    sites = {"LD4": Site("LD4", "Equinix", zone, hours=hours), "LD7": Site("LD7", "Equinix", zone)}
    return told(find_conflicts(asking(when, "uk-ld4"), Situation(replace(inventory(), sites=sites))))


HOURS: dict[str, tuple[str, str, str, bool]] = {
    "in the night": ("01:00-03:00", "Europe/London", "22:00-06:00", True),
    "the whole night, across midnight": ("22:00-30:00", "Europe/London", "22:00-06:00", True),
    "a minute too early": ("21:59-23:00", "Europe/London", "22:00-06:00", False),
    "a minute too late": ("05:00-06:01", "Europe/London", "22:00-06:00", False),
    "by day": ("12:00-13:00", "Europe/London", "22:00-06:00", False),
    "across a day between two nights": ("05:00-23:00", "Europe/London", "22:00-06:00", False),
    "by the clock of New York": ("03:00-11:00", "America/New_York", "22:00-06:00", True),
    "a minute too early there": ("02:59-04:00", "America/New_York", "22:00-06:00", False),
    "by day, where that is allowed": ("09:00-17:00", "Europe/London", "09:00-17:00", True),
    "at night, where only the day is allowed": ("17:00-17:01", "Europe/London", "09:00-17:00", False),
}


@pytest.mark.parametrize("case", HOURS)
def test_the_hours_of_a_site(case: str) -> None:
    when, zone, hours, inside = HOURS[case]
    assert at_night(when, zone, hours) == ([] if inside else [("HOURS", "block")])


def test_a_conflict_with_the_hours_names_the_site_and_what_lies_outside() -> None:
    sites = {"LD4": Site("LD4", "Equinix", "Europe/London", hours="22:00-06:00")}
    known = Situation(replace(inventory(), sites=sites))
    (found,) = find_conflicts(asking("05:00-23:00", "uk-ld4"), known)
    assert found.interval == during("06:00-22:00")
    assert [(each.kind, each.id, each.circuits) for each in found.with_] == [("site", "LD4", ("uk-ld4",))]
    assert found.message == (
        "LD4 may be worked on 22:00-06:00 Europe/London, which leaves out 2026-12-09 06:00Z–22:00Z"
    )


CHANGES: dict[str, tuple[str, str, list[str]]] = {
    "the clock goes from 01:00 to 02:00": ("01:30-06:00", "2027-03-28", ["01:00-05:00"]),
    "the hours end in the hour that is skipped": ("00:15-01:30", "2027-03-28", ["00:15-01:00"]),
    "the clock shows 01:00 to 02:00 twice": ("00:30-01:30", "2026-10-25", ["00:00-00:30", "01:00-01:30"]),
    "the hours begin in the hour that is repeated": ("01:30-03:00", "2026-10-25", ["00:30-01:00", "01:30-03:00"]),
    "no change": ("01:30-06:00", "2026-12-09", ["01:30-06:00"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_clocks(case: str) -> None:
    hours, date, expected = CHANGES[case]
    day = datetime.fromisoformat(date).replace(tzinfo=UTC)
    site = Site("LD4", "Equinix", "Europe/London", hours=hours)
    found = allowed(site, Interval(day, day + timedelta(hours=12)))
    assert [f"{span.start:%H:%M}-{span.end:%H:%M}" for span in found] == expected


def test_other_sites_of_the_group_may_be_closed() -> None:
    sites = {"LD7": Site("LD7", "Equinix", "Europe/London", hours="22:00-06:00")}
    known = Situation(replace(inventory(), sites=sites))
    assert find_conflicts(asking("12:00-13:00", "uk-ld4"), known) == ()
