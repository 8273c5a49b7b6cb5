"""What a person tells: how a notice in review is meant, and what came by phone or chat. All of it is audited."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.maintenance import ref_of
from maintsched.domain.matching import Aliases, match
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.errors import InvalidInput, Refused
from maintsched.services.booking import circuits_of
from maintsched.services.breaking import Broken, recheck
from maintsched.services.placing import Placing
from maintsched.services.project import Project, require_in_force
from maintsched.services.reviewing import stored_notice, the_maintenance
from maintsched.services.taking import Known
from maintsched.store import sources, tickets
from maintsched.store.engine import Transaction
from maintsched.store.notices import REVIEW, StoredNotice
from maintsched.store.tickets import TOLD_ORIGIN, Line, Target, Ticket

BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True)
class Decision:
    """How a notice in review is meant: ignored (`always`: what it names is never ours), or believed.

    `circuits`, `start` and `end` are what the person says instead of what the notice does.
    """

    ignore: bool = False
    always: bool = False
    circuits: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody said on the phone. None and () leave what is known."""

    circuits: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    impact: Impact | None = None
    status: Status | None = None
    note: str = ""


def resolve_notice(project: Project, text: str, decision: Decision, reason: str) -> tuple[str, tuple[Broken, ...]]:
    """Settle a notice in review. Returns what was decided, in words, and what that breaks."""
    if not reason.strip():
        raise InvalidInput("a reason is needed", "--reason TEXT: it is kept in the audit trail")
    with project.store.write(project.actor) as tx:
        require_in_force(project, tx)
        stored = stored_notice(tx, text)
        if stored.state != REVIEW:
            raise Refused(f"N-{stored.id} does not wait: it is {stored.state}", "`maintsched calendar review`")
        ticket = _ticket_of(tx, stored)
        line = next(line for line in ticket.lines if line.id == stored.id)
        if decision.ignore:
            said = _ignored(tx, project.inventory, ticket, line, decision.always, reason)
        else:
            named = circuits_of(project.inventory, decision.circuits) if decision.circuits else ()
            said = _believed(tx, project.inventory, ticket, line, named, decision, reason)
        tx.audit("calendar.resolve", f"N-{stored.id}", {"reason": reason, "decided": said})
    return said, recheck(project)


def _ticket_of(tx: Transaction, stored: StoredNotice) -> Ticket:
    """The ticket of a notice; one of its own for a message that no ticket was read from."""
    ref = stored.ref or ref_of(stored.source, f"N-{stored.id}")
    ticket = tickets.tickets_of(tx, [ref])[ref]
    if not stored.ref:
        ticket.lines.append(tickets.line_numbered(tx, stored.id))
        ticket.lines[-1].ref = ref
    return ticket


def _placing(inventory: Inventory, source: str) -> Placing:
    return Placing(inventory, inventory.sources.get(source), Aliases(inventory))


def _between(begin: datetime, finish: datetime) -> Interval:
    if finish <= begin:
        raise InvalidInput("it would end before it begins", "correct --start and --end")
    return Interval(begin, finish)


def _ignored(tx: Transaction, inventory: Inventory, ticket: Ticket, line: Line, always: bool, reason: str) -> str:
    names = _never_ours(inventory, line) if always else ()
    line.state, line.resolution, line.counts = "ignored", reason, False
    _placing(inventory, line.source).place(ticket)
    tickets.save(tx, [ticket])
    if not always:
        return f"N-{line.id} is ignored"
    sources.add_not_ours(tx, line.source, map(_literally, names), reason)
    return f"N-{line.id} is ignored; in {line.source} never ours from now on: {', '.join(names)}"


def _never_ours(inventory: Inventory, line: Line) -> tuple[str, ...]:
    """The objects that a notice names, or else its places. Raises Refused where that would hide work of ours."""
    notice = line.notice
    names = tuple(item.object_id for item in notice.objects) if notice else ()
    names = names or (notice.sites if notice else ())
    if notice is None or not names:
        raise Refused(f"N-{line.id} names nothing that could be known again", "use --ignore without --always")
    ours = match(replace(notice, problems=()), inventory, inventory.sources.get(line.source))
    if ours.circuits:
        hit = ", ".join(circuit.circuit for circuit in ours.circuits)
        raise Refused(f"what N-{line.id} names is ours ({hit}): that cannot always be ignored", "use --ignore alone")
    return names


def _literally(name: str) -> str:
    """A pattern that only this name fits."""
    return re.sub(r"[\[*?]", lambda found: f"[{found[0]}]", name)


