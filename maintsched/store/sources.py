"""Calendar sources: their state, what each held last, what is known not to be ours, and what they brought so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import delete, func, select, update

from maintsched.store.engine import Transaction
from maintsched.store.tables import EntryRow, NoticeRow, NotOursRow, SourceRow

_ENTRY: Any = EntryRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy


@dataclass(frozen=True, slots=True)
class SourceState:
    """`state` is ok or unavailable; `known_until` bounds the expansion of its recurring entries;
    `validators` is what the far end is asked with, whether anything changed."""

    name: str
    state: str
    last_try: datetime
    last_fetch: datetime | None
    last_content: datetime | None
    confirmed_at: datetime | None
    content_sha256: str | None
    known_until: datetime | None
    error: str | None
    validators: str = ""


_SOURCE: Any = SourceRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_SHORTEST: Any = (
    select(_ENTRY.c.known_until, _ENTRY.c.source)
    .where(_ENTRY.c.known_until.is_not(None))
    .order_by(_ENTRY.c.known_until)
    .limit(1)
)
_STATES: Any = select(*(_SOURCE.c[each.name] for each in fields(SourceState)))


def source_states(tx: Transaction) -> dict[str, SourceState]:
    return {row.name: SourceState(**row._mapping) for row in tx.rows(_STATES)}


def put_source(tx: Transaction, state: SourceState) -> None:
    tx.session.merge(SourceRow(**asdict(state)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece that a source held last. `missing`: in how many polls it was not there any more."""

    key: str
    mark: str
    raw_sha256: str
    settings: str = ""
    known_until: datetime | None = None
    missing: int = 0
    missing_since: datetime | None = None


_NAMES = ("key", "mark", "raw_sha256", "settings", "known_until", "missing", "missing_since")
ONCE = ""  # the mark of a message that is added, and taken once, by its very bytes


def marks(tx: Transaction, source: str) -> dict[str, str | None]:
    """What a source that is replaced as a whole held last: the mark of each key, None for what is missing by now."""
    columns = (_ENTRY.c.key, _ENTRY.c.mark, _ENTRY.c.missing)
    rows = tx.session.execute(select(*columns).where(_ENTRY.c.source == source, _ENTRY.c.mark != ONCE))
    return {key: mark if not gone else None for key, mark, gone in rows}


def entries_of(tx: Transaction, source: str, keys: Iterable[str]) -> dict[str, Entry]:
    """Those of these keys."""
    found: dict[str, Entry] = {}
    for some in in_chunks(keys):
        found |= _read(tx, _ENTRY.c.source == source, _ENTRY.c.key.in_(some))
    return found


def _read(tx: Transaction, *where: Any) -> dict[str, Entry]:
    columns = [_ENTRY.c[name] for name in _NAMES]
    return {row.key: Entry(*row) for row in tx.session.execute(select(*columns).where(*where))}


def to_read_again(tx: Transaction, source: str, settings: str, known_until: datetime) -> tuple[Entry, ...]:
    """What was read with other settings, or expanded less far, and is still there."""
    other = (_ENTRY.c.settings != settings) & (_ENTRY.c.settings != "")
    short = _ENTRY.c.known_until < known_until
    return tuple(_read(tx, _ENTRY.c.source == source, _ENTRY.c.missing == 0, other | short).values())


def expanded_until(tx: Transaction) -> tuple[datetime, str] | None:
    """How far all recurring entries are expanded at least, and the source of the one that ends first."""
    found = tx.rows(_SHORTEST)
    return (found[0].known_until, found[0].source) if found else None


def held(tx: Transaction, source: str) -> int:
    """How many pieces or messages of a source are known, and not missing."""
    query = select(func.count()).select_from(_ENTRY).where(_ENTRY.c.source == source, _ENTRY.c.missing == 0)
    return int(tx.session.execute(query).scalar_one())


def missing(tx: Transaction, source: str) -> list[str]:
    """The keys of what was not there last time either."""
    return list(
        tx.session.execute(select(_ENTRY.c.key).where(_ENTRY.c.source == source, _ENTRY.c.missing > 0)).scalars()
    )


def put_entries(tx: Transaction, source: str, held: Iterable[Entry]) -> None:
    """It holds these now, whatever it held under their keys before."""
    rows = [{"source": source} | {name: getattr(entry, name) for name in _NAMES} for entry in held]
    _drop(tx, source, [str(row["key"]) for row in rows])
    if rows:
        tx.session.execute(insert(_ENTRY), rows)


def _drop(tx: Transaction, source: str, keys: Collection[str]) -> None:
    for some in in_chunks(keys):
        tx.session.execute(delete(_ENTRY).where(_ENTRY.c.source == source, _ENTRY.c.key.in_(some)))


def note_missing(tx: Transaction, source: str, keys: Collection[str]) -> None:
    """These were not there in this poll."""
    for some in in_chunks(keys):
        change = update(_ENTRY).where(_ENTRY.c.source == source, _ENTRY.c.key.in_(some))
        since = func.coalesce(_ENTRY.c.missing_since, tx.now)
        tx.session.execute(change.values(missing=_ENTRY.c.missing + 1, missing_since=since))


def in_chunks(values: Iterable[str], size: int = 400) -> Iterable[list[str]]:
    """Some at a time: a database takes only so many values in one question."""
    every = list(values)
    return (every[start : start + size] for start in range(0, len(every), size))


def not_ours(tx: Transaction, source: str) -> tuple[str, ...]:
    """What a person said is never ours, in this source."""
    query = select(NotOursRow.pattern).where(NotOursRow.source == source).order_by(NotOursRow.pattern)
    return tuple(tx.session.exec(query))


def add_not_ours(tx: Transaction, source: str, patterns: Iterable[str], reason: str) -> None:
    actor = tx.actor
    assert actor is not None  # a write transaction has one
    for pattern in patterns:
        tx.session.merge(NotOursRow(source=source, pattern=pattern, by=actor.name, at=tx.now, reason=reason))


def statistics(tx: Transaction) -> Mapping[str, Mapping[str, int]]:
    """How many notices each source brought, by their state."""
    found: dict[str, dict[str, int]] = {}
    query = select(NoticeRow.source, NoticeRow.state, func.count()).group_by(NoticeRow.source, NoticeRow.state)
    for source, state, count in tx.session.exec(query):
        found.setdefault(source, {})[state] = count
    return found
