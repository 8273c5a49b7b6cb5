"""The program as the shell sees it: start-up, closed pipes, signals, a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.driving import Desk

pytestmark = pytest.mark.slow  # each case is a process of its own

PROGRAM = [sys.executable, "-m", "maintsched"]
HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "icalendar", "paramiko", "yaml", "alembic", "httpx2", "jinja2", "rich",
         "bs4", "recurring_ical_events", "cryptography")  # fmt: skip


def environment(desk: Desk, **more: str) -> dict[str, str]:
    return {**os.environ, "MAINTSCHED_CONFIG": str(desk.config), **more}


@pytest.mark.parametrize("words", ["--help", "--version", "window book --help", "drill run --help", "lab up --help"])
def test_help_and_version_import_nothing_heavy(words: str) -> None:
    code = (
        "import sys; from maintsched.cli import cli\n"
        f"cli.main(args={words.split()!r}, standalone_mode=False)\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("words", ["inventory schema", "inventory show", "feed export"])
def test_a_closed_pipe_ends_the_program_silently(desk: Desk, words: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, *words.split()], stdout=writing, stderr=subprocess.PIPE, env=environment(desk), timeout=60,
            check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_ends_the_program_silently(desk: Desk) -> None:
    """It is interrupted while it waits for a far end that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/feed.ics"
        desk.edit("from: carrier/}", f"from: '{url}', private: true}}")
        desk.apply()
        running = subprocess.Popen(
            [*PROGRAM, "calendar", "import"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(desk)
        )
        silent.settimeout(60)
        with silent.accept()[0]:
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err.strip()) == (130, b"", b"")


def shown_on_a_terminal(desk: Desk, *words: str, **more: str) -> tuple[int, str]:
    """Exit code, and what a person sees."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [*PROGRAM, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(desk, **more)
    )
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    return running.wait(60), seen.decode()


def test_colour_is_for_terminals_and_can_be_switched_off(desk: Desk) -> None:
    coloured = shown_on_a_terminal(desk, "status", TERM="xterm")
    plain = shown_on_a_terminal(desk, "status", TERM="xterm", NO_COLOR="1")
    assert (coloured[0], plain[0]) == (0, 0)
    assert "\x1b[" in coloured[1]
    assert "\x1b[" not in plain[1]
    assert "\x1b[" not in desk.ok("status")


def test_on_a_terminal_a_local_time_is_taken_and_said_back(desk: Desk) -> None:
    code, seen = shown_on_a_terminal(desk, "find", "uk-ld4", "--at", "2027-07-05T01:00")
    assert code == 0
    assert "2027-07-05T01:00 is Mon 05 Jul 2027 01:00 BST (Europe/London) = 2027-07-05T00:00Z" in seen
    code, seen = shown_on_a_terminal(desk, "find", "uk-ld4", "--at", "2027-07-05T01:00", "--json")
    assert (code, "has no zone" in seen) == (2, True)


def test_a_bug_is_one_line_and_a_file_with_its_traceback(desk: Desk, tmp_path: Path) -> None:
    """A broken installation stands for it: a library that is there, and empty."""
    (tmp_path / "broken" / "sqlmodel").mkdir(parents=True)
    (tmp_path / "broken" / "sqlmodel" / "__init__.py").write_text("")
    done = subprocess.run(
        [*PROGRAM, "status"], capture_output=True, text=True, timeout=60, check=False,
        env=environment(desk, PYTHONPATH=str(tmp_path / "broken"), XDG_STATE_HOME=str(tmp_path / "st")),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2
    (kept,) = (tmp_path / "st" / "maintsched").glob("traceback-*.txt")
    assert str(kept) in done.stderr
    assert "ImportError" in kept.read_text()
