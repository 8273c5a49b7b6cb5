"""Notices as kept, and their raw messages."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_
from sqlalchemy import select as core_select
from sqlmodel import col, select

from maintsched.domain.conflict import OpenReview
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Notice
from maintsched.domain.noticetext import notice_from_text
from maintsched.store.engine import Transaction
from maintsched.store.tables import (
    NoticeRow,
    RawRow,
)

REVIEW = "review"
_NOTICE: Any = NoticeRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_REVIEWS: Any = (
    core_select(*(_NOTICE.c[name] for name in ("id", "reason", "concerns", "starts_at", "ends_at")))
    .where(_NOTICE.c.state == REVIEW)
    .order_by(_NOTICE.c.id)
)
_REVIEWS_NEAR: Any = _REVIEWS.where(
    or_(_NOTICE.c.starts_at.is_(None), _NOTICE.c.starts_at < bindparam("end")),
    or_(_NOTICE.c.ends_at.is_(None), _NOTICE.c.ends_at > bindparam("start")),
)


@dataclass(frozen=True, slots=True)
class StoredNotice:
    """A notice as kept. `state`: taken, review, not_ours, foreign, ignored, resolved or superseded."""

    id: int
    raw_sha256: str
    source: str
    origin: str
    received_at: datetime
    state: str
    reason: str
    title: str
    concerns: tuple[str, ...]
    interval: Interval | None
    notice: Notice | None
    maintenance: int | None
    resolution: str
    ref: str


def raw(tx: Transaction, sha256: str) -> bytes:
    return tx.session.get_one(RawRow, sha256).data


def notices(
    tx: Transaction, *, state: str | None = None, ref: str | None = None, source: str | None = None
) -> tuple[StoredNotice, ...]:
    """Oldest first; `ref` is a ticket's."""
    query = select(NoticeRow).order_by(col(NoticeRow.id))
    if state is not None:
        query = query.where(NoticeRow.state == state)
    if ref is not None:
        query = query.where(NoticeRow.ref == ref)
    if source is not None:
        query = query.where(NoticeRow.source == source)
    return tuple(_stored_notice(row) for row in tx.session.exec(query))


def get_notice(tx: Transaction, notice_id: int) -> StoredNotice | None:
    row = tx.session.get(NoticeRow, notice_id)
    return _stored_notice(row) if row else None


def supersede_foreign(tx: Transaction, source: str, digests: Collection[str]) -> None:
    """What these messages were held for before, they are read anew now: their sender is one of the source by now."""
    rows = select(NoticeRow).where(NoticeRow.source == source, NoticeRow.state == "foreign")
    for row in tx.session.exec(rows) if digests else ():
        if row.raw_sha256 in digests:
            row.state, row.resolution = "superseded", "its sender is one of the source now"


def _stored_notice(row: NoticeRow) -> StoredNotice:
    return StoredNotice(
        id=row.id or 0,
        raw_sha256=row.raw_sha256,
        source=row.source,
        origin=row.origin,
        received_at=row.received_at,
        state=row.state,
        reason=row.reason,
        title=row.title,
        concerns=tuple(json.loads(row.concerns)),
        interval=Interval(row.starts_at, row.ends_at) if row.starts_at and row.ends_at else None,
        notice=notice_from_text(row.parsed) if row.parsed else None,
        maintenance=row.maintenance_id,
        resolution=row.resolution,
        ref=row.ref,
    )


def open_reviews(tx: Transaction, near: Interval | None = None) -> tuple[OpenReview, ...]:
    """What blocks until a person has looked; `near` leaves out what has a time, and another one."""
    given = None if near is None else {"start": near.start, "end": near.end}
    rows = tx.rows(_REVIEWS if given is None else _REVIEWS_NEAR, given)
    found = []
    for row in rows:
        interval = Interval(row.starts_at, row.ends_at) if row.starts_at and row.ends_at else None
        found.append(OpenReview(f"N-{row.id}", row.reason, tuple(json.loads(row.concerns)), interval))
    return tuple(found)
