"""Whoever asks at 02:00 whether what he sees is planned: a circuit by any name, what is on it, and whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from maintsched.domain.conflict import OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, Inventory
from maintsched.domain.wording import moment
from maintsched.errors import NotFound
from maintsched.services.overview import Entry, entries, said_of
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import situation
from maintsched.services.timeline import Row, rows_of
from maintsched.store.engine import Transaction

AHEAD = timedelta(days=90)
BACK = timedelta(days=1)  # what ended or was called off this long ago may be what is seen now


@dataclass(frozen=True, slots=True)
class Past:
    """A work that would explain what is seen, but is over or cancelled: `why` says which, and when."""

    entry: Entry
    why: str

    def document(self) -> dict[str, Any]:
        return {**self.entry.document(), "why": self.why}


@dataclass(frozen=True, slots=True)
class Hit:
    """A circuit that somebody asked for: `now` is what is planned at that time, `left` what stands of its groups."""

    circuit: str
    what: str
    now: str
    left: tuple[str, ...]
    coming: tuple[Entry, ...]
    past: tuple[Past, ...]
    contact: str

    def document(self) -> dict[str, Any]:
        return {
            "circuit": self.circuit,
            "what": self.what,
            "now": self.now or None,
            "left": list(self.left),
            "planned": [entry.document() for entry in self.coming],
            "past": [each.document() for each in self.past],
            "contact": self.contact or None,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to `find`. Nothing that starts after `until` or ended before `since` was looked at."""

    hits: tuple[Hit, ...]
    stale: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    inventory: Inventory
    at: datetime
    counting: tuple[Entry, ...]
    past: tuple[Past, ...]
    rows: tuple[Row, ...]
    reviews: tuple[OpenReview, ...]


def look_up(project: Project, text: str, at: datetime) -> Found:
    """Circuits whose name, alias, address or work fits `text`. Raises NotFound."""
    near = Interval(at - BACK, at + AHEAD)
    with project.store.read(project.now()) as tx:
        require_in_force(project, tx)
        known, stale = _known(tx, project, at, near)
    wanted = text.strip().casefold()
    inventory = project.inventory
    named = {c.name for c in inventory.circuits.values() if wanted and _is_named(c, wanted)}
    listed = (*known.counting, *(each.entry for each in known.past))
    named |= {name for entry in listed if _is_called(entry, wanted) for name in entry.circuits}
    if not named:
        raise NotFound(
            f"nothing of ours is called {text!r}", "names: `maintsched inventory show`; tickets: `calendar list`"
        )
    hits = tuple(_hit(known, name) for name in inventory.circuits if name in named)
    return Found(hits, stale, near.start, near.end)


def _known(tx: Transaction, project: Project, at: datetime, near: Interval) -> tuple[_Known, tuple[str, ...]]:
    inventory, now = project.inventory, project.now()
    moment_asked = Interval(at, at + timedelta(seconds=1))
    known = situation(tx, inventory, now, moment_asked)
    counting = entries(tx, near, inventory)
    over = [Past(entry, _why(entry)) for entry in entries(tx, near, inventory, counting=False)]
    over += [Past(e, f"ended at {moment(e.interval.end)}") for e in counting if _is_over(e, at)]
    stands = tuple(entry for entry in counting if not _is_over(entry, at))
    rows = rows_of(inventory, known.occupations, moment_asked)
    past = tuple(sorted(over, key=lambda each: (each.entry.interval, each.entry.id)))
    stale = tuple(source.name for source in known.stale)
    return _Known(inventory, at, stands, past, rows, known.reviews), stale


def _is_over(entry: Entry, at: datetime) -> bool:
    """Work in process is not over before somebody says so."""
    return entry.interval.end <= at and entry.state not in ("IN-PROCESS", "in_progress")


def _why(entry: Entry) -> str:
    when = f" on {moment(entry.since.replace(second=0, microsecond=0))}" if entry.since else ""
    return f"was {entry.state.casefold()}{when}"


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


def _hit(known: _Known, name: str) -> Hit:
    circuit = known.inventory.circuits[name]
    groups = {group.name for group in known.inventory.groups.values() if name in (*group.circuits, *group.needs)}
    # What the platform itself announces takes no circuit down, but at night it is the answer all the same.
    own = tuple(e for e in known.counting if name in e.circuits or (not e.circuits and groups.intersection(e.groups)))
    running = [entry for entry in own if entry.interval.start <= known.at]
    past = (p for p in known.past if name in p.entry.circuits or (not p.entry.circuits and groups & {*p.entry.groups}))
    contact = known.inventory.contacts.get(circuit.provider)
    return Hit(
        circuit=name,
        what=f"{circuit.kind}, {circuit.provider} at {circuit.site}, also called {', '.join(circuit.all_aliases[1:])}",
        now="; ".join(f"{e.id} {e.impact} {_until(e, known.at)}: {e.title}" for e in running),
        left=_left(known, name, groups),
        coming=tuple(entry for entry in own if entry.interval.start > known.at),
        past=tuple(past),
        contact=f"{circuit.provider} NOC {contact.noc} {contact.mail}".strip() if contact else "",
    )


def _until(entry: Entry, at: datetime) -> str:
    word = "until" if entry.interval.end > at else "in process, should have ended at"
    return f"{word} {moment(entry.interval.end)}"


def _left(known: _Known, name: str, groups: set[str]) -> tuple[str, ...]:
    left = []
    rows = {row.group: row for row in known.rows}
    for group in (group for group in known.inventory.groups.values() if group.name in groups):
        row = rows.get(group.name)
        standing = row.standing if row else group.circuits
        left.append(f"{group.name}: {len(standing)} of {len(group.circuits)} left ({', '.join(standing) or 'none'})")
    concerning = [review for review in known.reviews if not review.circuits or name in review.circuits]
    waiting = [review.id for review in concerning if review.id.startswith("N-")]
    if waiting:
        left.append(f"not known yet: {', '.join(waiting)} may concern it (`maintsched calendar review`)")
    left += [said_of(review) for review in concerning if not review.id.startswith("N-")]
    return tuple(left)
