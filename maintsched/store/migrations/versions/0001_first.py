"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from maintsched.store.guards import create_guards

revision = "0001"
down_revision = None


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("drill", AutoString(), nullable=False),
        sa.Column("plan_hash", AutoString(), nullable=False),
        sa.Column("by", AutoString(), nullable=False),
        sa.Column("login", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("statement", AutoString(), nullable=True),
    )
    op.create_index("ix_approval_drill", "approval", ["drill"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", AutoString(), nullable=False),
        sa.Column("login", AutoString(), nullable=False),
        sa.Column("action", AutoString(), nullable=False),
        sa.Column("object", AutoString(), nullable=False),
        sa.Column("body", AutoString(), nullable=False),
        sa.Column("previous", AutoString(), nullable=False),
        sa.Column("hash", AutoString(), nullable=False),
    )
    op.create_index("ix_audit_action", "audit", ["action"])
    op.create_index("ix_audit_object", "audit", ["object"])


def _freeze() -> None:
    op.create_table(
        "freeze",
        sa.Column("calendar", AutoString(), primary_key=True),
        sa.Column("starts_at", UTCDateTime(), primary_key=True),
        sa.Column("ends_at", UTCDateTime(), primary_key=True),
        sa.Column("name", AutoString(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="freeze_ends_after_it_starts"),
    )


def _inventory() -> None:
    op.create_table(
        "inventory",
        sa.Column("revision", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("applied_at", UTCDateTime(), nullable=False),
        sa.Column("sha256", AutoString(), nullable=False),
        sa.Column("canonical", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
    )


def _maintenance() -> None:
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("provider", AutoString(), nullable=False),
        sa.Column("account", AutoString(), nullable=False),
        sa.Column("maintenance_id", AutoString(), nullable=False),
        sa.Column("uid", AutoString(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("impact", AutoString(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("title", AutoString(), nullable=False),
        sa.Column("needs_review", AutoString(), nullable=False),
        sa.Column("sites", AutoString(), nullable=False),
        sa.Column("objects", AutoString(), nullable=False),
        sa.Column("revisions", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="maintenance_ends_after_it_starts"),
        sa.UniqueConstraint("provider", "account", "maintenance_id", name="one_maintenance_per_key"),
    )
    op.create_index("ix_maintenance_ends_at", "maintenance", ["ends_at"])
    op.create_index("ix_maintenance_starts_at", "maintenance", ["starts_at"])


def _raw() -> None:
    op.create_table(
        "raw",
        sa.Column("sha256", AutoString(), primary_key=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", AutoString(), primary_key=True),
        sa.Column("drill", AutoString(), nullable=False),
        sa.Column("group_name", AutoString(), nullable=False),
        sa.Column("survivor", AutoString(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("verdict", AutoString(), nullable=True),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("host", AutoString(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", AutoString(), nullable=False),
        sa.Column("journal", AutoString(), nullable=False),
        sa.Column("document", AutoString(), nullable=True),
    )
    op.create_index("ix_run_drill", "run", ["drill"])


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("name", AutoString(), primary_key=True),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("last_try", UTCDateTime(), nullable=False),
        sa.Column("last_fetch", UTCDateTime(), nullable=True),
        sa.Column("last_content", UTCDateTime(), nullable=True),
        sa.Column("known_until", UTCDateTime(), nullable=True),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("content_sha256", AutoString(), nullable=True),
        sa.Column("error", AutoString(), nullable=True),
    )


def _window() -> None:
    op.create_table(
        "window",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("impact", AutoString(), nullable=False),
        sa.Column("title", AutoString(), nullable=False),
        sa.Column("change_id", AutoString(), nullable=True),
        sa.Column("rollback", AutoString(), nullable=True),
        sa.Column("shares", AutoString(), nullable=False),
        sa.Column("requester", AutoString(), nullable=False),
        sa.Column("login", AutoString(), nullable=False),
        sa.Column("booked_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="window_ends_after_it_starts"),
    )
    op.create_index("ix_window_ends_at", "window", ["ends_at"])
    op.create_index("ix_window_starts_at", "window", ["starts_at"])
    op.create_index("ix_window_state", "window", ["state"])


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("window.id"), primary_key=True),
        sa.Column("group_name", AutoString(), primary_key=True),
        sa.Column("circuit", AutoString(), primary_key=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("enforced", sa.Boolean(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="claim_ends_after_it_starts"),
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("run_id", AutoString(), sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("n", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("step", AutoString(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("detail", AutoString(), nullable=False),
    )


def _maintenance_circuit() -> None:
    op.create_table(
        "maintenance_circuit",
        sa.Column("maintenance_id", sa.Integer(), sa.ForeignKey("maintenance.id"), primary_key=True),
        sa.Column("circuit", AutoString(), primary_key=True),
        sa.Column("impact", AutoString(), nullable=False),
        sa.Column("how", AutoString(), nullable=False),
    )
    op.create_index("ix_maintenance_circuit_circuit", "maintenance_circuit", ["circuit"])


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("raw_sha256", AutoString(), sa.ForeignKey("raw.sha256"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("origin", AutoString(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
        sa.Column("title", AutoString(), nullable=False),
        sa.Column("parsed", AutoString(), nullable=False),
        sa.Column("concerns", AutoString(), nullable=False),
        sa.Column("resolution", AutoString(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=True),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("maintenance_id", sa.Integer(), sa.ForeignKey("maintenance.id"), nullable=True),
    )
    op.create_index("ix_notice_maintenance_id", "notice", ["maintenance_id"])
    op.create_index("ix_notice_raw_sha256", "notice", ["raw_sha256"])
    op.create_index("ix_notice_source", "notice", ["source"])
    op.create_index("ix_notice_state", "notice", ["state"])


def _run_lock() -> None:
    op.create_table(
        "run_lock",
        sa.Column("group_name", AutoString(), primary_key=True),
        sa.Column("run_id", AutoString(), sa.ForeignKey("run.id"), nullable=False),
    )


def _window_circuit() -> None:
    op.create_table(
        "window_circuit",
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("window.id"), primary_key=True),
        sa.Column("circuit", AutoString(), primary_key=True),
    )
    op.create_index("ix_window_circuit_circuit", "window_circuit", ["circuit"])


def upgrade() -> None:
    _approval()
    _audit()
    _freeze()
    _inventory()
    _maintenance()
    _raw()
    _run()
    _source()
    _window()
    _claim()
    _journal()
    _maintenance_circuit()
    _notice()
    _run_lock()
    _window_circuit()
    create_guards(op.get_bind())
