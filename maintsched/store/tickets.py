"""Tickets: all notices of one provider's number, and the maintenances that they add up to; read and written in bulk."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, insert
from sqlmodel import col, delete, func, select, update

from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import Key, Maintenance, ref_of
from maintsched.domain.matching import CircuitImpact
from maintsched.domain.notice import Notice, Status
from maintsched.domain.noticetext import notice_from_text, notice_text
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance, stored_of, values_of
from maintsched.store.sources import in_chunks
from maintsched.store.tables import AliasRow, MaintenanceCircuitRow, MaintenanceRow, NoticeRow, RawRow

_NOTICE: Any = NoticeRow.__table__  # type: ignore[attr-defined]  # tables, to SQLAlchemy
_RAW: Any = RawRow.__table__  # type: ignore[attr-defined]
_MAINTENANCE: Any = MaintenanceRow.__table__  # type: ignore[attr-defined]
_ALIAS: Any = AliasRow.__table__  # type: ignore[attr-defined]
_HIT: Any = MaintenanceCircuitRow.__table__  # type: ignore[attr-defined]

NEXT, SOURCE, PERSON = "next", "source", "person"  # what ends a review


@dataclass(slots=True)
class Target:
    """A maintenance. `row` is how it is kept, None where it is new; `after` what it is to be; `id` once it is saved."""

    source: str
    row: StoredMaintenance | None = None
    after: Maintenance | None = None
    circuits: tuple[CircuitImpact, ...] = ()
    revisions: int = 0
    touched: bool = False
    id: int | None = None

    @property
    def state(self) -> Maintenance | None:
        """What it is by now."""
        return self.after or (self.row.maintenance if self.row is not None else None)

    @property
    def key(self) -> Key:
        assert self.state is not None  # it is kept, or was worked out
        return self.state.key


@dataclass(slots=True)
class Line:
    """A notice of a ticket, or a message without one, as kept or to be kept. `data` only where it is new."""

    sha256: str
    position: int
    source: str
    origin: str
    state: str
    notice: Notice | None
    title: str
    reason: str = ""
    concerns: tuple[str, ...] = ()
    counts: bool = True
    settles: str = NEXT
    resolution: str = ""
    data: bytes | None = None
    fixed: bool = False
    target: Target | None = None
    ref: str = ""
    id: int | None = None
    written: tuple[object, ...] = ()

    def columns(self) -> dict[str, Any]:
        """What may change of a notice that is kept."""
        return {
            "state": self.state,
            "reason": self.reason,
            "resolution": self.resolution,
            "concerns": json.dumps(sorted(self.concerns)),
            "maintenance_id": self.target.id if self.target is not None else None,
            "ref": self.ref,
            "counts": self.counts,
            "settles": self.settles,
        }


@dataclass(slots=True)
class Ticket:
    """All notices and maintenances of one `ref`; `joined`: refs that turned out to be the same ticket."""

    ref: str
    lines: list[Line] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    joined: set[str] = field(default_factory=set)


def tickets_of(tx: Transaction, refs: Collection[str]) -> dict[str, Ticket]:
    """The tickets of these refs, also those of which nothing is known."""
    found = {ref: Ticket(ref) for ref in refs}
    for some in in_chunks(refs):
        rows = tx.session.exec(select(MaintenanceRow).where(col(MaintenanceRow.ref).in_(some))).all()
        targets: dict[int, Target] = {}
        for row, stored in zip(rows, stored_of(tx, rows), strict=True):
            targets[stored.id] = Target(stored.source, stored, circuits=stored.circuits, id=stored.id)
            found[row.ref].targets.append(targets[stored.id])
        query = select(NoticeRow).where(col(NoticeRow.ref).in_(some)).order_by(col(NoticeRow.id))
        for kept in tx.session.exec(query):
            found[kept.ref].lines.append(_line(kept, targets.get(kept.maintenance_id or 0)))
    return found


def _line(row: NoticeRow, target: Target | None) -> Line:
    line = Line(
        sha256=row.raw_sha256,
        position=row.position,
        source=row.source,
        origin=row.origin,
        state=row.state,
        notice=notice_from_text(row.parsed) if row.parsed else None,
        title=row.title,
        reason=row.reason,
        concerns=tuple(json.loads(row.concerns)),
        counts=row.counts,
        settles=row.settles,
        resolution=row.resolution,
        fixed=row.origin == TOLD_ORIGIN or row.state == "resolved",
        target=target,
        ref=row.ref,
        id=row.id,
    )
    line.written = tuple(line.columns().values())
    return line


TOLD_ORIGIN = "told"


def line_numbered(tx: Transaction, number: int) -> Line:
    """This notice, by itself."""
    return _line(tx.session.get_one(NoticeRow, number), None)


def refs_known_as(tx: Transaction, refs: Collection[str]) -> dict[str, set[str]]:
    """The tickets that are also called so, by that name."""
    found: dict[str, set[str]] = {}
    for some in in_chunks(refs):
        query = select(_ALIAS.c.ref, _MAINTENANCE.c.ref).join_from(
            _ALIAS, _MAINTENANCE, _ALIAS.c.maintenance_id == _MAINTENANCE.c.id
        )
        for name, ref in tx.session.execute(query.where(_ALIAS.c.ref.in_(some))):
            found.setdefault(name, set()).add(ref)
    return found


def refs_of(tx: Transaction, maintenances: Iterable[int]) -> list[str]:
    """The tickets of these maintenances."""
    query = select(MaintenanceRow.ref).where(col(MaintenanceRow.id).in_(list(maintenances)))
    return list(dict.fromkeys(tx.session.exec(query)))


def refs_called(tx: Transaction, provider: str, uid: str, source: str) -> list[str]:
    """Tickets of that provider and source with that UID: an alias, for notices that have no id of their own."""
    query = select(MaintenanceRow).where(MaintenanceRow.uid == uid, MaintenanceRow.source == source)
    rows = tx.session.exec(query).all()
    return list(dict.fromkeys(row.ref for row in rows if row.provider.casefold() == provider.casefold()))


def refs_below(tx: Transaction, prefix: str, source: str) -> list[str]:
    """Tickets whose ref begins so and that have work to come of that source: occurrences of a recurring entry."""
    inside = [col(MaintenanceRow.ref).startswith(prefix, autoescape=True)]
    if tx.session.get_bind().dialect.name == "sqlite":  # its LIKE uses no index; its order is that of the bytes
        inside = [col(MaintenanceRow.ref) >= prefix, col(MaintenanceRow.ref) < prefix + "\U0010ffff"]
    query = select(MaintenanceRow.ref).where(
        *inside, MaintenanceRow.starts_at > tx.now, MaintenanceRow.source == source
    )
    return list(dict.fromkeys(tx.session.exec(query)))


def alive_of(tx: Transaction, provider: str, near: Interval | None) -> tuple[StoredMaintenance, ...]:
    """Work of that provider that counts and is not over; only what overlaps `near`, where that is known."""
    over = [status.value for status in Status if not status.counts]
    query = select(MaintenanceRow).where(col(MaintenanceRow.status).not_in(over), MaintenanceRow.ends_at > tx.now)
    if near is not None:
        query = query.where(MaintenanceRow.starts_at < near.end, MaintenanceRow.ends_at > near.start)
    return stored_of(tx, [row for row in tx.session.exec(query) if row.provider.casefold() == provider.casefold()])


def save(tx: Transaction, tickets: Iterable[Ticket], loose: Sequence[Line] = ()) -> None:
    """Write what changed of these tickets, and messages that belong to none. Sets the ids."""
    tickets = list(tickets)
    lines = [*(line for ticket in tickets for line in ticket.lines), *loose]
    _save_raws(tx, {line.sha256: line.data for line in lines if line.id is None and line.data is not None})
    targets = [target for ticket in tickets for target in ticket.targets if target.touched and target.after is not None]
    _insert([target for target in targets if target.id is None], tx)
    _update([target for target in targets if target.row is not None], tx)
    _save_lines(tx, lines)
    for ticket in tickets:
        _save_aliases(tx, ticket)


def _save_raws(tx: Transaction, raws: Mapping[str, bytes]) -> None:
    known: set[str] = set()
    for some in in_chunks(raws):
        known.update(tx.session.exec(select(RawRow.sha256).where(col(RawRow.sha256).in_(some))))
    rows = [{"sha256": sha, "data": data, "received_at": tx.now} for sha, data in raws.items() if sha not in known]
    if rows:
        tx.session.execute(insert(_RAW), rows)


def _insert(targets: list[Target], tx: Transaction) -> None:
    if not targets:
        return
    fixed = {"version": 0, "changed_at": tx.now}
    rows = [
        {**_values(target), **fixed, "source": target.source, "revisions": max(1, target.revisions)}
        for target in targets
    ]
    for target, number in zip(targets, _inserted(tx, _MAINTENANCE, rows), strict=True):
        target.id = number
    _put_hits(tx, targets)


def _inserted(tx: Transaction, table: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert them; returns their ids, in order.

    SQLite gives ids back only row by row, which takes longer than all the rest; its only writer can number them itself.
    """
    if tx.session.get_bind().dialect.name == "sqlite":
        last = tx.session.execute(select(func.max(table.c.id))).scalar() or 0
        numbered = [row | {"id": number} for number, row in enumerate(rows, last + 1)]
        tx.session.execute(insert(table), numbered)
        return [row["id"] for row in numbered]
    made = tx.session.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), list(rows))
    return list(made.scalars())


