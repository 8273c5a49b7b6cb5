"""The coming days of each group: what is left of it, from when to when, and because of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from maintsched.domain.conflict import Occupation
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Group, Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.redundancy import members_taken
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import situation

AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Because:
    """A work that takes members of a group: its id, what its provider calls it, and what it does."""

    id: str
    reference: str
    title: str
    circuits: tuple[str, ...]
    impact: Impact


@dataclass(frozen=True, slots=True)
class Row:
    """A time in which a group has `left` of its `size` members clean; `standing` are those."""

    group: str
    interval: Interval
    left: int
    size: int
    min_up: int
    standing: tuple[str, ...]
    because: tuple[Because, ...]

    @property
    def short(self) -> bool:
        """Whether fewer are left than the group needs."""
        return self.left < self.min_up

    def document(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "start": iso(self.interval.start.replace(microsecond=0)),
            "end": iso(self.interval.end.replace(microsecond=0)),
            "left": self.left,
            "size": self.size,
            "min_up": self.min_up,
            "standing": list(self.standing),
            "because": [each.id for each in self.because],
        }


def rows_of(inventory: Inventory, occupations: Iterable[Occupation], span: Interval) -> tuple[Row, ...]:
    """Every time inside `span` in which a member of a group is not clean, by group and start; works without impact
    take nothing, and no guard is added: it is what is planned, not what may be booked."""
    taking = [each for each in occupations if each.impact is not Impact.NO_IMPACT and each.interval.overlaps(span)]
    found: list[Row] = []
    for group in inventory.groups.values():
        found += _joined(_pieces(inventory, group, taking, span))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows of a span, and the inventory and moment that they are of."""

    inventory: Inventory
    as_of: datetime
    span: Interval
    rows: tuple[Row, ...]


def timeline(project: Project, after: datetime | None = None, before: datetime | None = None) -> Timeline:
    """What is planned from `after` (now) to `before` (14 days later). An empty span is one of 14 days."""
    now, inventory = project.now(), project.inventory
    start = after or now
    end = before if before is not None and before > start else start + AHEAD
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        known = situation(tx, inventory, now, Interval(start, end))
    span = Interval(start, end)
    return Timeline(inventory, now, span, rows_of(inventory, known.occupations, span))


def fewest(inventory: Inventory, occupations: Iterable[Occupation], group: str, span: Interval) -> tuple[str, ...]:
    """The members that stand at the worst instant of `span`."""
    rows = [row for row in rows_of(inventory, occupations, span) if row.group == group]
    return min((row.standing for row in rows), key=len, default=inventory.groups[group].circuits)


def _pieces(inventory: Inventory, group: Group, taking: Sequence[Occupation], span: Interval) -> Iterable[Row]:
    known = [(each, taken) for each in taking if (taken := members_taken(group, (each.circuit,), inventory))]
    edges = {span.start, span.end}
    for each, _ in known:
        edges |= {edge for edge in (each.interval.start, each.interval.end) if span.start < edge < span.end}
    for start, end in pairwise(sorted(edges)):
        there = [(each, taken) for each, taken in known if each.interval.start <= start < each.interval.end]
        if there:
            down = frozenset[str]().union(*(taken for _, taken in there))
            standing = tuple(name for name in group.circuits if name not in down)
            because = _works(each for each, _ in there)
            size = len(group.circuits)
            yield Row(group.name, Interval(start, end), len(standing), size, group.min_up, standing, because)


def _works(occupations: Iterable[Occupation]) -> tuple[Because, ...]:
    """One for each work, however many circuits it is on, with its worst impact; in order of their ids."""
    found: dict[str, Because] = {}
    for each in sorted(occupations, key=lambda one: (one.id, one.circuit)):
        before = found.get(each.id)
        circuits = tuple(dict.fromkeys((*(before.circuits if before else ()), each.circuit)))
        impact = max(each.impact, before.impact if before else each.impact, key=lambda one: one.rank)
        found[each.id] = Because(each.id, each.reference, each.title, circuits, impact)
    return tuple(found.values())


def _joined(pieces: Iterable[Row]) -> list[Row]:
    """Neighbours that say the same as one."""
    result: list[Row] = []
    for piece in pieces:
        last = result[-1] if result else None
        touching = last is not None and last.interval.end == piece.interval.start
        if last and touching and (last.standing, last.because) == (piece.standing, piece.because):
            result[-1] = Row(
                piece.group,
                Interval(last.interval.start, piece.interval.end),
                *(piece.left, piece.size, piece.min_up, piece.standing, piece.because),
            )
        else:
            result.append(piece)
    return result
