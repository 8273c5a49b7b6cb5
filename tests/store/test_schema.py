"""The migrations make what the program expects, and a difference is found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect
from sqlmodel import SQLModel

from maintsched.errors import MaintschedError, NoDatabase, Unavailable
from maintsched.store import schema, tables
from maintsched.store.engine import Store, open_store, upgrade_store

HERE = Path(schema.__file__).parent


def shape(engine: Engine) -> dict[str, object]:
    """Everything of a schema that a query could notice."""
    found = inspect(engine)
    return {
        name: (
            {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(name)},
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((i["name"], i["column_names"], i["unique"]) for i in found.get_indexes(name)),
            sorted((k["constrained_columns"], k["referred_table"], k["referred_columns"])
                   for k in found.get_foreign_keys(name)),
            sorted((u["name"], u["column_names"]) for u in found.get_unique_constraints(name)),
            sorted((c["name"], c["sqltext"]) for c in found.get_check_constraints(name)),
        )
        for name in found.get_table_names()
        if name != "alembic_version"
    }  # fmt: skip


def test_the_migrations_make_exactly_the_tables_of_the_program(store: Store, tmp_path: Path) -> None:
    assert tables.AuditRow.__tablename__ == "audit"
    engine = create_engine(f"sqlite:///{tmp_path / 'metadata.db'}")
    SQLModel.metadata.create_all(engine)
    assert shape(store._reader) == shape(engine)
    engine.dispose()


def test_the_newest_revision_is_the_one_that_the_program_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.HEAD]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(schema.KNOWN)


def test_a_new_database_is_as_it_should_be(store: Store) -> None:
    assert store.check() == ()


DAMAGES = [
    ("DROP TRIGGER claim_insert", "guard claim_insert"),
    ("DROP TRIGGER claim_update", "guard claim_update"),
    ("DROP TRIGGER audit_update", "guard audit_update"),
    ("DROP TRIGGER audit_delete", "guard audit_delete"),
    ("DROP TRIGGER audit_update; CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT 1; END",
     "guard audit_update"),
    ("CREATE TRIGGER quiet AFTER INSERT ON claim BEGIN UPDATE claim SET enforced = 0; END", "guard quiet"),
    ("DROP INDEX ix_window_ends_at", "index ix_window_ends_at"),
    ("DROP INDEX ix_window_ends_at; CREATE INDEX ix_window_ends_at ON window (title)", "index ix_window_ends_at"),
    ("DROP TABLE journal", "table journal"),
    ("DROP TABLE claim", "table claim"),
    ("ALTER TABLE window DROP COLUMN rollback", "column window.rollback"),
    ("DROP TABLE run_lock; CREATE TABLE run_lock (group_name VARCHAR PRIMARY KEY, run_id VARCHAR)",
     "foreign key of run_lock.run_id"),
    ("DROP TABLE run_lock; CREATE TABLE run_lock (group_name VARCHAR PRIMARY KEY, run_id VARCHAR REFERENCES run (id))",
     "column run_lock.run_id allows NULL"),
    ("DROP TABLE freeze; CREATE TABLE freeze (calendar VARCHAR NOT NULL, starts_at DATETIME NOT NULL,"
     " ends_at DATETIME NOT NULL, name VARCHAR NOT NULL)", "constraint freeze_ends_after_it_starts"),
    ("UPDATE alembic_version SET version_num = '0000'", "revision is 0000, expected"),
    ("DROP TABLE alembic_version", "revision is none"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "named"), DAMAGES, ids=[named for _, named in DAMAGES])
def test_damage_is_found_and_named(store: Store, path: Path, damage: str, named: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(damage)
    connection.close()
    found = store.check()
    assert [each for each in found if each.startswith(named)], found


UNFIT = [
    ("", NoDatabase, "is empty, or not maintsched's"),
    ("CREATE TABLE other (id INTEGER)", NoDatabase, "is empty, or not maintsched's"),
    ("CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('9999')",
     NoDatabase, "revision 9999, which this program does not know"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "error", "told"), UNFIT, ids=["empty", "somebody else's", "newer"])
def test_a_database_that_does_not_fit_is_refused(
    tmp_path: Path, script: str, error: type[MaintschedError], told: str
) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()
    with pytest.raises(error, match=told) as refused:
        open_store(f"sqlite:///{path}")
    assert refused.value.exit_code == 2


def test_a_newer_database_is_not_downgraded_by_an_upgrade(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(NoDatabase, match="does not know"):
        upgrade_store(f"sqlite:///{path}")


def test_only_an_upgrade_makes_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    with pytest.raises(NoDatabase, match="there is no database"):
        open_store(url)
    assert not (tmp_path / "none.db").exists()
    made, before = upgrade_store(url)
    made.close()
    again, now = upgrade_store(url)
    again.close()
    assert (before, now) == (None, schema.HEAD)


def test_what_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear colleague, " * 100)
    with pytest.raises(Unavailable, match="file is not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("Dear colleague")


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE window (id INTEGER)")  # the migration trips over it, in its middle
    connection.close()
    with pytest.raises(Unavailable):
        upgrade_store(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert names == {"window"}
