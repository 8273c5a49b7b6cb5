"""Windows in `make bench`: 200 circuits, windows spread over ten years, on SQLite and on PostgreSQL.

Each line is a ratio to something measured on the same database in the same run. The databases are filled like a restore
fills them: the rows by one statement for each table, the constraint that needs an index only afterwards. For a quick
look: MAINTSCHED_BENCH_WINDOWS=100000 MAINTSCHED_BENCH_ROUNDS=50 python -m tests.bench_windows
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, Table, bindparam, create_engine, insert, select, text
from sqlmodel import SQLModel

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact
from maintsched.services import booking
from maintsched.services.booking import Request
from maintsched.services.intake import import_sources
from maintsched.services.project import Project, apply_inventory, create, opened
from maintsched.store import slots, windows
from maintsched.store.engine import upgrade_store
from maintsched.store.guards import ONE_MEMBER_DOWN, POSTGRES_CONSTRAINT, SQLITE_TRIGGERS
from maintsched.store.tables import ClaimRow, NotOursRow, WindowCircuitRow, WindowRow
from maintsched.store.windows import Claim
from tests.store.clusters import NotInstalled, new_database, running_cluster

FEW, MANY = 20_000, int(os.environ.get("MAINTSCHED_BENCH_WINDOWS", "1000000"))
ROUNDS = int(os.environ.get("MAINTSCHED_BENCH_ROUNDS", "200"))
WARM_UP = 8
GROUPS = 100  # of two circuits each
TEN_YEARS = 3652 * 86400
ACTOR = Actor("bench", "bench")
HOUR = timedelta(hours=1)
ADD_ROW = insert(NotOursRow.__table__)  # type: ignore[attr-defined]  # a table, to SQLAlchemy
_SLOT = WindowCircuitRow.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
A_DAY = select(_SLOT.c.window_id, _SLOT.c.starts_at, _SLOT.c.ends_at).where(
    _SLOT.c.circuit == bindparam("circuit"),
    _SLOT.c.starts_at > bindparam("start"),
    _SLOT.c.starts_at < bindparam("end"),
)


def config(database: str) -> str:
    """100 groups of two circuits; a router carries one circuit of a group and one of the next."""
    lines = ["broker: Bench", f"database: {database}", "timezone: Europe/London", "sites:"]
    lines += [f"  s{n}: {{operator: Equinix, metro: London, timezone: Europe/London}}" for n in range(20)]
    lines += ["routers:"]
    lines += [f"  r{n}: {{site: s{n % 20}, platform: frr, host: 10.0.{n}.1, user: u, key: k}}" for n in range(GROUPS)]
    lines += ["circuits:"]
    for n in range(2 * GROUPS):
        router = (n // 2 + n % 2) % GROUPS
        lines.append(
            f"  c{n}: {{kind: cross_connect, site: s{router % 20}, provider: Equinix, speed: 1G, router: r{router},"
            f" interface: eth{n % 2}, network: 10.1.{n}.0/30,"
            f" sessions: [{{neighbor: 10.1.{n}.2, local_as: 64620, peer_as: 64710}}], aliases: [2093{n:04}-A]}}"
        )
    lines += ["groups:"]
    lines += [
        f"  g{n}: {{partner: Spotware, circuits: [c{2 * n}, c{2 * n + 1}], primary: c{2 * n}, min_up: 1,"
        f" announced: [10.2.{n}.0/28], service: [10.200.0.0/24]}}"
        for n in range(GROUPS)
    ]
    lines += ["calendars:", "  - {name: carrier, from: carrier/}"]
    return "\n".join(lines) + "\n"


_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_AT = {
    "sqlite": "datetime({}, 'unixepoch') || '.000000'",
    "postgresql": "to_timestamp({})",
}
_START = "(CAST(:begin AS bigint) + (i / :groups) * :step + (i % :groups) * 60)"
_END = f"({_START} + 3600 * (1 + i % 3))"


def fill(connection: Connection, count: int, now: datetime) -> None:
    """The one window that there is becomes `count`: half of them over, the rest approved. Members take turns."""
    at = _AT[connection.dialect.name]
    start, end = at.format(_START), at.format(_END)
    given = {
        "count": count,
        "groups": GROUPS,
        "begin": int(now.timestamp()) - TEN_YEARS // 2,
        "step": TEN_YEARS * GROUPS // count,
        "now": int(now.timestamp()),
    }
    state = f"CASE WHEN {_END} < :now THEN 'completed' ELSE 'approved' END"
    group, circuit = "'g' || (i % :groups)", "'c' || (2 * (i % :groups) + (i / :groups) % 2)"
    expiry = f"CASE WHEN {_END} >= :now THEN {end} END"
    own: dict[str, str] = {"id": "i", "starts_at": start, "ends_at": end, "state": state, "expires_at": expiry}
    _copies(connection, WindowRow, own, given, "TRUE")
    own = {"window_id": "i", "circuit": circuit, "starts_at": start, "ends_at": end}
    _copies(connection, WindowCircuitRow, own, given, "TRUE")
    own = {**own, "group_name": group}
    _copies(connection, ClaimRow, own, given, f"{_END} >= :now")
    connection.execute(text("UPDATE \"window\" SET state = 'cancelled' WHERE id = 1"))
    connection.execute(text("DELETE FROM claim WHERE window_id = 1"))


def _copies(
    connection: Connection, row: type[SQLModel], own: dict[str, str], given: dict[str, int], where: str
) -> None:
    table: Table = row.__table__  # type: ignore[attr-defined]  # a table, to SQLAlchemy
    names = [column.name for column in table.columns]
    values = ", ".join(own.get(name, f't."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    first = "id" if "id" in names else "window_id"
    query = f'INSERT INTO "{table.name}" ({columns}) {_NUMBERS} SELECT {values} FROM n, "{table.name}" t'
    wanted = {key: value for key, value in given.items() if f":{key}" in query + where}
    connection.execute(text(f"{query} WHERE t.{first} = 1 AND {where}"), wanted)


def restore(url: str, count: int, now: datetime) -> None:
    """Fill the database, with its guards taken away for so long."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT" if "postgresql" in url else None)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER claim_insert"))
            fill(connection, count, now)
            connection.exec_driver_sql(SQLITE_TRIGGERS["claim_insert"])
        else:
            connection.execute(text(f"ALTER TABLE claim DROP CONSTRAINT {ONE_MEMBER_DOWN}"))
            fill(connection, count, now)
            connection.execute(text(f"ALTER TABLE claim ADD CONSTRAINT {ONE_MEMBER_DOWN} {POSTGRES_CONSTRAINT}"))
            connection.execute(text("SELECT setval(pg_get_serial_sequence('window', 'id'), :n)"), {"n": count})
            connection.execute(text("VACUUM ANALYZE"))  # as its autovacuum does, sooner or later
    engine.dispose()


