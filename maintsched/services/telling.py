"""What a person tells: how a notice in review is meant, and what came by phone or chat. All of it is audited."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from maintsched.domain.interval import Interval, iso
from maintsched.domain.inventory import Inventory
from maintsched.domain.maintenance import Maintenance, belongs_to, key_of, merge
from maintsched.domain.matching import CircuitImpact, match
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.errors import InvalidInput, Refused
from maintsched.services.booking import circuits_of
from maintsched.services.breaking import Broken, recheck
from maintsched.services.project import Project, require_in_force
from maintsched.services.reviewing import stored_notice, the_maintenance
from maintsched.services.taking import Known
from maintsched.store import maintenances, notices, sources, taken
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import TOLD
from maintsched.store.notices import REVIEW, StoredNotice
from maintsched.store.taken import Kept, Target

BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True)
class Decision:
    """How a notice in review is meant: ignored (`always`: what it names is never ours), or work on `circuits`."""

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
        if decision.ignore:
            said = _ignored(tx, project.inventory, stored, decision.always, reason)
        else:
            named = circuits_of(project.inventory, decision.circuits)
            said = _taken(tx, stored, named, _interval(stored, decision))
        tx.audit("calendar.resolve", f"N-{stored.id}", {"reason": reason, "decided": said})
    return said, recheck(project)


def _interval(stored: StoredNotice, decision: Decision) -> Interval:
    begin = decision.start or (stored.interval.start if stored.interval else None)
    finish = decision.end or (stored.interval.end if stored.interval else None)
    if begin is None or finish is None:
        raise InvalidInput(f"N-{stored.id} tells no time", "give --start T --end T")
    return _between(begin, finish)


def _between(begin: datetime, finish: datetime) -> Interval:
    if finish <= begin:
        raise InvalidInput("it would end before it begins", "correct --start and --end")
    return Interval(begin, finish)


def _ignored(tx: Transaction, inventory: Inventory, stored: StoredNotice, always: bool, reason: str) -> str:
    notices.settle_notice(tx, stored.id, "ignored", reason)
    _without_ignored(tx, inventory, stored)
    if not always:
        return f"N-{stored.id} is ignored"
    names = _never_ours(inventory, stored)
    sources.add_not_ours(tx, stored.source, names, reason)
    return f"N-{stored.id} is ignored; in {stored.source} never ours from now on: {', '.join(names)}"


def _never_ours(inventory: Inventory, stored: StoredNotice) -> tuple[str, ...]:
    """The objects that a notice names, or else its places. Raises Refused where that would hide work of ours."""
    notice = stored.notice
    names = tuple(item.object_id for item in notice.objects) if notice else ()
    names = names or (notice.sites if notice else ())
    if notice is None or not names:
        raise Refused(f"N-{stored.id} names nothing that could be known again", "use --ignore without --always")
    ours = match(replace(notice, problems=()), inventory, inventory.sources.get(stored.source))
    if ours.circuits:
        hit = ", ".join(circuit.circuit for circuit in ours.circuits)
        raise Refused(f"what N-{stored.id} names is ours ({hit}): that cannot always be ignored", "use --ignore alone")
    return names


def _without_ignored(tx: Transaction, inventory: Inventory, stored: StoredNotice) -> None:
    """Merge again without the ignored revision; a maintenance of nothing else is cancelled."""
    if stored.maintenance is None:
        return
    row = maintenances.maintenances(tx, ids=[stored.maintenance])[0]
    rest = notices.revisions_of(tx, stored.maintenance)
    after = merge(rest) if rest else replace(row.maintenance, status=Status.CANCELLED, needs_review=())
    if after.interval is None:
        after = replace(after, interval=row.maintenance.interval, status=Status.CANCELLED)
    after = replace(after, key=(after.key[0], after.key[1], row.maintenance.key[2]), part=row.maintenance.part)
    revisions = max(1, len(rest))
    hits = match(after, inventory, inventory.sources.get(row.source), after.needs_review).circuits
    hits = hits or (row.told if rest else row.circuits)
    maintenances.put_maintenance(
        tx, after, source=row.source, circuits=hits, revisions=revisions, known=stored.maintenance
    )


def _taken(tx: Transaction, stored: StoredNotice, circuits: tuple[str, ...], interval: Interval) -> str:
    """What was in doubt is what the person says from now on, and the newest that is known."""
    told = stored.notice or _bare(stored.source, f"N-{stored.id}", stored.title)
    known = Known()
    known.read(tx, [told])
    target = _target_of(tx, known, stored, told)
    notice = _newest(replace(told, interval=interval, problems=()), target, tx.now)
    notice = replace(notice, status=notice.status or Status.CONFIRMED)
    notices.settle_notice(tx, stored.id, "resolved", "", said=notice)
    rest = [each for each in target.revisions if each != told]
    target.revisions = [*rest, notice]
    fact = _write(tx, target, circuits)
    notices.settle_notice(tx, stored.id, "resolved", "", target.id)
    hit = f"{', '.join(circuits)} {fact.impact}"
    return f"N-{stored.id} is M-{target.id}: {hit} {iso(interval.start)} – {iso(interval.end)} {fact.status}"


def _bare(provider: str, maintenance_id: str, title: str) -> Notice:
    return Notice(provider, "", maintenance_id, "", title, None, None, None, Impact.OUTAGE)


def _target_of(tx: Transaction, known: Known, stored: StoredNotice, told: Notice) -> Target:
    """The maintenance that a notice in review is about: the one it was placed on, else the one that its id names."""
    there = known.of(told)
    if stored.maintenance is not None:
        rows = [target for target in there if target.id == stored.maintenance]
        return rows[0] if rows else taken.targets_numbered(tx, [stored.maintenance])[0]
    wanted = belongs_to(told, [target.key for target in there])
    found = [target for target in there if target.key in wanted]
    return found[0] if found else Target(key_of(told), stored.source, told.maintenance_id)


def _newest(notice: Notice, target: Target, now: datetime) -> Notice:
    """A person speaks last; a provider's next revision comes after that."""
    numbers = [each.sequence for each in (*target.revisions, notice) if each.sequence is not None]
    return replace(notice, sequence=max(numbers, default=None), stamp=now)


