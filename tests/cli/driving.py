"""A project of its own for each test, and the command line in this process: what it prints, and its exit code."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maintsched.cli import cli
from maintsched.cli.exits import run
from maintsched.domain.actor import Actor
from maintsched.services.project import Project, opened
from tests.mails import equinix_mail

# Work to book lies beyond the lead time, and before anything that ships with the samples could matter.
DAY = (datetime.now(UTC) + timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
CALENDARS = """\
calendars:
  - {name: equinix, from: inbox/, provider: Equinix, senders: ["no-reply@equinix.com"], trust: senders}
  - {name: carrier, from: carrier/}

"""


def at(hours: float, day: int = 0) -> datetime:
    """So many hours into the day to book on, or a later one; UTC."""
    return DAY + timedelta(days=day, hours=hours)


def typed(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


def command(*words: str) -> Answer:
    """`maintsched WORDS`, in this process and as a pipe sees it."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    handlers, level, before = logging.root.handlers, logging.root.level, (sys.stdin, sys.stdout, sys.stderr)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), out, err
    try:
        code = run(cli, list(words), os.environ)
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        logging.root.handlers, logging.root.level = handlers, level
    out.flush()
    err.flush()
    buffers = out.buffer, err.buffer
    assert isinstance(buffers[0], io.BytesIO)
    assert isinstance(buffers[1], io.BytesIO)
    return Answer(code, buffers[0].getvalue(), buffers[1].getvalue().decode())


@dataclass(frozen=True)
class Desk:
    """A project's folder, and somebody who works in it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "maintsched.yaml"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.root / 'maintsched.db'}"

    def run(self, *words: str, by: str = "alice") -> Answer:
        return command("--config", str(self.config), "--by", by, *words)

    def person(self, name: str, *words: str) -> Answer:
        """The same, typed by somebody with a login of his own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOGNAME", name)
            return self.run(*words, by=name)

    def ok(self, *words: str, by: str = "alice") -> str:
        """Its output, where nothing else than success is meant."""
        answer = self.run(*words, by=by)
        assert answer.code == 0, (words, answer)
        return answer.out

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        answer = self.run(*words, "--json")
        assert answer.code == code, (words, answer)
        return answer.json

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text, old
        self.config.write_text(text.replace(old, new))

    def apply(self) -> None:
        self.ok("inventory", "apply", "--reason", "test")

    def book(self, circuit: str, start: datetime, hours: float = 2, *more: str) -> Answer:
        when = ("--start", typed(start), "--duration", f"{int(hours * 60)}m")
        what = ("--title", "line card", "--rollback", "old card back")
        return self.run("window", "book", "--circuit", circuit, *when, *what, *more)

    def mail(self, name: str, data: bytes) -> None:
        (self.root / "inbox" / f"{name}.eml").write_bytes(data)

    def carrier(self, name: str, *events: str) -> None:
        body = "".join(f"BEGIN:VEVENT\r\n{event}END:VEVENT\r\n" for event in events)
        text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n"
        (self.root / "carrier" / f"{name}.ics").write_text(text, newline="")

    def project(self, by: str = "alice") -> AbstractContextManager[Project]:
        """The open project, as a command has it."""
        return opened(self.config, Actor(by, by), lambda _: None)


class Later(Project):
    """A project as it is some time later."""

    @classmethod
    def of(cls, project: Project, later: timedelta) -> Later:
        found = cls(project.path, project.inventory, project.canonical, project.store, project.actor)
        object.__setattr__(found, "later", later)
        return found

    @classmethod
    def at(cls, project: Project, moment: datetime) -> Later:
        """As it is at that moment."""
        return cls.of(project, moment - datetime.now(UTC))

    def now(self) -> datetime:
        moment: datetime = datetime.now(UTC) + self.later  # type: ignore[attr-defined]  # see `of`
        return moment


def change(number: int, start: datetime, hours: int = 4, **more: Any) -> bytes:
    """An Equinix mail about uk-ld7, sent a while ago and later the higher its number."""
    sent = datetime.now(UTC) - timedelta(days=3) + timedelta(minutes=number)
    return equinix_mail(**{"change": "CHG0300101", "start": start, "hours": hours, "sent": sent, **more})


def maintnote(
    reference: str,
    start: datetime,
    hours: float = 4,
    *,
    sequence: int = 0,
    status: str = "CONFIRMED",
    objects: tuple[str, ...] = ("20931178-A",),
    impact: str = "OUTAGE",
    more: str = "",
) -> str:
    """The lines of a MAINTNOTE (NANOG BCOP) of carrier.example."""
    sent = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=sequence)
    lines = {
        "UID": f"{reference}@carrier.example",
        "DTSTAMP": stamp(sent),
        "SEQUENCE": sequence,
        "DTSTART": stamp(start),
        "DTEND": stamp(start + timedelta(hours=hours)),
        "SUMMARY": f"Work {reference}",
        "ORGANIZER": "mailto:noc@carrier.example",
        "X-MAINTNOTE-PROVIDER": "carrier.example",
        "X-MAINTNOTE-ACCOUNT": "A-1",
        "X-MAINTNOTE-MAINTENANCE-ID": reference,
        "X-MAINTNOTE-IMPACT": impact,
        "X-MAINTNOTE-STATUS": status,
    }
    text = "".join(f"{name}:{value}\r\n" for name, value in lines.items())
    return text + "".join(f"X-MAINTNOTE-OBJECT-ID:{name}\r\n" for name in objects) + more


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `maintsched init` makes, with calendars of the tests' own, in force."""
    root = tmp_path_factory.mktemp("made") / "project"
    answer = command("init", str(root))
    assert answer.code == 0, answer
    desk = Desk(root)
    text = re.sub(r"(?m)[ \t]*#.*\n", "\n", desk.config.read_text())  # every command reads it: the comments cost time
    text = re.sub(r"\n{2,}", "\n", text)
    desk.config.write_text(re.sub(r"(?ms)^calendars:.*?(?=^freezes:)", CALENDARS, text))
    for folder in ("inbox", "carrier"):
        (root / folder).mkdir()
    desk.apply()
    return root


@pytest.fixture(scope="session")
def read_once(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its calendars read."""
    root = tmp_path_factory.mktemp("read") / "project"
    shutil.copytree(made_once, root)
    Desk(root).ok("calendar", "import")
    return root


def copied(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project of its own, in an environment that says nothing."""
    for name in ("MAINTSCHED_CONFIG", "MAINTSCHED_USER", "MAINTSCHED_TZ", "MAINTSCHED_LOG", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copytree(root, tmp_path / "project")
    return Desk(tmp_path / "project")


@pytest.fixture
def empty_desk(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project whose calendars were never read."""
    return copied(made_once, tmp_path, monkeypatch)


@pytest.fixture
def desk(read_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project whose calendars were read, and are empty."""
    return copied(read_once, tmp_path, monkeypatch)
