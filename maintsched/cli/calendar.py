"""`calendar import|sources|list|show|review`."""

from __future__ import annotations

import sys
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
    table,
    warn,
    zone_name,
)
from maintsched.cli.told import add, cancel, resolve, update

if TYPE_CHECKING:
    from maintsched.services.reporting import Imported
    from maintsched.store.notices import StoredNotice


@click.group()
def calendar() -> None:
    """Import providers' maintenance; settle what needs a person."""


for _command in (add, update, cancel, resolve):
    calendar.add_command(_command)


@calendar.command(name="import")
@click.option("--source", metavar="NAME", help="Only this source of the config.")
@click.option("--dry-run", is_flag=True, help="Show the changes, keep nothing.")
@click.argument("paths", nargs=-1)
@json_option
def import_(source: str | None, dry_run: bool, paths: tuple[str, ...], as_json: bool) -> int:
    """Import now: every configured source, or PATHs that you vouch for."""
    from maintsched.services import documents
    from maintsched.services.breaking import told
    from maintsched.services.intake import import_sources

    with project() as found:
        results, broken = import_sources(found, only=source, paths=paths, dry_run=dry_run)
    failed = any(result.state != "ok" for result in results)
    if as_json:
        emit(documents.imported(results, broken).plain())
        return 5 if failed else 0
    for result in results:
        _tell_import(result)
    for line in told(broken, [change for result in results for change in result.changes]):
        click.echo(click.style(line, fg="red"))
    if dry_run:
        say("dry run: nothing was kept")
    elif any(result.needs_review for result in results):
        say("what needs a person blocks bookings until it is settled: `maintsched calendar review`")
    return 5 if failed else 0


def shortened(text: str, length: int) -> str:
    """At most so long; the end is what tells an ARN from another."""
    return text if len(text) <= length else f"…{text[-length + 1 :]}"


def _tell_import(result: Imported) -> None:
    if result.state != "ok":
        warn(f"source {result.name} is unavailable: {result.error}" + (f"; {result.hint}" if result.hint else ""))
        return
    counts = [f"{len(result.created)} new", f"{len(result.updated)} changed", f"{result.unchanged} unchanged"]
    counts += [f"{result.not_ours} not ours"] if result.not_ours else []
    strangers = ", ".join(list(dict.fromkeys(result.strangers))[:3])
    counts += [f"{result.foreign} from unknown senders ({strangers})"] if result.foreign else []
    counts += [f"{len(result.needs_review)} need a person"] if result.needs_review else []
    click.echo(f"{click.style(result.name, bold=True)}: {result.notices} notices: {', '.join(counts)}")
    if result.note:
        click.echo(f"  {result.note}")
    for change in result.changes:
        click.echo(f"  {change}")
    if result.unknown:
        names = list(dict.fromkeys(result.unknown))
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        click.echo(f"  not ours, as the inventory does not name it: {', '.join(names[:8])}{more}")
    for notice, reason in result.needs_review:
        click.echo(f"  {click.style(notice, fg='yellow')} needs a person: {reason}")


@calendar.command()
@click.option("--confirm", metavar="NAME", help="You looked: there is nothing new at this source.")
@json_option
def sources(confirm: str | None, as_json: bool) -> None:
    """Each source: state, last good fetch, last content."""
    from maintsched.services import answers
    from maintsched.services.reviewing import confirm_source, source_rows

    with project() as found:
        if confirm is not None:
            confirm_source(found, confirm)
        rows = source_rows(found)
        now = found.now()
    if as_json:
        emit(answers.source_list(now, rows).plain())
        return
    if confirm is not None:
        say(f"{confirm}: kept that you looked; after a feed that was suddenly empty, `calendar import` believes it now")
    table(
        ["source", "kind", "state", "last fetch", "last content", "known until", "taken", "review", "not ours", "why"],
        [
            [
                row.name,
                row.kind,
                row.state,
                show(row.last_fetch) if row.last_fetch else "never",
                show(row.last_content) if row.last_content else "never",
                f"{row.known_until:%Y-%m-%d}" if row.known_until else "",
                *(str(row.counts.get(state, 0)) for state in ("taken", "review", "not_ours")),
                row.reason,
            ]
            for row in rows
        ],
    )


