"""The next free slots: exact, because a slot can only become free where something that blocks it ends."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain

from maintsched.domain.conflict import Candidate, Occupation, Situation, find_conflicts
from maintsched.domain.interval import Interval
from maintsched.domain.redundancy import concerned_circuits

INSTANT = timedelta(microseconds=1)


def free_slots(
    candidate: Candidate, situation: Situation, *, not_before: datetime, until: datetime, count: int = 3
) -> tuple[Interval, ...]:
    """The first `count` slots of the candidate's duration in `[not_before, until)` that nothing blocks.

    Each starts as early as it can: at `not_before`, or where an instant earlier something would block. The candidate's
    own start does not matter. Warnings do not stand against a slot. Fewer, or none, when there are no more.
    """
    duration = candidate.interval.duration
    nearby = _Nearby(candidate, situation)
    found: list[Interval] = []
    for start in _possible_starts(candidate, nearby.situation, not_before, until - duration):
        if len(found) >= count:
            break
        if nearby.free(start) and (start == not_before or not nearby.free(start - INSTANT)):
            found.append(Interval(start, start + duration))
    return tuple(found)


class _Nearby:
    """The situation cut down to what the candidate could meet, in order of time."""

    def __init__(self, candidate: Candidate, situation: Situation) -> None:
        inventory = situation.inventory
        concerned = set(concerned_circuits(candidate.circuits, inventory))
        for name in candidate.circuits:
            circuit = inventory.circuits.get(name)
            if circuit is not None and circuit.router is not None:
                concerned |= set(inventory.circuits_of_router(circuit.router))
        mine = (each for each in situation.occupations if each.circuit in concerned)
        self._occupations: list[Occupation] = sorted(mine, key=lambda each: each.interval)
        self._starts = [each.interval.start for each in self._occupations]
        durations = (each.interval.duration for each in self._occupations)
        self._longest = max(durations, default=timedelta())
        self._candidate = candidate
        self.situation = replace(situation, occupations=tuple(self._occupations))

    def free(self, start: datetime) -> bool:
        """Whether nothing blocks the candidate at `start`: the one evaluator says so."""
        moved = replace(self._candidate, interval=Interval(start, start + self._candidate.interval.duration))
        near = moved.interval.widened(self.situation.inventory.policy.guard)
        first = bisect_left(self._starts, near.start - self._longest)
        last = bisect_left(self._starts, near.end)
        there = tuple(self._occupations[first:last])
        return not any(each.blocks for each in find_conflicts(moved, replace(self.situation, occupations=there)))


def _possible_starts(
    candidate: Candidate, situation: Situation, not_before: datetime, last: datetime
) -> Iterator[datetime]:
    """`not_before`, and every instant at which a block can end, up to `last`, in order, each once."""
    policy = situation.inventory.policy
    works = [each.interval for each in situation.occupations]
    timed = [each.interval for each in situation.reviews if each.interval is not None]
    ends = sorted(chain((each.end for each in works), (each.interval.end for each in situation.freezes)))
    # a member is back one guard after its work; an outage may be used from one guard after it began
    guarded = sorted(
        chain((each.end + policy.guard for each in works), (each.end + policy.guard for each in timed)),
    )
    begun = sorted(each.start + policy.guard for each in works)
    previous: datetime | None = None
    for start in merge(sorted([not_before, candidate.requested_at + policy.lead_time]), ends, guarded, begun):
        if start < not_before or start == previous:
            continue
        if start > last:
            return
        previous = start
        yield start
