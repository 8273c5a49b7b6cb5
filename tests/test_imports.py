"""What a booking loads: nothing that reads calendars, talks to routers or migrates, so that it answers at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.driving import Desk, at, desk, empty_desk, made_once, read_once, typed

__all__ = ["desk", "empty_desk", "made_once", "read_once"]

HEAVY = ("alembic", "icalendar", "paramiko", "netmiko", "httpx2", "starlette", "apprise", "imapclient", "bs4", "jinja2")
# Runs the command line, and tells at the very end what was imported.
RUNNER = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr))
from maintsched.cli import main
main()
"""


def loaded(desk: Desk, *words: str, code: int = 0) -> set[str]:
    """The top-level modules that `maintsched WORDS` has imported when it ends."""
    call = [sys.executable, "-c", RUNNER, "--config", str(desk.config), "--by", "alice", *words]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done
    return set(json.loads(done.stderr.splitlines()[-1]))


def slot(hour: float) -> tuple[str, ...]:
    return ("--circuit", "uk-ld7", "--start", typed(at(hour)), "--duration", "1h")


def test_the_list_tells_what_is_heavy(desk: Desk) -> None:
    """An import does load some of it: otherwise what follows would say nothing."""
    assert {"icalendar", "sqlmodel"} <= loaded(desk, "calendar", "import")


BOOKING = [
    ("check", (), 0),
    ("suggest", (), 0),
    ("book", ("--title", "line card", "--rollback", "put the old one back"), 0),
    ("book", ("--title", "line card", "--rollback", "put the old one back", "--json"), 0),
]


@pytest.mark.parametrize(("verb", "more", "code"), BOOKING, ids=[" ".join((v, *m[4:])) for v, m, _ in BOOKING])
def test_a_booking_loads_nothing_heavy(desk: Desk, verb: str, more: tuple[str, ...], code: int) -> None:
    found = loaded(desk, "window", verb, *slot(2), *more, code=code)
    assert "sqlmodel" in found
    assert found.isdisjoint(HEAVY)


def test_a_refusal_loads_nothing_heavy_either(desk: Desk) -> None:
    assert desk.book("uk-ld7", at(2)).code == 0
    more = ("--title", "line card", "--rollback", "put the old one back")
    assert loaded(desk, "window", "book", *slot(2), *more, code=3).isdisjoint(HEAVY)
