"""Opening the database, and its transactions. A writer takes the one lock first; no audit row, no change."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, Engine, Row, create_engine, event, func, insert, text
from sqlalchemy import select as sql_select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session, select

from maintsched.domain.actor import Actor
from maintsched.domain.chain import GENESIS, Break, Link, canonical_json, chain_hash, first_break
from maintsched.domain.interval import iso
from maintsched.errors import Broken, InvalidInput, NoDatabase, Unavailable
from maintsched.store import schema
from maintsched.store.guards import ONE_MEMBER_DOWN, missing_guards
from maintsched.store.tables import AuditRow

_ADVISORY_LOCK = 0x6D61696E74  # "maint": one lock for all writers
_BUSY_SECONDS = 15
# A drill must get to its restore: no database may hold it up for longer than this.
_POSTGRES_LIMITS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "options": f"-c lock_timeout={_BUSY_SECONDS}s -c statement_timeout={2 * _BUSY_SECONDS}s",
}
_AUDIT: Any = AuditRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_LAST_AUDITED = sql_select(_AUDIT.c.seq, _AUDIT.c.hash).order_by(_AUDIT.c.seq.desc()).limit(1)
_ADD_AUDITED = insert(_AUDIT)


class OneMemberDown(Exception):
    """The database's own guard refused a claim that the evaluator had let through."""


