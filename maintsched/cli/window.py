"""`window check|book|suggest|list|show|cancel`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maintsched.cli.common import (
    emit,
    json_option,
    project,
    read_duration,
    read_moment,
    say,
    show_interval,
    table,
    warn,
    zone_name,
)
from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact

if TYPE_CHECKING:
    from maintsched.domain.conflict import Conflict
    from maintsched.services.booking import Request
    from maintsched.services.project import Project

F = TypeVar("F", bound=Callable[..., Any])
REFUSED = 3


@click.group()
def window() -> None:
    """Book our own work where it takes nothing down."""


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
    )


@window.command()
@_what
def check(**given: Any) -> int:
    """Would it be booked? Changes nothing."""
    from maintsched.services import booking, documents

    with project() as found:
        request = _request(found, given)
        conflicts, slots = booking.check(found, request)
        zone = zone_name(found)
    refused = any(conflict.blocks for conflict in conflicts)
    if given["as_json"]:
        document = documents.WindowCheck(
            refused=refused, conflicts=documents.conflicts(conflicts), suggestions=documents.slots(slots)
        )
        emit(document.plain())
    else:
        _tell(conflicts, slots, zone)
        if not refused:
            click.echo(f"ok: {', '.join(request.circuits)} {show_interval(request.interval, zone)} can be booked")
    return REFUSED if refused else 0


@window.command()
@_what
@click.option("--title", required=True, help="What is done.")
@click.option("--change-id", metavar="ID", help="Your change's reference.")
@click.option("--rollback", metavar="TEXT", help="How it is taken back.")
def book(title: str, **given: Any) -> int:
    """Book a slot; refused (exit 3) with what it collides with and the next free slots."""
    from maintsched.services import booking, documents
    from maintsched.store.windows import StoredWindow

    with project() as found:
        request = _request(found, given, title)
        zone = zone_name(found)
        try:
            booked, warnings = booking.book(found, request)
        except booking.BookingRefused as refusal:
            if given["as_json"]:
                document = documents.Refusal(
                    conflicts=documents.conflicts(refusal.conflicts), suggestions=documents.slots(refusal.suggestions)
                )
                emit(document.plain())
            else:
                _tell(refusal.conflicts, refusal.suggestions, zone)
            return REFUSED
        now = found.now()
    if given["as_json"]:
        stored = StoredWindow(booked, "", now, now, 0)
        emit(documents.window(stored, warnings).plain())
        return 0
    _tell(warnings, (), zone)
    click.echo(f"{click.style(booked.id, bold=True)} booked: {', '.join(booked.circuits)} {booked.impact}")
    click.echo(f"  {show_interval(booked.interval, zone)}  {booked.title}")
    return 0


@window.command()
@_what
@click.option("--count", type=click.IntRange(1, 50), default=3, show_default=True, help="At most so many.")
def suggest(count: int, **given: Any) -> None:
    """The next free slots of this length, from --start on."""
    from maintsched.services import booking, documents

    with project() as found:
        slots = booking.suggest(found, _request(found, given), count=count)
        zone = zone_name(found)
    if given["as_json"]:
        emit(documents.Suggestions(suggestions=documents.slots(slots)).plain())
        return
    for slot in slots:
        click.echo(show_interval(slot, zone))
    if not slots:
        say("no free slot in the next 90 days")


def _tell(conflicts: Iterable[Conflict], slots: Iterable[Interval], zone: str) -> None:
    conflicts, slots = list(conflicts), list(slots)
    if any(conflict.blocks for conflict in conflicts):
        click.echo(click.style("REFUSED", fg="red", bold=True))
    for conflict in conflicts:
        word = click.style(conflict.rule, fg="red" if conflict.blocks else "yellow")
        click.echo(f"  {word}{'' if conflict.blocks else ' (warning)'}: {conflict.message}")
        for each in conflict.with_:
            when = f" {show_interval(each.interval, zone)}" if each.interval else ""
            reference = f" {each.reference}" if each.reference else ""
            click.echo(f"    with {each.id}{reference} {', '.join(each.circuits)}{when}  {each.title}")
    if slots:
        click.echo("next free slots:")
        for slot in slots:
            click.echo(f"  {show_interval(slot, zone)}")
    elif any(conflict.blocks for conflict in conflicts):
        click.echo("no free slot of this length in the next 90 days")


@window.command(name="list")
@click.option("--from", "from_", metavar="T", help="Only what ends after T (default: now).")
@click.option("--to", metavar="T", help="Only what starts before T.")
@click.option("--circuit", metavar="C", help="Only on this circuit, by name or alias.")
@click.option("--state", metavar="S", help="Only in this state: requested, needs_review, cancelled …")
@click.option("--all", "everything", is_flag=True, help="Also what is over or cancelled.")
@json_option
def list_(
    from_: str | None, to: str | None, circuit: str | None, state: str | None, everything: bool, as_json: bool
) -> None:
    """Booked windows and drills, by start."""
    from maintsched.services import documents
    from maintsched.services.windowing import listed_windows

    with project() as found:
        after = read_moment(from_, found, as_json=as_json) if from_ else None
        before = read_moment(to, found, as_json=as_json) if to else None
        rows, stale = listed_windows(
            found, after=after, before=before, circuit=circuit, state=state, everything=everything
        )
        zone, now = zone_name(found), found.now()
    if as_json:
        emit(documents.listing(now, stale, windows=[documents.window(row) for row in rows]))
        return
    if stale:
        warn(f"calendar sources that are not up to date: {', '.join(stale)}")
    table(
        ["id", "when", "impact", "state", "circuits", "by", "title"],
        [
            [
                row.window.id,
                show_interval(row.window.interval, zone),
                row.window.impact.value,
                row.window.state.value,
                ", ".join(row.window.circuits),
                row.window.requester,
                row.window.title,
            ]
            for row in rows
        ],
    )
    if not rows:
        say("no window")


@window.command(name="show")
@click.argument("window_id", metavar="ID")
@json_option
def show_(window_id: str, as_json: bool) -> None:
    """One window, judged as things stand now."""
    from maintsched.services import documents
    from maintsched.services.windowing import judged_window

    with project() as found:
        row, conflicts = judged_window(found, window_id)
        zone = zone_name(found)
    if as_json:
        emit(documents.window(row, conflicts).plain())
        return
    w = row.window
    click.echo(f"{click.style(w.id, bold=True)} {w.state}: {w.title}")
    click.echo(f"  {', '.join(w.circuits)} {w.impact}  {show_interval(w.interval, zone)}")
    click.echo(f"  by {w.requester}" + (f", change {w.change_id}" if w.change_id else ""))
    if w.rollback:
        click.echo(f"  rollback: {w.rollback}")
    _tell(conflicts, (), zone)


@window.command()
@click.argument("window_id", metavar="ID")
@click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit trail.")
@json_option
def cancel(window_id: str, note: str, as_json: bool) -> None:
    """Give a slot back."""
    from maintsched.services import booking, documents

    with project() as found:
        row = booking.cancel(found, window_id, note)
    if as_json:
        emit(documents.window(row).plain())
    else:
        click.echo(f"{row.window.id} is cancelled; the slot is free")