def _believed(
    tx: Transaction,
    inventory: Inventory,
    ticket: Ticket,
    line: Line,
    circuits: tuple[str, ...],
    decision: Decision,
    reason: str,
) -> str:
    """What was in doubt is so: as it says, or as the person says; and it is the newest that is known."""
    told = line.notice or _bare(line.source, f"N-{line.id}", line.title)
    whole = told.interval is None and told.status is not None and not told.status.counts and ticket.targets
    notice = replace(told, problems=(), status=told.status or Status.CONFIRMED, stamp=_newest(ticket, tx.now))
    notice = replace(notice, sequence=_highest(ticket, notice))
    if not whole:
        interval = _interval(line, decision)
        notice = replace(notice, interval=interval, part=_part_of(ticket, line))
    line.state, line.resolution, line.counts, line.fixed = "resolved", reason, True, not whole
    tickets.rewritten(tx, line, notice)
    placing = _placing(inventory, line.source)
    placing.place(ticket, [line], circuits)
    tickets.save(tx, [ticket])
    touched = [target for target in ticket.targets if target is line.target or whole]
    if not any(target.circuits for target in touched) and not circuits:
        hint = "say which of our circuits it hits: --circuit C; or --ignore it"
        raise InvalidInput(f"N-{line.id} names no circuit of ours", hint)
    return f"N-{line.id} is " + "; ".join(_described(target) for target in touched if target.id is not None)


def _described(target: Target) -> str:
    state = target.state
    assert state is not None  # it was just written
    assert state.interval is not None
    hit = ", ".join(f"{hit.circuit} {hit.impact}" for hit in target.circuits) or "no circuit of ours"
    return f"M-{target.id}: {hit} {iso(state.interval.start)} – {iso(state.interval.end)} {state.status}"


def _interval(line: Line, decision: Decision) -> Interval:
    known = line.notice.interval if line.notice else None
    if known is None and line.target is not None and line.target.state is not None:
        known = line.target.state.interval
    begin = decision.start or (known.start if known else None)
    finish = decision.end or (known.end if known else None)
    if begin is None or finish is None:
        raise InvalidInput(f"N-{line.id} tells no time", "give --start T --end T")
    return _between(begin, finish)


def _part_of(ticket: Ticket, line: Line) -> int:
    """The window of the ticket that a notice is about: where it was placed, else that of the same time, else the only
    one, else a further one."""
    states = {target.state.part: target for target in ticket.targets if target.state is not None}
    if line.target is not None and line.target.state is not None:
        return line.target.state.part
    same = [n for n, t in states.items() if line.notice and t.state and t.state.interval == line.notice.interval]
    if same:
        return same[0]
    return min(states, default=1) if len(states) < 2 else max(states) + 1


def _newest(ticket: Ticket, now: datetime) -> datetime:
    """A person speaks last; a provider's next revision comes after that."""
    stamps = [line.notice.stamp for line in ticket.lines if line.counts and line.notice and line.notice.stamp]
    return max([now, *(stamp + timedelta(microseconds=1) for stamp in stamps)])


def _highest(ticket: Ticket, notice: Notice) -> int | None:
    told = [line.notice for line in ticket.lines if line.counts and line.notice]
    return max((each.sequence for each in (*told, notice) if each.sequence is not None), default=None)


def _bare(provider: str, maintenance_id: str, title: str) -> Notice:
    return Notice(provider, "", maintenance_id, "", title, None, None, None, Impact.OUTAGE)


def add(
    project: Project, provider: str, reference: str, sites: tuple[str, ...], told: Told
) -> tuple[str, tuple[Broken, ...]]:
    """Work that a provider told of by phone or chat. Returns what is known now, and what it breaks."""
    if not provider.strip() or not reference.strip():
        raise InvalidInput("who told it, and by what number, is needed", "--provider P --ref REF")
    if told.start is None or told.end is None:
        raise InvalidInput("its time is needed", "--start T --end T")
    interval = _between(told.start, told.end)
    with project.store.write(project.actor) as tx:
        require_in_force(project, tx)
        circuits = circuits_of(project.inventory, told.circuits, sites=sites)
        notice = replace(
            _bare(provider.strip(), reference.strip(), f"told by {provider.strip()}"),
            stamp=tx.now,
            interval=interval,
            status=told.status or Status.CONFIRMED,
            impact=told.impact or Impact.OUTAGE,
            sites=sites,
        )
        known = Known()
        known.read(tx, [notice])
        ticket = known.of(notice)
        if any(target.id is not None for target in ticket.targets):
            number = next(target.id for target in ticket.targets if target.id is not None)
            raise Refused(
                f"{provider} {reference} is known: M-{number}", f"`maintsched calendar update M-{number}` changes it"
            )
        said = _tell(project, tx, ticket, notice, circuits, "calendar.add", told.note)
    return said, recheck(project)