def _values(target: Target) -> dict[str, Any]:
    assert target.after is not None  # only such are saved
    return values_of(target.after)


def _update(targets: list[Target], tx: Transaction) -> None:
    """Only what can be seen makes a new version."""
    if not targets:
        return
    seen = [target for target in targets if target.row is not None and _is_seen(target, target.row)]
    connection = tx.session.connection()
    if seen:
        names = list(_values(seen[0]))
        change = update(_MAINTENANCE).where(_MAINTENANCE.c.id == bindparam("its"))
        change = change.values({name: bindparam(f"new_{name}") for name in names} | {"changed_at": tx.now})
        change = change.values(version=_MAINTENANCE.c.version + 1)
        rows = [{f"new_{name}": value for name, value in _values(t).items()} | {"its": t.id} for t in seen]
        connection.execute(change, rows)
        tx.session.execute(delete(_HIT).where(_HIT.c.maintenance_id.in_([target.id for target in seen])))
        _put_hits(tx, seen)
    counted = update(_MAINTENANCE).where(_MAINTENANCE.c.id == bindparam("its"))
    counted = counted.values(revisions=bindparam("count"), vanished_at=None)
    connection.execute(counted, [{"its": t.id, "count": max(1, t.revisions)} for t in targets])


def _is_seen(target: Target, old: StoredMaintenance) -> bool:
    return _values(target) != values_of(old.maintenance) or set(target.circuits) != set(old.circuits)


