"""What stands now: for `status`, and for whoever asks at 02:00 whether what he sees is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from maintsched.domain.conflict import OpenReview
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Circuit, Inventory
from maintsched.domain.redundancy import members_taken
from maintsched.services.project import Project, require_in_force
from maintsched.services.recovering import dead_runs, describe_dead
from maintsched.services.situation import stale_sources
from maintsched.store import maintenances, notices, windows
from maintsched.store.engine import Transaction

AHEAD = timedelta(days=14)
FIND_AHEAD = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Entry:
    """A maintenance, window or drill as it is listed."""

    id: str
    kind: str
    circuits: tuple[str, ...]
    interval: Interval
    impact: str
    state: str
    title: str
    groups: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "circuits": list(self.circuits),
            "start": iso(self.interval.start),
            "end": iso(self.interval.end),
            "impact": self.impact,
            "state": self.state,
            "title": self.title,
        }


@dataclass(frozen=True, slots=True)
class GroupNow:
    """How many members of a group no work touches right now."""

    name: str
    left: int
    size: int
    min_up: int


@dataclass(frozen=True, slots=True)
class Overview:
    as_of: datetime
    groups: tuple[GroupNow, ...]
    running: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    attention: tuple[str, ...]
    stale: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {
            "as_of": iso(self.as_of.replace(microsecond=0)),
            "stale": list(self.stale),
            "groups": [{"name": g.name, "left": g.left, "size": g.size, "min_up": g.min_up} for g in self.groups],
            "running": [entry.document() for entry in self.running],
            "next": [entry.document() for entry in self.coming],
            "attention": list(self.attention),
        }


def entries(tx: Transaction, near: Interval, inventory: Inventory) -> tuple[Entry, ...]:
    """Everything that counts and overlaps `near`, by start."""
    found = []
    for fact in maintenances.maintenances(tx, near=near):
        m = fact.maintenance
        if m.interval is not None and m.status.counts:
            circuits = tuple(hit.circuit for hit in fact.circuits)
            groups = inventory.sources[fact.source].groups if fact.source in inventory.sources else ()
            worst = max((hit.impact for hit in fact.circuits), key=lambda impact: impact.rank, default=m.impact)
            title = f"{fact.reference}: {m.title}"
            found.append(
                Entry(f"M-{fact.id}", "maintenance", circuits, m.interval, worst.value, m.status.value, title, groups)
            )
    for stored in windows.windows(tx, near=near, counting=True):
        w = stored.window
        found.append(Entry(w.id, w.kind, w.circuits, w.interval, w.impact.value, w.state.value, w.title))
    return tuple(sorted(found, key=lambda entry: (entry.interval, entry.id)))


def overview(project: Project) -> Overview:
    """The answer to `status`."""
    now = project.now()
    inventory = project.inventory
    with project.store.read() as tx:
        require_in_force(project, tx)
        known = entries(tx, Interval(now, now + AHEAD), inventory)
        stale = stale_sources(tx, inventory, now)
        reviews = notices.open_reviews(tx)
    running = tuple(entry for entry in known if entry.interval.start <= now)
    groups = tuple(
        GroupNow(
            group.name,
            len(group.circuits) - len(_down(running, group.name, inventory)),
            len(group.circuits),
            group.min_up,
        )
        for group in inventory.groups.values()
    )
    attention = [describe_dead(run) for run in dead_runs(project)]
    attention += [f"{review.id}: {review.reason} (`maintsched calendar review`)" for review in reviews]
    attention += [f"source {source.name} {source.reason}" for source in stale]
    attention += [f"{e.id} needs a review: {e.title}" for e in known if e.state == "needs_review"]
    coming = tuple(entry for entry in known if entry.interval.start > now)
    return Overview(now, groups, running, coming, tuple(attention), tuple(source.name for source in stale))


def _down(running: Iterable[Entry], group: str, inventory: Inventory) -> frozenset[str]:
    circuits = [name for entry in running if entry.impact != "NO-IMPACT" for name in entry.circuits]
    return members_taken(inventory.groups[group], circuits, inventory)


@dataclass(frozen=True, slots=True)
class Hit:
    """A circuit that somebody asked for: `now` is what is planned at that time, `left` what stands of its groups."""

    circuit: str
    what: str
    now: str
    left: tuple[str, ...]
    coming: tuple[Entry, ...]
    contact: str

    def document(self) -> dict[str, Any]:
        return {
            "circuit": self.circuit,
            "what": self.what,
            "now": self.now or None,
            "left": list(self.left),
            "planned": [entry.document() for entry in self.coming],
            "contact": self.contact or None,
        }


def look_up(project: Project, text: str, at: datetime) -> tuple[tuple[Hit, ...], tuple[str, ...]]:
    """Circuits whose name, alias, address or planned work fits `text`, and the stale sources. Raises NotFound."""
    from maintsched.errors import NotFound

    inventory = project.inventory
    with project.store.read() as tx:
        require_in_force(project, tx)
        known = entries(tx, Interval(at, at + FIND_AHEAD), inventory)
        reviews = notices.open_reviews(tx)
        stale = stale_sources(tx, inventory, project.now())
    wanted = text.strip().casefold()
    named = {c.name for c in inventory.circuits.values() if wanted and _is_named(c, wanted)}
    named |= {name for entry in known if _is_called(entry, wanted) for name in entry.circuits}
    if not named:
        raise NotFound(
            f"nothing of ours is called {text!r}", "names: `maintsched inventory show`; tickets: `calendar list`"
        )
    hits = tuple(_hit(inventory, name, known, at, reviews) for name in inventory.circuits if name in named)
    return hits, tuple(source.name for source in stale)


def _is_called(entry: Entry, wanted: str) -> bool:
    """By its id, or by enough of its title that it cannot be a chance."""
    return wanted == entry.id.casefold() or (len(wanted) > 3 and wanted in entry.title.casefold())


def _is_named(circuit: Circuit, wanted: str) -> bool:
    """Exactly, by an address inside its network, or by enough of an alias that it cannot be a chance."""
    names = [*circuit.all_aliases, *(str(session.neighbor) for session in circuit.sessions)]
    names += [str(circuit.network or ""), circuit.site, circuit.router or ""]
    if wanted in (name.casefold() for name in names):
        return True
    if len(wanted) > 3 and any(wanted in alias.casefold() for alias in circuit.all_aliases):
        return True
    try:
        return circuit.network is not None and ip_address(wanted) in circuit.network
    except ValueError:
        return False


def _hit(
    inventory: Inventory, name: str, known: tuple[Entry, ...], at: datetime, reviews: tuple[OpenReview, ...]
) -> Hit:
    circuit = inventory.circuits[name]
    groups = {group.name for group in inventory.groups_of(name)}
    # What the platform itself announces takes no circuit down, but at night it is the answer all the same.
    own = tuple(e for e in known if name in e.circuits or (not e.circuits and groups.intersection(e.groups)))
    running = [entry for entry in own if entry.interval.start <= at]
    everything = [entry for entry in known if entry.interval.start <= at]
    left = []
    for group in inventory.groups_of(name):
        down = _down(everything, group.name, inventory)
        standing = [member for member in group.circuits if member not in down]
        left.append(f"{group.name}: {len(standing)} of {len(group.circuits)} left ({', '.join(standing) or 'none'})")
    waiting = [review.id for review in reviews if not review.circuits or name in review.circuits]
    if waiting:
        left.append(f"not known yet: {', '.join(waiting)} may concern it (`maintsched calendar review`)")
    contact = inventory.contacts.get(circuit.provider)
    return Hit(
        circuit=name,
        what=f"{circuit.kind}, {circuit.provider} at {circuit.site}, also called {', '.join(circuit.all_aliases[1:])}",
        now="; ".join(f"{e.id} {e.impact} until {e.interval.end:%Y-%m-%d %H:%MZ}: {e.title}" for e in running),
        left=tuple(left),
        coming=tuple(entry for entry in own if entry.interval.start > at),
        contact=f"{circuit.provider} NOC {contact.noc} {contact.mail}".strip() if contact else "",
    )
