"""How a verdict of the evaluator is printed: what collides, the next free slots, and a refusal's exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import emit, say, show_interval

if TYPE_CHECKING:
    from maintsched.domain.conflict import Conflict
    from maintsched.domain.interval import Interval
    from maintsched.services.booking import BookingRefused

REFUSED = 3


def tell_conflicts(conflicts: Iterable[Conflict], zone: str) -> None:
    for conflict in conflicts:
        word = click.style(conflict.rule, fg="red" if conflict.blocks else "yellow")
        click.echo(f"  {word}{'' if conflict.blocks else ' (warning)'}: {conflict.message}")
        for each in conflict.with_:
            when = f" {show_interval(each.interval, zone)}" if each.interval else ""
            reference = f" {each.reference}" if each.reference else ""
            click.echo(f"    with {each.id}{reference} {', '.join(each.circuits)}{when}  {each.title}")


def tell_refused(conflicts: Iterable[Conflict], slots: Iterable[Interval], zone: str) -> None:
    """What collides, and when it would be fine."""
    conflicts = list(conflicts)
    click.echo(click.style("REFUSED", fg="red", bold=True))
    tell_conflicts(conflicts, zone)
    slots = list(slots)
    stands = [each.rule for each in conflicts if each.blocks and each.rule in ("STALE", "REVIEW", "HORIZON", "LENGTH")]
    none = f"no slot is free as long as that stands ({', '.join(dict.fromkeys(stands))})"
    click.echo("next free slots:" if slots else none if stands else "no free slot of this length in the next 90 days")
    for slot in slots:
        click.echo(f"  {show_interval(slot, zone)}")


def refused(refusal: BookingRefused, zone: str, *, as_json: bool) -> int:
    """Print a refusal; returns its exit code."""
    from maintsched.services import documents

    if as_json:
        document = documents.Refusal(
            conflicts=documents.conflicts(refusal.conflicts), suggestions=documents.slots(refusal.suggestions)
        )
        emit(document.plain())
        return REFUSED
    tell_refused(refusal.conflicts, refusal.suggestions, zone)
    say(f"{refusal.message}; {refusal.hint}")
    return REFUSED