def _put_hits(tx: Transaction, targets: Iterable[Target]) -> None:
    rows = [
        {"maintenance_id": target.id, "circuit": hit.circuit, "impact": hit.impact.value, "how": hit.how}
        for target in targets
        for hit in target.circuits
    ]
    if rows:
        tx.session.execute(insert(_HIT), rows)


def _save_lines(tx: Transaction, lines: Sequence[Line]) -> None:
    new = [line for line in lines if line.id is None]
    if new:
        rows = [_row(tx, line) for line in new]
        for line, number in zip(new, _inserted(tx, _NOTICE, rows), strict=True):
            line.id = number
    changed = [line for line in lines if line.written and line.written != tuple(line.columns().values())]
    if changed:
        change = update(_NOTICE).where(_NOTICE.c.id == bindparam("its"))
        change = change.values({name: bindparam(f"new_{name}") for name in changed[0].columns()})
        rows = [{f"new_{name}": value for name, value in line.columns().items()} | {"its": line.id} for line in changed]
        tx.session.connection().execute(change, rows)
    for line in (*new, *changed):
        line.written = tuple(line.columns().values())


def _row(tx: Transaction, line: Line) -> dict[str, Any]:
    interval = line.notice.interval if line.notice else None
    return {
        **line.columns(),
        "raw_sha256": line.sha256,
        "position": line.position,
        "source": line.source,
        "origin": line.origin,
        "received_at": tx.now,
        "title": line.title,
        "parsed": notice_text(line.notice) if line.notice else "",
        "starts_at": interval.start if interval else None,
        "ends_at": interval.end if interval else None,
    }


def _save_aliases(tx: Transaction, ticket: Ticket) -> None:
    others = {
        ref_of(line.notice.provider, name)
        for line in ticket.lines
        if line.notice is not None and line.counts
        for name in line.notice.other_ids
    } | ticket.joined
    ids = [target.id for target in ticket.targets if target.id is not None]
    if not others or not ids:
        return
    query = select(_ALIAS.c.ref).where(_ALIAS.c.maintenance_id == ids[0])
    new = others - set(tx.session.execute(query).scalars()) - {ticket.ref}
    if new:
        tx.session.execute(insert(_ALIAS), [{"ref": ref, "maintenance_id": ids[0]} for ref in sorted(new)])


def rewritten(tx: Transaction, line: Line, notice: Notice) -> None:
    """A person's words take the place of what a message said; the message itself is kept."""
    line.notice = notice
    interval = notice.interval
    values = {
        "parsed": notice_text(notice),
        "starts_at": interval.start if interval else None,
        "ends_at": interval.end if interval else None,
    }
    tx.session.execute(update(_NOTICE).where(_NOTICE.c.id == line.id).values(values))


def as_stored(target: Target, number: int, tx: Transaction) -> StoredMaintenance:
    """What a target will be once it is saved under that number."""
    assert target.after is not None  # only such are asked for
    if target.row is not None:
        return replace(target.row, maintenance=target.after, circuits=target.circuits)
    return StoredMaintenance(number, target.source, target.after, target.circuits, max(1, target.revisions), 0, tx.now)
