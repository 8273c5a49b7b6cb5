"""What a source held last, what a person said is not ours, and tickets with several windows."""

import json

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from maintsched.domain.maintenance import ref_of

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("source", AutoString(), primary_key=True),
        sa.Column("key", AutoString(), primary_key=True),
        sa.Column("mark", AutoString(), nullable=False),
        sa.Column("raw_sha256", AutoString(), nullable=False),
        sa.Column("settings", AutoString(), nullable=False),
        sa.Column("known_until", UTCDateTime(), nullable=True),
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
    op.add_column("notice", sa.Column("ref", AutoString(), nullable=False, server_default=""))
    op.add_column("notice", sa.Column("counts", sa.Boolean(), nullable=False, server_default="1"))
    op.add_column("notice", sa.Column("settles", AutoString(), nullable=False, server_default="next"))
    _fill_refs()
    # What was taken before is known by its very bytes.
    op.execute(
        "INSERT INTO entry (source, key, mark, raw_sha256, settings, missing)"
        " SELECT DISTINCT source, raw_sha256, '', raw_sha256, '', 0 FROM notice"
    )
    op.create_index("ix_entry_known_until", "entry", ["known_until"])
    op.create_index("ix_notice_ref", "notice", ["ref"])
    op.create_index("ix_maintenance_ref", "maintenance", ["ref"])
    op.create_index("ix_maintenance_uid", "maintenance", ["uid"])


def _fill_refs() -> None:
    """In Python: a database folds only the letters of ASCII, or by its own rules."""
    table = sa.table("maintenance", *(sa.column(name) for name in ("id", "provider", "maintenance_id", "ref")))
    connection = op.get_bind()
    for row in connection.execute(sa.select(table.c.id, table.c.provider, table.c.maintenance_id)).all():
        ref = ref_of(row.provider, row.maintenance_id)
        connection.execute(sa.update(table).where(table.c.id == row.id).values(ref=ref))
    columns = ("id", "parsed", "state", "maintenance_id", "ref", "counts", "settles")
    notice = sa.table("notice", *(sa.column(name) for name in columns))
    for row in connection.execute(sa.select(notice)).all():
        fields = json.loads(row.parsed) if row.parsed else {}
        ref = ref_of(fields["provider"], fields["maintenance_id"]) if fields else ""
        # A review without a maintenance was of what nobody authenticated: it did not count.
        counts = row.state in ("taken", "resolved", "not_ours") or row.maintenance_id is not None
        counts = counts and row.state not in ("ignored", "foreign")
        values = {"ref": ref, "counts": counts, "settles": "next" if counts else "person"}
        connection.execute(sa.update(notice).where(notice.c.id == row.id).values(values))
