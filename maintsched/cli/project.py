"""`init`, `status`, `find`."""

from __future__ import annotations

from pathlib import Path

import click

from maintsched.cli.common import (
    actor,
    emit,
    json_option,
    project,
    read_moment,
    say,
    show_interval,
    table,
    warn,
    zone_name,
)


@click.command()
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--layout", type=click.Choice(["pair", "single"]), default="pair", show_default=True, help="Which routers."
)
@json_option
def init(directory: Path, layout: str, as_json: bool) -> None:
    """Make a project in DIRECTORY that works in the lab at once.

    `pair` has two edge routers with an interconnect, `single` one edge router with both circuits.
    """
    from maintsched.services.project import create

    made, path = create(directory, layout, actor())
    if as_json:
        emit({"config": str(path), "created": [str(each) for each in made]})
        return
    for each in made:
        click.echo(f"created {each}")
    click.echo("created the database; the inventory is in force")
    say(f"next: read {path}, then `maintsched inventory check` and `maintsched calendar import`")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """What stands now, what comes next, and what needs a person."""
    from maintsched.services.overview import overview

    with project() as found:
        now = overview(found)
        if as_json:
            emit(now.document())
            return
        zone = zone_name(found)
    for group in now.groups:
        click.echo(f"{group.name}: {group.left} of {group.size} circuits free of work, {group.min_up} needed")
    for title, entries in (("running now", now.running), ("next", now.coming)):
        click.echo(click.style(f"{title}:", bold=True) + ("" if entries else " nothing"))
        for entry in entries:
            click.echo(
                f"  {show_interval(entry.interval, zone)}  {entry.id}  {', '.join(entry.circuits)}  {entry.title}"
            )
    click.echo(click.style("needs a person:", bold=True) + ("" if now.attention else " nothing"))
    for line in now.attention:
        click.echo(f"  {line}")


@click.command()
@click.argument("text")
@click.option("--at", "moment", metavar="T", default="now", help="When (default: now).")
@json_option
def find(text: str, moment: str, as_json: bool) -> None:
    """Which circuit is TEXT (alias, address, serial, dxcon id or ticket), and what is planned on it?"""
    from maintsched.services import documents
    from maintsched.services.overview import look_up

    with project() as found:
        at = read_moment(moment, found, as_json=as_json)
        hits, stale = look_up(found, text, at)
        zone, now = zone_name(found), found.now()
    if as_json:
        emit({**documents.listing(now, stale, found=[hit.document() for hit in hits]), "text": text})
        return
    if stale:
        warn(f"calendar sources that are not up to date: {', '.join(stale)}")
    for hit in hits:
        click.echo(f"{click.style(hit.circuit, bold=True)}  {hit.what}")
        click.echo(f"  now: {hit.now or 'nothing planned at that time'}")
        for line in hit.left:
            click.echo(f"  {line}")
        rows = [[show_interval(entry.interval, zone), entry.id, entry.impact, entry.title] for entry in hit.coming]
        table(["  planned", "id", "impact", "title"], [["  " + row[0], *row[1:]] for row in rows])
        if hit.contact:
            click.echo(f"  contact: {hit.contact}")
