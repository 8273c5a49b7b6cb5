"""Databases: SQLite files, and a PostgreSQL cluster of the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from maintsched.domain.actor import Actor
from maintsched.store.engine import Store, upgrade_store

from .clusters import NotInstalled, running_cluster

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


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A cluster that listens on a socket of its own; the URL without a database's name."""
    try:
        with running_cluster("fsync=off", "deadlock_timeout=200ms") as url:
            yield url
    except NotInstalled:
        pytest.skip("the package postgresql is not installed: MAINTSCHED_REQUIRE_ALL=1 .ci/install system")


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