def start_of(project: Project, text: str) -> datetime | None:
    """When a maintenance begins, as it is known. Raises NotFound."""
    with project.store.read() as tx:
        interval = the_maintenance(tx, text).maintenance.interval
    return interval.start if interval else None


def update(project: Project, text: str, told: Told) -> tuple[str, tuple[Broken, ...]]:
    """What a provider told of work that is known. Returns what is known now, and what the change breaks."""
    if told == Told(note=told.note):
        raise InvalidInput("nothing is changed", "give --start, --end, --impact, --status or --circuit")
    with project.store.write(project.actor) as tx:
        require_in_force(project, tx)
        row = the_maintenance(tx, text)
        now = row.maintenance
        (ref,) = tickets.refs_of(tx, [row.id])
        ticket = tickets.tickets_of(tx, [ref])[ref]
        assert now.interval is not None  # it is kept, so it has one
        interval = _between(told.start or now.interval.start, told.end or now.interval.end)
        circuits = circuits_of(project.inventory, told.circuits) if told.circuits else ()
        status = told.status or (now.status if now.status.counts else Status.CONFIRMED)
        notice = replace(
            _bare(now.key[0], now.ticket, now.title),
            account=now.key[1],
            uid=now.uid,
            interval=interval,
            status=status,
            impact=told.impact or now.impact,
            part=now.part,
            stamp=_newest(ticket, tx.now),
        )
        notice = replace(notice, sequence=_highest(ticket, notice))
        if circuits == () and told.impact is not None:
            circuits = tuple(hit.circuit for hit in row.circuits)
        said = _tell(project, tx, ticket, notice, circuits, "calendar.update", told.note)
    return said, recheck(project)


def cancel(project: Project, text: str, note: str) -> tuple[str, tuple[Broken, ...]]:
    """A provider told that work is off. Returns what is known now, and what that breaks."""
    if not note.strip():
        raise InvalidInput("a note is needed: who said so, and when", "--note TEXT: it is kept in the audit trail")
    with project.store.read() as tx:
        row = the_maintenance(tx, text)
    if not row.maintenance.status.counts:
        raise Refused(f"M-{row.id} is {row.maintenance.status} already", "`maintsched calendar list --all`")
    return update(project, f"M-{row.id}", Told(status=Status.CANCELLED, note=note))


def _tell(
    project: Project,
    tx: Transaction,
    ticket: Ticket,
    notice: Notice,
    circuits: tuple[str, ...],
    action: str,
    note: str,
) -> str:
    """Keep what was said as a notice of its own, with its words as its raw text. Returns what is known now."""
    words = _words(tx, notice, circuits, note)
    data = json.dumps(words, indent=1, ensure_ascii=False).encode()
    line = Line(
        sha256=sha256(data).hexdigest(),
        position=0,
        source=BY_HAND,
        origin=TOLD_ORIGIN,
        state="taken",
        notice=notice,
        title=notice.title,
        reason=f"{words['by']}: {note}" if note else str(words["by"]),
        concerns=circuits,
        data=data,
        fixed=True,
        ref=ticket.ref,
    )
    ticket.lines.append(line)
    source = next((target.source for target in ticket.targets), BY_HAND)
    _placing(project.inventory, source).place(ticket, [line], circuits)
    state = line.target.state if line.target is not None else None
    if state is None or (state.interval, state.status) != (notice.interval, notice.status):
        raise Refused("what is known already outdoes it", "`maintsched calendar show` lists every revision")
    tickets.save(tx, [ticket])
    assert line.target is not None  # as it has a state
    tx.audit(action, f"M-{line.target.id}", words)
    return _described(line.target)


def _words(tx: Transaction, notice: Notice, circuits: tuple[str, ...], note: str) -> dict[str, object]:
    return {
        "by": tx.actor.name if tx.actor else "",
        "at": iso(tx.now),
        "provider": notice.provider,
        "reference": notice.maintenance_id,
        "start": iso(notice.interval.start) if notice.interval else None,
        "end": iso(notice.interval.end) if notice.interval else None,
        "impact": notice.impact.value,
        "status": notice.status.value if notice.status else None,
        "circuits": list(circuits),
        "note": note,
    }
