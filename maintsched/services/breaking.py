"""What new facts do to bookings: one that a maintenance landed on cannot start until somebody has looked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from maintsched.domain.conflict import Conflict
from maintsched.domain.inventory import Inventory
from maintsched.domain.window import Window, WindowState
from maintsched.services.booking import judge
from maintsched.services.project import Project
from maintsched.services.taking import Known
from maintsched.store import maintenances, tickets, windows
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance


@dataclass(frozen=True, slots=True)
class Broken:
    """A booking to come that something speaks against now."""

    window: Window
    conflicts: tuple[Conflict, ...]

    @property
    def told(self) -> tuple[Conflict, ...]:
        """The conflicts, each with the booking in its message."""
        name = f"{self.window.id} {self.window.title!r}"
        return tuple(replace(each, message=f"{name}: {each.message}") for each in self.conflicts)

    @property
    def name(self) -> str:
        """`W-12 'line card' on 13 Dec`, `drill uk-shut-primary on 13 Dec`."""
        day = f"{self.window.interval.start.day} {self.window.interval.start:%b}"
        if self.window.kind == "drill":
            return f"drill {self.window.title} on {day}"
        return f"{self.window.id} {self.window.title!r} on {day}"

    @property
    def by(self) -> tuple[tuple[str, str], ...]:
        """The maintenances that do it, as (id, what the provider calls it)."""
        found = {(w.id, w.reference) for each in self.conflicts for w in each.with_ if w.kind == "maintenance"}
        return tuple(sorted(found))


def recheck(project: Project) -> tuple[Broken, ...]:
    """Judge every booking to come again; one that a fact landed on, or that lost the outage it lay in, goes to
    needs_review and cannot start. Returns those that something speaks against."""
    now = project.now()
    with project.store.read(now) as reader:  # many windows take a while to judge: nobody waits for the lock so long
        suspects = [each.window.id for each in _broken(reader, project.inventory, now)]
    if not suspects:
        return ()
    with project.store.write(project.actor, now) as tx:
        found = _broken(tx, project.inventory, now, only=suspects)
        for each in found:
            if each.window.state is not WindowState.NEEDS_REVIEW:
                windows.set_state(tx, each.window.id, WindowState.NEEDS_REVIEW)
                because = [conflict.message for conflict in each.conflicts]
                tx.audit("window.needs-review", each.window.id, {"because": because})
    return found


def would_break(project: Project, known: Known) -> tuple[Broken, ...]:
    """What `recheck` would find if `known` were written; only what is not broken already."""
    now = project.now()
    with project.store.read() as tx:
        number = max((stored.id for stored in maintenances.maintenances(tx)), default=0)
        instead: dict[int, StoredMaintenance] = {}
        for target in (target for ticket in known.changed for target in ticket.targets):
            if target.after is None or not target.touched:
                continue
            if target.id is None:
                number += 1
                target.id = number
            instead[target.id] = tickets.as_stored(target, target.id, tx)
        return tuple(
            each
            for each in _broken(tx, project.inventory, now, instead)
            if each.window.state is not WindowState.NEEDS_REVIEW
        )


def _broken(
    tx: Transaction,
    inventory: Inventory,
    now: datetime,
    instead: Mapping[int, StoredMaintenance] | None = None,
    *,
    only: Iterable[str] | None = None,
) -> tuple[Broken, ...]:
    found = []
    every = windows.windows(tx, counting=True) if only is None else [windows.get_window(tx, each) for each in only]
    for stored in filter(None, every):
        window = stored.window
        if not window.state.counts or window.interval.end <= now or window.state is WindowState.IN_PROGRESS:
            continue
        judged = judge(tx, inventory, window.candidate(stored.booked_at), now, instead)
        # What is booked had the members it needs: if they are not left any more, the facts have changed.
        against = tuple(
            c for c in judged if c.blocks and (c.rule == "REDUNDANCY" or any(w.kind == "maintenance" for w in c.with_))
        )
        if against:
            found.append(Broken(window, against))
    return tuple(found)


def told(broken: Iterable[Broken], changes: Iterable[str] = ()) -> tuple[str, ...]:
    """In words, a line for each maintenance: what it breaks. `changes` are the lines that tell what changed in it."""
    by: dict[tuple[str, str], list[str]] = {}
    lines = []
    for each in broken:
        for maintenance in each.by:
            by.setdefault(maintenance, []).append(each.name)
        if not each.by:
            lines += [f"breaks {each.name}: {conflict.message}" for conflict in each.conflicts]
    moved = {line.split(" ", 1)[0] for line in changes if ": start " in line or ": end " in line}
    new = {line.split(" ", 1)[0] for line in changes if ": new: " in line}
    for (number, reference), names in sorted(by.items()):
        verb = " moved" if number in moved else " is new" if number in new else ""
        lines.append(f"{reference} ({number}){verb}: breaks {', '.join(names)}")
    return tuple(lines)
