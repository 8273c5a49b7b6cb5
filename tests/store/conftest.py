"""Databases: SQLite files, and a PostgreSQL cluster of the tests' own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from maintsched.domain.actor import Actor
from maintsched.store.engine import Store, upgrade_store

ALICE = Actor("alice", "alice")


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "made.db"
    store, before = upgrade_store(f"sqlite:///{path}")
    assert before is None
    store.close()
    return path


@pytest.fixture
def path(made_store: Path, tmp_path: Path) -> Path:
    """A SQLite database with the schema, and nothing in it."""
    return Path(shutil.copy(made_store, tmp_path / "maintsched.db"))


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{path}")
    yield opened
    opened.close()


def _as_postgres() -> list[str]:
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A cluster that listens on a socket of its own; the URL without a database's name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("the package postgresql is not installed: MAINTSCHED_REQUIRE_ALL=1 .ci/install system")
    root = Path(tempfile.mkdtemp(prefix="mspg-", dir="/tmp"))  # a socket's path must be short
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(root, owner.pw_uid, owner.pw_gid)
    programs, place = found[-1].parent, root / "cluster"

    def call(*words: str) -> None:
        subprocess.run([*_as_postgres(), *words], check=True, capture_output=True, cwd="/", timeout=60)

    call(str(programs / "initdb"), "-D", str(place), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={root} -c fsync=off -c deadlock_timeout=200ms"
    control = [str(programs / "pg_ctl"), "-D", str(place), "-w"]
    try:
        call(*control, "-l", str(root / "log"), "-o", options, "start")
        yield f"postgresql+psycopg://postgres@/{{name}}?host={root}"
    finally:
        call(*control, "-m", "immediate", "stop")
        shutil.rmtree(root)


@pytest.fixture
def new_database(cluster: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases; returns their URL."""
    engine = create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT")
    names: list[str] = []

    def make() -> str:
        names.append(f"m{uuid4().hex}")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {names[-1]}"))
        return cluster.format(name=names[-1])

    yield make
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres(new_database: Callable[[], str]) -> Iterator[Store]:
    """A PostgreSQL database with the schema, and nothing in it."""
    opened, before = upgrade_store(new_database())
    assert before is None
    yield opened
    opened.close()