@contextmanager
def project_of(folder: Path, database: str) -> Iterator[Project]:
    """A project with these circuits, in force, and its calendar read."""
    _, path = create(folder, "pair", ACTOR)
    path.write_text(config(database))
    (folder / "carrier").mkdir()
    upgrade_store(f"sqlite:///{folder / 'maintsched.db'}" if "sqlite" in database else database)[0].close()
    with opened(path, ACTOR, lambda _: None) as project:
        apply_inventory(project, "bench")
        import_sources(project)
        yield project


@dataclass
class Asking:
    """What is asked of a filled database: on random circuits, at random times of the next year."""

    project: Project
    chance: random.Random
    now: datetime

    def request(self, length: timedelta = HOUR) -> Request:
        start = self.now + timedelta(days=30, minutes=self.chance.randrange(300 * 1440))
        circuit = f"c{self.chance.randrange(2 * GROUPS)}"
        return Request((circuit,), Interval(start, start + length), Impact.OUTAGE, "bench", rollback="bench")

    def free(self) -> Request:
        """One that can be booked."""
        asked = self.request()
        return replace(asked, interval=booking.suggest(self.project, asked, count=1)[0])

    def taken(self) -> Request:
        """One that a window on its very circuit speaks against."""
        asked = self.request()
        with self.project.store.read() as tx:
            near = Interval(asked.interval.start, asked.interval.start + timedelta(days=60))
            found = slots.booked(tx, near, asked.circuits, self.now, timedelta())
        return replace(asked, interval=next(iter(found)).interval)

    def query(self, asked: Request) -> None:
        """One indexed query: a circuit's windows within a day."""
        day = asked.interval.widened(timedelta(hours=12))
        given = {"circuit": asked.circuits[0], "start": day.start, "end": day.end}
        with self.project.store.read() as tx:
            tx.session.connection().execute(A_DAY, given).all()

    def check(self, asked: Request) -> None:
        booking.check(self.project, asked)

    def suggest(self, asked: Request) -> None:
        booking.suggest(self.project, asked)

    def row(self, asked: Request) -> None:
        """One row, and the commit."""
        title = f"{self.chance.random()}"
        row = {"source": title, "pattern": "", "by": "bench", "at": self.now, "reason": ""}
        with self.project.store.write(ACTOR) as tx:
            tx.session.connection().execute(ADD_ROW, row)

    def rows(self, asked: Request) -> None:
        """The rows of a booking and of its audit, and the commit; nothing is judged."""
        with self.project.store.write(ACTOR) as tx:
            group = next(iter(self.project.inventory.groups_of(asked.circuits[0]))).name
            added = windows.add_window(tx, asked.window("bench"), [Claim(group, asked.circuits[0], True)])
            tx.audit("window.book", added.id, booking.told(added))

    def book(self, asked: Request) -> None:
        booking.book(self.project, asked)


