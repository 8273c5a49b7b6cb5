"""What is left of a redundancy group at every instant: one sweep over the works on its members.

A member counts as clean again one guard after the work on it ended. So two works on *different* members collide when
less than one guard lies between them (one, not two), whichever comes first; works on the same member never do. Because
every work is prolonged in the same way, the answer does not depend on the order in which the works were booked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from maintsched.domain.interval import Interval, common, merged
from maintsched.domain.inventory import Group, Inventory


@dataclass(frozen=True, slots=True)
class Work:
    """Something that makes `members` of one group not clean during `interval`; `key` is the caller's.

    `soft`: only warned of. `excuses`: a fact that is at least as bad as the booking that is judged: where it has
    already taken a member, the booking on that member lowers nothing.
    """

    key: int
    members: frozenset[str]
    interval: Interval
    soft: bool = False
    excuses: bool = False


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Instants at which less than what is needed is left; `keys` of the works that take the others.

    `guard_only`: nothing overlaps, but the guard between the works is too short.
    """

    interval: Interval
    left: int
    keys: frozenset[int]
    guard_only: bool
    soft: bool


Left = Callable[[frozenset[str]], int]
"""What is left (members, or Mbit/s) of a group while the given members are taken."""


def shortfalls(
    booking: Work, works: Sequence[Work], *, left: Left, needed: int, guard: timedelta
) -> tuple[Shortfall, ...]:
    """Where `booking` lowers what is left of a group below `needed`, in order of time.

    It lowers nothing at an instant where works that excuse take all its members, and have done so for a guard.
    """
    return tuple(_told(short_while(booking, works, left=left, needed=needed, guard=guard)))


def short_while(
    booking: Work, works: Sequence[Work], *, left: Left, needed: int, guard: timedelta
) -> tuple[Shortfall, ...]:
    """Like `shortfalls`, the guard before and after an overlap told apart from it.

    At an instant it is the same for any booking on these members that reaches it, a guard included.
    """
    until = booking.interval.end + guard
    shadow = Interval(booking.interval.start, until)
    prolonged = [
        (work, Interval(work.interval.start, work.interval.end + guard))
        for work in works
        if work.interval.start < until and shadow.start < work.interval.end + guard
    ]
    excused = _excused(booking, works, guard)
    edges = {shadow.start, booking.interval.end, shadow.end}
    for work, interval in prolonged:
        edges |= {interval.start, interval.end, work.interval.end}
    for interval in excused:
        edges |= {interval.start, interval.end}
    cuts = sorted(edge for edge in edges if shadow.start <= edge <= shadow.end)
    ahead = 0
    pieces: list[Shortfall] = []
    for start, end, there in _sweep(prolonged, cuts):
        while ahead < len(excused) and excused[ahead].end <= start:
            ahead += 1
        if ahead < len(excused) and excused[ahead].start <= start:
            continue
        fewest = hard = left(_taken(booking, there))
        if any(work.soft for work in there):  # it may not happen: then the others alone must leave enough, too
            hard = left(_taken(booking, (work for work in there if not work.soft)))
            fewest = min(fewest, hard)
        if fewest >= needed:
            continue
        now = [work for work in there if work.interval.end > start]
        overlap = start < booking.interval.end and left(_taken(booking, now)) < needed
        keys = frozenset(work.key for work in there if work.members - booking.members)
        pieces.append(Shortfall(Interval(start, end), fewest, keys, guard_only=not overlap, soft=hard >= needed))
    return tuple(_joined(pieces))


def short_alone(works: Iterable[Work], *, size: int, min_up: int) -> tuple[Shortfall, ...]:
    """The instants at which `works` by themselves, without any guard, leave fewer than `min_up` of `size` members."""
    taking = [(work, work.interval) for work in works]
    cuts = sorted({edge for _, interval in taking for edge in (interval.start, interval.end)})
    short: list[Shortfall] = []
    for start, end, there in _sweep(taking, cuts):
        left = size - len(frozenset[str]().union(*(work.members for work in there)))
        if left < min_up:
            keys = frozenset(work.key for work in there)
            short.append(Shortfall(Interval(start, end), left, keys, guard_only=False, soft=False))
    return tuple(_joined(short))


