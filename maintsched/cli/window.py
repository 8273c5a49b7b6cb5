"""`window check|book|suggest`; the rest of the group is in `window_life` and `window_list`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maintsched.cli.announce import announce
from maintsched.cli.common import (
    emit,
    json_option,
    project,
    read_duration,
    read_moment,
    say,
    show_interval,
    zone_name,
)
from maintsched.cli.refusing import REFUSED, refused, tell_conflicts, tell_refused
from maintsched.cli.window_life import LIFE
from maintsched.cli.window_list import list_, show_
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact

if TYPE_CHECKING:
    from maintsched.services.booking import Request
    from maintsched.services.project import Project

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def window() -> None:
    """Book our own work where it takes nothing down."""


for each in (*LIFE, announce, list_, show_):
    window.add_command(each)


def _what(command: F) -> F:
    options = [
        click.option(
            "--circuit", "circuits", multiple=True, metavar="C", help="Circuit, by name or alias; repeatable."
        ),
        click.option(
            "--router", "routers", multiple=True, metavar="R", help="Every circuit on this router; repeatable."
        ),
        click.option("--site", "sites", multiple=True, metavar="S", help="Every circuit at this site; repeatable."),
        click.option("--start", required=True, metavar="T", help="ISO 8601 with zone, now, or +2h."),
        click.option("--end", metavar="T", help="End; or use --duration."),
        click.option("--duration", metavar="D", help="90m, 2h …"),
        click.option(
            "--impact",
            type=click.Choice([impact.value for impact in Impact]),
            default=Impact.OUTAGE.value,
            show_default=True,
            help="What the work does to the circuits.",
        ),
        click.option("--share", "shares", multiple=True, metavar="WINDOW", help="Runs beside this window of ours."),
        click.option("--emergency", is_flag=True, help="Cannot wait; it is approved afterwards."),
        click.option("--override", is_flag=True, help="Takes the last member; approved before it starts."),
        click.option("--accept-outage", is_flag=True, help="A total outage, agreed with the partner."),
        click.option("--reason", default="", metavar="TEXT", help="Why the rules give way; needed with these three."),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _request(found: Project, given: dict[str, Any], title: str = "") -> Request:
    from maintsched.services.booking import Request, circuits_of

    as_json = given["as_json"]
    start = read_moment(given["start"], found, as_json=as_json)
    if (given["end"] is None) == (given["duration"] is None):
        raise click.UsageError("give either --end or --duration")
    if given["end"] is not None:
        end = read_moment(given["end"], found, as_json=as_json, relative_to=start)
    else:
        end = start + read_duration(given["duration"])
    if end <= start:
        raise click.UsageError(f"it would end at {end:%Y-%m-%dT%H:%MZ}, not after its start {start:%Y-%m-%dT%H:%MZ}")
    return Request(
        circuits=circuits_of(found.inventory, given["circuits"], given["routers"], given["sites"]),
        interval=Interval(start, end),
        impact=Impact(given["impact"]),
        title=title,
        change_id=given.get("change_id"),
        rollback=given.get("rollback"),
        shares=tuple(share.upper() for share in given["shares"]),
        emergency=given["emergency"],
        override=given["override"],
        accept_outage=given["accept_outage"],
        reason=given["reason"],
    )


@window.command()
@_what
def check(**given: Any) -> int:
    """Would it be booked? Changes nothing."""
    from maintsched.services import booking

    with project() as found:
        request = _request(found, given)
        conflicts, slots = booking.check(found, request)
        zone = zone_name(found)
    no = any(conflict.blocks for conflict in conflicts)
    if given["as_json"]:
        from maintsched.services import documents  # models that take a while to build

        document = documents.WindowCheck(
            refused=no, conflicts=documents.conflicts(conflicts), suggestions=documents.slots(slots)
        )
        emit(document.plain())
    elif no:
        tell_refused(conflicts, slots, zone)
    else:
        tell_conflicts(conflicts, zone)
        click.echo(f"ok: {', '.join(request.circuits)} {show_interval(request.interval, zone)} can be booked")
    return REFUSED if no else 0


@window.command()
@_what
@click.option("--title", required=True, help="What is done.")
@click.option("--change-id", metavar="ID", help="Your change's reference.")
@click.option("--rollback", metavar="TEXT", help="How it is taken back; needed for OUTAGE and DEGRADED.")
def book(title: str, **given: Any) -> int:
    """Book a slot; refused (exit 3) with what it collides with and the next free slots."""
    from maintsched.services import booking

    with project() as found:
        request = _request(found, given, title)
        zone = zone_name(found)
        try:
            booked, warnings = booking.book(found, request)
        except booking.BookingRefused as refusal:
            return refused(refusal, zone, as_json=given["as_json"])
        now = found.now()
    if given["as_json"]:
        from maintsched.services.windowdocuments import window as document  # models that take a while to build
        from maintsched.store.windows import StoredWindow

        stored = StoredWindow(booked, "", now, now, 0)
        emit(document(stored, warnings).plain())
        return 0
    tell_conflicts(warnings, zone)
    click.echo(f"{click.style(booked.id, bold=True)} booked: {', '.join(booked.circuits)} {booked.impact}")
    click.echo(f"  {show_interval(booked.interval, zone)}  {booked.title}")
    return 0


@window.command()
@_what
@click.option("--count", type=click.IntRange(1, 50), default=3, show_default=True, help="At most so many.")
def suggest(count: int, **given: Any) -> None:
    """The next free slots of this length, from --start on."""
    from maintsched.services import booking

    with project() as found:
        slots = booking.suggest(found, _request(found, given), count=count)
        zone = zone_name(found)
    if given["as_json"]:
        from maintsched.services import documents  # models that take a while to build

        emit(documents.Suggestions(suggestions=documents.slots(slots)).plain())
        return
    for slot in slots:
        click.echo(show_interval(slot, zone))
    if not slots:
        say("no free slot in the next 90 days")
