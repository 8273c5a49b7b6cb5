"""`window announce`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import emit, json_option, project, say, warn
from maintsched.errors import InvalidInput

if TYPE_CHECKING:
    from maintsched.services.announcing import Announced


@click.command()
@click.argument("window_id", metavar="ID")
@click.option("--send", is_flag=True, help="Mail text and calendar to the partner's address of `contacts:`.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The calendar (.ics) into FILE.")
@click.option("--partner", metavar="P", help="Only to this partner, where the window concerns several.")
@json_option
def announce(window_id: str, send: bool, output: Path | None, partner: str | None, as_json: bool) -> None:
    """A window as its partner is told of it: plain text, and a MAINTNOTE calendar.

    Prints the text; -o writes the calendar, --send mails both. After a change announce it again: it has the same id and
    a higher sequence.
    """
    from maintsched.services import announcing

    with project() as found:
        told = announcing.announcements(found, window_id, partner)
        if output is not None:
            _write(output, told)
        digests = [announcing.announce(found, each) if send else None for each in told]
        has_sender = bool(announcing.sender_of(found.inventory))
    if as_json:
        file = str(output) if output else None
        listed = [announcing.document(each, digest, file) for each, digest in zip(told, digests, strict=True)]
        emit({"window": told[0].window, "announcements": listed})
        return
    if not has_sender:
        warn("the calendar has no ORGANIZER, which the standard asks for: give `mail: {sender: …}`")
    for each, digest in zip(told, digests, strict=True):
        click.echo(each.text, nl=False)
        if len(told) > 1 and each is not told[-1]:
            click.echo("=" * 78)
        if output is not None:
            say(f"{output}: the calendar for {each.partner}, {each.status}, sequence {each.sequence}")
        if digest is not None:
            say(f"sent to {each.partner} <{each.to}>, SHA-256 {digest}")
        elif each.to:
            say(f"not sent; `maintsched window announce {each.window} --send` mails it to {each.partner} <{each.to}>")
    if told[0].status.counts:
        say(f"next: `maintsched window ack {told[0].window} --ref REF` when the partner has answered")


def _write(output: Path, told: tuple[Announced, ...]) -> None:
    [first, *others] = told
    if others:
        raise InvalidInput("a file holds one calendar, and the window concerns several partners", "add --partner P")
    try:
        output.write_bytes(first.calendar)
    except OSError as error:
        raise InvalidInput(f"{output}: {error.strerror}", "give a file that can be written") from error