def _sweep(
    timed: Iterable[tuple[Work, Interval]], cuts: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime, list[Work]]]:
    """Each piece between two cuts, with the works that are on during it."""
    coming = sorted(timed, key=lambda each: each[1])
    arrived = 0
    there: list[tuple[Work, Interval]] = []
    for start, end in pairwise(cuts):
        while arrived < len(coming) and coming[arrived][1].start <= start:
            there.append(coming[arrived])
            arrived += 1
        there = [each for each in there if each[1].end > start]
        yield start, end, [work for work, _ in there]


def members_taken(group: Group, circuits: Iterable[str], inventory: Inventory) -> frozenset[str]:
    """The members of `group` that work on `circuits` takes: themselves, and those that depend on a needed circuit.

    A member depends on a needed circuit (the group's interconnect) when it lies at another site than that circuit does.
    Where that does not tell the members apart (all or none are there), every member but the primary does.
    """
    taken: set[str] = set()
    for circuit in circuits:
        if circuit in group.circuits:
            taken.add(circuit)
        elif circuit in group.needs:
            own = inventory.circuits.get(circuit)
            there = {name for name in group.circuits if own and inventory.circuits[name].site == own.site}
            apart = there and there != set(group.circuits)
            taken |= set(group.circuits) - (there if apart else {group.primary})
    return frozenset(taken)


def concerned_circuits(circuits: Iterable[str], inventory: Inventory) -> frozenset[str]:
    """`circuits`, and every circuit of a group that they belong to or that needs them."""
    own = frozenset(circuits)
    every = inventory.groups.values()
    groups = [each for each in every if not (own.isdisjoint(each.circuits) and own.isdisjoint(each.needs))]
    return own.union(*(each.circuits for each in groups), *(each.needs for each in groups))


def _taken(booking: Work, works: Iterable[Work]) -> frozenset[str]:
    return booking.members.union(*(work.members for work in works))


def _excused(booking: Work, works: Sequence[Work], guard: timedelta) -> tuple[Interval, ...]:
    """Where every member of the booking has been taken by excusing works for a guard already, and still is.

    The guard before their end needs no word: the booking, too, takes its members for a guard longer than it lasts.
    """
    held: tuple[Interval, ...] | None = None
    for member in sorted(booking.members):
        runs = merged(work.interval for work in works if work.excuses and member in work.members)
        inner = tuple(Interval(run.start + guard, run.end) for run in runs if run.start + guard < run.end)
        held = inner if held is None else common(held, inner)
    return held or ()


def _joined(pieces: Sequence[Shortfall]) -> list[Shortfall]:
    """Neighbouring pieces of the same sort as one."""
    result: list[Shortfall] = []
    for piece in pieces:
        last = result[-1] if result else None
        if last and last.interval.end == piece.interval.start and _sort(last) == _sort(piece):
            result[-1] = Shortfall(
                Interval(last.interval.start, piece.interval.end),
                min(last.left, piece.left),
                last.keys | piece.keys,
                last.guard_only,
                last.soft,
            )
        else:
            result.append(piece)
    return result


def _sort(piece: Shortfall) -> tuple[bool, bool]:
    return piece.guard_only, piece.soft


def _told(ranges: Sequence[Shortfall]) -> list[Shortfall]:
    """Without the guard before or after an overlap with the same works: the overlap says it already."""
    overlaps = [each for each in ranges if not each.guard_only]
    return [each for each in ranges if not each.guard_only or not any(_says(other, each) for other in overlaps)]


def _says(overlap: Shortfall, guard: Shortfall) -> bool:
    return guard.keys <= overlap.keys and (guard.soft or not overlap.soft)
