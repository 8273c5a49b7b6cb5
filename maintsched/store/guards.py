"""What the database itself refuses: a second member of a group down at once, and any change to the audit chain.

The evaluator decides; these are the backstop against a race or a hand in the database. SQLite drops a table's triggers
when a migration rebuilds it, so every migration ends with `create_guards`.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

ONE_MEMBER_DOWN = "one_member_down"
APPEND_ONLY = "audit_is_append_only"

# No claim is longer than 31 days (a CHECK of the table), so the index bounds the search without changing its answer.
_CLAIM_CLASH = f"""
  SELECT RAISE(ABORT, '{ONE_MEMBER_DOWN}') WHERE EXISTS (
    SELECT 1 FROM claim c WHERE c.enforced AND c.group_name = NEW.group_name AND c.circuit <> NEW.circuit
      AND c.window_id <> NEW.window_id AND c.starts_at < NEW.ends_at AND NEW.starts_at < c.ends_at
      AND c.starts_at > datetime(NEW.starts_at, '-32 days'));"""

_NEVER = f"SELECT RAISE(ABORT, '{APPEND_ONLY}');"

SQLITE_TRIGGERS = {
    "claim_insert": f"CREATE TRIGGER claim_insert BEFORE INSERT ON claim WHEN NEW.enforced BEGIN{_CLAIM_CLASH}\nEND",
    "claim_update": f"CREATE TRIGGER claim_update BEFORE UPDATE ON claim WHEN NEW.enforced BEGIN{_CLAIM_CLASH}\nEND",
    "audit_update": f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN {_NEVER} END",
    "audit_delete": f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN {_NEVER} END",
}

POSTGRES_CONSTRAINT = (
    "EXCLUDE USING gist (group_name WITH =, circuit WITH <>, window_id WITH <>, "
    "tstzrange(starts_at, ends_at, '[)'::text) WITH &&) WHERE (enforced)"
)

_POSTGRES_BODY = f"BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END"
_POSTGRES_TRIGGER_TYPE = 2 | 8 | 16 | 32  # of pg_trigger: before, delete, update, truncate; once for each statement

_POSTGRES = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"ALTER TABLE claim DROP CONSTRAINT IF EXISTS {ONE_MEMBER_DOWN}",
    f"ALTER TABLE claim ADD CONSTRAINT {ONE_MEMBER_DOWN} {POSTGRES_CONSTRAINT}",
    f"CREATE OR REPLACE FUNCTION {APPEND_ONLY}() RETURNS trigger LANGUAGE plpgsql AS $$ {_POSTGRES_BODY} $$",
    f"""CREATE OR REPLACE TRIGGER {APPEND_ONLY} BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION {APPEND_ONLY}()""",
)


def create_guards(connection: Connection) -> None:
    """Create all triggers and constraints anew; the tables must exist."""
    if connection.dialect.name == "postgresql":
        for statement in _POSTGRES:
            connection.execute(text(statement))
        return
    for name, statement in SQLITE_TRIGGERS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(statement)


def missing_guards(connection: Connection) -> tuple[str, ...]:
    """Guards that are absent or not defined as they should be, and triggers that are not ours, by name."""
    if connection.dialect.name == "postgresql":
        return _missing_postgres(connection)
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = {row.name: row.sql for row in rows}
    wrong = [name for name, statement in SQLITE_TRIGGERS.items() if found.get(name) != statement]
    return (*wrong, *sorted(found.keys() - SQLITE_TRIGGERS.keys()))


def _missing_postgres(connection: Connection) -> tuple[str, ...]:
    missing = []
    constraint = connection.execute(
        text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conname = :name AND conrelid = 'claim'::regclass AND convalidated"
        ),
        {"name": ONE_MEMBER_DOWN},
    ).scalar()
    if constraint != POSTGRES_CONSTRAINT:
        missing.append(ONE_MEMBER_DOWN)
    triggers = connection.execute(
        text(
            "SELECT t.tgname, t.tgenabled, t.tgtype, btrim(p.prosrc)"
            " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT t.tgisinternal AND t.tgrelid IN ('audit'::regclass, 'claim'::regclass) ORDER BY t.tgname"
        )
    )
    found = {row[0]: tuple(row[1:]) for row in triggers}
    if found.get(APPEND_ONLY) != ("O", _POSTGRES_TRIGGER_TYPE, _POSTGRES_BODY):
        missing.append(APPEND_ONLY)
    return (*missing, *(name for name in found if name != APPEND_ONLY))
