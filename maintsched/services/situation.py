"""What is known, put together for the evaluator: the same for booking, what-if, suggestion, gate and re-check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from maintsched.domain.case import Reach
from maintsched.domain.conflict import Candidate, Freeze, Occupation, OpenReview, Situation, StaleSource
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.overrun import held
from maintsched.services.tuning import EXPANSION
from maintsched.store import freezes, maintenances, notices, slots, sources
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.sources import SourceState


def situation(
    tx: Transaction,
    inventory: Inventory,
    now: datetime,
    near: Interval,
    *,
    circuits: Iterable[str] | None = None,
    drill: bool = False,
    instead: Mapping[int, StoredMaintenance] | None = None,
) -> Situation:
    """Everything that may matter for work on `circuits` (None: on any) inside `near`. For a drill the platform's own
    maintenance counts too: it takes no circuit down, but nothing can be proven while the service is away. `instead`:
    maintenances as they would be, by number, in place of those that are kept."""
    states = sources.source_states(tx)
    until, ends_first = _known_until(states, inventory, now, sources.expanded_until(tx))
    wide = near.widened(inventory.policy.guard)
    taken, overran = _taken(tx, inventory, now, wide, circuits, instead or {})
    frozen = list(freezes.freezes(tx, near))
    if drill:
        for work in _platform_works(tx, inventory, near, instead or {}):
            frozen += _away(work, now, inventory.policy.guard)
            overran += filter(None, [maintenances.overran_review(work, inventory.policy.guard, now)])
    return Situation(
        inventory=inventory,
        occupations=tuple(taken),
        freezes=tuple(frozen),
        reviews=(*notices.open_reviews(tx, wide), *overran),
        stale=_stale(states, inventory, now),
        known_until=until,
        ends_first=ends_first,
    )


def _taken(
    tx: Transaction,
    inventory: Inventory,
    now: datetime,
    near: Interval,
    circuits: Iterable[str] | None,
    instead: Mapping[int, StoredMaintenance],
) -> tuple[list[Occupation], list[OpenReview]]:
    """What is taken, and what should be over but is said to go on."""
    guard = inventory.policy.guard
    concerned = None if circuits is None else _met(Reach(circuits, inventory))
    taken, asked = slots.facts(tx, near, concerned, now, guard, without=instead)
    for stored in instead.values():
        taken += maintenances.occupations(stored, guard, now)
        asked += filter(None, [maintenances.overran_review(stored, guard, now)])
    return [*taken, *slots.booked(tx, near, concerned, now, guard)], asked


def _met(reach: Reach) -> list[str]:
    """Every circuit that work can be on to matter."""
    circuits = reach.inventory.circuits.values()
    beside = (each.name for each in circuits if each.router in reach.routers)
    return sorted(reach.concerned.union(beside))


def around(candidate: Candidate, until: datetime | None = None) -> Interval:
    return Interval(candidate.interval.start, max(candidate.interval.end, until or candidate.interval.end))


def _platform_works(
    tx: Transaction, inventory: Inventory, near: Interval, instead: Mapping[int, StoredMaintenance]
) -> list[StoredMaintenance]:
    """Work on the platform itself, which hits no circuit of ours."""
    services = {source.name for source in inventory.sources.values() if source.affects == "service"}
    kept = [each for each in maintenances.maintenances(tx, near=near) if each.id not in instead] if services else []
    return [each for each in (*kept, *instead.values()) if each.source in services and not each.circuits]


def _away(work: StoredMaintenance, now: datetime, guard: timedelta) -> tuple[Freeze, ...]:
    planned = work.maintenance.interval
    interval = planned and held(work.maintenance.status, planned, now, guard)
    return (Freeze(interval, f"{work.reference} ({work.maintenance.title})"),) if interval else ()


def stale_sources(tx: Transaction, inventory: Inventory, now: datetime) -> tuple[StaleSource, ...]:
    """Sources that are not known to be up to date: unread, too old, or too quiet."""
    return _stale(sources.source_states(tx), inventory, now)


def _stale(states: Mapping[str, SourceState], inventory: Inventory, now: datetime) -> tuple[StaleSource, ...]:
    found = []
    for source in inventory.sources.values():
        reason = _staleness(source, states.get(source.name), now)
        if reason:
            found.append(StaleSource(source.name, reason, groups=source.groups))
    for freeze in inventory.freezes.values():
        state = states.get(freeze.name)
        if state is None or state.state != "ok":
            reason = "was never read" if state is None else f"cannot be read: {state.error}"
            found.append(StaleSource(freeze.name, reason))
    return tuple(found)


def _staleness(source: Source, state: SourceState | None, now: datetime) -> str | None:
    if state is None or state.last_fetch is None:
        return f"was never read{f' ({state.error})' if state and state.error else ''}"
    if state.state != "ok":
        return f"cannot be read: {state.error}"
    if now - state.last_fetch > source.stale_after:
        return f"was last read {_age(now - state.last_fetch)} ago, allowed {_age(source.stale_after)}"
    if source.quiet_after is None:
        return None
    heard = max(filter(None, (state.last_content, state.confirmed_at)), default=None)
    look = f"look there, and confirm with `calendar sources --confirm {source.name}`"
    if heard is None:
        return f"has never said anything; {look}"
    return f"has said nothing new for {_age(now - heard)}; {look}" if now - heard > source.quiet_after else None


def _age(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    return f"{hours // 24} d" if hours >= 48 else f"{hours} h" if hours else f"{int(age.total_seconds() // 60)} min"


def _known_until(
    states: Mapping[str, SourceState], inventory: Inventory, now: datetime, expanded: tuple[datetime, str] | None
) -> tuple[datetime | None, str]:
    """Up to where every source, recurring entry and freeze calendar is known, and the one that ends first; None where
    there is none at all. `expanded`: up to where all recurring entries are."""
    names = {*inventory.sources, *inventory.freezes}
    ends = [(state.known_until, name) for name, state in states.items() if name in names and state.known_until]
    ends += [expanded] if expanded is not None else []
    return min(ends, default=(now + EXPANSION if names else None, ""))
