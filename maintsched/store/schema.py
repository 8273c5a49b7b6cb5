"""The schema: its revision, its migration (Alembic, imported only then), and the check of what is really there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import CheckConstraint, Connection, Inspector, Table, UniqueConstraint, inspect, text
from sqlmodel import SQLModel

from maintsched.errors import NoDatabase
from maintsched.store import tables  # noqa: F401  # defines the tables that `check` compares with
from maintsched.store.guards import missing_guards

HEAD = "0003"
KNOWN = ("0001", "0002", "0003")


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


def _table_problems(table: Table, inspector: Inspector) -> list[str]:
    columns = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
    found = [f"column {table.name}.{c.name} is missing" for c in table.columns if c.name not in columns]
    found += [
        f"column {table.name}.{c.name} {'forbids' if c.nullable else 'allows'} NULL"
        for c in table.columns
        if c.name in columns and columns[c.name] != c.nullable
    ]
    indexes = {index["name"]: index["column_names"] for index in inspector.get_indexes(table.name)}
    found += [
        f"index {index.name} is missing or altered"
        for index in table.indexes
        if indexes.get(str(index.name)) != [column.name for column in index.columns]
    ]
    there = {each["name"] for each in inspector.get_unique_constraints(table.name)}
    there |= {each["name"] for each in inspector.get_check_constraints(table.name)}
    wanted = [str(each.name) for each in table.constraints if isinstance(each, CheckConstraint | UniqueConstraint)]
    found += [f"constraint {name} is missing" for name in sorted(wanted) if name not in there]
    links = {tuple(each["constrained_columns"]) for each in inspector.get_foreign_keys(table.name)}
    needed = [tuple(c.name for c in each.columns) for each in table.foreign_key_constraints]
    return found + [f"foreign key of {table.name}.{', '.join(key)} is missing" for key in needed if key not in links]


def problems(connection: Connection) -> tuple[str, ...]:
    """What differs from the schema that the program expects: revision, tables, columns, indexes, keys, guards."""
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
        result += _table_problems(table, inspector)
    if {"audit", "claim"} <= present:
        result += [f"guard {name} is missing, altered or not ours" for name in missing_guards(connection)]
    if connection.dialect.name == "sqlite":
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            result.append(f"SQLite says: {verdict}")
    return tuple(result)
