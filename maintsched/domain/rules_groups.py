"""The rules about what is left of a redundancy group: its members, what they carry, and what may go with the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from maintsched.domain import capacity
from maintsched.domain.case import Case, can_block, causes_told, colliding, severity
from maintsched.domain.interval import Interval, merged
from maintsched.domain.inventory import Circuit, Group, Inventory
from maintsched.domain.redundancy import Left, Shortfall, Work, short_alone, short_while, shortfalls
from maintsched.domain.situation import BLOCK, Candidate, Colliding, Conflict, Occupation
from maintsched.domain.wording import length, span


def redundancy(case: Case) -> Iterable[Conflict]:
    """REDUNDANCY: it lowers the clean members left below `min_up`. INSIDE-OUTAGE: facts have done so already."""
    for group, members in case.reach.groups:
        yield from _members_left(case, group, members)


def _members_left(case: Case, group: Group, members: frozenset[str]) -> Iterable[Conflict]:
    works, size = case.works(group), len(group.circuits)
    facts = [work for work in works if case.near[work.key].fact and not work.soft]
    outages = short_alone(facts, size=size, min_up=group.min_up)
    booking = Work(-1, members, case.candidate.interval)
    short = shortfalls(booking, works, left=_still_up(group), needed=group.min_up, guard=case.policy.guard)
    for each in short:
        edge = any(outage.interval.overlaps(each.interval) for outage in outages)
        yield _too_few(case, each, group, edge)
    if any(not each.soft for each in short):
        return
    for outage in outages:
        if inside := outage.interval.intersection(case.candidate.interval):
            yield _inside_outage(case, group, outage, inside)


def _too_few(case: Case, short: Shortfall, group: Group, edge: bool) -> Conflict:
    guard = length(case.policy.guard)
    causes = _causes(case, short)
    noun = "member" if group.min_up == 1 else "members"
    counted = f" (a member counts as back {guard} after its work)" if short.guard_only else ""
    because = causes_told(causes) or "the booking takes them by itself"
    inside = f"; only a booking {guard} inside both ends of that outage may use it" if edge else ""
    left = f"{short.left} of {group.min_up} needed {noun} left"
    return case.conflict(
        "REDUNDANCY",
        short.interval,
        f"{group.name} would have {left} {span(short.interval)}{counted}: {because}{inside}",
        group=group.name,
        available=short.left,
        required=group.min_up,
        with_=colliding(causes),
        soft=short.soft,
    )


def _inside_outage(case: Case, group: Group, outage: Shortfall, inside: Interval) -> Conflict:
    causes = _causes(case, outage)
    return case.conflict(
        "INSIDE-OUTAGE",
        inside,
        f"{group.name} is down anyway {span(inside)} ({outage.left} of {group.min_up} needed left): "
        f"{causes_told(causes)}; if that moves, this booking needs a review",
        group=group.name,
        available=outage.left,
        required=group.min_up,
        with_=colliding(causes),
    )


def survivors_carry(case: Case) -> Iterable[Conflict]:
    """CAPACITY, in Mbit/s: the members that it leaves carry less than three times the provider's minimum.

    Where it leaves none, REDUNDANCY says so.
    """
    for group, members in case.reach.groups:
        needed = capacity.needed(group, case.inventory)
        if needed is None:
            continue
        booking = Work(-1, members, case.candidate.interval)
        left = _still_carried(case, group, needed)
        for short in shortfalls(booking, case.works(group), left=left, needed=needed, guard=case.policy.guard):
            yield _too_little(case, short, group, members, needed)


def _still_up(group: Group) -> Left:
    return lambda taken: len(group.circuits) - len(taken)


def _still_carried(case: Case, group: Group, enough: int) -> Left:
    def carried(taken: frozenset[str]) -> int:
        survivors = [name for name in group.circuits if name not in taken]
        return capacity.carried(group, survivors, case.inventory) if survivors else enough

    return carried


def barred(case: Case) -> tuple[Interval, ...]:
    """The instants, within the case and a guard after it, that no booking on its circuits may reach.

    REDUNDANCY and CAPACITY block one that reaches them, less than a guard before included, wherever it begins.
    """
    found: list[Interval] = []
    for group, members in case.reach.groups:
        booking, works = Work(-1, members, case.candidate.interval), case.works(group)
        asked = [("REDUNDANCY", _still_up(group), group.min_up)]
        if (needed := capacity.needed(group, case.inventory)) is not None:
            asked.append(("CAPACITY", _still_carried(case, group, needed), needed))
        for rule, left, enough in asked:
            if not can_block(rule, case.candidate, case.inventory):
                continue
            soft = severity(rule, case.candidate, case.inventory, case.candidate.impact, soft=True) == BLOCK
            short = short_while(booking, works, left=left, needed=enough, guard=case.policy.guard)
            found += [each.interval for each in short if soft or not each.soft]
    return merged(found)


def settled_by_instants(candidate: Candidate, inventory: Inventory) -> tuple[Callable[[Case], Iterable[Conflict]], ...]:
    """The rules of which `barred` tells everything that can block this candidate."""
    by_impact = not candidate.impact.takes_down and "CAPACITY" not in inventory.policy.severity
    carry = () if by_impact and "CAPACITY" not in candidate.accepts else (survivors_carry,)
    members = () if can_block("INSIDE-OUTAGE", candidate, inventory) else (redundancy,)
    return (*members, *carry)


def _too_little(case: Case, short: Shortfall, group: Group, members: frozenset[str], needed: int) -> Conflict:
    causes = _causes(case, short)
    taken = members.union(*(work.members for work in case.works(group) if work.key in short.keys))
    unknown = capacity.without_speed((name for name in group.circuits if name not in taken), case.inventory)
    because = f": {causes_told(causes)}" if causes else ""
    counted = f"; no speed is known of {', '.join(unknown)}: counted as 0" if unknown else ""
    # what bookings do together is as bad whichever is judged, so the worst of them decides; also one of the same member
    there = [case.near[work.key] for work in case.works(group) if _there(work, short, case)]
    impacts = (case.candidate.impact, *(each.impact for each in (*causes, *there) if not each.fact))
    return case.conflict(
        "CAPACITY",
        short.interval,
        f"{group.name} would be left {short.left} of {needed} Mbit/s needed {span(short.interval)}{because}{counted}",
        group=group.name,
        available=short.left,
        required=needed,
        with_=colliding(causes),
        impact=max(impacts, key=lambda impact: impact.rank),
        soft=short.soft,
    )


def _there(work: Work, short: Shortfall, case: Case) -> bool:
    return Interval(work.interval.start, work.interval.end + case.policy.guard).overlaps(short.interval)


def shared_fate(case: Case) -> Iterable[Conflict]:
    """SHARED-FATE: a member that should survive shares a port, a router or a site with a circuit that is worked on."""
    circuits = case.inventory.circuits
    worked_on = [circuits[name] for name in sorted(case.reach.circuits) if name in circuits]
    for group, members in case.reach.groups:
        found = []
        for name in group.circuits:
            if name not in members and (shared := _shared(circuits[name], worked_on)):
                found.append((name, shared))
        if not found:
            continue
        yield case.conflict(
            "SHARED-FATE",
            case.candidate.interval,
            f"{group.name}: the work may take {' and '.join(f'{name} ({shared})' for name, shared in found)} too",
            group=group.name,
            available=len(group.circuits) - len(members) - len(found),
            required=group.min_up,
            with_=tuple(Colliding("circuit", name, shared, (name,)) for name, shared in found),
        )


def _shared(survivor: Circuit, worked_on: Sequence[Circuit]) -> str:
    """The narrowest thing that `survivor` shares with one of the circuits; empty where there is none."""
    on_router = [each for each in worked_on if survivor.router is not None and each.router == survivor.router]
    port = _port(survivor)
    for each in on_router:
        if port and port == _port(each):
            return f"on port {port} of {survivor.router} like {each.name}"
    for each in on_router:
        return f"on router {survivor.router} like {each.name}"
    for each in worked_on:
        if each.site == survivor.site:
            return f"at site {survivor.site} like {each.name}"
    return ""


def _port(circuit: Circuit) -> str:
    """The interface without its VLAN: `ae0.10` is on `ae0`."""
    return (circuit.interface or "").partition(".")[0]


def _causes(case: Case, short: Shortfall) -> list[Occupation]:
    return [case.near[key] for key in sorted(short.keys)]
