"""Texts become values, and what could be read in two ways is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from maintsched.config import urls, values
from maintsched.config.cron import cron
from maintsched.config.problems import Wrong

READ: list[tuple[Callable[[object], object], str, object]] = [
    (values.duration, "50ms", timedelta(milliseconds=50)),
    (values.duration, "5s", timedelta(seconds=5)),
    (values.duration, "90m", timedelta(minutes=90)),
    (values.duration, "2h", timedelta(hours=2)),
    (values.duration, "14d", timedelta(days=14)),
    (values.duration, "0s", timedelta()),
    (values.speed, "200M", 200_000_000),
    (values.speed, "1G", 1_000_000_000),
    (values.speed, "2.5G", 2_500_000_000),
    (values.speed, "1T", 1_000_000_000_000),
    (values.boolean, "true", True),
    (values.boolean, "false", False),
    (values.timezone, "UTC", "UTC"),
    (values.timezone, "America/New_York", "America/New_York"),
    (values.calendar_timezone, "NY+7", "NY+7"),
    (values.hours, "22:00-06:00", "22:00-06:00"),
    (values.plain, "0912345", "0912345"),
    (values.paragraph, "two\n  lines\n", "two lines"),
    (urls.endpoint, "10.200.0.10:8443", "10.200.0.10:8443"),
    (urls.endpoint, "[2001:db8::1]:443", "[2001:db8::1]:443"),
    (urls.endpoint, "2001:db8::1", "2001:db8::1"),
    (urls.hostname, "edge1.example.net", "edge1.example.net"),
    (urls.location, "imaps://mail.example.net/INBOX", "imaps://mail.example.net/INBOX"),
    (urls.database, "postgresql://noc@db.example.net/maintsched", "postgresql://noc@db.example.net/maintsched"),
    (cron, "0 6 * * SUN", "0 6 * * SUN"),
    (cron, "*/15  6-8 * * mon,wed", "*/15 6-8 * * MON,WED"),
    (cron, "0 6 1 JAN,7 *", "0 6 1 JAN,7 *"),
    (cron, "0 6 31 2,3 *", "0 6 31 2,3 *"),
]

REFUSED: list[tuple[Callable[[object], object], str, str]] = [
    (values.duration, "1h30m", "not a duration"),
    (values.duration, "1.5h", "not a duration"),
    (values.duration, "-5m", "not a duration"),
    (values.duration, "090m", "not a duration"),
    (values.duration, "5M", "not a duration"),
    (values.duration, "٥m", "not a duration"),
    (values.duration, "999999999d", "longer than 3650d"),
    (values.speed, "0G", "not a speed"),
    (values.speed, "1Gbit", "not a speed"),
    (values.speed, "1g", "not a speed"),
    (values.boolean, "no", "write false"),
    (values.boolean, "1", "write true"),
    (values.plain, "a\nb", "line break"),
    (values.plain, "a\x1b[0m", "control character"),
    (values.timezone, "CET", "not a time zone"),
    (values.timezone, "Europe", "not a time zone"),
    (values.timezone, "../../etc/passwd", "not a time zone"),
    (values.timezone, "NY+7", "not a time zone"),
    (values.timezone, "New_York", "not a time zone"),
    (values.calendar_timezone, "NY+8", "not a time zone"),
    (values.hours, "22:00-22:00", "not a span"),
    (values.hours, "24:00-06:00", "not a span"),
    (values.day, "20270630", "not a date"),
    (values.path, "~root/key", "another user's home"),
    (values.path, "https://x/y", "is a URL"),
    (urls.endpoint, "10.200.0.10:0", "not a port"),
    (urls.endpoint, "10.200.0.10:https", "does not fit"),
    (urls.hostname, "-oProxyCommand=x", "does not fit"),
    (urls.hostname, "a b", "does not fit"),
    (urls.location, "imap://mail.example.net/INBOX", "not supported"),
    (urls.location, "webcal://example.net/x.ics", "https:// under another name"),
    (urls.location, "https:///x.ics", "names no host"),
    (urls.https, "https://[::1/x", "not a URL"),
    (urls.database, "sqlite://", "needs a file"),
    (urls.database, "sqlite:///:memory:", "needs a file"),
    (urls.database, "mysql://db/x", "not a database that is supported"),
    (urls.database, "maintsched.db", "not a database that is supported"),
    (cron, "@weekly", "has 1 fields"),
    (cron, "0 6 * * 7", "counts from Sunday"),
    (cron, "0 6 * * */2", "counts from Sunday"),
    (cron, "0 6 * * SAT-SUN", "ends before it starts"),
    (cron, "0 6 * * SOL", "not known"),
    (cron, "60 6 * * SUN", "not known"),
    (cron, "0 6-4 * * SUN", "ends before it starts"),
    (cron, "*/0 6 * * SUN", "ends before"),
    (cron, "0/5 6 * * SUN", "cannot be read"),
    (cron, "0 6 1 * SUN", "day of the month and a weekday"),
    (cron, "0 6 30 2 *", "none of its months"),
]


@pytest.mark.parametrize(("read", "text", "value"), READ)
def test_a_text_becomes_its_value(read: Callable[[object], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(("read", "text", "words"), REFUSED)
def test_a_text_that_is_none_is_refused(read: Callable[[object], object], text: str, words: str) -> None:
    with pytest.raises(Wrong) as caught:
        read(text)
    assert words in caught.value.what
    assert caught.value.allowed


@given(some.integers(0, 3650 * 86_400_000).map(lambda milliseconds: timedelta(milliseconds=milliseconds)))
def test_a_duration_is_read_back_from_its_text(length: timedelta) -> None:
    assert values.duration(values.duration_text(length)) == length


@given(some.integers(1, 999_999).map(lambda megabits: megabits * 10**6))
def test_a_speed_is_read_back_from_its_text(bits: int) -> None:
    assert values.speed(values.speed_text(bits)) == bits


@given(some.text(max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        length = values.duration(text)
    except Wrong:
        return
    assert values.duration(values.duration_text(length)) == length


def test_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    assert values.absolute(tmp_path, "lab/key") == str(tmp_path / "lab" / "key")
    assert values.absolute(tmp_path, "/etc/key") == "/etc/key"
    assert values.absolute(tmp_path, "~/.ssh/key") == str(Path.home() / ".ssh" / "key")


def test_the_sqlite_file_is_seen_from_the_file(tmp_path: Path) -> None:
    assert urls.absolute_database(tmp_path, "sqlite:///a.db?timeout=5") == f"sqlite:///{tmp_path}/a.db?timeout=5"
    assert urls.absolute_database(tmp_path, "sqlite:////var/a.db") == "sqlite:////var/a.db"
    assert urls.absolute_database(tmp_path, "postgresql://db/x") == "postgresql://db/x"
