"""How bad it is to break a rule: by impact, in an emergency, by policy, and for a drill."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from maintsched.domain.case import SEVERITIES
from maintsched.domain.conflict import (
    Candidate,
    Freeze,
    OpenReview,
    Situation,
    StaleSource,
    facts_leaned_on,
    find_conflicts,
)
from maintsched.domain.inventory import Policy, Site
from maintsched.domain.matching import match
from maintsched.domain.notice import Impact, Notice
from tests.domain.situations import (
    DAY,
    DEGRADED,
    NONE,
    OUTAGE,
    REDUCED,
    asking,
    during,
    inventory,
    judged,
    maintenance,
    told,
    window,
)

# uk-ld7 is taken, uk-ld4 has a window; ny-4 shares a router with ny-2, and nobody knows what any member carries
EVERYTHING = Situation(
    replace(
        inventory(),
        concurrent_users=6000,
        sites={"LD4": Site("LD4", "Equinix", "Europe/London", hours="22:00-06:00")},
    ),
    (*maintenance("00:00-24:00", "uk-ld7"), *window("00:00-24:00", "uk-ld4").occupations()),
    (Freeze(during("02:00-08:00"), "FX week"),),
    (OpenReview("n1", "unreadable"),),
    (StaleSource("equinix", "31 h old"),),
    DAY,
)


def asking_all(impact: Impact, emergency: bool = False) -> Candidate:
    asked = asking("00:00-30:00", "uk-ld4", "ny-2", impact=impact)
    return replace(asked, requested_at=DAY, emergency=emergency)


def by_rule(candidate: Candidate, situation: Situation = EVERYTHING) -> dict[str, str]:
    return dict(told(find_conflicts(candidate, situation)))


HARD = dict.fromkeys(("REDUNDANCY", "CLASH", "REVIEW", "STALE", "LENGTH", "HORIZON"), "block")
MILD = {"SHARED-FATE": "warn", "LEAD-TIME": "warn"}
BY_IMPACT = {
    OUTAGE: HARD | MILD | {"CAPACITY": "block", "FREEZE": "block", "HOURS": "block"},
    DEGRADED: HARD | MILD | {"CAPACITY": "block", "FREEZE": "block", "HOURS": "block"},
    REDUCED: HARD | MILD | {"CAPACITY": "warn", "FREEZE": "warn", "HOURS": "warn"},
    NONE: {},
}


@pytest.mark.parametrize("impact", BY_IMPACT)
def test_the_impact_of_the_work_decides(impact: Impact) -> None:
    assert by_rule(asking_all(impact)) == BY_IMPACT[impact]


def test_every_rule_but_the_one_inside_an_outage_is_broken_there() -> None:
    assert by_rule(asking_all(OUTAGE)).keys() == SEVERITIES.keys() - {"INSIDE-OUTAGE"}


def test_an_emergency_waits_for_no_date_and_records_what_is_not_known() -> None:
    assert by_rule(asking_all(OUTAGE, emergency=True)) == {
        "REDUNDANCY": "block",
        "CAPACITY": "block",
        "SHARED-FATE": "warn",
        "CLASH": "block",
        "REVIEW": "warn",
        "STALE": "warn",
        "HORIZON": "warn",
    }


@pytest.mark.parametrize("rule", ["REVIEW", "STALE", "HORIZON"])
def test_an_emergency_is_not_stopped_by_what_is_not_known_whatever_policy_says(rule: str) -> None:
    strict = replace(EVERYTHING, inventory=replace(EVERYTHING.inventory, policy=Policy(severity={rule: "block"})))
    assert by_rule(asking_all(OUTAGE, emergency=True), strict)[rule] == "warn"


@pytest.mark.parametrize("rule", sorted(SEVERITIES.keys() - {"INSIDE-OUTAGE"}))
@pytest.mark.parametrize("severity", ["block", "warn"])
def test_policy_decides_for_every_rule(rule: str, severity: str) -> None:
    own = replace(EVERYTHING, inventory=replace(EVERYTHING.inventory, policy=Policy(severity={rule: severity})))
    assert by_rule(asking_all(OUTAGE), own) == BY_IMPACT[OUTAGE] | {rule: severity}


def test_what_lies_inside_an_outage_names_the_fact_that_it_leans_on() -> None:
    others = (*maintenance("02:00-06:00", "uk-ld4", "uk-ld7", id_="M-7"), *maintenance("02:00-03:00", "ny-2"))
    conflicts = find_conflicts(asking("02:30-05:30", "uk-ld4"), Situation(inventory(), others))
    assert facts_leaned_on(conflicts) == ("M-7",)
    assert facts_leaned_on(find_conflicts(asking("02:00-05:30", "uk-ld4"), Situation(inventory(), others))) == ()


def test_a_reschedule_breaks_an_approved_window() -> None:
    approved = window("01:00-03:00", "uk-ld4")
    before = maintenance("10:00-12:00", "uk-ld7")
    after = maintenance("02:00-04:00", "uk-ld7")
    again = approved.candidate(DAY - timedelta(days=30))
    assert find_conflicts(again, Situation(inventory(), before + approved.occupations())) == ()
    (broken,) = find_conflicts(again, Situation(inventory(), after + approved.occupations()))
    assert (broken.rule, broken.severity, broken.interval) == ("REDUNDANCY", "block", during("02:00-03:00"))
    assert [(each.id, each.reference) for each in broken.with_] == [("m1", "Equinix CHG0123456")]


SITE = {
    "an outage by site": (OUTAGE, "window", [("REDUNDANCY", "block")]),
    "reduced redundancy by site": (REDUCED, "window", [("REDUNDANCY", "warn")]),
    "reduced redundancy by site, for a drill": (REDUCED, "drill", [("REDUNDANCY", "block")]),
    "no impact by site": (NONE, "window", []),
}


@pytest.mark.parametrize("case", SITE)
def test_a_notice_of_a_site_hits_every_circuit_there(case: str) -> None:
    impact, kind, expected = SITE[case]
    notice = Notice("Equinix", "", "CHG1", "", "Power", None, during("01:00-05:00"), None, impact, sites=("LD4",))
    hits = match(notice, inventory()).circuits
    assert {hit.circuit for hit in hits} == {"uk-ld4", "ld4-ld7", "alone"}
    facts = [each for hit in hits for each in maintenance("01:00-05:00", hit.circuit, impact=hit.impact, how=hit.how)]
    assert judged(asking("00:00-03:00", "uk-ld7", kind=kind), *facts) == expected
