"""One case before the evaluator: the candidate, what its circuits reach, what is near, and how bad a broken rule is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Group, Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.redundancy import Work, concerned_circuits, members_taken
from maintsched.domain.situation import BLOCK, WARN, Candidate, Colliding, Conflict, Occupation, Situation
from maintsched.domain.wording import span

# What it means to break a rule, by the candidate's impact: OUTAGE or DEGRADED, and REDUCED-REDUNDANCY.
SEVERITIES = {
    "REDUNDANCY": (BLOCK, BLOCK),
    "INSIDE-OUTAGE": (WARN, WARN),
    "CAPACITY": (BLOCK, WARN),
    "SHARED-FATE": (WARN, WARN),
    "CLASH": (BLOCK, BLOCK),
    "FREEZE": (BLOCK, WARN),
    "HOURS": (BLOCK, WARN),
    "REVIEW": (BLOCK, BLOCK),
    "STALE": (BLOCK, BLOCK),
    "LENGTH": (BLOCK, BLOCK),
    "HORIZON": (BLOCK, BLOCK),
    "LEAD-TIME": (WARN, WARN),
}
# An emergency does not wait for these, and is only told of those.
SKIPPED_IN_EMERGENCY = frozenset({"LEAD-TIME", "FREEZE", "HOURS", "LENGTH"})
RECORDED_IN_EMERGENCY = frozenset({"STALE", "REVIEW", "HORIZON"})


def severity(rule: str, candidate: Candidate, inventory: Inventory, impact: Impact, *, soft: bool = False) -> str:
    """block or warn. Acceptance and emergency come first, then policy, which also counts against what is `soft`."""
    if rule in candidate.accepts or (candidate.emergency and rule in RECORDED_IN_EMERGENCY):
        return WARN
    told = inventory.policy.severity.get(rule)
    if told is not None:
        return WARN if told == WARN else BLOCK
    return WARN if soft else SEVERITIES[rule][0 if impact.takes_down else 1]


def can_block(rule: str, candidate: Candidate, inventory: Inventory) -> bool:
    """Whether breaking `rule` would block this candidate."""
    if candidate.impact is Impact.NO_IMPACT or (candidate.emergency and rule in SKIPPED_IN_EMERGENCY):
        return False
    return severity(rule, candidate, inventory, candidate.impact) == BLOCK


class Reach:
    """What a candidate's circuits reach in an inventory: the same wherever the candidate is moved."""

    def __init__(self, circuits: Iterable[str], inventory: Inventory) -> None:
        self.circuits = frozenset(circuits)
        self.inventory = inventory
        touched = (
            group
            for group in inventory.groups.values()
            if not (self.circuits.isdisjoint(group.circuits) and self.circuits.isdisjoint(group.needs))
        )
        taken = ((group, members_taken(group, self.circuits, inventory)) for group in touched)
        self.groups = tuple((group, members) for group, members in taken if members)
        self.concerned = concerned_circuits(self.circuits, inventory)
        known = (inventory.circuits[name] for name in self.circuits if name in inventory.circuits)
        self.routers = frozenset(circuit.router for circuit in known if circuit.router is not None)
        self._taken: dict[tuple[str, str], frozenset[str]] = {}

    def taken(self, group: Group, circuit: str) -> frozenset[str]:
        """The members of `group` that work on `circuit` takes."""
        key = group.name, circuit
        if key not in self._taken:
            self._taken[key] = members_taken(group, (circuit,), self.inventory)
        return self._taken[key]

    def meets(self, occupation: Occupation) -> bool:
        """Whether work there can matter: it is on a circuit of a concerned group, or beside one of ours on a router."""
        if occupation.impact is Impact.NO_IMPACT:
            return False
        if occupation.circuit in self.concerned:
            return True
        circuit = self.inventory.circuits.get(occupation.circuit)
        return circuit is not None and circuit.router in self.routers


class Case:
    """A candidate in a situation. `near` is what else is on within a guard of it, in an order of its own."""

    def __init__(
        self, candidate: Candidate, situation: Situation, reach: Reach, near: Sequence[Occupation] | None = None
    ) -> None:
        self.candidate = candidate
        self.situation = situation
        self.inventory = situation.inventory
        self.policy = situation.inventory.policy
        self.reach = reach
        self.close = candidate.interval.widened(self.policy.guard)
        known = in_order(situation.occupations, candidate, reach) if near is None else near
        self.near = [each for each in known if each.interval.overlaps(self.close)]
        self._works: dict[str, list[Work]] = {}

    def works(self, group: Group) -> list[Work]:
        """The works near that take members of `group`; a work's key is its place in `near`."""
        if group.name not in self._works:
            self._works[group.name] = [
                Work(key, taken, each.interval, soft, each.fact and not soft and self._as_bad(each.impact))
                for key, each in enumerate(self.near)
                if (taken := self.reach.taken(group, each.circuit))
                for soft in [self._soft(each)]
            ]
        return self._works[group.name]

    def conflict(
        self,
        rule: str,
        interval: Interval,
        message: str,
        *,
        group: str | None = None,
        available: int | None = None,
        required: int | None = None,
        with_: tuple[Colliding, ...] = (),
        impact: Impact | None = None,
        soft: bool = False,
    ) -> Conflict:
        """The broken rule with the severity that counts. `impact`: where it is not the candidate's that decides."""
        grade = severity(rule, self.candidate, self.inventory, impact or self.candidate.impact, soft=soft)
        return Conflict(rule, grade, group, interval, message, available, required, with_)

    def _soft(self, each: Occupation) -> bool:
        """Whether a fact is only warned of. A drill never takes a chance."""
        if not each.fact or self.candidate.kind == "drill":
            return False
        by_site = each.how == "site" and each.impact is Impact.REDUCED_REDUNDANCY
        return by_site or (each.tentative and self.policy.tentative == WARN)

    def _as_bad(self, fact: Impact) -> bool:
        return fact.takes_down or not self.candidate.impact.takes_down


def in_order(occupations: Iterable[Occupation], candidate: Candidate, reach: Reach) -> list[Occupation]:
    """What can matter to the candidate, itself left out: each once, and never in the order in which it was read."""
    mine = {each for each in occupations if (each.fact or each.id != candidate.id) and reach.meets(each)}
    return sorted(mine, key=_order)


def _order(each: Occupation) -> tuple[object, ...]:
    named = each.kind, each.id, each.circuit, each.how, each.impact, each.title, each.reference
    return each.interval.start, each.interval.end, named, each.fact, each.tentative, each.shares


def colliding(causes: Iterable[Occupation]) -> tuple[Colliding, ...]:
    """One entry per maintenance, window or drill and time, with all its circuits."""
    together: dict[tuple[str, str, Interval], list[Occupation]] = {}
    for each in causes:
        together.setdefault((each.kind, each.id, each.interval), []).append(each)
    found = []
    for (kind, id_, interval), parts in sorted(together.items()):
        circuits = tuple(sorted({each.circuit for each in parts}))
        found.append(Colliding(kind, id_, parts[0].title, circuits, interval, parts[0].reference))
    return tuple(found)


def causes_told(causes: Sequence[Occupation]) -> str:
    """`Equinix CHG0123456 (maintenance M-1) takes uk-ld7 2026-12-09 01:00Z–05:00Z; …`"""
    texts = []
    for each in colliding(causes):
        name = f"{each.kind} {each.id}" if not each.reference else f"{each.reference} ({each.kind} {each.id})"
        verb = f"takes {', '.join(each.circuits)}"
        texts.append(f"{name} {verb}" + (f" {span(each.interval)}" if each.interval else ""))
    return "; ".join(texts)
