"""A PostgreSQL cluster of the tests' own, on a socket of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, text


class NotInstalled(Exception):
    """This machine has no PostgreSQL."""


def _as_postgres() -> list[str]:
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


@contextlib.contextmanager
def running_cluster(*settings: str) -> Iterator[str]:
    """The URL without a database's name, while it runs; `settings` are `name=value`. Raises NotInstalled."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise NotInstalled
    root = Path(tempfile.mkdtemp(prefix="mspg-", dir="/tmp"))  # a socket's path must be short
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(root, owner.pw_uid, owner.pw_gid)
    programs, place = found[-1].parent, root / "cluster"

    def call(*words: str) -> None:
        subprocess.run([*_as_postgres(), *words], check=True, capture_output=True, cwd="/", timeout=60)

    call(str(programs / "initdb"), "-D", str(place), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
    own = ("listen_addresses=''", f"unix_socket_directories={root}", *settings)
    control = [str(programs / "pg_ctl"), "-D", str(place), "-w"]
    try:
        call(*control, "-l", str(root / "log"), "-o", " ".join(f"-c {each}" for each in own), "start")
        yield f"postgresql+psycopg://postgres@/{{name}}?host={root}"
    finally:
        call(*control, "-m", "immediate", "stop")
        shutil.rmtree(root)


def new_database(cluster: str) -> str:
    """The URL of an empty database; it goes with the cluster."""
    name = f"m{uuid4().hex}"
    engine = create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return cluster.format(name=name)
