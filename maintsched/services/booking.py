"""Booking: lock, evaluate, write, audit, in one transaction; a refusal names what collides and the next free slots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from maintsched.config.problems import did_you_mean
from maintsched.domain.conflict import BLOCK, Candidate, Conflict, find_conflicts
from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.life import LONGEST
from maintsched.domain.notice import Impact
from maintsched.domain.schedule import free_slots
from maintsched.domain.window import Window, WindowState, accepted
from maintsched.errors import InvalidInput, Refused
from maintsched.services.project import Project, require_in_force
from maintsched.services.situation import around, situation
from maintsched.services.tuning import SUGGEST_AHEAD
from maintsched.store import windows
from maintsched.store.engine import OneMemberDown, Transaction
from maintsched.store.maintenances import StoredMaintenance
from maintsched.store.windows import Claim

SLOTS = 3
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to book; `reason` says why the rules are to give way, where they are."""

    circuits: tuple[str, ...]
    interval: Interval
    impact: Impact
    title: str
    change_id: str | None = None
    rollback: str | None = None
    shares: tuple[str, ...] = ()
    emergency: bool = False
    override: bool = False
    accept_outage: bool = False
    reason: str = ""

    def candidate(self, now: datetime) -> Candidate:
        return Candidate(
            self.circuits,
            self.interval,
            self.impact,
            now,
            shares=self.shares,
            accepts=accepted(override=self.override, accept_outage=self.accept_outage),
            emergency=self.emergency,
        )

    def window(self, requester: str) -> Window:
        return Window(
            id="",
            state=WindowState.REQUESTED,
            circuits=self.circuits,
            interval=self.interval,
            impact=self.impact,
            title=self.title.strip(),
            requester=requester,
            change_id=self.change_id,
            rollback=self.rollback,
            shares=self.shares,
            emergency=self.emergency,
            override=self.override,
            accept_outage=self.accept_outage,
            reason=self.reason.strip(),
        )


class BookingRefused(Refused):
    """The evaluator says no: what collides, and when it would be fine."""

    def __init__(
        self,
        conflicts: tuple[Conflict, ...],
        suggestions: tuple[Interval, ...],
        what: str = "the booking is refused",
        next_: str = "take one of the free slots, or settle what it collides with",
    ) -> None:
        super().__init__(what, next_)
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
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        _sensible(tx, request, now)
        conflicts = judge(tx, project.inventory, request.candidate(now), now)
        slots: tuple[Interval, ...] = ()
        if any(c.blocks for c in conflicts):
            slots = next_free(tx, project.inventory, request.candidate(now), now)
    return conflicts, slots


def suggest(project: Project, request: Request, *, count: int = SLOTS) -> tuple[Interval, ...]:
    """The next free slots of the request's length, from its start on."""
    now = project.now()
    with project.store.read(now) as tx:
        require_in_force(project, tx)
        _agreeing(request)
        return next_free(tx, project.inventory, request.candidate(now), now, count=count)


def book(project: Project, request: Request) -> tuple[Window, tuple[Conflict, ...]]:
    """Book it. Returns the window and the warnings; raises BookingRefused with conflicts and free slots."""
    inventory = project.inventory
    now = project.now()
    _whole(request)
    try:
        with project.store.write(project.actor, now) as tx:
            require_in_force(project, tx)
            tx.require_guards()
            _sensible(tx, request, now)
            conflicts = judge(tx, inventory, request.candidate(now), now)
            if any(conflict.blocks for conflict in conflicts):
                raise BookingRefused(conflicts, ())
            window = request.window(project.actor.name)
            window = windows.add_window(tx, window, claims(inventory, window, conflicts))
            tx.audit("window.book", window.id, {**told(window), "warnings": [each.message for each in conflicts]})
    except BookingRefused as refusal:  # the lock is free again: nobody waits while slots are searched
        with project.store.read(now) as reader:
            refusal.suggestions = next_free(reader, inventory, request.candidate(now), now)
        raise
    except OneMemberDown as error:
        conflicts, slots = check(project, request)
        raise BookingRefused(with_guard(conflicts, request.circuits, request.interval), slots) from error
    return window, conflicts


def told(window: Window) -> dict[str, object]:
    """A window's request for the audit trail."""
    return {
        "circuits": list(window.circuits),
        "start": iso(window.interval.start),
        "end": iso(window.interval.end),
        "impact": window.impact.value,
        "title": window.title,
        "rollback": window.rollback,
        **{name: True for name in ("emergency", "override", "accept_outage") if getattr(window, name)},
        **({"reason": window.reason} if window.reason else {}),
    }


def with_guard(conflicts: tuple[Conflict, ...], circuits: tuple[str, ...], interval: Interval) -> tuple[Conflict, ...]:
    """The conflicts, and the database's own word where none of them says why it refused."""
    if any(conflict.blocks for conflict in conflicts):
        return conflicts
    message = f"the database holds another member of a group of {', '.join(circuits)} at that time"
    return (*conflicts, Conflict("REDUNDANCY", BLOCK, None, interval, message))


