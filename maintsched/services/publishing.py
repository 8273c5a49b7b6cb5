"""The feed: windows, drills and maintenances of our circuits as calendar entries; stable ids, content decides."""

from __future__ import annotations

from datetime import datetime, timedelta

from maintsched.domain.conflict import Occupation
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory
from maintsched.domain.notice import Impact, ObjectImpact, Status
from maintsched.domain.redundancy import members_taken
from maintsched.domain.window import WindowState
from maintsched.services.project import Project, require_in_force
from maintsched.store import maintenances, windows
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.windows import StoredWindow
from maintsched.writers.ics import FeedEntry, feed

KEEP_BACK = timedelta(days=30)
LOOK_AHEAD = timedelta(days=180)
STATUSES = {
    WindowState.REQUESTED: Status.TENTATIVE,
    WindowState.APPROVED: Status.CONFIRMED,
    WindowState.ACKNOWLEDGED: Status.CONFIRMED,
    WindowState.IN_PROGRESS: Status.IN_PROCESS,
    WindowState.COMPLETED: Status.COMPLETED,
    WindowState.NEEDS_REVIEW: Status.TENTATIVE,
    WindowState.REJECTED: Status.CANCELLED,
    WindowState.CANCELLED: Status.CANCELLED,
    WindowState.EXPIRED: Status.CANCELLED,
}


def export_feed(project: Project) -> bytes:
    """The team's calendar: what is planned from 30 days back to 180 days ahead, cancelled entries included."""
    now = project.now()
    span = Interval(now - KEEP_BACK, now + LOOK_AHEAD)
    with project.store.read() as tx:
        require_in_force(project, tx)
        known = _Known(tx, project.inventory, span, now)
    facts = [known.of_maintenance(m) for m in known.maintenances if m.circuits or known.is_platform(m)]
    entries = [*facts, *(known.of_window(w) for w in known.windows)]
    name = f"{project.inventory.broker} maintenance"
    return feed(entries, name, "Maintenance, changes and failover drills; times are UTC")


class _Known:
    def __init__(self, tx: Transaction, inventory: Inventory, span: Interval, now: datetime) -> None:
        self.inventory = inventory
        self.maintenances = maintenances.maintenances(tx, near=span)
        self.windows = windows.windows(tx, near=span)
        self.taken: list[Occupation] = []
        for fact in self.maintenances:
            self.taken += maintenances.occupations(fact, inventory.policy.guard, now)
        for booked in self.windows:
            self.taken += booked.window.occupations()

    def is_platform(self, stored: StoredMaintenance) -> bool:
        source = self.inventory.sources.get(stored.source)
        return source is not None and source.affects == "service"

    def left(self, circuits: tuple[str, ...], interval: Interval) -> str:
        """`uk-direct 1 of 2 left` at the worst instant of the interval, for each group that is touched."""
        words = []
        for group in self.inventory.groups.values():
            if members_taken(group, circuits, self.inventory):
                words.append(f"{group.name}: {self._fewest(group.name, interval)} of {len(group.circuits)} left")
        return ", ".join(words)

    def _fewest(self, name: str, interval: Interval) -> int:
        group = self.inventory.groups[name]
        near = [each for each in self.taken if each.interval.overlaps(interval) and each.impact.takes_down]
        instants = {interval.start, *(each.interval.start for each in near if each.interval.start > interval.start)}
        fewest = len(group.circuits)
        for instant in instants:
            down = {each.circuit for each in near if each.interval.start <= instant < each.interval.end}
            fewest = min(fewest, len(group.circuits) - len(members_taken(group, tuple(down), self.inventory)))
        return fewest

    def of_maintenance(self, stored: StoredMaintenance) -> FeedEntry:
        found = stored.maintenance
        assert found.interval is not None  # it is kept, so it has one
        circuits = tuple(hit.circuit for hit in stored.circuits)
        worst = max((hit.impact for hit in stored.circuits), key=lambda impact: impact.rank, default=found.impact)
        what = ", ".join(circuits) or "platform"
        left = self.left(circuits, found.interval) if found.status.counts else ""
        return FeedEntry(
            uid=f"maintenance-{stored.id}@maintsched",
            sequence=stored.version,
            changed=stored.changed_at,
            interval=found.interval,
            title=f"{what} {worst}" + (f", {left}" if left and worst.takes_down else "") + f" ({found.key[0]})",
            description=f"{found.title}\n{stored.reference}\nStatus {found.status}",
            status=found.status,
            categories=("maintenance", found.key[0]),
            provider=found.key[0],
            account=found.key[1] or self.inventory.broker,  # a MAINTNOTE without one is not whole
            maintenance_id=found.key[2],
            objects=tuple(ObjectImpact(hit.circuit, hit.impact) for hit in stored.circuits),
            impact=worst,
        )

    def of_window(self, stored: StoredWindow) -> FeedEntry:
        booked = stored.window
        left = self.left(booked.circuits, booked.interval) if booked.state.counts else ""
        note = " NEEDS REVIEW" if booked.state is WindowState.NEEDS_REVIEW else ""
        down = f", {left}" if left and booked.impact is not Impact.NO_IMPACT else ""
        return FeedEntry(
            uid=f"window-{booked.id.removeprefix('W-')}@maintsched",
            sequence=stored.sequence,
            changed=stored.changed_at,
            interval=booked.interval,
            title=f"{', '.join(booked.circuits)} {booked.impact}{down}: {booked.title}{note}",
            description=f"{booked.id} {booked.state}, requested by {booked.requester}"
            + (f"\nChange {booked.change_id}" if booked.change_id else ""),
            status=STATUSES[booked.state],
            categories=(booked.kind,),
            provider=self.inventory.broker,
            account=self.inventory.broker,
            maintenance_id=booked.id,
            objects=tuple(ObjectImpact(name, booked.impact) for name in booked.circuits),
            impact=booked.impact,
        )
