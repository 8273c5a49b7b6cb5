"""`inventory check|diff|apply|show|schema`."""

from __future__ import annotations

import json

import click

from maintsched.cli.common import config_path, emit, json_option, project, say


@click.group()
def inventory() -> None:
    """Check the config file, see what it would change, and put it in force."""


@inventory.command()
@click.option("--live", is_flag=True, help="Log in to the routers and compare what they say (reads only).")
@json_option
def check(live: bool, as_json: bool) -> int:
    """Judge the config file; with --live against the routers themselves."""
    from maintsched import config, platforms

    path = config_path()
    found = config.load(path, platforms.names())
    problems: tuple[str, ...] = ()
    if live:
        from maintsched.services.live import compare

        problems = compare(found)
    count = f"{len(found.sites)} sites, {len(found.routers)} routers, {len(found.circuits)} circuits"
    if as_json:
        emit({"file": str(path), "valid": True, "live": live, "problems": list(problems)})
    else:
        click.echo(f"{path}: valid: {count}, {len(found.groups)} groups, {len(found.drills)} drills")
        for problem in problems:
            click.echo(f"  {problem}")
        if live and not problems:
            click.echo("the routers say the same")
    return 4 if problems else 0


@inventory.command()
@json_option
def diff(as_json: bool) -> None:
    """What the file would change in the inventory in force."""
    from maintsched.services.project import in_force_differences

    with project() as found:
        changes = in_force_differences(found)
    if as_json:
        emit({"changes": list(changes)})
        return
    for change in changes:
        click.echo(change)
    if not changes:
        say("no difference: the file is the inventory in force")


@inventory.command()
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@json_option
def apply(reason: str, as_json: bool) -> None:
    """Put the file in force."""
    from maintsched.services.project import apply_inventory

    with project() as found:
        revision, changes = apply_inventory(found, reason)
    if as_json:
        emit({"revision": revision, "changes": list(changes)})
        return
    for change in changes:
        click.echo(change)
    click.echo(f"inventory revision {revision} is in force" + ("" if changes else " already; nothing changed"))


@inventory.command()
@json_option
def show(as_json: bool) -> None:
    """The inventory in force."""
    from maintsched.services.project import shown_inventory

    with project() as found:
        revision, applied, digest, content = shown_inventory(found)
    if as_json:
        emit({"revision": revision, "applied": applied, "sha256": digest, "inventory": content})
        return
    click.echo(f"revision {revision}, in force since {applied}, sha256 {digest}")
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


@inventory.command()
@json_option
def schema(as_json: bool) -> None:
    """A JSON Schema of the config file, for editors."""
    from maintsched import config

    if as_json:
        emit(config.schema())
        return
    click.echo(json.dumps(config.schema(), indent=2, ensure_ascii=False))
