"""`calendar add|update|cancel|resolve`: what a person tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import emit, json_option, project, read_moment
from maintsched.domain.notice import Impact, Status

if TYPE_CHECKING:
    from datetime import datetime

    from maintsched.services.breaking import Broken
    from maintsched.services.project import Project
    from maintsched.services.telling import Told

_IMPACTS = click.Choice([impact.value for impact in Impact], case_sensitive=False)
_STATUSES = click.Choice([status.value for status in Status], case_sensitive=False)


def _what(command: Callable[..., object]) -> Callable[..., object]:
    """The options of what is told, which `add` and `update` share."""
    for option in (
        click.option("--circuit", "circuits", multiple=True, metavar="C", help="It hits this circuit of ours."),
        click.option("--start", metavar="T", help="When it begins."),
        click.option("--end", metavar="T", help="When it ends; +4h counts from the start."),
        click.option("--impact", type=_IMPACTS, help="How bad it is (default for new work: OUTAGE)."),
        click.option("--status", type=_STATUSES, help="Default for new work: CONFIRMED."),
        click.option("--note", default="", metavar="TEXT", help="Who told it, and what he said."),
        json_option,
    ):
        command = option(command)
    return command


@click.command()
@click.option("--provider", required=True, metavar="P", help="Whose work it is, as its calendars call it.")
@click.option("--ref", "reference", required=True, metavar="REF", help="The provider's number for it.")
@click.option("--group", "groups", multiple=True, metavar="G", help="It hits every circuit of this group.")
@click.option("--site", "sites", multiple=True, metavar="S", help="It hits every circuit at this site.")
@_what
def add(
    provider: str, reference: str, groups: tuple[str, ...], sites: tuple[str, ...], as_json: bool, **words: object
) -> None:
    """Enter work that a provider told of by phone or chat."""
    from maintsched.services import telling

    with project() as found:
        told = _told(found, words, groups, as_json)
        made, broken = telling.add(found, provider, reference, sites, told)
    _answer(made, broken, as_json)


@click.command()
@click.argument("maintenance")
@_what
def update(maintenance: str, as_json: bool, **words: object) -> None:
    """Enter what a provider told of work that is known (M-12, or the provider's number)."""
    from maintsched.services import telling

    with project() as found:
        begins = telling.start_of(found, maintenance)
        made, broken = telling.update(found, maintenance, _told(found, words, (), as_json, begins))
    _answer(made, broken, as_json)


@click.command()
@click.argument("maintenance")
@click.option("--note", required=True, metavar="TEXT", help="Who told that it is off; kept in the audit trail.")
@json_option
def cancel(maintenance: str, note: str, as_json: bool) -> None:
    """Enter that a provider told that work is off."""
    from maintsched.services import telling

    with project() as found:
        made, broken = telling.cancel(found, maintenance, note)
    _answer(made, broken, as_json)


def _told(
    found: Project, words: dict[str, object], groups: tuple[str, ...], as_json: bool, begins: datetime | None = None
) -> Told:
    from maintsched.services.booking import circuits_of_groups
    from maintsched.services.telling import Told

    start, end = words["start"], words["end"]
    begin = read_moment(str(start), found, as_json=as_json) if start else None
    finish = read_moment(str(end), found, as_json=as_json, relative_to=begin or begins) if end else None
    circuits = words["circuits"]
    assert isinstance(circuits, tuple)  # click says so
    return Told(
        circuits=(*circuits, *circuits_of_groups(found.inventory, groups)),
        start=begin,
        end=finish,
        impact=Impact(str(words["impact"])) if words["impact"] else None,
        status=Status(str(words["status"])) if words["status"] else None,
        note=str(words["note"]),
    )


def _answer(made: str, broken: tuple[Broken, ...], as_json: bool) -> None:
    from maintsched.services import documents

    if as_json:
        emit({"maintenance": made.partition(":")[0], "breaks": [each.plain() for each in documents.broken(broken)]})
        return
    click.echo(made)
    tell_broken(broken)


def tell_broken(broken: tuple[Broken, ...]) -> None:
    """A line for each maintenance that lands on bookings, and one for each booking that lost something else."""
    from maintsched.services.breaking import told

    for line in told(broken):
        click.echo(click.style(line, fg="red"))


@click.command()
@click.argument("notice")
@click.option("--ignore", is_flag=True, help="It does not concern us, or is wrong.")
@click.option("--always", is_flag=True, help="With --ignore: nor will any other notice of what it names.")
@click.option("--believe", is_flag=True, help="It is as it says.")
@click.option("--circuit", "circuits", multiple=True, metavar="C", help="It is so, and hits this circuit of ours.")
@click.option("--start", metavar="T", help="When it begins, where the notice does not tell.")
@click.option("--end", metavar="T", help="When it ends; +4h counts from the start.")
@click.option("--reason", required=True, help="Why; kept in the audit trail.")
@json_option
def resolve(
    notice: str,
    ignore: bool,
    always: bool,
    believe: bool,
    circuits: tuple[str, ...],
    start: str | None,
    end: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Settle a notice that waits: ignore it, or say what it hits and when."""
    from maintsched.services import documents
    from maintsched.services.telling import Decision, resolve_notice

    if ignore == (believe or bool(circuits)):
        raise click.UsageError("give either --ignore, or --believe, or at least one --circuit")
    if always and not ignore:
        raise click.UsageError("--always goes with --ignore")
    with project() as found:
        begin = read_moment(start, found, as_json=as_json) if start else None
        finish = read_moment(end, found, as_json=as_json, relative_to=begin) if end else None
        said, broken = resolve_notice(found, notice, Decision(ignore, always, circuits, begin, finish), reason)
    if as_json:
        emit({"notice": notice, "settled": said, "breaks": [each.plain() for each in documents.broken(broken)]})
    else:
        click.echo(said)
        tell_broken(broken)
