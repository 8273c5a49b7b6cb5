"""Booking: lock, evaluate, write, audit, in one transaction; a refusal names what collides and the next free slots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from maintsched.config.problems import did_you_mean
from maintsched.domain.conflict import BLOCK, Candidate, Conflict, find_conflicts
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.notice import Impact
from maintsched.domain.schedule import free_slots
from maintsched.domain.window import Window, WindowState
from maintsched.errors import InvalidInput, NotFound, Refused
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import around, situation
from maintsched.services.tuning import SUGGEST_AHEAD
from maintsched.store import windows
from maintsched.store.engine import OneMemberDown, Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.windows import Claim, StoredWindow

SLOTS = 3
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to book."""

    circuits: tuple[str, ...]
    interval: Interval
    impact: Impact
    title: str
    change_id: str | None = None
    rollback: str | None = None
    shares: tuple[str, ...] = ()

    def candidate(self, now: datetime) -> Candidate:
        return Candidate(self.circuits, self.interval, self.impact, now, shares=self.shares)


class BookingRefused(Refused):
    """The evaluator says no: what collides, and when it would be fine."""

    def __init__(self, conflicts: tuple[Conflict, ...], suggestions: tuple[Interval, ...]) -> None:
        super().__init__("the booking is refused", "take one of the free slots, or settle what it collides with")
        self.conflicts = conflicts
        self.suggestions = suggestions


def circuits_of(
    inventory: Inventory, circuits: Iterable[str], routers: Iterable[str] = (), sites: Iterable[str] = ()
) -> tuple[str, ...]:
    """The circuits that are meant, by name or alias, routers and sites: all of them. Raises InvalidInput."""
    circuits, routers, sites = list(circuits), list(routers), list(sites)
    if not (circuits or routers or sites):
        raise InvalidInput("it is not said what is worked on", "give --circuit C, --router R or --site S")
    named = [_circuit(inventory, text) for text in circuits]
    for router in routers:
        named += _at("router", router, inventory.routers, inventory.circuits_of_router)
    for site in sites:
        named += _at("site", site, inventory.sites, inventory.circuits_at)
    return tuple(dict.fromkeys(named))


def circuits_of_groups(inventory: Inventory, groups: Iterable[str]) -> tuple[str, ...]:
    """Every circuit of these groups. Raises InvalidInput."""
    named: list[str] = []
    for group in groups:
        named += _at("group", group, inventory.groups, lambda name: inventory.groups[name].circuits)
    return tuple(dict.fromkeys(named))


