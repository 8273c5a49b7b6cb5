"""The rules about what is known: other bookings, notices that need a person, calendars that are not up to date."""

from __future__ import annotations

from collections.abc import Iterable

from maintsched.domain.case import Case, causes_told, colliding
from maintsched.domain.interval import Interval
from maintsched.domain.situation import Colliding, Conflict, Occupation, StaleSource
from maintsched.domain.wording import moment, span


def clash(case: Case) -> Iterable[Conflict]:
    """CLASH: another window or drill on the same circuit or router, unless one was booked beside the other."""
    candidate, circuits = case.candidate, case.inventory.circuits
    clashing: dict[str, list[Occupation]] = {}
    for each in case.near:
        if each.fact or not each.interval.overlaps(candidate.interval):
            continue
        if each.id in candidate.shares or (candidate.id is not None and candidate.id in each.shares):
            continue
        theirs = circuits.get(each.circuit)
        if each.circuit in case.reach.circuits or (theirs and theirs.router in case.reach.routers):
            clashing.setdefault(each.id, []).append(each)
    for causes in clashing.values():
        hull = Interval(min(each.interval.start for each in causes), max(each.interval.end for each in causes))
        inside = hull.intersection(candidate.interval) or candidate.interval
        same = sorted({each.circuit for each in causes} & case.reach.circuits)
        theirs_too = {circuits[each.circuit].router for each in causes if each.circuit in circuits}
        where = ", ".join(same) or "router " + ", ".join(sorted(case.reach.routers & theirs_too))
        message = f"somebody else works on {where} {span(inside)}: {causes_told(causes)}"
        yield case.conflict("CLASH", inside, message, with_=colliding(causes))


def review(case: Case) -> Iterable[Conflict]:
    """REVIEW: a notice that needs a person may concern it."""
    for each in case.situation.reviews:
        if each.circuits and case.reach.concerned.isdisjoint(each.circuits):
            continue
        if each.interval and not each.interval.overlaps(case.close):
            continue
        message = f"notice {each.id} needs a person and may concern this: {each.reason}"
        notice = (Colliding("notice", each.id, each.reason, tuple(sorted(each.circuits)), each.interval),)
        yield case.conflict("REVIEW", case.candidate.interval, message, with_=notice)


def stale(case: Case) -> Iterable[Conflict]:
    """STALE: a calendar source that may concern it is not known to be up to date."""
    for source in case.situation.stale:
        if _concerns(source, case):
            message = f"calendar source {source.name} is stale, so a maintenance may be missing: {source.reason}"
            named = (Colliding("source", source.name, source.reason, tuple(sorted(source.circuits))),)
            yield case.conflict("STALE", case.candidate.interval, message, with_=named)


def _concerns(source: StaleSource, case: Case) -> bool:
    groups = [case.inventory.groups[name] for name in source.groups if name in case.inventory.groups]
    if len(groups) < len(source.groups) or not (source.circuits or source.groups):
        return True
    reached = set(source.circuits).union(*({*group.circuits, *group.needs} for group in groups))
    return not case.reach.concerned.isdisjoint(reached)


def horizon(case: Case) -> Iterable[Conflict]:
    """HORIZON: maintenances and freezes are known until a guard after its end."""
    known, wanted = case.situation.known_until, case.candidate.interval
    needed = wanted.end + case.policy.guard
    if known is not None and needed > known:
        which = f" in {case.situation.ends_first}" if case.situation.ends_first else ""
        message = f"maintenances and freezes are known only until {moment(known)}{which}; this needs {moment(needed)}"
        ends = (Colliding("source", case.situation.ends_first, f"known until {moment(known)}"),)
        yield case.conflict("HORIZON", wanted, message, with_=ends if case.situation.ends_first else ())
