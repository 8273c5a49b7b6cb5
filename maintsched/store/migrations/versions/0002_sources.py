"""What a source held last, what a person said is not ours, and tickets with several windows."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("source", AutoString(), primary_key=True),
        sa.Column("key", AutoString(), primary_key=True),
        sa.Column("mark", AutoString(), nullable=False),
        sa.Column("raw_sha256", AutoString(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("missing_since", UTCDateTime(), nullable=True),
    )
    op.create_table(
        "not_ours",
        sa.Column("source", AutoString(), primary_key=True),
        sa.Column("pattern", AutoString(), primary_key=True),
        sa.Column("by", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
    )
    op.create_table(
        "alias",
        sa.Column("ref", AutoString(), primary_key=True),
        sa.Column("maintenance_id", sa.Integer(), sa.ForeignKey("maintenance.id"), primary_key=True),
    )
    op.create_index("ix_alias_maintenance_id", "alias", ["maintenance_id"])
    # Added in place, with defaults that stay: SQLite would have to build a table anew that others refer to.
    op.add_column("source", sa.Column("validators", AutoString(), nullable=False, server_default=""))
    op.add_column("maintenance", sa.Column("ref", AutoString(), nullable=False, server_default=""))
    op.add_column("maintenance", sa.Column("part", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("maintenance", sa.Column("vanished_at", UTCDateTime(), nullable=True))
    _fill_refs()
    # What was taken before is known by its very bytes.
    op.execute(
        "INSERT INTO entry (source, key, mark, raw_sha256, missing)"
        " SELECT DISTINCT source, raw_sha256, '', raw_sha256, 0 FROM notice"
    )
    op.create_index("ix_maintenance_ref", "maintenance", ["ref"])
    op.create_index("ix_maintenance_uid", "maintenance", ["uid"])


def _fill_refs() -> None:
    """In Python: a database folds only the letters of ASCII, or by its own rules."""
    table = sa.table("maintenance", *(sa.column(name) for name in ("id", "provider", "maintenance_id", "ref")))
    connection = op.get_bind()
    for row in connection.execute(sa.select(table.c.id, table.c.provider, table.c.maintenance_id)).all():
        ref = f"{row.provider.casefold()}\n{row.maintenance_id.casefold()}"
        connection.execute(sa.update(table).where(table.c.id == row.id).values(ref=ref))
