"""Secrets are read from where they lie and stay out of logs; the state directory is the owner's."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from maintsched.domain.inventory import Secret
from maintsched.errors import InvalidInput
from maintsched.state import RedactingFilter, redact, reveal, state_dir


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "of the environment")
    (tmp_path / "secret").write_text("of the file\n")
    assert reveal(Secret(env="A_SECRET"), "x") == "of the environment"
    assert reveal(Secret(file=str(tmp_path / "secret")), "x") == "of the file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty or not set"),
        (b"\n", "is empty or not set"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_secret_that_is_not_there_is_told_with_its_place(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        reveal(Secret(file=str(path)), "routers.edge1.password")
    assert caught.value.message == f"routers.edge1.password: the file {path} {said}"


def test_a_variable_that_is_not_set_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(InvalidInput, match=r"calendars\.noc\.password: the environment variable NOT_SET is empty"):
        reveal(Secret(env="NOT_SET"), "calendars.noc.password")


def test_what_was_revealed_is_blotted_out_the_longest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SHORT", "s3cr3t"), ("LONG", "s3cr3t-and-more")):
        monkeypatch.setenv(name, value)
        reveal(Secret(env=name), "x")
    assert redact("a s3cr3t-and-more b s3cr3t c") == "a [redacted] b [redacted] c"


def test_no_log_line_and_no_traceback_carries_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGGED", "p4ssw0rd-of-the-log")
    reveal(Secret(env="LOGGED"), "x")
    stream = io.StringIO()
    channel = logging.StreamHandler(stream)
    channel.addFilter(RedactingFilter())
    log = logging.getLogger("tests.state")
    log.addHandler(channel)
    log.propagate = False
    try:
        log.warning("login with %s", "p4ssw0rd-of-the-log")
        try:
            raise RuntimeError("p4ssw0rd-of-the-log is wrong")
        except RuntimeError:
            log.exception("failed")
    finally:
        log.removeHandler(channel)
    assert "p4ssw0rd" not in stream.getvalue()
    assert stream.getvalue().startswith("login with [redacted]\nfailed\nTraceback")
    assert "RuntimeError: [redacted] is wrong" in stream.getvalue()


def test_the_state_directory_is_the_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_dir(None) == tmp_path / "xdg" / "maintsched"
    assert state_dir(str(tmp_path / "own")) == tmp_path / "own"
    for path in (tmp_path / "xdg" / "maintsched", tmp_path / "own"):
        assert path.stat().st_mode & 0o777 == 0o700


def test_without_xdg_state_home_it_lies_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_dir(None) == tmp_path / ".local" / "state" / "maintsched"
