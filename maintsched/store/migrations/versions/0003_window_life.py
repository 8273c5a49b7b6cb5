"""The life of a window: approvals, the partner's reference, expiry; and slots that are found by circuit and time."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from maintsched.errors import InvalidInput
from maintsched.store.guards import create_guards

revision = "0003"
down_revision = "0002"

APPROVE_WITHIN = timedelta(days=7)
LONGEST = timedelta(days=31)


def upgrade() -> None:
    _refuse_endless()
    _window()
    op.create_table(
        "window_approval",
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("window.id"), primary_key=True),
        sa.Column("by", AutoString(), primary_key=True),
        sa.Column("login", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
        sa.Column("statement", AutoString(), nullable=True),
    )
    _window_circuit()
    _claim()
    op.create_index("ix_maintenance_status", "maintenance", ["status"])
    create_guards(op.get_bind())


def _window_table() -> sa.TableClause:
    return sa.table(
        "window",
        sa.column("id", sa.Integer()),
        sa.column("state", AutoString()),
        *(sa.column(name, UTCDateTime()) for name in ("starts_at", "ends_at", "expires_at")),
    )


def _refuse_endless() -> None:
    window = _window_table()
    for row in op.get_bind().execute(sa.select(window.c.id, window.c.starts_at, window.c.ends_at)):
        if row.ends_at - row.starts_at > LONGEST:
            raise InvalidInput(
                f"window W-{row.id} lasts longer than {LONGEST.days} days, which this version does not keep",
                "cancel or shorten it with the version before, then upgrade",
            )


def _window() -> None:
    # Added in place, with defaults that stay: SQLite would have to build a table anew that others refer to.
    for name in ("emergency", "override", "accept_outage"):
        op.add_column("window", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("window", sa.Column("reason", AutoString(), nullable=False, server_default=""))
    op.add_column("window", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    for name in ("partner_ref", "moved_by", "moved_login"):
        op.add_column("window", sa.Column(name, AutoString(), nullable=True))
    for name in ("approved_at", "expires_at"):
        op.add_column("window", sa.Column(name, UTCDateTime(), nullable=True))
    _fill_expiry()
    op.create_index("ix_window_times", "window", ["id", "starts_at", "ends_at"], unique=True)
    op.create_index("ix_window_state_ends_at", "window", ["state", "ends_at"])
    op.create_index("ix_window_emergency", "window", ["emergency"])
    op.create_index("ix_window_expires_at", "window", ["expires_at"])


def _fill_expiry() -> None:
    """What was requested before could not be approved yet: its days count from the upgrade."""
    window = _window_table()
    until = datetime.now(UTC) + APPROVE_WITHIN
    change = sa.update(window)
    op.execute(change.where(window.c.state == "requested").values(expires_at=window.c.starts_at))
    op.execute(change.where(window.c.state == "requested", window.c.starts_at > until).values(expires_at=until))
    op.execute(change.where(window.c.state.in_(["approved", "needs_review"])).values(expires_at=window.c.ends_at))


def _not_endless() -> str:
    if op.get_bind().dialect.name == "postgresql":
        return "ends_at - starts_at <= interval '31 days'"
    return "julianday(ends_at) - julianday(starts_at) < 31.00001"


def _window_circuit() -> None:
    """Built anew: SQLite adds no constraint in place. Nothing refers to it."""
    op.rename_table("window_circuit", "window_circuit_before")
    op.drop_index("ix_window_circuit_circuit", "window_circuit_before")
    op.create_table(
        "window_circuit",
        sa.Column("window_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("circuit", AutoString(), primary_key=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["window_id", "starts_at", "ends_at"],
            ["window.id", "window.starts_at", "window.ends_at"],
            onupdate="CASCADE",
        ),
        sa.CheckConstraint(_not_endless(), name="window_is_not_endless"),
    )
    op.execute(
        "INSERT INTO window_circuit (window_id, circuit, starts_at, ends_at)"
        " SELECT c.window_id, c.circuit, w.starts_at, w.ends_at"
        ' FROM window_circuit_before c JOIN "window" w ON w.id = c.window_id'
    )
    op.drop_table("window_circuit_before")
    op.create_index("ix_window_circuit_slot", "window_circuit", ["circuit", "starts_at", "ends_at"])


def _claim() -> None:
    """On SQLite built anew, its triggers with it; `create_guards` brings them back."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_check_constraint("claim_is_not_endless", "claim", _not_endless())
        op.create_index("ix_claim_slot", "claim", ["group_name", "starts_at", "ends_at", "circuit"])
        return
    for name in ("claim_insert", "claim_update"):
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
    op.rename_table("claim", "claim_before")
    op.create_table(
        "claim",
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("window.id"), primary_key=True),
        sa.Column("group_name", AutoString(), primary_key=True),
        sa.Column("circuit", AutoString(), primary_key=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("enforced", sa.Boolean(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="claim_ends_after_it_starts"),
        sa.CheckConstraint(_not_endless(), name="claim_is_not_endless"),
    )
    op.execute(
        "INSERT INTO claim (window_id, group_name, circuit, starts_at, ends_at, enforced)"
        " SELECT window_id, group_name, circuit, starts_at, ends_at, enforced FROM claim_before"
    )
    op.drop_table("claim_before")
    op.create_index("ix_claim_slot", "claim", ["group_name", "starts_at", "ends_at", "circuit"])
