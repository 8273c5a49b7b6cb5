"""A drill's progress on stderr: one line per event, with the time since the start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click
from rich.console import Console
from rich.status import Status

from maintsched.domain.drill import Plan, TimelineEntry

_QUIET = {("recovery", "planned"), ("window", "booked")}
_WIDTH = 150
_COLOURS = {
    "failed": "red",
    "closed": "red",
    "armed": "yellow",
    "sent": "yellow",
    "done": "green",
    "cancelled": "green",
}


@contextmanager
def observer(plan: Plan) -> Iterator[Callable[[TimelineEntry], None]]:
    """Prints each event; on a terminal, with a spinner that shows what is being waited for."""
    began = time.monotonic()
    console = Console(stderr=True)
    live = Status(f"{plan.drill}: opening", console=console) if sys.stderr.isatty() else None

    def observe(entry: TimelineEntry) -> None:
        if (entry.step, entry.state) in _QUIET:
            return
        detail = entry.detail.splitlines()[0] if entry.detail else ""
        detail = detail if len(detail) <= _WIDTH else detail[: _WIDTH - 1] + "…"
        colour = _COLOURS.get(entry.state)
        state = click.style(entry.state, fg=colour) if colour else entry.state
        line = f"{time.monotonic() - began:6.1f} s  {entry.step} {state}" + (f"  {detail}" if detail else "")
        if live is not None:
            live.update(f"{plan.drill}: {entry.step} {entry.state}")
        click.echo(line, err=True)

    if live is None:
        yield observe
        return
    # A terminal that is gone by the end is no reason to lose what the run came to.
    with suppress(OSError), live:
        yield observe