def _at(kind: str, name: str, known: Collection[str], circuits: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    if name not in known:
        near = did_you_mean(name, known)
        raise InvalidInput(f"there is no {kind} {name!r}{near}", f"{kind}s: {', '.join(known)}")
    found = circuits(name)
    if not found:
        raise InvalidInput(f"the inventory has no circuit at {kind} {name}", "name the circuits with --circuit C")
    return found


def _circuit(inventory: Inventory, text: str) -> str:
    found = [c.name for c in inventory.circuits.values() if text.casefold() in {a.casefold() for a in c.all_aliases}]
    if len(found) != 1:
        near = did_you_mean(text, [alias for c in inventory.circuits.values() for alias in c.all_aliases])
        raise InvalidInput(f"there is no circuit {text!r}{near}", f"circuits: {', '.join(inventory.circuits)}")
    return found[0]


def check(project: Project, request: Request) -> tuple[tuple[Conflict, ...], tuple[Interval, ...]]:
    """Would it be booked now? The conflicts, and where one blocks, the next free slots."""
    now = project.now()
    with project.store.read() as tx:
        require_in_force(project, tx)
        _sensible(tx, request, now)
        conflicts = judge(tx, project.inventory, request.candidate(now), now)
        slots = _slots(tx, project.inventory, request, now) if any(c.blocks for c in conflicts) else ()
    return conflicts, slots


def suggest(project: Project, request: Request, *, count: int = SLOTS) -> tuple[Interval, ...]:
    """The next free slots of the request's length, from its start on."""
    now = project.now()
    with project.store.read() as tx:
        require_in_force(project, tx)
        return _slots(tx, project.inventory, request, now, count=count)


def book(project: Project, request: Request) -> tuple[Window, tuple[Conflict, ...]]:
    """Book it. Returns the window and the warnings; raises BookingRefused with conflicts and free slots."""
    inventory = project.inventory
    now = project.now()
    if not request.title.strip():
        raise InvalidInput("a title is needed", "--title TEXT")
    try:
        with project.store.write(project.actor, now) as tx:
            require_in_force(project, tx)
            tx.require_guards()
            _sensible(tx, request, now)
            conflicts = judge(tx, inventory, request.candidate(now), now)
            if any(conflict.blocks for conflict in conflicts):
                raise BookingRefused(conflicts, _slots(tx, inventory, request, now))
            window = windows.add_window(tx, _window(request, project.actor.name), claims(inventory, request, conflicts))
            payload = {
                "circuits": list(window.circuits),
                "start": iso(window.interval.start),
                "end": iso(window.interval.end),
                "impact": window.impact.value,
                "title": window.title,
                "warnings": [conflict.message for conflict in conflicts],
            }
            tx.audit("window.book", window.id, payload)
    except OneMemberDown as error:
        conflicts, slots = check(project, request)
        if not any(conflict.blocks for conflict in conflicts):
            conflicts = (*conflicts, _guarded(request))
        raise BookingRefused(conflicts, slots) from error
    return window, conflicts


def _guarded(request: Request) -> Conflict:
    message = f"the database holds another member of a group of {', '.join(request.circuits)} at that time"
    return Conflict("REDUNDANCY", BLOCK, None, request.interval, message)


def _sensible(tx: Transaction, request: Request, now: datetime) -> None:
    if request.interval.end <= now:
        raise InvalidInput(f"the window ends at {iso(request.interval.end)}, which is over", "give a time to come")
    for share in request.shares:
        if windows.get_window(tx, share) is None:
            raise InvalidInput(f"--share {share}: there is no such window", "`maintsched window list` shows them")


def _window(request: Request, requester: str) -> Window:
    return Window(
        id="",
        state=WindowState.REQUESTED,
        circuits=request.circuits,
        interval=request.interval,
        impact=request.impact,
        title=request.title,
        requester=requester,
        change_id=request.change_id,
        rollback=request.rollback,
        shares=request.shares,
    )


def claims(inventory: Inventory, request: Request, conflicts: Iterable[Conflict]) -> tuple[Claim, ...]:
    """What the window takes from each group. The database enforces it only where one member may be down at once, the
    window takes one itself, and nothing was accepted knowingly; elsewhere the evaluator alone can judge."""
    inside_outage = any(conflict.rule in ("INSIDE-OUTAGE", "REDUNDANCY") for conflict in conflicts)
    found = []
    for group in inventory.groups.values():
        taken = [name for name in request.circuits if name in group.circuits]
        spare = len(group.circuits) - group.min_up
        enforced = spare == 1 and len(taken) == 1 and request.impact is not Impact.NO_IMPACT and not inside_outage
        found += [Claim(group.name, name, enforced) for name in taken]
    return tuple(found)


def judge(
    tx: Transaction,
    inventory: Inventory,
    candidate: Candidate,
    now: datetime,
    instead: Mapping[int, StoredMaintenance] | None = None,
) -> tuple[Conflict, ...]:
    """What the evaluator says of a candidate, given everything known in this transaction (or `instead` of it)."""
    known = situation(tx, inventory, now, around(candidate), drill=candidate.kind == "drill", instead=instead)
    return find_conflicts(candidate, known)


def judge_drill(
    tx: Transaction, inventory: Inventory, circuit: str, interval: Interval, now: datetime
) -> tuple[Conflict, ...]:
    """The drill's calendar gate: the same evaluator, for a drill that takes `circuit` down during `interval`."""
    return judge(tx, inventory, Candidate((circuit,), interval, Impact.OUTAGE, now, kind="drill"), now)


def _slots(
    tx: Transaction, inventory: Inventory, request: Request, now: datetime, *, count: int = SLOTS
) -> tuple[Interval, ...]:
    candidate = request.candidate(now)
    begin = max(request.interval.start, now.replace(second=0, microsecond=0) + MINUTE)  # a time that can be typed
    until = begin + SUGGEST_AHEAD
    known = situation(tx, inventory, now, Interval(begin, until))
    return free_slots(candidate, known, not_before=begin, until=until, count=count)


def cancel(project: Project, window_id: str, note: str) -> StoredWindow:
    """Give a slot back."""
    with project.store.write(project.actor) as tx:
        stored = windows.get_window(tx, window_id)
        if stored is None:
            raise NotFound(f"there is no window {window_id}", "`maintsched window list` shows them")
        if not stored.window.state.counts or stored.window.state is WindowState.IN_PROGRESS:
            state = stored.window.state.value.replace("_", " ")
            raise Refused(
                f"{stored.window.id} is {state}: there is nothing to cancel", "`maintsched window list --all`"
            )
        windows.set_state(tx, stored.window.id, WindowState.CANCELLED)
        tx.audit("window.cancel", stored.window.id, {"note": note})
        again = windows.get_window(tx, window_id)
        assert again is not None  # read a moment ago, under the lock
        return again
