"""Windows beside windows, and the rules beside redundancy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from maintsched.domain.conflict import (
    Candidate,
    Freeze,
    OpenReview,
    Situation,
    StaleSource,
    find_conflicts,
)
from maintsched.domain.inventory import Group, Policy
from maintsched.domain.redundancy import members_taken
from maintsched.domain.window import WindowState
from tests.domain.situations import (
    ASKED,
    DAY,
    REDUCED,
    asking,
    at,
    circuit,
    during,
    inventory,
    judged,
    maintenance,
    told,
    window,
)

REDUNDANCY = [("REDUNDANCY", "block")]
BOTH = ("uk-ld4", "uk-ld7")


def test_a_window_judged_again_does_not_collide_with_itself() -> None:
    own = window("01:00-03:00", "uk-ld4")
    assert find_conflicts(own.candidate(ASKED), Situation(inventory(), own.occupations())) == ()


def test_windows_that_share_do_not_clash_whichever_is_judged() -> None:
    first = window("01:00-03:00", "uk-ld4", id_="w1")
    second = replace(window("02:00-04:00", "uk-ld4", id_="w2"), shares=("w1",))
    there = Situation(inventory(), first.occupations() + second.occupations())
    assert find_conflicts(first.candidate(ASKED), there) == ()
    assert find_conflicts(second.candidate(ASKED), there) == ()


def test_sharing_does_not_lift_the_redundancy_rule() -> None:
    first = window("01:00-03:00", "uk-ld7", id_="w1")
    second = replace(asking("02:00-04:00", "uk-ld4"), shares=("w1",))
    assert judged(second, *first.occupations()) == REDUNDANCY


@pytest.mark.parametrize("state", [state for state in WindowState if not state.counts])
def test_a_window_that_is_over_holds_nothing(state: WindowState) -> None:
    over = replace(window("01:00-03:00", "uk-ld7"), state=state)
    assert judged(asking("01:00-03:00", "uk-ld4"), *over.occupations()) == []


@pytest.mark.parametrize("state", [state for state in WindowState if state.counts])
def test_a_window_holds_its_slot_from_the_request_on(state: WindowState) -> None:
    held = replace(window("01:00-03:00", "uk-ld7"), state=state)
    assert judged(asking("01:00-03:00", "uk-ld4"), *held.occupations()) == REDUNDANCY


FREEZE = Freeze(during("02:00-08:00"), "FX week")
OTHER_RULES: dict[str, tuple[Candidate, Situation, list[tuple[str, str]]]] = {
    "an outage in a freeze": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), freezes=(FREEZE,)),
        [("FREEZE", "block")],
    ),
    "reduced redundancy in a freeze": (
        asking("01:00-03:00", "uk-ld4", impact=REDUCED),
        Situation(inventory(), freezes=(FREEZE,)),
        [("FREEZE", "warn")],
    ),
    "until the freeze begins": (
        asking("01:00-02:00", "uk-ld4"),
        Situation(inventory(), freezes=(FREEZE,)),
        [],
    ),
    "from when the freeze ends": (
        asking("08:00-09:00", "uk-ld4"),
        Situation(inventory(), freezes=(FREEZE,)),
        [],
    ),
    "a review of the other member": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), reviews=(OpenReview("n1", "no serial", ("uk-ld7",)),)),
        [("REVIEW", "block")],
    ),
    "a review that may concern anything": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), reviews=(OpenReview("n1", "unreadable"),)),
        [("REVIEW", "block")],
    ),
    "a review of another group": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), reviews=(OpenReview("n1", "no serial", ("ny-2",)),)),
        [],
    ),
    "a review of another day": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), reviews=(OpenReview("n1", "no serial", ("uk-ld7",), during("30:00-31:00")),)),
        [],
    ),
    "a review within the guard": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), reviews=(OpenReview("n1", "no serial", ("uk-ld7",), during("03:29-04:00")),)),
        [("REVIEW", "block")],
    ),
    "a stale source of the group": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), stale=(StaleSource("spotware", "31 h old", groups=("uk-direct",)),)),
        [("STALE", "block")],
    ),
    "a stale source of the other member": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), stale=(StaleSource("equinix", "31 h old", circuits=("uk-ld7",)),)),
        [("STALE", "block")],
    ),
    "a stale source that may concern anything": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), stale=(StaleSource("equinix", "31 h old"),)),
        [("STALE", "block")],
    ),
    "a stale source of a group that nobody knows": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), stale=(StaleSource("spotware", "31 h old", groups=("renamed",)),)),
        [("STALE", "block")],
    ),
    "a stale source of another group": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), stale=(StaleSource("spotware", "31 h old", groups=("ny-three",)),)),
        [],
    ),
    "a whole day is allowed": (asking("00:00-24:00", "uk-ld4"), Situation(inventory()), []),
    "a minute more is too long": (
        asking("00:00-24:01", "uk-ld4"),
        Situation(inventory()),
        [("LENGTH", "block")],
    ),
    "asked for a minute too late": (
        replace(asking("00:00-01:00", "uk-ld4"), requested_at=DAY - timedelta(days=14) + timedelta(minutes=1)),
        Situation(inventory()),
        [("LEAD-TIME", "warn")],
    ),
    "asked for in time": (
        replace(asking("00:00-01:00", "uk-ld4"), requested_at=DAY - timedelta(days=14)),
        Situation(inventory()),
        [],
    ),
    "as far as maintenances are known": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), known_until=at("03:30")),
        [],
    ),
    "farther than maintenances are known": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(), known_until=at("03:29")),
        [("HORIZON", "block")],
    ),
    "policy makes a warning a block": (
        replace(asking("00:00-01:00", "uk-ld4"), requested_at=DAY),
        Situation(inventory(Policy(severity={"LEAD-TIME": "block"}))),
        [("LEAD-TIME", "block")],
    ),
    "policy makes a block a warning": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(Policy(severity={"FREEZE": "warn"})), freezes=(FREEZE,)),
        [("FREEZE", "warn")],
    ),
    "policy warns of what is tentative": (
        asking("01:00-03:00", "uk-ld4"),
        Situation(inventory(Policy(tentative="warn")), maintenance("02:00-05:00", "uk-ld7", tentative=True)),
        [("REDUNDANCY", "warn")],
    ),
    "an accepted rule is told, and does not block": (
        replace(asking("01:00-03:00", "uk-ld4"), accepts=("STALE",)),
        Situation(inventory(), stale=(StaleSource("equinix", "31 h old"),)),
        [("STALE", "warn")],
    ),
}


@pytest.mark.parametrize("case", OTHER_RULES)
def test_the_other_rules(case: str) -> None:
    candidate, situation, expected = OTHER_RULES[case]
    assert told(find_conflicts(candidate, situation)) == expected


def test_an_interconnect_that_tells_no_sites_apart_takes_all_but_the_primary() -> None:
    here = [circuit("a", "LD4"), circuit("b", "LD4"), circuit("x", "LD4", kind="interconnect"), circuit("y", "LD5")]
    group = Group("g", "Spotware", ("a", "b"), "a", needs=("x", "y"))
    one = replace(inventory(groups={"g": group}), circuits={each.name: each for each in here})
    assert members_taken(group, ("x",), one) == {"b"}
    assert members_taken(group, ("y",), one) == {"b"}
    assert members_taken(group, ("a", "x"), one) == {"a", "b"}
