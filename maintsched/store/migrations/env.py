"""Alembic's environment: the connection is handed over by `store.schema`; migrations are written by hand."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    transaction_per_migration=False,
)
context.run_migrations()
