"""`emergency`: the runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maintsched.cli.common import actor, config_path, emit, json_option, show, warn
from maintsched.cli.timeline import flow, left_of, times, zones_of

if TYPE_CHECKING:
    from maintsched.services.emergency import GroupCard, Runbook


@click.command()
@click.option("--group", metavar="G", help="Only for this group.")
@json_option
def emergency(group: str | None, as_json: bool) -> None:
    """The runbook for 03:00: whom to call, what to do, what is up now, what to type.

    It reads the config file, and the database if that answers; it changes nothing.
    """
    from maintsched.services.emergency import runbook

    found = runbook(config_path(), actor(), group)
    if as_json:
        emit(found.document())
        return
    for line in found.trouble:
        warn(line)
    title = f"EMERGENCY {found.inventory.broker}, {show(found.as_of.replace(second=0, microsecond=0))}"
    click.echo(click.style(title, bold=True))
    _tell_calls(found)
    click.echo(click.style("do:", bold=True))
    for number, step in enumerate(found.steps, 1):
        click.echo(flow([f"{number}. {step}"], "  ", "     "))
    for note in found.notes:
        click.echo(flow([f"note: {note}"], "  ", "     "))
    for card in found.groups:
        _tell_group(found, card)


def _tell_calls(found: Runbook) -> None:
    click.echo(click.style("call:", bold=True))
    wide = max((len(call.name) for call in found.calls), default=0)
    for call in found.calls:
        number = call.noc or click.style("no number in `contacts:`", fg="red")
        click.echo(flow([f"{call.name:<{wide}}", number, call.mail, f"({call.role})"]))


def _tell_group(found: Runbook, card: GroupCard) -> None:
    group, inventory = card.group, found.inventory
    size = len(group.circuits)
    if card.left is None:
        said = click.style("NOT KNOWN how many are free of work", fg="red")
    else:
        said = f"{card.left} of {size} circuits free of work, {group.min_up} needed"
    click.echo(click.style(f"{group.name}: ", bold=True) + said)
    for name in (*group.circuits, *group.needs):
        circuit = inventory.circuits[name]
        place = f"{circuit.provider} at {circuit.site}" + (f", on {circuit.router}" if circuit.router else "")
        role = "primary" if name == group.primary else "" if name in group.circuits else "between our sites"
        click.echo(flow([name, role, place, ", ".join(circuit.all_aliases[1:])]))
    zones = zones_of(inventory, group.circuits)
    for row in card.timeline:
        because = ", ".join(each.id for each in row.because)
        when = times(row.interval, zones, found.as_of)
        click.echo(flow([left_of(row), *when, f"because of {because}"], "    ", "        "))
    for label, listed in (("running", card.running), ("next", card.coming)):
        for entry in listed:
            what = f"{entry.id} {', '.join(entry.circuits) or 'platform'} {entry.impact}"
            click.echo(flow([f"{label}:", what, entry.title, *times(entry.interval, zones)], "  ", "        "))
    if card.left is not None and not (card.running or card.coming):
        click.echo(f"  nothing planned until {show(found.until.replace(second=0, microsecond=0))}")
    click.echo("  type:")
    for command in card.commands:  # never broken into lines: they are copied
        click.echo(f"    {command}")
