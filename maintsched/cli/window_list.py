"""`window list|show`: booked windows and drills, judged as things stand now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maintsched.cli.common import (
    emit,
    json_option,
    project,
    read_moment,
    say,
    show,
    show_interval,
    warn,
    zone_name,
)
from maintsched.cli.refusing import tell_conflicts
from maintsched.cli.timeline import fitting_table, print_timeline

if TYPE_CHECKING:
    from maintsched.services.windowing import Judged


@click.command(name="list")
@click.option("--from", "from_", metavar="T", help="Only what ends after T (default: now).")
@click.option("--to", metavar="T", help="Only what starts before T.")
@click.option("--circuit", "circuits", multiple=True, metavar="C", help="Only on this circuit, by name or alias.")
@click.option("--router", "routers", multiple=True, metavar="R", help="Only on circuits of this router.")
@click.option("--site", "sites", multiple=True, metavar="S", help="Only on circuits at this site.")
@click.option("--state", metavar="S", help="Only in this state: requested, needs_review, cancelled …")
@click.option("--all", "everything", is_flag=True, help="Also what is over or cancelled.")
@json_option
def list_(
    from_: str | None,
    to: str | None,
    circuits: tuple[str, ...],
    routers: tuple[str, ...],
    sites: tuple[str, ...],
    state: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Booked windows and drills, by start, with what each still waits for and what speaks against it now.

    Below them: what is left of each group in those days (the next 14, without --to), whoever takes the rest.
    """
    from maintsched.services import documents
    from maintsched.services.timeline import timeline
    from maintsched.services.windowdocuments import judged
    from maintsched.services.windowing import listed_windows

    with project() as found:
        after = read_moment(from_, found, as_json=as_json) if from_ else None
        before = read_moment(to, found, as_json=as_json) if to else None
        rows, stale = listed_windows(
            found, after=after, before=before, circuits=circuits, routers=routers, sites=sites,
            state=state, everything=everything,
        )  # fmt: skip
        days = timeline(found, after, before)
        zone, now = zone_name(found), found.now()
    if as_json:
        coming = [row.document() for row in days.rows]
        emit(documents.listing(now, stale, windows=[judged(row) for row in rows], timeline=coming))
        return
    if stale:
        warn(f"calendar sources that are not up to date: {', '.join(stale)}")
    fitting_table(
        ["id", "when", "impact", "state", "circuits", "by", "title", "waits for, and against it"],
        [[*_columns(row, zone), _remarks(row)] for row in rows],
    )
    if not rows:
        say("no window")
    if state is None and not everything:
        print_timeline(days.rows, days.inventory, days.span, days.as_of)


def _columns(row: Judged, zone: str) -> list[str]:
    w = row.stored.window
    when, circuits = show_interval(w.interval, zone), ", ".join(w.circuits)
    return [w.id, when, w.impact.value, w.state.value, circuits, w.requester, w.title]


def _remarks(row: Judged) -> str:
    """In a few words; `window show` tells the whole."""
    said = [f"overrun since {show(row.overrun_since)}"] if row.overrun_since else []
    if row.retro is not None:
        word = "retro-approval overdue since" if row.retro.overdue else "retro-approval until"
        said.append(f"{word} {show(row.retro.until)}")
    if row.waits_for:
        said.append(row.waits_for)
    blocking = sorted({conflict.rule for conflict in row.conflicts if conflict.blocks})
    return "; ".join([*said, *blocking])


@click.command(name="show")
@click.argument("window_id", metavar="ID")
@json_option
def show_(window_id: str, as_json: bool) -> None:
    """One window, judged as things stand now."""
    from maintsched.services.windowdocuments import judged
    from maintsched.services.windowing import judged_window

    with project() as found:
        row = judged_window(found, window_id)
        zone = zone_name(found)
    if as_json:
        emit(judged(row).plain())
        return
    w = row.stored.window
    click.echo(f"{click.style(w.id, bold=True)} {w.state.words}: {w.title}")
    click.echo(f"  {', '.join(w.circuits)} {w.impact}  {show_interval(w.interval, zone)}")
    for line in (*_request(row), *_progress(row)):
        click.echo(f"  {line}")
    if row.settled:
        name = click.style("nothing speaks against it any more", fg="green")
        click.echo(f"  {name}: `maintsched window approve {w.id}` takes it out of review")
    tell_conflicts(row.conflicts, zone)


def _request(row: Judged) -> list[str]:
    w = row.stored.window
    asked = [name for name in ("emergency", "override", "accept_outage") if getattr(w, name)]
    lines = [f"by {w.requester}" + (f", change {w.change_id}" if w.change_id else "")]
    if row.stored.moved_by is not None:
        lines.append(f"moved by {row.stored.moved_by.name} at {show(row.stored.booked_at)}")
    if asked or w.reason:
        words = " and ".join(name.replace("_", " ") for name in asked) or "reason"
        lines.append(f"{words}: {w.reason}")
    if w.rollback:
        lines.append(f"rollback: {w.rollback}")
    return lines


def _progress(row: Judged) -> list[str]:
    w = row.stored.window
    lines = [
        f"approved by {given.by} ({'signed' if given.signed else f'as {given.login}'}) at {show(given.at)}"
        for given in w.approvals
    ]
    if w.partner_ref:
        lines.append(f"acknowledged by the partner: {w.partner_ref}")
    if row.overrun_since:
        lines.append(click.style(f"overrun since {show(row.overrun_since)}: it goes on holding its slot", fg="red"))
    if row.retro is not None:
        lines.append(click.style(row.retro.text, fg="red" if row.retro.overdue else "yellow"))
    if row.waits_for:
        lines.append(f"waits for {row.waits_for}")
    return lines