@calendar.command(name="list")
@click.option("--from", "from_", metavar="T", help="Only what ends after T (default: now).")
@click.option("--to", metavar="T", help="Only what begins before T.")
@click.option("--circuit", metavar="C", help="Only what hits this circuit.")
@click.option("--source", metavar="NAME", help="Only of this source.")
@click.option("--all", "everything", is_flag=True, help="Also what is over, cancelled or completed.")
@json_option
def list_(
    from_: str | None,
    to: str | None,
    circuit: str | None,
    source: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Maintenances, by start."""
    from maintsched.services import documents
    from maintsched.services.reviewing import Wanted, listed_maintenances

    with project() as found:
        after = read_moment(from_, found, as_json=as_json) if from_ else None if everything else found.now()
        before = read_moment(to, found, as_json=as_json, relative_to=after) if to else None
        rows, stale = listed_maintenances(found, Wanted(after, before, circuit, source, everything))
        zone, now = zone_name(found), found.now()
        services = {source.name for source in found.inventory.sources.values() if source.affects == "service"}
    if as_json:
        emit(documents.listing(now, stale, maintenances=[documents.maintenance(row) for row in rows]))
        return
    if stale:
        warn(f"calendar sources that are not up to date: {', '.join(stale)}")
    table(
        ["id", "when", "impact", "status", "circuits", "reference", "title"],
        [
            [
                f"M-{row.id}",
                show_interval(row.maintenance.interval, zone) if row.maintenance.interval else "unknown",
                row.maintenance.impact.value,
                row.maintenance.status.value,
                ", ".join(hit.circuit for hit in row.circuits)
                or ("platform" if row.source in services else "none of ours"),
                shortened(row.reference, 40),
                ("(not in its source any more) " if row.vanished_at else "") + row.maintenance.title[:60],
            ]
            for row in rows
        ],
    )
    if not rows:
        say("no maintenance")


@calendar.command(name="show")
@click.argument("maintenance")
@json_option
def show_(maintenance: str, as_json: bool) -> None:
    """One maintenance with every revision."""
    from maintsched.services import documents
    from maintsched.services.reviewing import one_maintenance

    with project() as found:
        row, revisions = one_maintenance(found, maintenance)
        zone = zone_name(found)
    if as_json:
        emit({**documents.maintenance(row).plain(), "history": [documents.notice(each).plain() for each in revisions]})
        return
    m = row.maintenance
    click.echo(f"{click.style(f'M-{row.id}', bold=True)} {row.reference}: {m.title}")
    click.echo(f"  {show_interval(m.interval, zone) if m.interval else 'time unknown'}  {m.impact}  {m.status}")
    for hit in row.circuits:
        click.echo(f"  hits {hit.circuit} ({hit.impact}, by {hit.how})")
    if row.vanished_at:
        click.echo(f"  not in {row.source} any more since {show(row.vanished_at)}, but nobody cancelled it")
    for reason in m.needs_review:
        click.echo(f"  needs review: {reason}")
    for each in revisions:
        _tell_revision(each, zone)


def _tell_revision(each: StoredNotice, zone: str) -> None:
    said = each.notice
    when = show_interval(said.interval, zone) if said and said.interval else "no time"
    what = f"{when}  {said.status or 'status unchanged'}  {said.impact}" if said else "could not be read"
    counts = "" if each.state in ("taken", "resolved") else f" ({each.state.replace('_', ' ')})"
    click.echo(f"  N-{each.id}{counts} {what}")
    why = each.reason if each.origin == "told" else "; ".join(filter(None, (each.reason, each.resolution)))
    click.echo(f"    received {show(each.received_at)} from {each.origin} sha256 {each.raw_sha256[:12]}")
    if why:
        click.echo(f"    {why}")


def _print_raw(data: bytes) -> None:
    """To the byte into a pipe; on a terminal, what would steer it is shown as escapes."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(data)
        return
    for line in data.decode("utf-8", "backslashreplace").splitlines():
        click.echo("".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line))


def _list_not_ours(as_json: bool) -> None:
    from maintsched.services import documents
    from maintsched.services.reviewing import named_nothing_of_ours

    with project() as found:
        rows, stale = named_nothing_of_ours(found)
        now = found.now()
    if as_json:
        emit(documents.listing(now, stale, notices=[documents.notice(row) for row in rows]))
        return
    table(
        ["id", "received", "source", "why", "title"],
        [[f"N-{row.id}", show(row.received_at), row.source, row.reason[:60], row.title[:60]] for row in rows],
    )
    if not rows:
        say("no such notice")


@calendar.command()
@click.option("--raw", metavar="NOTICE", help="Print this notice as it was received.")
@click.option("--not-ours", is_flag=True, help="Those that name nothing of ours, or are of unknown senders.")
@json_option
def review(raw: str | None, not_ours: bool, as_json: bool) -> None:
    """Notices that need a person; they block until settled."""
    from maintsched.services import documents
    from maintsched.services.reviewing import raw_notice, waiting

    if not_ours:
        _list_not_ours(as_json)
        return
    with project() as found:
        if raw is not None:
            _print_raw(raw_notice(found, raw))
            return
        rows, stale = waiting(found)
        now = found.now()
    if as_json:
        emit(documents.listing(now, stale, notices=[documents.notice(row) for row in rows]))
        return
    for row in rows:
        where = ", ".join(row.concerns) or "anything"
        click.echo(f"{click.style(f'N-{row.id}', bold=True)} {row.source}: {row.title}")
        click.echo(
            f"  {row.reason}; may concern {where}" + (f"; {show_interval(row.interval)}" if row.interval else "")
        )
    if not rows:
        say("nothing waits")
    else:
        say(
            "raw text: calendar review --raw N-…; settle: calendar resolve N-… (--ignore | --circuit C …) --reason TEXT"
        )
