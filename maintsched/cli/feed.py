"""`feed export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from maintsched.cli.common import emit, json_option, project
from maintsched.errors import InvalidInput


@click.group()
def feed() -> None:
    """Publish what is planned as a calendar."""


@feed.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Into FILE instead of stdout.")
@json_option
def export(output: Path | None, as_json: bool) -> None:
    """The team's calendar (ICS): maintenances of our circuits, windows and drills, 30 days back to 180 ahead."""
    from maintsched.services.publishing import export_feed

    with project() as found:
        data = export_feed(found)
    if as_json and output is None:
        raise InvalidInput("--json needs -o FILE: the calendar itself is no JSON", "add -o FILE, or leave --json out")
    if output is None:
        sys.stdout.buffer.write(data)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"{output}: {error.strerror}", "give a file that can be written") from error
    entries = data.count(b"BEGIN:VEVENT")
    if as_json:
        emit({"file": str(output), "entries": entries})
    else:
        click.echo(f"{output}: {entries} entries")
