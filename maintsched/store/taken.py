"""Import's own way to the database: what is known of a batch of notices, and writing what they changed, in bulk."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, insert
from sqlmodel import col, delete, select, update

from maintsched.domain.interval import Interval
from maintsched.domain.maintenance import Key, Maintenance, ref_of
from maintsched.domain.matching import CircuitImpact
from maintsched.domain.notice import Notice, Status
from maintsched.domain.noticetext import notice_from_text, notice_text
from maintsched.store.engine import Transaction
from maintsched.store.maintenances import StoredMaintenance, stored_of, values_of
from maintsched.store.notices import REVIEW
from maintsched.store.sources import in_chunks
from maintsched.store.tables import AliasRow, MaintenanceCircuitRow, MaintenanceRow, NoticeRow, RawRow

_NOTICE: Any = NoticeRow.__table__  # type: ignore[attr-defined]  # tables, to SQLAlchemy
_RAW: Any = RawRow.__table__  # type: ignore[attr-defined]
_MAINTENANCE: Any = MaintenanceRow.__table__  # type: ignore[attr-defined]
_ALIAS: Any = AliasRow.__table__  # type: ignore[attr-defined]
_HIT: Any = MaintenanceCircuitRow.__table__  # type: ignore[attr-defined]


@dataclass(slots=True)
class Target:
    """A maintenance that notices are revisions of. `row` is how it is kept, None where it is new.

    `after` is what it is to be, None as long as no time is known; `waits`: some of its notices need a person;
    `id` is there from the start, or once it is saved.
    """

    key: Key
    source: str
    ticket: str
    part: int = 1
    row: StoredMaintenance | None = None
    revisions: list[Notice] = field(default_factory=list)
    waits: bool = False
    after: Maintenance | None = None
    circuits: tuple[CircuitImpact, ...] = ()
    touched: bool = False
    id: int | None = None

    @property
    def state(self) -> Maintenance | None:
        """What it is by now."""
        return self.after or (self.row.maintenance if self.row is not None else None)


@dataclass(slots=True)
class Kept:
    """A notice to be kept, or a message without one; `id` once it is saved. `data` are the bytes that it came in."""

    sha256: str
    data: bytes
    position: int
    source: str
    origin: str
    state: str
    reason: str
    title: str
    notice: Notice | None
    concerns: tuple[str, ...]
    target: Target | None = None
    settles: bool = False
    resolution: str = ""
    id: int | None = None


def targets_of(tx: Transaction, refs: Collection[str]) -> dict[str, list[Target]]:
    """Every maintenance of these tickets, by `ref_of`."""
    found: dict[str, list[Target]] = {}
    for some in in_chunks(refs):
        rows = tx.session.exec(select(MaintenanceRow).where(col(MaintenanceRow.ref).in_(some))).all()
        for row, target in zip(rows, _targets(tx, rows), strict=True):
            found.setdefault(row.ref, []).append(target)
    return found


def targets_known_as(tx: Transaction, refs: Collection[str]) -> dict[str, list[Target]]:
    """Maintenances that are also called so, by that name."""
    found: dict[str, list[Target]] = {}
    for some in in_chunks(refs):
        rows = tx.session.execute(select(_ALIAS.c.ref, _ALIAS.c.maintenance_id).where(_ALIAS.c.ref.in_(some))).all()
        targets = {target.id: target for target in targets_numbered(tx, {row.maintenance_id for row in rows})}
        for row in rows:
            found.setdefault(row.ref, []).append(targets[row.maintenance_id])
    return found


def targets_numbered(tx: Transaction, numbers: Iterable[int]) -> list[Target]:
    """These maintenances."""
    wanted = col(MaintenanceRow.id).in_(list(numbers))
    return _targets(tx, tx.session.exec(select(MaintenanceRow).where(wanted)).all())


def targets_called(tx: Transaction, provider: str, uid: str) -> list[Target]:
    """Maintenances of that provider with that UID: an alias, for notices that have no id of their own."""
    rows = tx.session.exec(select(MaintenanceRow).where(MaintenanceRow.uid == uid)).all()
    return _targets(tx, [row for row in rows if row.provider.casefold() == provider.casefold()])


def targets_below(tx: Transaction, prefix: str) -> list[Target]:
    """Maintenances to come of tickets whose `ref_of` begins so: the occurrences of one recurring entry."""
    inside = [col(MaintenanceRow.ref).startswith(prefix, autoescape=True)]
    if tx.session.get_bind().dialect.name == "sqlite":  # its LIKE uses no index; its order is that of the bytes
        inside = [col(MaintenanceRow.ref) >= prefix, col(MaintenanceRow.ref) < prefix + "\U0010ffff"]
    rows = tx.session.exec(select(MaintenanceRow).where(*inside, MaintenanceRow.starts_at > tx.now)).all()
    return _targets(tx, rows)


def targets_like(tx: Transaction, provider: str, near: Interval | None) -> list[Target]:
    """Work of that provider that counts and is not over; only what overlaps `near`, where that is known."""
    over = [status.value for status in Status if not status.counts]
    query = select(MaintenanceRow).where(col(MaintenanceRow.status).not_in(over), MaintenanceRow.ends_at > tx.now)
    if near is not None:
        query = query.where(MaintenanceRow.starts_at < near.end, MaintenanceRow.ends_at > near.start)
    rows = [row for row in tx.session.exec(query) if row.provider.casefold() == provider.casefold()]
    return _targets(tx, rows)


def _targets(tx: Transaction, rows: Sequence[MaintenanceRow]) -> list[Target]:
    targets = [
        Target(
            key=stored.maintenance.key,
            source=stored.source,
            ticket=stored.maintenance.ticket,
            part=stored.maintenance.part,
            row=stored,
            id=stored.id,
            circuits=stored.circuits,
        )
        for stored in stored_of(tx, rows)
    ]
    by_id = {target.id: target for target in targets}
    for some in in_chunks(str(number) for number in by_id):
        columns = (_NOTICE.c.maintenance_id, _NOTICE.c.state, _NOTICE.c.parsed)
        wanted = _NOTICE.c.maintenance_id.in_([int(each) for each in some])
        for number, state, parsed in tx.session.execute(select(*columns).where(wanted).order_by(_NOTICE.c.id)):
            target = by_id[number]
            target.waits = target.waits or state == REVIEW
            if parsed and state != "ignored":
                target.revisions.append(notice_from_text(parsed))
    return targets


def save(tx: Transaction, kept: Sequence[Kept], targets: Iterable[Target]) -> None:
    """Write a batch: maintenances first, then the notices that name them. Sets the ids."""
    _save_raws(tx, {each.sha256: each.data for each in kept})
    touched = [target for target in targets if target.touched and target.after is not None]
    _insert([target for target in touched if target.id is None], tx)
    _update([target for target in touched if target.row is not None], tx)
    _save_aliases(tx, touched)
    _save_notices(tx, kept)


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
    rows = [
        {
            **_values(target),
            "source": target.source,
            "revisions": max(1, len(target.revisions)),
            "version": 0,
            "changed_at": tx.now,
        }
        for target in targets
    ]
    made = tx.session.execute(insert(_MAINTENANCE).returning(_MAINTENANCE.c.id, sort_by_parameter_order=True), rows)
    for target, number in zip(targets, made.scalars(), strict=True):
        target.id = number
    _put_hits(tx, targets)


def _save_aliases(tx: Transaction, targets: Iterable[Target]) -> None:
    names = {
        (ref_of(notice.provider, name), target.id)
        for target in targets
        for notice in target.revisions
        for name in notice.other_ids
    }
    for some in in_chunks({ref for ref, _ in names}):
        known = tx.session.execute(select(_ALIAS.c.ref, _ALIAS.c.maintenance_id).where(_ALIAS.c.ref.in_(some)))
        names -= {(row.ref, row.maintenance_id) for row in known}
    if names:
        rows = [{"ref": ref, "maintenance_id": number} for ref, number in sorted(names, key=repr)]
        tx.session.execute(insert(_ALIAS), rows)


def _values(target: Target) -> dict[str, Any]:
    assert target.after is not None  # only such are saved
    return values_of(target.after)


def _update(targets: list[Target], tx: Transaction) -> None:
    """Only what can be seen makes a new version."""
    seen = []
    for target in targets:
        assert target.row is not None  # only such are updated
        old = target.row
        if _values(target) != values_of(old.maintenance) or set(target.circuits) != set(old.circuits):
            seen.append(target)
    if seen:
        names = list(_values(seen[0]))
        change = update(_MAINTENANCE).where(_MAINTENANCE.c.id == bindparam("its"))
        change = change.values({name: bindparam(f"new_{name}") for name in names} | {"changed_at": tx.now})
        change = change.values(version=_MAINTENANCE.c.version + 1)
        rows = [{f"new_{name}": value for name, value in _values(t).items()} | {"its": t.id} for t in seen]
        tx.session.connection().execute(change, rows)
        tx.session.execute(delete(_HIT).where(_HIT.c.maintenance_id.in_([target.id for target in seen])))
        _put_hits(tx, seen)
    counted = update(_MAINTENANCE).where(_MAINTENANCE.c.id == bindparam("its"))
    counted = counted.values(revisions=bindparam("count"), vanished_at=None)
    if targets:
        tx.session.connection().execute(counted, [{"its": t.id, "count": max(1, len(t.revisions))} for t in targets])


def _put_hits(tx: Transaction, targets: Iterable[Target]) -> None:
    rows = [
        {"maintenance_id": target.id, "circuit": hit.circuit, "impact": hit.impact.value, "how": hit.how}
        for target in targets
        for hit in target.circuits
    ]
    if rows:
        tx.session.execute(insert(_HIT), rows)


def _save_notices(tx: Transaction, kept: Sequence[Kept]) -> None:
    if not kept:
        return
    made = tx.session.execute(
        insert(_NOTICE).returning(_NOTICE.c.id, sort_by_parameter_order=True), [_notice_row(tx, each) for each in kept]
    )
    for each, number in zip(kept, made.scalars(), strict=True):
        each.id = number
    for each in kept:
        if each.settles and each.target is not None and each.target.waits:
            _settle_earlier(tx, each.target.id, each.id)


def _settle_earlier(tx: Transaction, maintenance: int | None, newest: int | None) -> None:
    """A sound later revision leaves no doubt about the earlier ones."""
    waiting = (_NOTICE.c.maintenance_id == maintenance, _NOTICE.c.id < newest, _NOTICE.c.state == REVIEW)
    change = update(_NOTICE).where(*waiting).values(state="taken", resolution=f"settled by N-{newest}")
    tx.session.execute(change)


def _notice_row(tx: Transaction, each: Kept) -> dict[str, Any]:
    interval = each.notice.interval if each.notice else None
    return {
        "raw_sha256": each.sha256,
        "position": each.position,
        "source": each.source,
        "origin": each.origin,
        "received_at": tx.now,
        "state": each.state,
        "reason": each.reason,
        "title": each.title,
        "parsed": notice_text(each.notice) if each.notice else "",
        "concerns": json.dumps(sorted(each.concerns)),
        "resolution": each.resolution,
        "starts_at": interval.start if interval else None,
        "ends_at": interval.end if interval else None,
        "maintenance_id": each.target.id if each.target else None,
    }
