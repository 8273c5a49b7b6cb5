"""What people do to a booked window: read under the lock, allowed by its state, judged again, written, audited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from maintsched.domain.conflict import Conflict
from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Inventory
from maintsched.domain.life import Action, Refusal, allowed, enough
from maintsched.domain.window import Window
from maintsched.errors import NotFound, Refused
from maintsched.services.booking import BookingRefused, judge, next_free
from maintsched.services.project import Project
from maintsched.store import windows
from maintsched.store.engine import Transaction
from maintsched.store.windows import StoredWindow


def kept_window(tx: Transaction, window_id: str) -> StoredWindow:
    """Raises NotFound."""
    stored = windows.get_window(tx, window_id)
    if stored is None:
        raise NotFound(f"there is no window {window_id}", "`maintsched window list --all` shows them")
    return stored


@contextmanager
def acting(
    project: Project, window_id: str, action: Action, now: datetime
) -> Iterator[tuple[Transaction, StoredWindow]]:
    """A write transaction, and the window in it. Raises NotFound, and Refused where its state does not allow it."""
    with project.store.write(project.actor, now) as tx:
        windows.expire_due(tx)
        stored = kept_window(tx, window_id)
        require_allowed(project.inventory, stored.window, action)
        yield tx, stored


def require_allowed(inventory: Inventory, window: Window, action: Action) -> None:
    """Raise Refused where the window's state does not allow it."""
    refuse(allowed(action, window, approved=enough(window.approvals, inventory)))


def refuse(refusal: Refusal | None) -> None:
    """Raise Refused for a rule that says no."""
    if refusal is not None:
        raise Refused(refusal.why, refusal.next)


def require_free(
    tx: Transaction, inventory: Inventory, window: Window, requested_at: datetime, action: Action
) -> tuple[Conflict, ...]:
    """The warnings of the evaluator as things stand now; raises BookingRefused where it blocks."""
    candidate = window.candidate(requested_at)
    conflicts = judge(tx, inventory, candidate, tx.now)
    if any(conflict.blocks for conflict in conflicts):
        slots = next_free(tx, inventory, candidate, tx.now)
        raise blocked(window, action, conflicts, slots)
    return conflicts


def blocked(
    window: Window, action: Action, conflicts: tuple[Conflict, ...], slots: tuple[Interval, ...]
) -> BookingRefused:
    next_ = f"`maintsched window move {window.id} --start T` takes a free slot; or settle what it collides with"
    return BookingRefused(conflicts, slots, f"{window.id} cannot be {action}", next_)


def again(tx: Transaction, stored: StoredWindow) -> StoredWindow:
    """The window as it was just written."""
    return kept_window(tx, stored.window.id)
