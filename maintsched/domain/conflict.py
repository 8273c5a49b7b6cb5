"""The one evaluator: may this be booked, approved, started, given everything known? Nothing else decides that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Group, Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.redundancy import Shortfall, Work, concerned_circuits, members_taken, short_alone, shortfalls
from maintsched.domain.wording import length, moment, span

BLOCK = "block"
WARN = "warn"


@dataclass(frozen=True, slots=True)
class Occupation:
    """One circuit being worked on. `kind` maintenance, window or drill; `how` is object, site, source or booking.

    A `fact` (a provider's maintenance) is there whether we like it or not; a booking is ours. `reference` is what the
    provider calls it (`Equinix CHG0123456`). `tentative`: announced, not confirmed. `shares`: the windows beside which
    it was booked.
    """

    kind: str
    id: str
    title: str
    circuit: str
    interval: Interval
    impact: Impact
    how: str
    fact: bool
    reference: str = ""
    tentative: bool = False
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing is changed, by its name in the freeze calendar."""

    interval: Interval
    name: str


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A notice that needs a person. No `circuits`: it may concern any; `interval` None: any time."""

    id: str
    reason: str
    circuits: tuple[str, ...] = ()
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class StaleSource:
    """A calendar source that is not known to be up to date.

    Neither `circuits` nor `groups`, or a group that the inventory does not know: it may concern any.
    """

    name: str
    reason: str
    circuits: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is asked for. `id`: of the window that is judged again, so that it does not collide with itself.

    `shares`: windows that it may run beside. `accepts`: rules whose block somebody entitled took upon himself; they
    are still told, as warnings.
    """

    circuits: tuple[str, ...]
    interval: Interval
    impact: Impact
    requested_at: datetime
    id: str | None = None
    shares: tuple[str, ...] = ()
    kind: str = "window"
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything known. Occupations farther than one guard from the candidate change nothing and may be left out.

    `known_until`: calendars are known up to here, `ends_first` is the one that ends then; None where there is no limit.
    """

    inventory: Inventory
    occupations: tuple[Occupation, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    reviews: tuple[OpenReview, ...] = ()
    stale: tuple[StaleSource, ...] = ()
    known_until: datetime | None = None
    ends_first: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Colliding:
    """One thing that a candidate collides with. `interval` is its own, None where it has no time."""

    kind: str
    id: str
    title: str
    circuits: tuple[str, ...] = ()
    interval: Interval | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A rule that the candidate breaks during `interval`; `available` of `required` members are left.

    `severity` is block or warn, `group` None where the rule is not about one.
    """

    rule: str
    severity: str
    group: str | None
    interval: Interval
    message: str
    available: int | None = None
    required: int | None = None
    with_: tuple[Colliding, ...] = ()

    @property
    def blocks(self) -> bool:
        return self.severity == BLOCK


def find_conflicts(candidate: Candidate, situation: Situation) -> tuple[Conflict, ...]:
    """Every rule that `candidate` breaks, in the order of RULES, group and time; work without impact breaks none."""
    if candidate.impact is Impact.NO_IMPACT:
        return ()
    policy = situation.inventory.policy
    found: list[Conflict] = []
    for rule in RULES:
        broken = [_settled(each, candidate, policy.severity.get(each.rule)) for each in rule(candidate, situation)]
        found += sorted(broken, key=lambda each: (each.group or "", each.interval, each.message))
    return tuple(dict.fromkeys(found))


def _settled(conflict: Conflict, candidate: Candidate, policy: str | None) -> Conflict:
    """With the severity that counts: the rule's own, unless policy says otherwise, unless somebody accepted it."""
    severity = conflict.severity if policy is None else (WARN if policy == WARN else BLOCK)
    return replace(conflict, severity=WARN if conflict.rule in candidate.accepts else severity)


def _redundancy(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    own = set(candidate.circuits)
    for group in situation.inventory.groups.values():
        if own.isdisjoint(group.circuits) and own.isdisjoint(group.needs):
            continue
        if members := members_taken(group, candidate.circuits, situation.inventory):
            yield from _group_conflicts(candidate, situation, group, members)


def _group_conflicts(
    candidate: Candidate, situation: Situation, group: Group, members: frozenset[str]
) -> Iterable[Conflict]:
    inventory, guard = situation.inventory, situation.inventory.policy.guard
    others = [each for each in _others(candidate, situation) if each.impact is not Impact.NO_IMPACT]
    works = [
        Work(key, taken, each.interval, soft, each.fact and not soft and _as_bad(each.impact, candidate.impact))
        for key, each in enumerate(others)
        if (taken := members_taken(group, (each.circuit,), inventory))
        for soft in [_soft(each, candidate, inventory.policy.tentative)]
    ]
    size = len(group.circuits)
    booking = Work(-1, members, candidate.interval)
    facts = [work for work in works if others[work.key].fact and not work.soft]
    outages = short_alone(facts, size=size, min_up=group.min_up)
    short = shortfalls(booking, works, size=size, min_up=group.min_up, guard=guard)
    for each in short:
        edge = any(outage.interval.overlaps(each.interval) for outage in outages)
        yield _redundancy_conflict(each, group, [others[key] for key in sorted(each.keys)], guard, edge)
    if short:
        return
    for outage in outages:
        if inside := outage.interval.intersection(candidate.interval):
            yield _inside_outage(inside, outage.left, group, [others[key] for key in sorted(outage.keys)])


def _redundancy_conflict(
    short: Shortfall, group: Group, causes: Sequence[Occupation], guard: timedelta, edge: bool
) -> Conflict:
    noun = "member" if group.min_up == 1 else "members"
    counted = f" (a member counts as back {length(guard)} after its work)" if short.guard_only else ""
    because = _causes(causes) or "the booking takes them by itself"
    inside = f"; only a booking {length(guard)} inside both ends of that outage may use it" if edge else ""
    left = f"{short.left} of {group.min_up} needed {noun} left"
    return Conflict(
        "REDUNDANCY",
        WARN if short.soft else BLOCK,
        group.name,
        short.interval,
        f"{group.name} would have {left} {span(short.interval)}{counted}: {because}{inside}",
        short.left,
        group.min_up,
        _colliding(causes),
    )


def _inside_outage(inside: Interval, left: int, group: Group, causes: Sequence[Occupation]) -> Conflict:
    return Conflict(
        "INSIDE-OUTAGE",
        WARN,
        group.name,
        inside,
        f"{group.name} is down anyway {span(inside)} ({left} of {group.min_up} needed left): {_causes(causes)}; "
        "if that moves, this booking needs a review",
        left,
        group.min_up,
        _colliding(causes),
    )


def _soft(occupation: Occupation, candidate: Candidate, tentative: str) -> bool:
    """Whether a fact is only warned of. A drill never takes a chance."""
    if not occupation.fact or candidate.kind == "drill":
        return False
    by_site = occupation.how == "site" and occupation.impact is Impact.REDUCED_REDUNDANCY
    return by_site or (occupation.tentative and tentative == WARN)


def _as_bad(fact: Impact, booking: Impact) -> bool:
    return fact.takes_down or not booking.takes_down


def _others(candidate: Candidate, situation: Situation) -> list[Occupation]:
    """What else is near, in an order of its own: the answer must not depend on how it was read."""
    near = candidate.interval.widened(situation.inventory.policy.guard)
    others = {
        each
        for each in situation.occupations
        if each.interval.overlaps(near) and (each.fact or each.id != candidate.id)
    }
    return sorted(others, key=_order)


def _order(each: Occupation) -> tuple[object, ...]:
    return each.interval, each.kind, each.id, each.circuit, each.how, each.impact, each.title, each.reference


def _clash(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    circuits = situation.inventory.circuits
    routers = {own.router for name in candidate.circuits if (own := circuits.get(name)) and own.router}
    clashing: dict[str, list[Occupation]] = {}
    for each in _others(candidate, situation):
        if each.fact or each.impact is Impact.NO_IMPACT or not each.interval.overlaps(candidate.interval):
            continue
        if each.id in candidate.shares or (candidate.id is not None and candidate.id in each.shares):
            continue
        theirs = circuits.get(each.circuit)
        if each.circuit in candidate.circuits or (theirs and theirs.router in routers):
            clashing.setdefault(each.id, []).append(each)
    for causes in clashing.values():
        inside = _hull(causes).intersection(candidate.interval) or candidate.interval
        same = sorted({each.circuit for each in causes} & set(candidate.circuits))
        where = ", ".join(same) if same else "router " + ", ".join(sorted(routers))
        message = f"somebody else works on {where} {span(inside)}: {_causes(causes)}"
        yield Conflict("CLASH", BLOCK, None, inside, message, with_=_colliding(causes))


def _freeze(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    for freeze in situation.freezes:
        if inside := freeze.interval.intersection(candidate.interval):
            severity = BLOCK if candidate.impact.takes_down else WARN
            message = f"nothing is changed during the freeze {freeze.name}, {span(freeze.interval)}"
            frozen = (Colliding("freeze", freeze.name, freeze.name, (), freeze.interval),)
            yield Conflict("FREEZE", severity, None, inside, message, with_=frozen)


def _review(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    if not situation.reviews:
        return
    concerned = concerned_circuits(candidate.circuits, situation.inventory)
    near = candidate.interval.widened(situation.inventory.policy.guard)
    for review in situation.reviews:
        if review.circuits and not concerned.intersection(review.circuits):
            continue
        if review.interval and not review.interval.overlaps(near):
            continue
        message = f"notice {review.id} needs a person and may concern this: {review.reason}"
        notice = (Colliding("notice", review.id, review.reason, tuple(sorted(review.circuits)), review.interval),)
        yield Conflict("REVIEW", BLOCK, None, candidate.interval, message, with_=notice)


def _stale(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    if not situation.stale:
        return
    inventory = situation.inventory
    concerned = concerned_circuits(candidate.circuits, inventory)
    for source in situation.stale:
        groups = [inventory.groups[name] for name in source.groups if name in inventory.groups]
        reach = set(source.circuits).union(*({*group.circuits, *group.needs} for group in groups))
        known = len(groups) == len(source.groups) and bool(source.circuits or source.groups)
        if known and not concerned & reach:
            continue
        message = f"calendar source {source.name} is stale, so a maintenance may be missing: {source.reason}"
        colliding = (Colliding("source", source.name, source.reason, tuple(sorted(source.circuits))),)
        yield Conflict("STALE", BLOCK, None, candidate.interval, message, with_=colliding)


def _length(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    longest = situation.inventory.policy.max_window
    if candidate.interval.duration > longest:
        message = f"it lasts {length(candidate.interval.duration)}, longer than the {length(longest)} allowed"
        yield Conflict("LENGTH", BLOCK, None, candidate.interval, message)


def _horizon(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    known, guard = situation.known_until, situation.inventory.policy.guard
    needed = candidate.interval.end + guard
    if known is not None and needed > known:
        which = f" in {situation.ends_first}" if situation.ends_first else ""
        message = f"maintenances and freezes are known only until {moment(known)}{which}; this needs {moment(needed)}"
        yield Conflict("HORIZON", BLOCK, None, candidate.interval, message)


def _lead_time(candidate: Candidate, situation: Situation) -> Iterable[Conflict]:
    lead = situation.inventory.policy.lead_time
    if candidate.kind == "drill":
        return  # it runs in slots that are booked ahead; by hand, its approval is what was needed
    if candidate.interval.start - candidate.requested_at < lead:
        message = f"starts less than {length(lead)} after the request of {moment(candidate.requested_at)}"
        yield Conflict("LEAD-TIME", WARN, None, candidate.interval, message)


Rule = Callable[[Candidate, Situation], Iterable[Conflict]]
RULES: tuple[Rule, ...] = (_redundancy, _clash, _freeze, _review, _stale, _length, _horizon, _lead_time)
"""Every rule, once. A new rule is a function more; none of the others changes."""


def _colliding(causes: Iterable[Occupation]) -> tuple[Colliding, ...]:
    """One entry per maintenance, window or drill and time, with all its circuits."""
    together: dict[tuple[str, str, Interval], list[Occupation]] = {}
    for each in causes:
        together.setdefault((each.kind, each.id, each.interval), []).append(each)
    found = []
    for (kind, id_, interval), parts in sorted(together.items()):
        circuits = tuple(sorted({each.circuit for each in parts}))
        found.append(Colliding(kind, id_, parts[0].title, circuits, interval, parts[0].reference))
    return tuple(found)


def _causes(causes: Sequence[Occupation]) -> str:
    texts = []
    for each in _colliding(causes):
        name = f"{each.kind} {each.id}" if not each.reference else f"{each.reference} ({each.kind} {each.id})"
        verb = f"takes {', '.join(each.circuits)}"
        texts.append(f"{name} {verb}" + (f" {span(each.interval)}" if each.interval else ""))
    return "; ".join(texts)


def _hull(causes: Sequence[Occupation]) -> Interval:
    return Interval(min(each.interval.start for each in causes), max(each.interval.end for each in causes))
