"""The schema: its revision, its migration (Alembic, imported only then), and the check of what is really there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from maintsched.errors import NoDatabase
from maintsched.store import tables  # noqa: F401  # defines the tables that `check` compares with
from maintsched.store.guards import missing_guards

HEAD = "0001"
KNOWN = ("0001",)


def revision(connection: Connection) -> str | None:
    """The revision that the database is at, or None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def refuse_newer(found: str | None, where: str) -> None:
    """Raise NoDatabase for a revision that this program does not know: a newer program wrote it."""
    if found is not None and found not in KNOWN:
        raise NoDatabase(
            f"the database {where} is at revision {found}, which this program does not know (it knows {HEAD})",
            "use the newer maintsched that wrote it",
        )


def migrate(connection: Connection) -> None:
    """Bring the database to HEAD, in the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def problems(connection: Connection) -> tuple[str, ...]:
    """What differs from the schema that the program expects: revision, tables, columns, indexes, guards."""
    found = revision(connection)
    if found != HEAD:
        return (f"revision is {found or 'none'}, expected {HEAD}",)
    result: list[str] = []
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    for table in SQLModel.metadata.sorted_tables:
        if table.name not in present:
            result.append(f"table {table.name} is missing")
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        result += [f"column {table.name}.{c.name} is missing" for c in table.columns if c.name not in columns]
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        result += [f"index {index.name} is missing" for index in table.indexes if index.name not in indexes]
    result += [f"guard {name} is missing or altered" for name in missing_guards(connection)]
    if connection.dialect.name == "sqlite":
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            result.append(f"SQLite says: {verdict}")
    return tuple(result)
