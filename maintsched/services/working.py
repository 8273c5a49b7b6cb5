"""From the partner's word to the end of the work: acknowledge, move, start, finish, cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from maintsched.domain.conflict import Conflict
from maintsched.domain.interval import Interval, iso
from maintsched.domain.life import Action, may_start, partners
from maintsched.domain.window import Window, WindowState
from maintsched.errors import InvalidInput
from maintsched.services.acting import acting, again, blocked, kept_window, refuse, require_free
from maintsched.services.booking import claims, judge, next_free, possible, with_guard
from maintsched.services.project import Project, require_in_force
from maintsched.store import windows
from maintsched.store.engine import OneMemberDown
from maintsched.store.windows import StoredWindow


def acknowledge(project: Project, window_id: str, reference: str) -> StoredWindow:
    """Keep the partner's own reference: it knows of the work and agrees. Given again, it takes the old one's place."""
    if not reference.strip():
        raise InvalidInput("the partner's reference is needed", "--ref REF, as it stands in their answer")
    with acting(project, window_id, Action.ACKNOWLEDGE, project.now()) as (tx, stored):
        window = stored.window
        state = WindowState.ACKNOWLEDGED if window.state is WindowState.APPROVED else window.state
        windows.set_partner_ref(tx, window.id, reference.strip(), state)
        payload = {"ref": reference.strip(), "before": window.partner_ref}
        tx.audit("window.ack", window.id, {**payload, "partners": list(partners(window, project.inventory))})
        return again(tx, stored)


def move(project: Project, window_id: str, interval: Interval) -> tuple[StoredWindow, tuple[Conflict, ...]]:
    """Take another slot instead, in one transaction: judged as if the old one were free; approved and acknowledged
    anew. Raises BookingRefused, and nothing is changed then."""
    now = project.now()
    possible(interval, now)
    try:
        with acting(project, window_id, Action.MOVE, now) as (tx, stored):
            require_in_force(project, tx)
            tx.require_guards()
            moved = replace(stored.window, interval=interval)
            conflicts = require_free(tx, project.inventory, moved, now, Action.MOVE)
            windows.move_window(tx, moved.id, interval, claims(project.inventory, moved, conflicts))
            payload = {
                "from": [iso(stored.window.interval.start), iso(stored.window.interval.end)],
                "to": [iso(interval.start), iso(interval.end)],
                "before": stored.window.state.value,
                "void": [given.by for given in stored.window.approvals],
                "warnings": [each.message for each in conflicts],
            }
            tx.audit("window.move", moved.id, payload)
            return again(tx, stored), conflicts
    except OneMemberDown as error:
        raise _guarded(project, window_id, Action.MOVE, interval, now) from error


def slot_of(project: Project, window_id: str) -> Interval:
    """The slot that a window has now. Raises NotFound."""
    with project.store.read(project.now()) as tx:
        return kept_window(tx, window_id).window.interval


def start(project: Project, window_id: str, note: str = "") -> tuple[StoredWindow, tuple[Conflict, ...]]:
    """The work begins: approved, acknowledged, in its time, and judged once more. Returns it and the warnings.

    Raises Refused with what is missing, BookingRefused with what blocks.
    """
    now = project.now()
    inventory = project.inventory
    try:
        with acting(project, window_id, Action.START, now) as (tx, stored):
            require_in_force(project, tx)
            tx.require_guards()
            window = stored.window
            refuse(may_start(window, inventory, now))
            begun = _begun(window, now)
            conflicts = require_free(tx, inventory, begun, stored.booked_at, Action.START)
            windows.start_window(tx, window.id)
            payload = {
                "note": note,
                "planned": iso(window.interval.start),
                "end": iso(window.interval.end),
                "approvals": [given.by for given in window.approvals],
                "ref": window.partner_ref,
                "warnings": [each.message for each in conflicts],
            }
            tx.audit("window.start", window.id, payload)
            return again(tx, stored), conflicts
    except OneMemberDown as error:
        raise _guarded(project, window_id, Action.START, None, now) from error


def _begun(window: Window, now: datetime) -> Window:
    """The window with the time that it takes if it begins now."""
    return replace(window, interval=Interval(min(now, window.interval.start), window.interval.end))


def _guarded(project: Project, window_id: str, action: Action, interval: Interval | None, now: datetime) -> Exception:
    """The database itself refused: told as any other refusal is."""
    with project.store.read(now) as tx:
        stored = kept_window(tx, window_id)
        window = replace(stored.window, interval=interval) if interval else _begun(stored.window, now)
        candidate = window.candidate(stored.booked_at)
        conflicts = with_guard(judge(tx, project.inventory, candidate, now), window.circuits, window.interval)
        return blocked(window, action, conflicts, next_free(tx, project.inventory, candidate, now))


def finish(project: Project, window_id: str, note: str = "") -> StoredWindow:
    """The work is done; the rest of its slot is free."""
    now = project.now()
    with acting(project, window_id, Action.FINISH, now) as (tx, stored):
        window = stored.window
        windows.set_state(tx, window.id, WindowState.COMPLETED, end=now)
        overrun = window.overrun_since(now)
        payload = {"note": note, "planned": iso(window.interval.end), "overrun": iso(overrun) if overrun else None}
        tx.audit("window.finish", window.id, payload)
        return again(tx, stored)


def cancel(project: Project, window_id: str, note: str = "") -> StoredWindow:
    """Give a slot back."""
    with acting(project, window_id, Action.CANCEL, project.now()) as (tx, stored):
        windows.set_state(tx, stored.window.id, WindowState.CANCELLED)
        tx.audit("window.cancel", stored.window.id, {"note": note, "before": stored.window.state.value})
        return again(tx, stored)
