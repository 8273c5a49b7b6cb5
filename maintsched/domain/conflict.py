"""The one evaluator: may this be booked, approved, started, given everything known? Nothing else decides that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from maintsched.domain import rules_groups, rules_known, rules_times
from maintsched.domain.case import SKIPPED_IN_EMERGENCY, Case, Reach
from maintsched.domain.notice import Impact
from maintsched.domain.situation import (
    BLOCK,
    WARN,
    Candidate,
    Colliding,
    Conflict,
    Freeze,
    Occupation,
    OpenReview,
    Situation,
    StaleSource,
)

__all__ = [
    "BLOCK",
    "RULES",
    "WARN",
    "Candidate",
    "Colliding",
    "Conflict",
    "Freeze",
    "Occupation",
    "OpenReview",
    "Rule",
    "Situation",
    "StaleSource",
    "blocked",
    "broken",
    "facts_leaned_on",
    "find_conflicts",
]

Rule = Callable[[Case], Iterable[Conflict]]
RULES: tuple[Rule, ...] = (
    rules_groups.redundancy,
    rules_groups.survivors_carry,
    rules_groups.shared_fate,
    rules_known.clash,
    rules_times.freeze,
    rules_times.hours,
    rules_known.review,
    rules_known.stale,
    rules_times.longest,
    rules_known.horizon,
    rules_times.lead_time,
)
"""Every rule, once. A new rule is a function more; none of the others changes."""


def find_conflicts(candidate: Candidate, situation: Situation) -> tuple[Conflict, ...]:
    """Every rule that `candidate` breaks, in the order of RULES, group and time; work without impact breaks none."""
    if candidate.impact is Impact.NO_IMPACT:
        return ()
    case = Case(candidate, situation, Reach(candidate.circuits, situation.inventory))
    found: list[Conflict] = []
    for rule in RULES:
        found += sorted(broken(rule, case), key=lambda each: (each.group or "", each.interval, each.message))
    return tuple(dict.fromkeys(found))


def blocked(case: Case, rules: Sequence[Rule] = RULES) -> bool:
    """Whether anything that `find_conflicts` would say of this case blocks; it stops at the first, the cheap before."""
    if case.candidate.impact is Impact.NO_IMPACT:
        return False
    return any(each.blocks for rule in reversed(rules) for each in broken(rule, case))


def broken(rule: Rule, case: Case) -> Iterator[Conflict]:
    """What `rule` says; in an emergency some rules say nothing."""
    emergency = case.candidate.emergency
    return (each for each in rule(case) if not (emergency and each.rule in SKIPPED_IN_EMERGENCY))


def facts_leaned_on(conflicts: Iterable[Conflict]) -> tuple[str, ...]:
    """The ids of the maintenances in whose outage a booking lies (INSIDE-OUTAGE): when one moves, it needs a review."""
    inside = (each for each in conflicts if each.rule == "INSIDE-OUTAGE")
    return tuple(sorted({other.id for each in inside for other in each.with_}))
