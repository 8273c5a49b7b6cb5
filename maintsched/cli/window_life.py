"""`window approve|reject|ack|move|start|finish|cancel`: from the request to the end of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maintsched.cli.common import emit, json_option, project, read_duration, read_moment, show, show_interval, zone_name
from maintsched.cli.refusing import refused, tell_conflicts
from maintsched.domain.interval import Interval

if TYPE_CHECKING:
    from datetime import datetime

    from maintsched.domain.conflict import Conflict
    from maintsched.services.project import Project
    from maintsched.store.windows import StoredWindow

F = TypeVar("F", bound=Callable[..., Any])
Done = tuple["StoredWindow", "tuple[Conflict, ...]"]

_id = click.argument("window_id", metavar="ID")
_note = click.option("--note", default="", metavar="TEXT", help="Kept in the audit trail.")


def _signing(command: F) -> F:
    options = [
        click.option("--reason", default="", metavar="TEXT", help="Kept in the audit trail."),
        click.option("--signature", type=click.Path(dir_okay=False, path_type=Path), help="SSH signature over it."),
        click.option("--to-sign", is_flag=True, help="Print what the signature is over, and do nothing else."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _do(act: Callable[[Project], Done], as_json: bool, say_done: Callable[[StoredWindow, str], str]) -> int:
    """Do it, and tell the window as it is then; or what it collides with."""
    from maintsched.services.booking import BookingRefused
    from maintsched.services.windowdocuments import window as document

    with project() as found:
        zone = zone_name(found)
        try:
            row, warnings = act(found)
        except BookingRefused as refusal:
            return refused(refusal, zone, as_json=as_json)
    if as_json:
        emit(document(row, warnings).plain())
        return 0
    tell_conflicts(warnings, zone)
    click.echo(say_done(row, zone))
    return 0


def _print_statement(text: str, window_id: str, as_json: bool) -> int:
    if as_json:
        emit({"window": window_id, "statement": text})
    else:
        click.echo(text, nl=False)
    return 0


def _alone(row: StoredWindow, warnings: Iterable[Conflict] = ()) -> Done:
    return row, tuple(warnings)


@click.command()
@_id
@_signing
@json_option
def approve(window_id: str, reason: str, signature: Path | None, to_sign: bool, as_json: bool) -> int:
    """Approve a window as it stands; refused (exit 3) where something blocks it now.

    Who approves must be somebody else than who asked for it: another name and another login, or signed with an SSH key:
    `window approve ID --to-sign | ssh-keygen -Y sign -n maintsched -f KEY > FILE`. An emergency may get its approval
    while it runs, or afterwards.
    """
    from maintsched.domain.life import Action
    from maintsched.services import approving

    if to_sign:
        with project() as found:
            return _print_statement(approving.to_sign(found, window_id, Action.APPROVE), window_id, as_json)

    def done(row: StoredWindow, _: str) -> str:
        by = ", ".join(given.by for given in row.window.approvals)
        return f"{row.window.id} is {row.window.state.words}; approved by {by}"

    return _do(lambda found: approving.approve(found, window_id, reason=reason, signature=signature), as_json, done)


@click.command()
@_id
@_signing
@json_option
def reject(window_id: str, reason: str, signature: Path | None, to_sign: bool, as_json: bool) -> int:
    """Say no to a window, with the reason; its slot is free."""
    from maintsched.domain.life import Action
    from maintsched.services import approving

    if to_sign:
        with project() as found:
            return _print_statement(approving.to_sign(found, window_id, Action.REJECT), window_id, as_json)
    return _do(
        lambda found: _alone(approving.reject(found, window_id, reason=reason, signature=signature)),
        as_json,
        lambda row, _: f"{row.window.id} is rejected; the slot is free",
    )


@click.command()
@_id
@click.option("--ref", "reference", required=True, metavar="REF", help="The partner's own reference.")
@json_option
def ack(window_id: str, reference: str, as_json: bool) -> int:
    """Keep the partner's acknowledgement: work that takes circuits of theirs does not start without it."""
    from maintsched.services import working

    return _do(
        lambda found: _alone(working.acknowledge(found, window_id, reference)),
        as_json,
        lambda row, _: f"{row.window.id} is {row.window.state.words}; the partner calls it {row.window.partner_ref}",
    )


@click.command()
@_id
@click.option("--start", required=True, metavar="T", help="ISO 8601 with zone, now, or +2h.")
@click.option("--end", metavar="T", help="End; without --end and --duration it lasts as long as before.")
@click.option("--duration", metavar="D", help="90m, 2h …")
@json_option
def move(window_id: str, start: str, end: str | None, duration: str | None, as_json: bool) -> int:
    """Take another slot instead, at once or not at all; it is approved and acknowledged anew."""
    from maintsched.services import working

    if end is not None and duration is not None:
        raise click.UsageError("give either --end or --duration")

    def act(found: Project) -> Done:
        begin = read_moment(start, found, as_json=as_json)
        until = _until(found, window_id, begin, end, duration, as_json=as_json)
        if until <= begin:
            raise click.UsageError(f"it would end at {show(until)}, not after its start {show(begin)}")
        return working.move(found, window_id, Interval(begin, until))

    def done(row: StoredWindow, zone: str) -> str:
        return f"{row.window.id} is moved to {show_interval(row.window.interval, zone)}; it needs its approval again"

    return _do(act, as_json, done)


def _until(
    found: Project, window_id: str, begin: datetime, end: str | None, duration: str | None, *, as_json: bool
) -> datetime:
    from maintsched.services import working

    if end is not None:
        return read_moment(end, found, as_json=as_json, relative_to=begin)
    return begin + (read_duration(duration) if duration else working.slot_of(found, window_id).duration)


@click.command()
@_id
@_note
@json_option
def start(window_id: str, note: str, as_json: bool) -> int:
    """Begin the work: judged once more; refused (exit 3) unless approved, acknowledged and in its time."""
    from maintsched.services import working

    return _do(
        lambda found: working.start(found, window_id, note),
        as_json,
        lambda row, zone: f"{row.window.id} is in progress: {show_interval(row.window.interval, zone)}",
    )


@click.command()
@_id
@_note
@json_option
def finish(window_id: str, note: str, as_json: bool) -> int:
    """The work is done; the rest of its slot is free."""
    from maintsched.services import working

    return _do(
        lambda found: _alone(working.finish(found, window_id, note)),
        as_json,
        lambda row, _: f"{row.window.id} is completed at {show(row.window.interval.end)}",
    )


@click.command()
@_id
@click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit trail.")
@json_option
def cancel(window_id: str, note: str, as_json: bool) -> int:
    """Give a slot back."""
    from maintsched.services import working

    return _do(
        lambda found: _alone(working.cancel(found, window_id, note)),
        as_json,
        lambda row, _: f"{row.window.id} is cancelled; the slot is free",
    )


LIFE = (approve, reject, ack, move, start, finish, cancel)