def _write(tx: Transaction, target: Target, circuits: tuple[str, ...], kept: Kept | None = None) -> Maintenance:
    """Merge, and write it with what the person says that it hits; returns what it is now."""
    after = merge(target.revisions)
    target.after = replace(after, key=(after.key[0], after.key[1], target.key[2]))
    if circuits:
        target.circuits = tuple(CircuitImpact(name, after.impact, TOLD) for name in circuits)
    target.touched = True
    taken.save(tx, [kept] if kept else [], [target])
    return target.after


def add(
    project: Project, provider: str, reference: str, sites: tuple[str, ...], told: Told
) -> tuple[str, tuple[Broken, ...]]:
    """Work that a provider told of by phone or chat. Returns its id and what it breaks."""
    if not provider.strip() or not reference.strip():
        raise InvalidInput("who told it, and by what number, is needed", "--provider P --ref REF")
    if told.start is None or told.end is None:
        raise InvalidInput("its time is needed", "--start T --end T")
    interval = _between(told.start, told.end)
    with project.store.write(project.actor) as tx:
        require_in_force(project, tx)
        circuits = circuits_of(project.inventory, told.circuits, sites=sites)
        notice = replace(
            _bare(provider.strip(), reference.strip(), told.note or f"told by {provider.strip()}"),
            stamp=tx.now,
            interval=interval,
            status=told.status or Status.CONFIRMED,
            impact=told.impact or Impact.OUTAGE,
            sites=sites,
        )
        known = Known()
        known.read(tx, [notice])
        if known.of(notice):
            raise Refused(
                f"{provider} {reference} is known: M-{known.of(notice)[0].id}",
                f"`maintsched calendar update M-{known.of(notice)[0].id}` changes it",
            )
        target = Target(key_of(notice), BY_HAND, notice.maintenance_id)
        _tell(tx, target, notice, circuits, "calendar.add")
    return f"M-{target.id}", recheck(project)


def update(project: Project, text: str, told: Told) -> tuple[str, tuple[Broken, ...]]:
    """What a provider told of work that is known. Returns its id and what the change breaks."""
    if told == Told(note=told.note):
        raise InvalidInput("nothing is changed", "give --start, --end, --impact, --status or --circuit")
    with project.store.write(project.actor) as tx:
        require_in_force(project, tx)
        row = the_maintenance(tx, text)
        target = taken.targets_numbered(tx, [row.id])[0]
        now = row.maintenance
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
        )
        if circuits == () and told.impact is not None:
            circuits = tuple(hit.circuit for hit in row.circuits)
        _tell(tx, target, _newest(notice, target, tx.now), circuits, "calendar.update", told.note)
    return f"M-{row.id}", recheck(project)


def cancel(project: Project, text: str, note: str) -> tuple[str, tuple[Broken, ...]]:
    """A provider told that work is off. Returns its id and what that breaks."""
    if not note.strip():
        raise InvalidInput("a note is needed: who said so, and when", "--note TEXT: it is kept in the audit trail")
    with project.store.read() as tx:
        row = the_maintenance(tx, text)
    if not row.maintenance.status.counts:
        raise Refused(f"M-{row.id} is {row.maintenance.status} already", "`maintsched calendar list --all`")
    return update(project, f"M-{row.id}", Told(status=Status.CANCELLED, note=note))


def _tell(
    tx: Transaction, target: Target, notice: Notice, circuits: tuple[str, ...], action: str, note: str = ""
) -> None:
    """Keep what was said as a notice of its own, with its words as its raw text."""
    words = {
        "by": tx.actor.name if tx.actor else "",
        "at": iso(tx.now),
        "provider": notice.provider,
        "reference": notice.maintenance_id,
        "start": iso(notice.interval.start) if notice.interval else None,
        "end": iso(notice.interval.end) if notice.interval else None,
        "impact": notice.impact.value,
        "status": notice.status.value if notice.status else None,
        "circuits": list(circuits),
        "note": note or notice.title,
    }
    data = json.dumps(words, indent=1, ensure_ascii=False).encode()
    digest = sha256(data).hexdigest()
    kept = Kept(digest, data, 0, BY_HAND, "told", "taken", note, notice.title, notice, circuits, target, settles=True)
    target.revisions.append(notice)
    _write(tx, target, circuits, kept)
    tx.audit(action, f"M-{target.id}", words)