class Transaction:
    """One transaction. Queries take it; its SQLModel session stays inside this package."""

    def __init__(self, session: Session, actor: Actor | None, now: datetime) -> None:
        self.session = session
        self.actor = actor
        self.now = now
        self.audited = False
        self.changed = False
        event.listen(session, "after_flush", self._note_change)
        event.listen(session, "do_orm_execute", self._note_statement)

    def _note_change(self, *_: Any) -> None:
        self.changed = True

    def _note_statement(self, statement: ORMExecuteState) -> None:
        self.changed = self.changed or not statement.is_select

    def rows(self, query: Any, given: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """The rows of a query over tables, with what is not written yet written first: no objects, so it is quick."""
        self.session.flush()
        return self.session.connection().execute(query, given or {}).all()

    def change(self, statement: Any, given: dict[str, Any] | list[dict[str, Any]]) -> CursorResult[Any]:
        """Insert or change rows of a table, without objects: it must be audited like any change."""
        self.session.flush()
        self.changed = True
        return self.session.connection().execute(statement, given)

    def require_guards(self) -> None:
        """Raise Broken where the database's own guards are not as they should be: then nothing is booked."""
        wrong = missing_guards(self.session.connection())
        if wrong:
            raise Broken(
                f"the database's guards are missing, altered or not ours: {', '.join(wrong)}",
                "nothing is booked without them; `maintsched db check` tells all, a backup has them",
            )

    def audit(self, action: str, object_: str, payload: dict[str, Any]) -> int:
        """Write the audit row of this change; returns its number. Times in `payload` as ISO text."""
        if self.actor is None:
            raise RuntimeError("a read transaction cannot be audited")
        last = self.rows(_LAST_AUDITED)
        seq, previous = (last[0].seq + 1, last[0].hash) if last else (1, GENESIS)
        body = canonical_json(
            {
                "seq": seq,
                "at": iso(self.now),
                "actor": self.actor.name,
                "login": self.actor.login,
                "action": action,
                "object": object_,
                "payload": payload,
            }
        )
        row = {
            "seq": seq,
            "at": self.now,
            "actor": self.actor.name,
            "login": self.actor.login,
            "action": action,
            "object": object_,
            "body": body,
            "previous": previous,
            "hash": chain_hash(previous, body),
        }
        self.change(_ADD_AUDITED, row)
        self.audited = True
        return seq


class Store:
    """An open database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writer = _engine(url, immediate=True)
        self._reader = _engine(url, immediate=False)

    @contextlib.contextmanager
    def write(self, actor: Actor, now: datetime | None = None) -> Iterator[Transaction]:
        """A transaction under the write lock; commits at the end. Raises OneMemberDown, Unavailable."""
        with _translated(self.url), Session(self._writer, expire_on_commit=False) as session:
            if self._writer.dialect.name == "postgresql":
                session.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            transaction = Transaction(session, actor, now or datetime.now(UTC))
            yield transaction
            session.flush()
            if transaction.changed and not transaction.audited:
                raise RuntimeError("a change without an audit row was about to be committed")
            session.commit()

    @contextlib.contextmanager
    def read(self, now: datetime | None = None) -> Iterator[Transaction]:
        """A consistent view, as it is at `now`; nothing of it is kept."""
        with _translated(self.url), Session(self._reader, expire_on_commit=False) as session:
            yield Transaction(session, None, now or datetime.now(UTC))
            session.rollback()

    def check(self) -> tuple[str, ...]:
        """What is wrong with the schema, in words; empty when all is as it should be."""
        with _translated(self.url), self._reader.connect() as connection:
            return schema.problems(connection)

    def audit_break(self) -> tuple[Break | None, int]:
        """The first broken row of the audit chain, and how many rows there are."""
        with self.read() as tx:
            rows = tx.session.exec(select(AuditRow).order_by(AuditRow.seq)).all()  # type: ignore[arg-type]  # a column, to SQLAlchemy
            links = [Link(row.seq, row.body, row.previous, row.hash) for row in rows]
            found = first_break(links)
            return found or _first_unfaithful(rows), len(rows)

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def _first_unfaithful(rows: Iterable[AuditRow]) -> Break | None:
    """Columns that repeat the sealed text must say the same as it does."""
    import json

    for row in rows:
        body = json.loads(row.body)
        shown = (row.seq, iso(row.at), row.actor, row.login, row.action, row.object)
        if shown != tuple(body[key] for key in ("seq", "at", "actor", "login", "action", "object")):
            return Break(row.seq, f"row {row.seq}'s columns do not say what its sealed text says")
    return None


def open_store(url: str, say: Callable[[str], None] = lambda _: None) -> Store:
    """Open an existing database. SQLite of an older revision is migrated, and `say` tells so. Raises NoDatabase."""
    path = _sqlite_path(url)
    if path is not None and not path.exists():
        raise NoDatabase(f"there is no database {path}")
    with _closed_on_error(Store(url)) as store:
        found = _known_revision(store)
        if found == schema.HEAD:
            return store
        if found is None:
            raise NoDatabase(f"the database {redacted(url)} is empty, or not maintsched's")
        if path is None:
            raise NoDatabase(
                f"the database {redacted(url)} is at revision {found}, this program needs {schema.HEAD}",
                "`maintsched db upgrade`, after a backup",
            )
        say(f"upgrading the database {path} from revision {found} to {schema.HEAD}")
        _migrate(store)
        return store


@contextlib.contextmanager
def _closed_on_error(store: Store) -> Iterator[Store]:
    try:
        yield store
    except BaseException:
        store.close()
        raise


def _known_revision(store: Store) -> str | None:
    """Raises NoDatabase for a newer one."""
    with _translated(store.url), store._reader.connect() as connection:
        found = schema.revision(connection)
    schema.refuse_newer(found, redacted(store.url))
    return found


def upgrade_store(url: str) -> tuple[Store, str | None]:
    """Create the database's schema, or bring it to this program's revision. Returns the revision that it had."""
    path = _sqlite_path(url)
    if path is not None and not path.parent.is_dir():
        raise InvalidInput(f"{path.parent} is no folder, so {path} cannot be made", "correct `database:` in the config")
    with _closed_on_error(Store(url)) as store:
        found = _known_revision(store)
        if found != schema.HEAD:
            _migrate(store)
        return store, found


def _migrate(store: Store) -> None:
    with _translated(store.url), store._writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        schema.migrate(connection)


def numbered(text: str, prefix: str) -> int | None:
    """The number in `W-12` or `12`, for the prefix `W-`; None where it is no id that a database could hold."""
    digits = text.upper().removeprefix(prefix)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None


def redacted(url: str) -> str:
    """The database's address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _sqlite_path(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInput(
            f"`database: {url}` is no database address", "use sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _engine(url: str, *, immediate: bool) -> Engine:
    if not url.startswith("sqlite"):
        # A reader sees one moment, whatever is committed between its queries; a writer, under its lock, the newest.
        level = "READ COMMITTED" if immediate else "REPEATABLE READ"
        return create_engine(url, pool_pre_ping=True, connect_args=_POSTGRES_LIMITS, isolation_level=level)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours: pysqlite's own comes too late to be a lock
        for pragma in (
            "foreign_keys=ON",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if ONE_MEMBER_DOWN in str(error.orig):
            raise OneMemberDown from error
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        raise Unavailable(
            f"the database {redacted(url)} failed: {reason}", "`maintsched db check` tells its state"
        ) from error


def ping(store: Store) -> None:
    """Raise Unavailable when the database does not answer."""
    with store.read() as tx:
        tx.session.execute(text("SELECT 1"))
