"""What every command shares: who acts, the open project, times, durations, and printing."""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maintsched.domain.actor import Actor
from maintsched.domain.interval import Interval, iso
from maintsched.errors import InvalidInput

if TYPE_CHECKING:
    from maintsched.services.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def say(text: str) -> None:
    """Everything that is not the result goes to stderr."""
    click.echo(text, err=True)


def emit(document: dict[str, Any]) -> None:
    """The one JSON document of a command."""
    click.echo(json.dumps(document, ensure_ascii=False))


def login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid{os.getuid()}"


def actor() -> Actor:
    given = _root()["by"] or os.environ.get("MAINTSCHED_USER")
    login = login_name()
    name = (given or login).strip()
    if not name or not name.isprintable() or len(name) > 100:
        raise InvalidInput(f"--by {given!r} is no name", "give a name of at most 100 printable characters")
    return Actor(name, login)


def _root() -> dict[str, Any]:
    found: dict[str, Any] = click.get_current_context().find_root().obj
    return found


def config_path() -> Path:
    from maintsched.services.project import find_config

    return find_config(_root()["config"], os.environ.get("MAINTSCHED_CONFIG"))


@contextlib.contextmanager
def project(*, quiet: bool = False) -> Iterator[Project]:
    """The open project. What a dead drill left is said first, whatever the command (not with `quiet`)."""
    from maintsched.services.dead import dead_runs, describe_dead
    from maintsched.services.project import opened

    with opened(config_path(), actor(), say) as found:
        for run in () if quiet else dead_runs(found):
            warn(f"{describe_dead(run)}; `maintsched drill recover` restores, verifies and closes it")
        yield found


def warn(text: str) -> None:
    say(f"{click.style('warning', fg='yellow', bold=True)}: {text}")


def set_up_logging() -> None:
    """Logs on stderr, redacted at the root; JSON lines with MAINTSCHED_LOG=json."""
    from maintsched.state import RedactingFilter

    verbose = _root()["verbose"]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    if os.environ.get("MAINTSCHED_LOG") == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel({0: logging.ERROR, 1: logging.INFO}.get(verbose, logging.DEBUG))
    logging.getLogger("paramiko").setLevel(logging.WARNING if verbose < 2 else logging.INFO)
    for name in ("httpx", "httpx2", "httpcore", "httpcore2"):  # they log addresses, and a path may be a secret
        logging.getLogger(name).setLevel(logging.WARNING)
    if verbose == 0:
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        document = {"at": self.formatTime(record), "level": record.levelname, "logger": record.name}
        document["message"] = record.getMessage()
        if record.exc_text:
            document["traceback"] = record.exc_text
        return json.dumps(document, ensure_ascii=False)


def zone_name(found: Project) -> str:
    """Of `--tz`, `$MAINTSCHED_TZ` or the config. Raises InvalidInput where there is no such zone."""
    from maintsched.cli.times import parse_zone

    return parse_zone(str(_root()["tz"] or os.environ.get("MAINTSCHED_TZ") or found.inventory.timezone)).key


def read_moment(text: str, found: Project, *, as_json: bool = False, relative_to: datetime | None = None) -> datetime:
    """A time as a person types it; a local one only on a terminal, or with --tz. Raises InvalidInput."""
    from maintsched.cli.times import parse_moment

    explicit = _root()["tz"] is not None
    local_allowed = explicit or (sys.stdin.isatty() and not as_json)
    moment, echoed = parse_moment(text, zone_name(found), found.now(), local_allowed=local_allowed, base=relative_to)
    if echoed:
        say(f"{text} is {echoed}")
    return moment


def read_duration(text: str) -> timedelta:
    from maintsched.cli.times import parse_duration

    return parse_duration(text)


def show_interval(interval: Interval, zone: str | None = None) -> str:
    """`2026-12-09 01:00Z – 05:00Z`, with the local times beside where a zone is given."""
    text = f"{show(interval.start)} – {_end(interval.start, interval.end)}"
    if zone is None or zone == "UTC":
        return text
    from zoneinfo import ZoneInfo

    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (interval.start, interval.end))
    return (
        f"{text}  ({start:%a %d %b %H:%M} – {end:%H:%M %Z})"
        if start.date() == end.date()
        else (f"{text}  ({start:%a %d %b %H:%M} – {end:%a %d %b %H:%M %Z})")
    )


def show(moment: datetime) -> str:
    if moment.second or moment.microsecond:
        return iso(moment.replace(microsecond=0)).replace("T", " ")
    return f"{moment:%Y-%m-%d %H:%MZ}"


def _end(start: datetime, end: datetime) -> str:
    return f"{end:%H:%MZ}" if start.date() == end.date() and not (end.second or end.microsecond) else show(end)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be; plain text, so that grep and cut work."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    for number, row in enumerate((headings, *rows)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)
