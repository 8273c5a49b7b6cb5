"""What stands now: for `status`, and for whoever asks at 02:00 whether what he sees is planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from maintsched.domain.conflict import OpenReview
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.window import WindowState
from maintsched.domain.wording import moment, span
from maintsched.services.dead import dead_runs, describe_dead
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import situation
from maintsched.services.timeline import AHEAD, Row, rows_of
from maintsched.services.windowing import needs_retro_approval, waits_for
from maintsched.store import maintenances, runs, windows
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.windows import StoredWindow

SOON = timedelta(days=2)  # what starts by then should be ready


@dataclass(frozen=True, slots=True)
class Entry:
    """A maintenance, window or drill as it is listed; `since` is when it was last changed."""

    id: str
    kind: str
    circuits: tuple[str, ...]
    interval: Interval
    impact: str
    state: str
    title: str
    groups: tuple[str, ...] = ()
    since: datetime | None = None

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
    """`until`: nothing later was looked at, but what needs a person."""

    as_of: datetime
    until: datetime
    groups: tuple[GroupNow, ...]
    timeline: tuple[Row, ...]
    running: tuple[Entry, ...]
    coming: tuple[Entry, ...]
    attention: tuple[str, ...]
    stale: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {
            "as_of": iso(self.as_of.replace(microsecond=0)),
            "until": iso(self.until.replace(microsecond=0)),
            "stale": list(self.stale),
            "groups": [{"name": g.name, "left": g.left, "size": g.size, "min_up": g.min_up} for g in self.groups],
            "timeline": [row.document() for row in self.timeline],
            "running": [entry.document() for entry in self.running],
            "next": [entry.document() for entry in self.coming],
            "attention": list(self.attention),
        }


def entries(tx: Transaction, near: Interval, inventory: Inventory, *, counting: bool = True) -> tuple[Entry, ...]:
    """Everything that overlaps `near`, by start; what counts, or what does not any more."""
    found = []
    for fact in maintenances.maintenances(tx, near=near):
        if fact.maintenance.interval is not None and fact.maintenance.status.counts is counting:
            found.append(_of_maintenance(fact, fact.maintenance.interval, inventory))
    for stored in windows.windows(tx, near=near, counting=counting):
        if stored.window.state.counts is counting:
            found.append(_of_window(stored))
    return tuple(sorted(found, key=lambda entry: (entry.interval, entry.id)))


def _of_maintenance(fact: StoredMaintenance, interval: Interval, inventory: Inventory) -> Entry:
    m = fact.maintenance
    circuits = tuple(hit.circuit for hit in fact.circuits)
    groups = inventory.sources[fact.source].groups if fact.source in inventory.sources else ()
    worst = max((hit.impact for hit in fact.circuits), key=lambda impact: impact.rank, default=m.impact)
    title = f"{fact.reference}: {m.title}"
    return Entry(
        *(f"M-{fact.id}", "maintenance", circuits, interval, worst.value, m.status.value, title, groups),
        since=fact.changed_at,
    )


def _of_window(stored: StoredWindow) -> Entry:
    w = stored.window
    return Entry(
        *(w.id, w.kind, w.circuits, w.interval, w.impact.value, w.state.value, w.title), since=stored.changed_at
    )


def overview(project: Project) -> Overview:
    """The answer to `status`."""
    now = project.now()
    inventory = project.inventory
    ahead = Interval(now, now + AHEAD)
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        known = situation(tx, inventory, now, ahead)
        listed = entries(tx, ahead, inventory)
        waiting = _waiting(tx, inventory, now)
        unproven = _unproven(tx, inventory, now)
        unapproved = [each.text for each in needs_retro_approval(tx, now)]
    running = tuple(entry for entry in listed if entry.interval.start <= now)
    timeline = rows_of(inventory, known.occupations, ahead)
    attention = [describe_dead(run) for run in dead_runs(project)]
    attention += [said_of(review) for review in known.reviews]
    attention += [f"source {source.name} {source.reason}" for source in known.stale]
    attention += [*waiting, *unapproved, *short(timeline), *unproven]
    return Overview(
        as_of=now,
        until=ahead.end,
        groups=groups_now(inventory, timeline, now),
        timeline=timeline,
        running=running,
        coming=tuple(entry for entry in listed if entry.interval.start > now),
        attention=tuple(attention),
        stale=tuple(source.name for source in known.stale),
    )


def groups_now(inventory: Inventory, timeline: Iterable[Row], now: datetime) -> tuple[GroupNow, ...]:
    """What is left of every group at this moment."""
    left = {row.group: row.left for row in timeline if row.interval.start <= now < row.interval.end}
    return tuple(
        GroupNow(group.name, left.get(group.name, len(group.circuits)), len(group.circuits), group.min_up)
        for group in inventory.groups.values()
    )


def said_of(review: OpenReview) -> str:
    """What waits for a person, and the command that settles it."""
    settle = " (`maintsched calendar review`)" if review.id.startswith("N-") else ""
    return f"{review.id}: {review.reason}{settle}"


def short(timeline: Iterable[Row]) -> list[str]:
    """Times for which what is planned leaves fewer members than a group needs."""
    return [
        f"{row.group}: {row.left} of {row.size} left {span(_minutes(row.interval))}, {row.min_up} needed "
        f"({', '.join(each.id for each in row.because)})"
        for row in timeline
        if row.short
    ]


def _minutes(interval: Interval) -> Interval:
    """From the minute in which it starts: the rows of what runs start now."""
    return Interval(interval.start.replace(second=0, microsecond=0), interval.end)


def _waiting(tx: Transaction, inventory: Inventory, now: datetime) -> list[str]:
    """Windows that cannot go on without a person: in review, however far ahead; overrun; soon to start, not ready."""
    found = []
    for w in (stored.window for stored in windows.windows(tx, states=["needs_review"])):
        if w.interval.end > now:
            found.append(f"{w.id} needs a review: {w.title} (`maintsched window show {w.id}`)")
    for w in (stored.window for stored in windows.windows(tx, near=Interval(now, now + SOON), counting=True)):
        since, wanted = w.overrun_since(now), waits_for(inventory, w)
        if since is not None and w.kind == "window":
            found.append(f"{w.id} should have ended at {moment(since)}: {w.title} (`maintsched window finish {w.id}`)")
        elif wanted and w.interval.start > now and w.state is not WindowState.NEEDS_REVIEW:
            found.append(f"{w.id} starts at {moment(w.interval.start)} and waits for {wanted}: {w.title}")
    return found


def _unproven(tx: Transaction, inventory: Inventory, now: datetime) -> list[str]:
    """Drills whose survivor was not proven within the policy's time."""
    every = inventory.policy.drill_every
    found = []
    for drill in inventory.drills.values():
        group = inventory.groups[drill.group]
        passed: dict[str, datetime] = {}
        for run in runs.runs(tx, drill=drill.name):
            if run.verdict == "PASS" and run.ended is not None:
                passed[run.survivor] = max(run.ended, passed.get(run.survivor, run.ended))
        for survivor in (name for name in group.circuits if name != group.primary):
            last = passed.get(survivor)
            if last is None:
                said = "has never passed"
            elif last + every <= now:
                said = f"is overdue since {last + every:%Y-%m-%d}"
            else:
                continue
            found.append(f"drill {drill.name} over {survivor} {said} (`maintsched drill list`)")
    return found
