"""What holds for every kind of source: one kind of error, an end in time, and one question to the DNS."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from maintsched.domain.inventory import Secret, Source
from maintsched.errors import InvalidInput, Unavailable
from maintsched.sources import Fetched, confirm, fetch
from maintsched.sources.connecting import Budget, TooMuch, context, first_that_answers, plain

from .authorities import Authority
from .daemons import Mailboxes, Web
from .scripted import scripted, sends

KINDS = ["https://a.invalid/b.ics", "imaps://a.invalid/INBOX", "HTTPS://a.invalid/b.ics", "FILE"]


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    (tmp_path / "a.ics").write_bytes(b"a")
    location = str(tmp_path / "a.ics") if request.param == "FILE" else request.param
    return Source("noc", location, user="noc", password=Secret(env="PASSWORD"))


def test_whatever_goes_wrong_the_source_is_unavailable_and_keeps_its_secrets(source: Source) -> None:
    for failure in (
        InvalidInput("no such variable", "set it"),
        RuntimeError("a\nbug"),
        MemoryError(),
        Unavailable("x"),
    ):

        def fails(secret: Secret, what: str, failure: Exception = failure) -> str:
            raise failure

        with pytest.raises(Unavailable) as raised:
            fetch(source, resolve_secret=fails)
        assert raised.value.message.isprintable()
        assert type(raised.value) is Unavailable


def test_what_hangs_is_left_at_the_deadline_and_not_begun_again_while_it_hangs(source: Source) -> None:
    free = Event()

    def hangs(secret: Secret, what: str) -> str:
        free.wait(30)
        raise InvalidInput("it went on")

    begun = time.monotonic()
    try:
        with pytest.raises(Unavailable, match=r"did not finish within 0\.2 s"):
            fetch(source, resolve_secret=hangs, seconds=0.2)
        assert time.monotonic() - begun < 3
        with pytest.raises(Unavailable, match="an earlier attempt still hangs"):
            fetch(source, resolve_secret=hangs, seconds=0.2)
        other = replace(source, location=f"{source.location}2", user=None)
        with pytest.raises(Unavailable, match=r"cannot be resolved|needs a login|No such file|not resolved in time"):
            fetch(other, seconds=20)
    finally:
        free.set()
    deadline = time.monotonic() + 10
    while True:
        with pytest.raises(Unavailable) as raised:
            fetch(source, resolve_secret=hangs, seconds=5)
        if raised.value.message == "it went on":
            break
        assert time.monotonic() < deadline
        Event().wait(0.02)


def test_two_may_ask_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    path.write_bytes(b"a")
    found: list[Fetched] = []
    asking = [Thread(target=lambda: found.append(fetch(Source("s", str(path))))) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert [each.messages[0].data for each in found] == [b"a"] * 4


def test_there_is_nothing_to_confirm_where_nothing_is_marked(source: Source) -> None:
    def asked(secret: Secret, what: str) -> str:
        raise AssertionError("nobody needs the password")

    confirm(source, Fetched((), grows=True), resolve_secret=asked)
    confirm(replace(source, mark_seen=True), Fetched((), grows=True), resolve_secret=asked)


def test_the_next_address_is_tried_where_none_listens_and_only_then() -> None:
    tried: list[str] = []

    def attempt(address: str) -> str:
        tried.append(address)
        if address == "refuses":
            raise ConnectionRefusedError
        if address == "lies":
            raise Unavailable("not what it says")
        return address

    assert first_that_answers(("refuses", "answers", "never asked"), attempt) == "answers"
    with pytest.raises(Unavailable):
        first_that_answers(("lies", "never asked"), attempt)
    with pytest.raises(ConnectionRefusedError):
        first_that_answers(("refuses", "refuses"), attempt)
    assert tried == ["refuses", "answers", "lies", "refuses", "refuses"]


def test_what_a_far_end_says_is_one_short_line() -> None:
    assert plain("a\r\n b\x1b[31m\u202ec ") == "a b [31m c"
    assert len(plain("x" * 10_000)) == 201


@pytest.mark.parametrize("how", ["recv", "makefile"])
def test_no_more_comes_in_over_a_connection_than_agreed(authority: Authority, how: str) -> None:
    for limit, enough in ((999, False), (1000, True)):
        budget = Budget(10, limit)
        with (
            scripted(authority, sends(b"x" * 1000, reads=False)) as port,
            socket.create_connection(("127.0.0.1", port)) as bare,
            context("localhost", authority.ca, budget).wrap_socket(bare) as connection,
        ):
            reading = connection.makefile("rb").read if how == "makefile" else connection.recv
            try:
                assert (len(reading(1000)), enough) == (1000, True)
            except TooMuch:
                assert not enough
            assert budget.spent == 1000


WATCHED = """
import json, sys
from maintsched.domain.inventory import Secret, Source
from maintsched.sources import fetch
seen = []
def hook(event, arguments):
    if event == "socket.getaddrinfo":
        seen.append(["name", str(arguments[0])])
    if event == "socket.connect":
        seen.append(["connect", str(arguments[1][0])])
sys.addaudithook(hook)
location, ca = sys.argv[1:]
found = fetch(Source("s", location, user="u1", password=Secret(env="PASSWORD"), private=True, ca=ca))
print(json.dumps(seen))
"""


@pytest.mark.servers
def test_a_name_is_asked_for_once_and_only_its_addresses_are_connected_to_by_no_proxy(
    web: Web, mailboxes: Mailboxes, authority: Authority
) -> None:
    (web.root / "one.ics").write_bytes(b"calendar")
    for location in (web.url("/moved", "localhost"), mailboxes.url(host="localhost")):
        ran = subprocess.run(
            [sys.executable, "-c", WATCHED, location, authority.ca],
            env={"PASSWORD": "secret", "HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        seen = json.loads(ran.stdout)
        assert seen.count(["name", "localhost"]) == 1
        assert seen[0] == ["name", "localhost"]
        assert {place for what, place in seen if what == "connect"} <= {"127.0.0.1", "::1"}
        assert ["connect", "127.0.0.1"] in seen or ["connect", "::1"] in seen
