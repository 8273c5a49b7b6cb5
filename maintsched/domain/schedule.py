"""The next free slots: exact, because a slot can only become free where something that blocks it ends."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from typing import Generic, TypeVar

from maintsched.domain import capacity
from maintsched.domain.case import Case, Reach, can_block, in_order
from maintsched.domain.conflict import RULES, blocked, find_conflicts
from maintsched.domain.hours import fits_some_night, openings, sites_with_hours
from maintsched.domain.interval import Interval
from maintsched.domain.rules_groups import barred, settled_by_instants
from maintsched.domain.situation import BLOCK, Candidate, Colliding, Conflict, Freeze, Occupation, Situation
from maintsched.domain.wording import length

INSTANT = timedelta(microseconds=1)
STRETCH = timedelta(days=7)
A_YEAR_AND_MORE = timedelta(days=400)  # every night that a change of clocks lengthens


def free_slots(
    candidate: Candidate, situation: Situation, *, not_before: datetime, until: datetime, count: int = 3
) -> tuple[Interval, ...]:
    """The first `count` slots of the candidate's duration in `[not_before, until)` that nothing blocks.

    One for each stretch of free starts, and each as early as it can: at `not_before`, or where an instant earlier
    something would block. The candidate's own start does not matter. Warnings do not stand against a slot. Fewer, or
    none, when there are no more; `never_fits` tells why there is none at all.
    """
    wanted = replace(candidate, interval=Interval(not_before, not_before + candidate.interval.duration))
    if never_fits(wanted, situation, until=until):
        return ()
    search = _Search(wanted, situation, until)
    found: list[Interval] = []
    starts = search.beginnings()
    while len(found) < count and (start := next(starts, None)) is not None:
        found.append(Interval(start, start + wanted.interval.duration))
    return tuple(found)


def never_fits(candidate: Candidate, situation: Situation, *, until: datetime | None = None) -> Conflict | None:
    """Why nothing of the candidate's length can be booked from its start on, however late (or before `until`); or None.

    LENGTH, HOURS that are never open so long, STALE, a REVIEW of any time, HORIZON, or work that by itself leaves too
    few while no maintenance takes them anyway.
    """
    inventory = situation.inventory
    timeless = tuple(each for each in situation.reviews if each.interval is None)
    alone = replace(situation, occupations=(), freezes=(), reviews=timeless)
    passing = {"HOURS", "LEAD-TIME"}
    reach = Reach(candidate.circuits, inventory)
    if any(each.fact and reach.meets(each) for each in situation.occupations):
        passing |= {"REDUNDANCY", "CAPACITY"}  # there may be an outage to hide in
    for each in find_conflicts(candidate, alone):
        if each.blocks and each.rule not in passing:
            return each
    return _never_open(candidate, situation, until or candidate.interval.end + A_YEAR_AND_MORE)


def _never_open(candidate: Candidate, situation: Situation, until: datetime) -> Conflict | None:
    """HOURS that no night before `until` leaves open for as long."""
    wanted = candidate.interval
    sites = sites_with_hours(candidate.circuits, situation.inventory)
    if not sites or not can_block("HOURS", candidate, situation.inventory):
        return None
    if fits_some_night(sites, wanted.duration, Interval(wanted.start, max(until, wanted.end))):
        return None
    told = " and ".join(f"{site.hours} {site.timezone} ({site.name})" for site in sites)
    message = f"it lasts {length(wanted.duration)}, longer than the hours allowed ever leave: {told}"
    named = tuple(Colliding("site", site.name, f"hours {site.hours} {site.timezone}") for site in sites)
    return Conflict("HOURS", BLOCK, None, wanted, message, with_=named)


class _Search:
    """The candidate moved through the situation, forward only: what is near comes and goes as it passes."""

    def __init__(self, wanted: Candidate, situation: Situation, until: datetime) -> None:
        self._wanted, self._inventory = wanted, situation.inventory
        self._duration, self._guard = wanted.interval.duration, situation.inventory.policy.guard
        self._reach = Reach(wanted.circuits, situation.inventory)
        self._known_until = situation.known_until
        self._last = until - self._duration
        self._works = in_order(situation.occupations, wanted, self._reach)
        self._freezes = sorted(set(situation.freezes), key=lambda each: each.interval)
        self._near = _Passing(self._works)
        self._frozen = _Passing(self._freezes)
        concerned = self._reach.concerned
        self._reviews = tuple(
            each for each in situation.reviews if not (each.circuits and concerned.isdisjoint(each.circuits))
        )
        self._situation = replace(situation, occupations=(), freezes=(), reviews=self._reviews)
        # what the barred instants decide needs no second look at every start
        decided = settled_by_instants(wanted, situation.inventory)
        self._rules = tuple(rule for rule in RULES if rule not in decided)
        self._barred: list[Interval] = []
        self._barred_ends: list[datetime] = []
        self._barred_until = wanted.interval.start
        self._stretch = _Passing(self._works)

    def beginnings(self) -> Iterator[datetime]:
        """Where the stretches of free starts begin."""
        free = False
        for start in self._starts():
            if free and self._free(start - INSTANT):
                continue  # the stretch goes on; where it ends after here, the next start finds out
            free = self._free(start) and not blocked(self._case(start))
            if free:
                yield start

    def _free(self, start: datetime) -> bool:
        """Whether nothing blocks the candidate at `start`. It is never asked for much before the last."""
        if self._reaches_barred(start, start + self._duration + self._guard):
            return False
        return not blocked(self._case(start), self._rules)

    def _case(self, start: datetime) -> Case:
        moved = replace(self._wanted, interval=Interval(start, start + self._duration))
        near = self._near.at(start - self._guard - INSTANT, moved.interval.end + self._guard)
        frozen = self._frozen.at(start - INSTANT, moved.interval.end)
        there = replace(self._situation, freezes=tuple(frozen)) if frozen else self._situation
        return Case(moved, there, self._reach, near)

    def _reaches_barred(self, start: datetime, until: datetime) -> bool:
        """Whether a booking from `start` on, a guard after it included, reaches an instant that none may reach."""
        while self._barred_until < until:
            ahead = Interval(self._barred_until, self._barred_until + STRETCH)
            near = self._stretch.at(ahead.start - self._guard, ahead.end + self._guard)
            case = Case(replace(self._wanted, interval=ahead), self._situation, self._reach, near)
            found = [inside for each in barred(case) if (inside := each.intersection(ahead))]
            self._barred += found
            self._barred_ends += [each.end for each in found]
            self._barred_until = ahead.end
        next_ = bisect_right(self._barred_ends, start)
        return next_ < len(self._barred) and self._barred[next_].start < until

    def _starts(self) -> Iterator[datetime]:
        """The first start, and every instant at which a block can end, as far as is asked for, in order, each once."""
        first, last = self._wanted.interval.start, self._last
        if self._known_until is not None and can_block("HORIZON", self._wanted, self._inventory):
            last = min(last, self._known_until - self._guard - self._duration)
        edges = {first, self._wanted.requested_at + self._inventory.policy.lead_time}
        edges.update(each.interval.end for each in self._freezes)
        edges.update(each.interval.end + self._guard for each in self._reviews if each.interval is not None)
        for work in self._works:
            edges |= self._edges(work)
        sites = sites_with_hours(self._wanted.circuits, self._inventory)
        closed = first <= last and can_block("HOURS", self._wanted, self._inventory)
        opened = openings(sites, Interval(first, last + INSTANT)) if closed else ()
        previous: datetime | None = None
        for start in merge(sorted(edge for edge in edges if first <= edge <= last), opened):
            if start != previous and first <= start <= last:
                previous = start
                yield start

    def _edges(self, work: Occupation) -> set[datetime]:
        """Where a work can stop blocking: a member is back one guard after it; an outage may be used from one guard
        after it began; what carries too little is out of the way when it is taken, too."""
        edges = {work.interval.end, work.interval.end + self._guard}
        if work.fact:
            edges.add(work.interval.start + self._guard)
        if self._carrying:
            edges.add(work.interval.start)
        return edges

    @cached_property
    def _carrying(self) -> bool:
        return any(capacity.needed(group, self._inventory) is not None for group, _ in self._reach.groups)


_Timed = TypeVar("_Timed", Occupation, Freeze)


class _Passing(Generic[_Timed]):
    """What overlaps a span that only moves forward, out of what is sorted by start."""

    def __init__(self, known: Sequence[_Timed]) -> None:
        self._known: Sequence[_Timed] = known
        self._next = 0
        self._there: list[_Timed] = []

    def at(self, start: datetime, end: datetime) -> list[_Timed]:
        """Those that overlap `[start, end)`, or will a little later."""
        while self._next < len(self._known) and self._known[self._next].interval.start < end:
            self._there.append(self._known[self._next])
            self._next += 1
        self._there = [each for each in self._there if each.interval.end > start]
        return self._there
