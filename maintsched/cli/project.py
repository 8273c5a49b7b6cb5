"""`init`, `status`, `find`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import (
    actor,
    emit,
    json_option,
    project,
    read_moment,
    say,
    show,
    warn,
    zone_name,
)
from maintsched.cli.timeline import flow, print_timeline, times
from maintsched.domain.interval import Interval, iso

if TYPE_CHECKING:
    from maintsched.services.finding import Hit


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
    """What stands now, what the next 14 days leave of every group, and what needs a person."""
    from maintsched.services.overview import overview

    with project() as found:
        now = overview(found)
        if as_json:
            emit(now.document())
            return
        zone, inventory = zone_name(found), found.inventory
    for group in now.groups:
        text = f"{group.name}: {group.left} of {group.size} circuits free of work, {group.min_up} needed"
        click.echo(click.style(text, fg="red", bold=True) if group.left < group.min_up else text)
    print_timeline(now.timeline, inventory, Interval(now.as_of, now.until), now.as_of)
    horizon = f"next, until {show(now.until.replace(second=0, microsecond=0))}"
    for title, entries in (("running now", now.running), (horizon, now.coming)):
        click.echo(click.style(f"{title}:", bold=True) + ("" if entries else " nothing"))
        for entry in entries:
            what = f"{entry.id} {', '.join(entry.circuits) or 'platform'} {entry.impact}"
            click.echo(flow([*times(entry.interval, [zone]), what, entry.state, entry.title]))
    click.echo(click.style("needs a person:", bold=True) + ("" if now.attention else " nothing"))
    for line in now.attention:
        click.echo(flow([line]))


@click.command()
@click.argument("text")
@click.option("--at", "moment", metavar="T", default="now", help="When (default: now).")
@json_option
def find(text: str, moment: str, as_json: bool) -> None:
    """Which circuit is TEXT (alias, address, serial, dxcon id or ticket), and what is planned on it?

    It looks from a day before that time, cancelled and finished work included, to 90 days after it.
    """
    from maintsched.services import documents
    from maintsched.services.finding import look_up

    with project() as found:
        at = read_moment(moment, found, as_json=as_json)
        answer = look_up(found, text, at)
        zone, now = zone_name(found), found.now()
    if as_json:
        listing = documents.listing(now, answer.stale, found=[hit.document() for hit in answer.hits])
        emit({**listing, "text": text, "since": iso(answer.since), "until": iso(answer.until)})
        return
    if answer.stale:
        warn(f"calendar sources that are not up to date: {', '.join(answer.stale)}")
    for hit in answer.hits:
        _tell_hit(hit, answer.until, zone)


def _tell_hit(hit: Hit, until: datetime, zone: str) -> None:
    click.echo(flow([click.style(hit.circuit, bold=True), hit.what], indent="", hanging="  "))
    click.echo(flow([f"now: {hit.now or 'nothing planned at that time'}"]))
    for line in hit.left:
        click.echo(flow([line]))
    for each in hit.past:
        when = times(each.entry.interval, [zone])
        click.echo(flow([f"{each.entry.id} {each.why}:", *when, each.entry.impact, each.entry.title]))
    click.echo(f"  planned until {until:%Y-%m-%d}:" + ("" if hit.coming else " nothing"))
    for entry in hit.coming:
        click.echo(flow([*times(entry.interval, [zone]), entry.id, entry.impact, entry.title], "    ", "        "))
    if hit.contact:
        click.echo(flow([f"contact: {hit.contact}"]))
