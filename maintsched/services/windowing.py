"""Windows as they are listed and shown: judged as things stand now, with what each of them still waits for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maintsched.domain.conflict import Conflict, Situation, find_conflicts
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory
from maintsched.domain.life import (
    RETRO_APPROVE_WITHIN,
    approvals_needed,
    awaits_retro_approval,
    may_start_unapproved,
    partners,
)
from maintsched.domain.window import Window, WindowState
from maintsched.domain.wording import moment
from maintsched.errors import InvalidInput
from maintsched.services.acting import kept_window
from maintsched.services.booking import circuits_of, judge
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import situation, stale_sources
from maintsched.store import windows
from maintsched.store.engine import Transaction
from maintsched.store.windows import StoredWindow


@dataclass(frozen=True, slots=True)
class RetroApproval:
    """An emergency window that still needs its approval, by `until`."""

    window: Window
    until: datetime
    overdue: bool

    @property
    def text(self) -> str:
        """`W-12 emergency 'optics' of alice waits for retro-approval until 2026-12-11 03:00Z`."""
        when = "is overdue for its retro-approval since" if self.overdue else "waits for retro-approval until"
        what = f"{self.window.id} emergency {self.window.title!r} of {self.window.requester}"
        return f"{what} {when} {moment(self.until)} (`maintsched window approve {self.window.id}`)"


@dataclass(frozen=True, slots=True)
class Judged:
    """A window, what the evaluator says of it now, and what people have to know of it besides."""

    stored: StoredWindow
    conflicts: tuple[Conflict, ...]
    overrun_since: datetime | None
    retro: RetroApproval | None
    waits_for: str

    @property
    def settled(self) -> bool:
        """It needs a review, but nothing speaks against it any more."""
        in_review = self.stored.window.state is WindowState.NEEDS_REVIEW
        return in_review and not any(conflict.blocks for conflict in self.conflicts)


def needs_retro_approval(tx: Transaction, now: datetime) -> tuple[RetroApproval, ...]:
    """Emergency windows without the approval that they may get afterwards, by start."""
    found = (_retro(stored, now) for stored in windows.unapproved_emergencies(tx))
    return tuple(each for each in found if each is not None)


def _retro(stored: StoredWindow, now: datetime) -> RetroApproval | None:
    window = stored.window
    if window.kind != "window" or not awaits_retro_approval(window, approved=stored.approved_at is not None):
        return None
    until = max(window.interval.start, stored.booked_at) + RETRO_APPROVE_WITHIN
    return RetroApproval(window, until, overdue=until <= now)


def listed_windows(
    project: Project,
    *,
    after: datetime | None,
    before: datetime | None,
    circuits: Sequence[str] = (),
    routers: Sequence[str] = (),
    sites: Sequence[str] = (),
    state: str | None,
    everything: bool,
) -> tuple[list[Judged], tuple[str, ...]]:
    """Windows that hold a slot and are not over, those that wait for retro-approval (or `everything`), and the stale
    sources."""
    if state is not None and state not in [each.value for each in WindowState]:
        raise InvalidInput(f"there is no state {state!r}", f"states: {', '.join(each.value for each in WindowState)}")
    meant = set(circuits_of(project.inventory, circuits, routers, sites)) if circuits or routers or sites else None
    counting = not everything and state is None
    now = project.now()
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        found = {
            row.window.id: row for row in windows.windows(tx, counting=counting, states=(state and [state]) or None)
        }
        waiting = {each.window.id for each in needs_retro_approval(tx, now)}
        if counting:
            found |= {row.window.id: row for row in windows.unapproved_emergencies(tx) if row.window.id in waiting}
        ends_after = after or (None if everything else now)
        rows = [
            row
            for row in sorted(found.values(), key=lambda each: (each.window.interval.start, len(each.window.id)))
            if _within(row.window, ends_after, before, now, waiting if after is None else ())
            and (meant is None or meant.intersection(row.window.circuits))
        ]
        judged = _judged(tx, project.inventory, rows, now)
        stale = stale_sources(tx, project.inventory, now)
    return judged, tuple(source.name for source in stale)


def _within(
    window: Window, after: datetime | None, before: datetime | None, now: datetime, always: Iterable[str]
) -> bool:
    if before is not None and window.interval.start >= before:
        return False
    return after is None or window.held(now).end > after or window.id in always


def _judged(tx: Transaction, inventory: Inventory, rows: Sequence[StoredWindow], now: datetime) -> list[Judged]:
    """Every row judged; what is known is read once, for the hull of them all."""
    open_ = [row.window for row in rows if _is_open(row.window, now)]
    known: _Known | None = None
    if open_:
        hull = Interval(min(w.interval.start for w in open_), max(w.held(now, _guard(inventory)).end for w in open_))
        known = _Known(situation(tx, inventory, now, hull))
    return [_told(inventory, row, known.judge(row, now) if known else (), now) for row in rows]


def _guard(inventory: Inventory) -> timedelta:
    return inventory.policy.guard


class _Known:
    """The situation in order of time, to be cut down to what is near a window."""

    def __init__(self, whole: Situation) -> None:
        self._whole = whole
        self._taken = sorted(whole.occupations, key=lambda each: each.interval)
        self._starts = [each.interval.start for each in self._taken]
        self._longest = max((each.interval.duration for each in self._taken), default=timedelta())

    def judge(self, row: StoredWindow, now: datetime) -> tuple[Conflict, ...]:
        window, guard = row.window, _guard(self._whole.inventory)
        if not _is_open(window, now):
            return ()
        held = window.held(now, guard)
        near = held.widened(guard)
        first, last = bisect_left(self._starts, near.start - self._longest), bisect_left(self._starts, near.end)
        there = tuple(each for each in self._taken[first:last] if each.interval.end > near.start)
        candidate = replace(window, interval=held).candidate(row.booked_at)
        return find_conflicts(candidate, replace(self._whole, occupations=there))


def _is_open(window: Window, now: datetime) -> bool:
    return window.state.counts and window.held(now).end > now and window.kind == "window"


def _told(inventory: Inventory, row: StoredWindow, conflicts: tuple[Conflict, ...], now: datetime) -> Judged:
    return Judged(row, conflicts, row.window.overrun_since(now), _retro(row, now), waits_for(inventory, row.window))


def waits_for(inventory: Inventory, window: Window) -> str:
    """What must come next before it can start, in words; empty where nothing must."""
    needed, given = approvals_needed(inventory), len(window.approvals)
    if window.kind != "window" or not window.state.counts or window.state is WindowState.IN_PROGRESS:
        return ""
    if window.state is WindowState.NEEDS_REVIEW:
        return "a review: `window show` tells what landed on it"
    if given < needed and not may_start_unapproved(window):
        return f"approval {given + 1} of {needed}"
    waiting = partners(window, inventory)
    if waiting and window.partner_ref is None:
        return f"the acknowledgement of {', '.join(waiting)}"
    return ""


def judged_window(project: Project, window_id: str) -> Judged:
    """One window and what the evaluator says of it now. Raises NotFound."""
    now = project.now()
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        row = kept_window(tx, window_id)
        conflicts: tuple[Conflict, ...] = ()
        if _is_open(row.window, now):
            held = row.window.held(now, _guard(project.inventory))
            conflicts = judge(tx, project.inventory, replace(row.window, interval=held).candidate(row.booked_at), now)
        return _told(project.inventory, row, conflicts, now)