def p50s(*turns: tuple[str, Callable[[], Request], Callable[[Request], None]]) -> dict[str, float]:
    """The median seconds of each thing by its name. They take turns: what else the machine does hits all of them."""
    times: dict[str, list[float]] = {name: [] for name, _, _ in turns}
    for turn, (name, asked, work) in itertools.product(range(WARM_UP + ROUNDS), turns):
        request = asked()
        began = time.perf_counter()
        work(request)
        if turn >= WARM_UP:
            times[name].append(time.perf_counter() - began)
    return {name: median(taken) for name, taken in times.items()}


def measured(project: Project, seed: int, now: datetime) -> dict[str, float]:
    here = Asking(project, random.Random(seed), now)
    found = p50s(("query", here.request, here.query), ("check", here.request, here.check))
    found |= p50s(("check free", here.free, here.check), ("check taken", here.taken, here.check))
    found |= p50s(("suggest", here.request, here.suggest), ("search", lambda: here.request(9 * HOUR), here.suggest))
    return found | p50s(("row", here.free, here.row), ("rows", here.free, here.rows), ("book", here.free, here.book))


def told(name: str, count: int, found: dict[str, float], few: dict[str, float]) -> Iterator[str]:
    ms = {key: f"{value * 1000:.2f} ms" for key, value in found.items()}
    yield f"{name}, {count:,} windows:"
    yield f"  a check: {found['check'] / found['query']:.1f}x of one indexed query ({ms['check']}, {ms['query']})"
    if few is not found:
        yield f"    {found['check'] / few['check']:.2f}x of what it is at {FEW:,}"
    yield f"    of a free time {ms['check free']}; of one that is taken, with the next free slots, {ms['check taken']}"
    yield f"  the next free slots: {found['suggest'] / found['check']:.1f}x of a check ({ms['suggest']})"
    yield f"    of work too long for most gaps, up to 90 days: {found['search'] / found['check']:.1f}x ({ms['search']})"
    yield f"  a booking: {found['book'] / found['rows']:.1f}x of its bare rows and their commit ({ms['book']})"
    yield f"    {found['book'] / found['row']:.1f}x of one row and its commit ({ms['row']})"


def one_database(name: str, url_of: Callable[[], str], folder: Path) -> Iterator[str]:
    now = datetime.now(UTC).replace(microsecond=0)
    few: dict[str, float] = {}
    for count in (FEW, MANY):
        with project_of(folder / f"{name}-{count}", url_of()) as project:
            first = Interval(now + HOUR, now + 2 * HOUR)
            booking.book(project, Request(("c0",), first, Impact.OUTAGE, "bench", rollback="bench"))
            restore(project.store.url, count, now)
            found = measured(project, count, now)
            few = few or found
            yield from told(name, count, found, few)


def window_lines() -> Iterator[str]:
    """One line for each number, SQLite first; PostgreSQL where a cluster can be made."""
    with tempfile.TemporaryDirectory(prefix="maintsched-bench-") as folder:
        yield from one_database("SQLite", lambda: "sqlite:///maintsched.db", Path(folder))
        try:
            with running_cluster() as cluster:
                yield from one_database("PostgreSQL", lambda: new_database(cluster), Path(folder))
        except NotInstalled:
            yield "PostgreSQL is not installed here"
    yield from process_lines()


def process_lines(rounds: int = 15) -> Iterator[str]:
    """`maintsched window book` as a whole process."""
    with tempfile.TemporaryDirectory(prefix="maintsched-bench-") as folder:
        _, path = create(Path(folder) / "project", "pair", ACTOR)
        with opened(path, ACTOR, lambda _: None) as project:
            import_sources(project)
        day = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
        starts = (f"{day + timedelta(hours=6 * turn):%Y-%m-%dT%H:%MZ}" for turn in itertools.count())
        fixed = ("--circuit", "uk-ld7", "--duration", "1h", "--title", "bench", "--rollback", "bench")
        command = ("-m", "maintsched", "--config", str(path), "window", "book", *fixed, "--start")
        times: dict[str, list[float]] = {"bare": [], "book": []}
        for _ in range(rounds + 1):  # the first one of both does not count
            for name, words in (
                ("bare", ("-c", "import sqlmodel, click")),
                ("book", (*command, next(starts))),
            ):
                began = time.perf_counter()
                subprocess.run([sys.executable, *words], check=True, capture_output=True)
                times[name].append(time.perf_counter() - began)
        bare, book = (median(times[name][1:]) for name in ("bare", "book"))
    yield f"maintsched window book: {book / bare:.2f}x of `python -c 'import sqlmodel, click'` ({book * 1000:.0f} ms)"


if __name__ == "__main__":
    for line in window_lines():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
