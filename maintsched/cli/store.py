"""`audit verify`, `db upgrade|check`."""

from __future__ import annotations

import click

from maintsched.cli.common import config_path, emit, json_option, project


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command()
@json_option
def verify(as_json: bool) -> None:
    """Check that no row of the audit trail was changed, taken out or put in between.

    That its newest rows were not cut off, it cannot tell.
    """
    from maintsched.errors import Broken

    with project(quiet=True) as found:
        broken, rows = found.store.audit_break()
    if broken is not None:
        raise Broken(
            f"the audit trail is broken: {broken.reason}", "restore the database from a backup, and ask who did it"
        )
    if as_json:
        emit({"ok": True, "rows": rows})
    else:
        click.echo(f"ok: {rows} rows, each follows from the one before")


@click.group()
def db() -> None:
    """The database."""


@db.command()
@json_option
def upgrade(as_json: bool) -> None:
    """Make the database, or bring it to this program's revision."""
    from maintsched import config, platforms
    from maintsched.store.engine import redacted, upgrade_store
    from maintsched.store.schema import HEAD

    inventory = config.load(config_path(), platforms.names())
    store, before = upgrade_store(inventory.database)
    store.close()
    if as_json:
        emit({"database": redacted(inventory.database), "before": before, "revision": HEAD})
    elif before == HEAD:
        click.echo(f"{redacted(inventory.database)} is at revision {HEAD} already")
    else:
        click.echo(f"{redacted(inventory.database)}: revision {before or 'none'} → {HEAD}")


@db.command()
@json_option
def check(as_json: bool) -> None:
    """Compare the database with what this program expects: tables, indexes, guards."""
    from maintsched.errors import Broken

    with project(quiet=True) as found:
        problems = found.store.check()
    if problems:
        raise Broken(
            "the database is not as it should be:\n  " + "\n  ".join(problems),
            "nothing is booked until it is: restore a backup, or find out who changed it",
        )
    if as_json:
        emit({"ok": True})
    else:
        click.echo("ok: tables, indexes and guards are as they should be")
