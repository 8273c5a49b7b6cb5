"""The coming days of each group as lines that fit the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import show, show_interval, table
from maintsched.domain.interval import Interval

if TYPE_CHECKING:
    from maintsched.domain.inventory import Inventory
    from maintsched.services.timeline import Row

_UNBOUND = 10_000  # a pipe: one line each, for grep


def width() -> int:
    """Columns of the terminal ($COLUMNS, where it is set); as good as endless where there is none."""
    return shutil.get_terminal_size((_UNBOUND, 24)).columns if _is_seen() else _UNBOUND


def _is_seen() -> bool:
    import os

    return sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()


def flow(parts: Sequence[str], indent: str = "  ", hanging: str = "      ", columns: int | None = None) -> str:
    """The parts side by side, two blanks between them; what does not fit begins a line of its own, further in."""
    limit = max(columns or width(), 40)
    lines = [indent]
    for part in filter(None, parts):
        empty = not lines[-1].strip()
        if not empty and len(click.unstyle(lines[-1])) + 2 + len(click.unstyle(part)) > limit:
            lines.append(hanging)
            empty = True
        lines[-1] += part if empty else f"  {part}"
    wrapped = [_wrapped(line, limit, hanging) for line in lines]
    return "\n".join(wrapped)


def _wrapped(line: str, limit: int, hanging: str) -> str:
    """Colour codes count for nothing; a line that has some is short, and stays."""
    if len(click.unstyle(line)) <= limit or "\x1b" in line:
        return line
    start = line[: len(line) - len(line.lstrip())]
    deeper = hanging if len(hanging) > len(start) else f"{start}  "
    return "\n".join(
        textwrap.wrap(
            line.strip(), limit, initial_indent=start, subsequent_indent=deeper, break_on_hyphens=False,
            break_long_words=False,
        )
    )  # fmt: skip


def times(interval: Interval, zones: Iterable[str], now: datetime | None = None) -> tuple[str, ...]:
    """`2026-12-09 01:00Z – 05:00Z` (or `until 05:00Z` for what runs), then the local times of each zone in brackets."""
    parts = [show_interval(interval)]
    if now is not None and interval.start <= now:
        parts = [f"until {interval.end:%H:%MZ}" if interval.end.date() == now.date() else f"until {show(interval.end)}"]
    for zone in dict.fromkeys(zones):
        if zone != "UTC":
            parts.append(show_interval(interval, zone).partition("  ")[2])
    return tuple(parts)


def zones_of(inventory: Inventory, circuits: Iterable[str]) -> tuple[str, ...]:
    """The zones of the sites that these circuits are at."""
    sites = [inventory.circuits[name].site for name in circuits if name in inventory.circuits]
    return tuple(dict.fromkeys(inventory.sites[site].timezone for site in sites if site in inventory.sites))


def print_timeline(rows: Sequence[Row], inventory: Inventory, span: Interval, now: datetime) -> None:
    """What is left of every group during the span, with what takes the rest; times in UTC and the sites' zones."""
    click.echo(click.style(f"left of each group, {_said(span, now)}:", bold=True))
    for group in inventory.groups.values():
        own = [row for row in rows if row.group == group.name]
        size = len(group.circuits)
        if not own:
            click.echo(flow([group.name, f"{size} of {size} all the time"]))
            continue
        for row in own:
            zones = zones_of(inventory, group.circuits)
            because = ", ".join(f"{each.id} {'+'.join(each.circuits)} {each.impact}" for each in row.because)
            click.echo(flow([group.name, left_of(row), *times(row.interval, zones, now), f"because of {because}"]))


def _said(span: Interval, now: datetime) -> str:
    start, end = (moment.replace(second=0, microsecond=0) for moment in (span.start, span.end))
    if span.start > now:
        return f"{show(start)} to {show(end)}"
    length = span.duration.total_seconds()
    days = f"{round(length / 86400)} days" if length >= 2 * 86400 else f"{round(length / 3600)} h"
    return f"the next {days} (until {show(end)})"


def fitting_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table where the terminal is wide enough for it; else each row as lines of its own, without the headings."""
    wide = sum(max(len(row[i]) for row in (headings, *rows)) + 2 for i in range(len(headings))) - 2
    if wide <= width():
        table(headings, rows)
        return
    for row in rows:
        click.echo(flow(row, "", "    "))


def left_of(row: Row) -> str:
    """`1 of 2`; with what is needed where that is more."""
    text = f"{row.left} of {row.size}"
    if row.short:
        return click.style(f"{text}, {row.min_up} needed", fg="red", bold=True)
    return click.style(text, fg="yellow")