def _whole(request: Request) -> None:
    """Whether the request says everything that a booking needs. Raises InvalidInput."""
    if not request.title.strip():
        raise InvalidInput("a title is needed", "--title TEXT")
    if request.impact.takes_down and not (request.rollback or "").strip():
        raise InvalidInput(
            f"work with impact {request.impact} takes circuits down: it is not said how it is taken back",
            "--rollback TEXT; or --impact, where it does less",
        )
    flags = (("emergency", request.emergency), ("override", request.override), ("accept-outage", request.accept_outage))
    asked = [f"--{name}" for name, given in flags if given]
    if asked and not request.reason.strip():
        raise InvalidInput(f"{' and '.join(asked)} needs a reason", "--reason TEXT: whoever approves it reads it")


def _agreeing(request: Request) -> None:
    """Whether what is asked for goes together. Raises InvalidInput."""
    if request.accept_outage and (request.emergency or request.override):
        raise InvalidInput(
            "--accept-outage is for an outage that was agreed on beforehand: it is no emergency and overrides nothing",
            "give it alone; or --emergency, with --override where the last member must be taken",
        )
    if request.impact is Impact.NO_IMPACT and (request.override or request.accept_outage):
        raise InvalidInput("work without impact takes nothing down", "leave out --override and --accept-outage")


def _sensible(tx: Transaction, request: Request, now: datetime) -> None:
    _agreeing(request)
    possible(request.interval, now, at_once=request.emergency and not request.override)
    _printable(request)
    for share in request.shares:
        if windows.get_window(tx, share) is None:
            raise InvalidInput(f"--share {share}: there is no such window", "`maintsched window list` shows them")


def _printable(request: Request) -> None:
    """What is printed in lists and feeds stays one line. Raises InvalidInput."""
    given = {"--title": request.title, "--change-id": request.change_id, "--reason": request.reason}
    for option, text in given.items():
        if text and not text.isprintable():
            raise InvalidInput(
                f"{option} holds characters that cannot be printed", "give it on one line, as plain text"
            )
    if request.rollback and not request.rollback.replace("\n", "").replace("\t", "").isprintable():
        raise InvalidInput("--rollback holds characters that cannot be printed", "give it as plain text")


def possible(interval: Interval, now: datetime, *, at_once: bool = False) -> None:
    """Raise InvalidInput for a slot that nobody can use; `at_once`: it may begin without anybody's approval."""
    if interval.end <= now:
        raise InvalidInput(f"the window ends at {iso(interval.end)}, which is over", "give a time to come")
    if interval.start <= now and not at_once:
        raise InvalidInput(
            f"the window begins at {iso(interval.start)}, and must be approved before that",
            "give a start to come, such as +15m; a repair that cannot wait: --emergency --reason TEXT",
        )
    if interval.duration > LONGEST:
        raise InvalidInput(f"a window lasts {LONGEST.days} days at most", "book several, each for its own part")


def claims(inventory: Inventory, window: Window, conflicts: Iterable[Conflict]) -> tuple[Claim, ...]:
    """What the window takes from each group. The database enforces it only where one member may be down at once, the
    window takes one itself, and nothing was accepted knowingly; elsewhere the evaluator alone can judge."""
    knowingly = window.override or window.accept_outage
    knowingly = knowingly or any(conflict.rule in ("INSIDE-OUTAGE", "REDUNDANCY") for conflict in conflicts)
    found = []
    own = frozenset(window.circuits)
    for group in (each for each in inventory.groups.values() if not own.isdisjoint(each.circuits)):
        taken = [name for name in window.circuits if name in group.circuits]
        spare = len(group.circuits) - group.min_up
        enforced = spare == 1 and len(taken) == 1 and window.impact is not Impact.NO_IMPACT and not knowingly
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
    drill, near = candidate.kind == "drill", around(candidate)
    known = situation(tx, inventory, now, near, circuits=candidate.circuits, drill=drill, instead=instead)
    return find_conflicts(candidate, known)


def judge_drill(
    tx: Transaction, inventory: Inventory, circuit: str, interval: Interval, now: datetime
) -> tuple[Conflict, ...]:
    """The drill's calendar gate: the same evaluator, for a drill that takes `circuit` down during `interval`."""
    return judge(tx, inventory, Candidate((circuit,), interval, Impact.OUTAGE, now, kind="drill"), now)


def next_free(
    tx: Transaction, inventory: Inventory, candidate: Candidate, now: datetime, *, count: int = SLOTS
) -> tuple[Interval, ...]:
    """The next slots of the candidate's length that nothing blocks, from its start on."""
    begin = max(candidate.interval.start, now.replace(second=0, microsecond=0) + MINUTE)  # a time that can be typed
    found: tuple[Interval, ...] = ()
    for ahead in (SUGGEST_AHEAD / 20, SUGGEST_AHEAD):  # mostly a slot is near, and little must be read to find it
        until = begin + ahead
        known = situation(tx, inventory, now, Interval(begin, until), circuits=candidate.circuits)
        found = free_slots(candidate, known, not_before=begin, until=until, count=count)
        if len(found) >= count:
            break
    return found
