"""What is known, put together for the evaluator: the same for booking, what-if, suggestion, gate and re-check."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from maintsched.domain.conflict import Candidate, Freeze, Occupation, Situation, StaleSource
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory, Source
from maintsched.domain.notice import Status
from maintsched.services.tuning import EXPANSION, LOOK_BACK
from maintsched.store import freezes, maintenances, notices, sources, windows
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.sources import SourceState


def situation(
    tx: Transaction,
    inventory: Inventory,
    now: datetime,
    near: Interval,
    *,
    drill: bool = False,
    instead: Mapping[int, StoredMaintenance] | None = None,
) -> Situation:
    """Everything that may matter for a candidate inside `near`. For a drill the platform's own maintenance counts too:
    it takes no circuit down, but nothing can be proven while the service is away. `instead`: maintenances as they
    would be, by number, in place of those that are kept."""
    guard = inventory.policy.guard
    wide = near.widened(guard + LOOK_BACK)
    facts = maintenances.maintenances(tx, near=wide)
    if instead:
        facts = (*(each for each in facts if each.id not in instead), *instead.values())
    taken: list[Occupation] = []
    frozen: list[Freeze] = list(freezes.freezes(tx, wide))
    for stored in facts:
        taken += maintenances.occupations(stored, guard, now)
        if drill and _is_platform_work(stored, inventory):
            assert stored.maintenance.interval is not None  # it is kept, so it has one
            frozen.append(Freeze(stored.maintenance.interval, f"{stored.reference} ({stored.maintenance.title})"))
    for booked in windows.windows(tx, near=wide, counting=True):
        taken += booked.window.occupations()
    until, ends_first = known_until(tx, inventory, now)
    return Situation(
        inventory=inventory,
        occupations=tuple(taken),
        freezes=tuple(frozen),
        reviews=notices.open_reviews(tx),
        stale=stale_sources(tx, inventory, now),
        known_until=until,
        ends_first=ends_first,
    )


def around(candidate: Candidate, until: datetime | None = None) -> Interval:
    return Interval(candidate.interval.start, max(candidate.interval.end, until or candidate.interval.end))


def _is_platform_work(stored: StoredMaintenance, inventory: Inventory) -> bool:
    source = inventory.sources.get(stored.source)
    counts = stored.maintenance.status.counts and stored.maintenance.status is not Status.COMPLETED
    return bool(counts and source is not None and source.affects == "service" and not stored.circuits)


def stale_sources(tx: Transaction, inventory: Inventory, now: datetime) -> tuple[StaleSource, ...]:
    """Sources that are not known to be up to date: unread, too old, or too quiet."""
    states = sources.source_states(tx)
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


def known_until(tx: Transaction, inventory: Inventory, now: datetime) -> tuple[datetime | None, str]:
    """Up to where every source and freeze calendar is known, and the one that ends first; None where there is none."""
    names = {*inventory.sources, *inventory.freezes}
    ends = [(s.known_until, name) for name, s in sources.source_states(tx).items() if name in names and s.known_until]
    return min(ends, default=(now + EXPANSION if names else None, ""))
