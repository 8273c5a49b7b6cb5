"""The same promises on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from maintsched.errors import NoDatabase, Unavailable
from maintsched.store import schema
from maintsched.store.engine import OneMemberDown, Store, open_store, upgrade_store
from maintsched.store.tables import FreezeRow

from .conftest import ALICE
from .test_transactions import NIGHT, add

pytestmark = pytest.mark.servers


def execute(store: Store, *statements: str) -> None:
    with store._writer.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_only_an_upgrade_makes_the_schema(new_database: Callable[[], str]) -> None:
    url = new_database()
    with pytest.raises(NoDatabase, match="is empty") as refused:
        open_store(url)
    assert refused.value.exit_code == 2
    made, before = upgrade_store(url)
    made.close()
    again = open_store(url)
    assert (before, again.check()) == (None, ())
    again.close()


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_both_ways_to_write_the_address_work(new_database: Callable[[], str], scheme: str) -> None:
    store, _ = upgrade_store(new_database().replace("postgresql+psycopg", scheme))
    assert store.check() == ()
    store.close()


def test_an_older_revision_is_not_upgraded_by_the_way(postgres: Store) -> None:
    execute(postgres, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NoDatabase, match="9999"):
        open_store(postgres.url)


DAMAGES = [
    ("ALTER TABLE claim DROP CONSTRAINT one_member_down", "guard one_member_down"),
    ("DROP TRIGGER audit_is_append_only ON audit", "guard audit_is_append_only"),
    ("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only", "guard audit_is_append_only"),
    ("CREATE OR REPLACE TRIGGER audit_is_append_only BEFORE UPDATE ON audit FOR EACH STATEMENT"
     " EXECUTE FUNCTION audit_is_append_only()", "guard audit_is_append_only"),
    ("CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
     " $$ BEGIN IF false THEN RAISE EXCEPTION 'audit_is_append_only'; END IF; RETURN OLD; END $$",
     "guard audit_is_append_only"),
    ("ALTER TABLE claim DROP CONSTRAINT one_member_down, ADD CONSTRAINT one_member_down EXCLUDE USING gist"
     " (group_name WITH =, circuit WITH <>, window_id WITH <>, tstzrange(starts_at, ends_at) WITH &&)",
     "guard one_member_down"),
    ("DROP INDEX ix_window_state", "index ix_window_state"),
    ("ALTER TABLE \"window\" DROP CONSTRAINT window_ends_after_it_starts", "constraint window_ends_after_it_starts"),
    ("ALTER TABLE maintenance DROP CONSTRAINT one_maintenance_per_key", "constraint one_maintenance_per_key"),
    ("ALTER TABLE claim DROP CONSTRAINT claim_window_id_fkey", "foreign key of claim.window_id"),
    ("ALTER TABLE notice DROP COLUMN title", "column notice.title"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "named"), DAMAGES, ids=[f"{n}-{named}" for n, (_, named) in enumerate(DAMAGES)])
def test_damage_is_found_and_named(postgres: Store, damage: str, named: str) -> None:
    execute(postgres, damage)
    found = postgres.check()
    assert [each for each in found if each.startswith(named)], found


def test_a_second_member_of_a_group_is_refused_by_the_database_itself(postgres: Store) -> None:
    add(postgres, "a")
    with pytest.raises(OneMemberDown):
        add(postgres, "b", NIGHT + timedelta(hours=1))
    add(postgres, "a", NIGHT + timedelta(hours=1))
    add(postgres, "b", NIGHT + timedelta(hours=3))
    add(postgres, "b", NIGHT, group="h")
    add(postgres, "b", NIGHT, enforced=False)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'mallory'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_trail_is_append_only(postgres: Store, statement: str) -> None:
    add(postgres, "a")
    with pytest.raises(Exception, match="audit_is_append_only"):
        execute(postgres, statement)
    assert postgres.audit_break() == (None, 1)


def test_times_and_the_trail_come_back_as_they_were_written(postgres: Store) -> None:
    start = NIGHT + timedelta(microseconds=123456)
    with postgres.write(ALICE) as tx:
        tx.session.add(FreezeRow(calendar="c", starts_at=start, ends_at=start + timedelta(hours=1), name="n"))
        tx.audit("x", "y", {"n": 1})
    with postgres.read() as tx:
        kept = tx.session.get_one(FreezeRow, ("c", start, start + timedelta(hours=1))).starts_at
    assert (kept, kept.utcoffset()) == (start, timedelta())
    assert postgres.audit_break() == (None, 1)


def test_a_server_that_is_not_there_is_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(Unavailable) as failed:
        open_store("postgresql+psycopg://postgres@/x?host=/nowhere")
    assert (failed.value.exit_code, schema.HEAD in str(failed.value)) == (5, False)
