"""Windows as they are listed and shown."""

from __future__ import annotations

from datetime import datetime

from maintsched.domain.conflict import Conflict
from maintsched.domain.window import WindowState
from maintsched.errors import InvalidInput, NotFound
from maintsched.services.booking import circuits_of, judge
from maintsched.services.project import Project
from maintsched.services.situation import stale_sources
from maintsched.store import windows
from maintsched.store.windows import StoredWindow


def listed_windows(
    project: Project,
    *,
    after: datetime | None,
    before: datetime | None,
    circuit: str | None,
    state: str | None,
    everything: bool,
) -> tuple[list[StoredWindow], tuple[str, ...]]:
    """Windows that hold a slot and are not over (or `everything`), and the stale sources."""
    if state is not None and state not in [each.value for each in WindowState]:
        raise InvalidInput(f"there is no state {state!r}", f"states: {', '.join(each.value for each in WindowState)}")
    name = circuits_of(project.inventory, [circuit])[0] if circuit is not None else None
    counting = not everything and state is None
    with project.store.read() as tx:
        found = windows.windows(tx, counting=counting, states=None if state is None else [state])
        stale = stale_sources(tx, project.inventory, project.now())
    ends_after = after or (None if everything else project.now())
    rows = [
        row
        for row in found
        if (ends_after is None or row.window.interval.end > ends_after)
        and (before is None or row.window.interval.start < before)
        and (name is None or name in row.window.circuits)
    ]
    return rows, tuple(source.name for source in stale)


def judged_window(project: Project, window_id: str) -> tuple[StoredWindow, tuple[Conflict, ...]]:
    """One window and what the evaluator says of it now. Raises NotFound."""
    now = project.now()
    with project.store.read() as tx:
        row = windows.get_window(tx, window_id)
        if row is None:
            raise NotFound(f"there is no window {window_id}", "`maintsched window list --all` shows them")
        over = not row.window.state.counts or row.window.interval.end <= now
        return row, () if over else judge(tx, project.inventory, row.window.candidate(row.booked_at), now)
