"""Calendars over HTTPS: from nginx, and from servers that misbehave."""

from __future__ import annotations

import gzip
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maintsched.domain.inventory import Secret, Source
from maintsched.errors import Unavailable
from maintsched.sources import INPUT_LIMIT, Fetched, fetch

from .authorities import Authority
from .daemons import Web
from .scripted import Script, drips, scripted, sends

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
PASSWORD = "päss wörd"
KEY = b64encode(f"noc:{PASSWORD}".encode()).decode()
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def source(web: Web, authority: Authority) -> Source:
    (web.root / "one.ics").write_bytes(CALENDAR)
    return Source("spotware", web.url("/get/one.ics"), private=True, ca=authority.ca)


@pytest.fixture
def password(tmp_path: Path) -> Secret:
    (tmp_path / "password").write_text(PASSWORD)
    return Secret(file=str(tmp_path / "password"))


def at(source: Source, web: Web, path: str) -> Source:
    return replace(source, location=web.url(path))


def refused(source: Source, reason: str, seconds: float = 10) -> Unavailable:
    with pytest.raises(Unavailable, match=reason) as failure:
        fetch(source, seconds=seconds)
    assert failure.value.hint
    assert "\n" not in failure.value.message
    return failure.value


@pytest.mark.servers
def test_a_calendar_is_given_whole_and_then_only_when_it_changed(source: Source, web: Web) -> None:
    first = fetch(source)
    assert [(message.origin, message.data) for message in first.messages] == [(source.location, CALENDAR)]
    assert (first.grows, first.unchanged) == (False, False)
    again = fetch(source, first.validators)
    assert again == Fetched((), grows=False, unchanged=True, validators=first.validators)
    assert web.asked()[-1].startswith("304 ")
    assert 'etag="-"' not in web.asked()[-1]
    (web.root / "one.ics").write_bytes(CALENDAR * 2)
    assert [message.data for message in fetch(source, again.validators).messages] == [CALENDAR * 2]


@pytest.mark.servers
def test_a_server_that_knows_times_only_is_asked_by_time(source: Source, web: Web) -> None:
    kept = fetch(source).validators
    without = kept.replace('"etag"', '"ignored"')
    assert without != kept
    assert fetch(source, without).unchanged
    assert 'since="-"' not in web.asked()[-1]


@pytest.mark.servers
@pytest.mark.parametrize(
    "validators", ["", "nonsense", "[]", '{"url": "https://elsewhere.example/", "etag": "\\"x\\""}']
)
def test_what_was_not_learnt_of_this_url_is_not_asked_by(source: Source, web: Web, validators: str) -> None:
    assert fetch(source, validators).messages
    assert 'since="-" etag="-"' in web.asked()[-1]


@pytest.mark.servers
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_name_is_verified_and_asked_for_though_the_connection_goes_to_an_address(
    source: Source, web: Web, host: str
) -> None:
    assert fetch(replace(source, location=web.url("/get/one.ics", host))).messages
    assert f'host="{host}:{web.port}"' in web.asked()[-1]


@pytest.mark.servers
def test_a_packed_answer_is_unpacked(source: Source, web: Web) -> None:
    (web.root / "packed").write_bytes(gzip.compress(CALENDAR) + gzip.compress(b"more"))
    for path, wanted in (("/gzip/one.ics", CALENDAR), ("/packed/packed", CALENDAR + b"more")):
        assert [message.data for message in fetch(at(source, web, path)).messages] == [wanted]


@pytest.mark.servers
def test_a_packed_answer_of_many_times_its_size_is_not_unpacked(source: Source, web: Web) -> None:
    (web.root / "bomb").write_bytes(gzip.compress(bytes(INPUT_LIMIT + 1)))
    (web.root / "half").write_bytes(gzip.compress(CALENDAR)[:-9])
    (web.root / "junk").write_bytes(b"\x1f\x8bnonsense")
    refused(at(source, web, "/packed/bomb"), f"more than {INPUT_LIMIT} bytes")
    refused(at(source, web, "/packed/half"), "ends in the middle")
    refused(at(source, web, "/packed/junk"), "is broken")
    refused(at(source, web, "/brotli/one.ics"), "packed as br")


@pytest.mark.servers
def test_no_more_is_read_than_allowed(source: Source, web: Web) -> None:
    with (web.root / "large").open("wb") as file:
        file.truncate(INPUT_LIMIT)
    assert len(fetch(at(source, web, "/get/large")).messages[0].data) == INPUT_LIMIT
    with (web.root / "large").open("wb") as file:
        file.truncate(INPUT_LIMIT + 1)
    refused(at(source, web, "/get/large"), f"more than {INPUT_LIMIT} bytes")


@pytest.mark.servers
@pytest.mark.parametrize("path", ["/moved", "/moved-in-full"])
def test_a_redirect_on_the_same_host_and_port_is_followed(source: Source, web: Web, path: str) -> None:
    found = fetch(at(source, web, path))
    assert [message.data for message in found.messages] == [CALENDAR]
    assert fetch(at(source, web, path), found.validators).unchanged


@pytest.mark.servers
@pytest.mark.parametrize("path", ["/moved-away", "/moved-to-a-port", "/moved-to-plain"])
def test_a_redirect_to_anywhere_else_is_not(source: Source, web: Web, path: str, password: Secret) -> None:
    before = len(web.asked())
    failure = refused(replace(at(source, web, path), user="noc", password=password), "another place")
    assert "hidden" not in failure.message
    assert len(web.asked()) == before + 1


@pytest.mark.servers
def test_redirects_end(source: Source, web: Web) -> None:
    before = len(web.asked())
    refused(at(source, web, "/moved-in-circles"), "more than 5 times")
    assert len(web.asked()) == before + 6


@pytest.mark.servers
@pytest.mark.parametrize("path", ["/login/one.ics", "/moved-to-login"])
def test_user_and_password_open_what_is_closed(source: Source, web: Web, password: Secret, path: str) -> None:
    closed = at(source, web, path)
    failure = refused(closed, "401 Unauthorized")
    assert "user:" in failure.hint
    assert fetch(replace(closed, user="noc", password=password)).messages
    assert f'auth="Basic {KEY}"' in web.asked()[-1]


@pytest.mark.servers
def test_a_wrong_password_is_told_and_not_shown(source: Source, web: Web, password: Secret) -> None:
    failure = refused(replace(at(source, web, "/login/one.ics"), user="else", password=password), "401")
    assert PASSWORD not in failure.message + failure.hint


@pytest.mark.servers
def test_a_password_that_is_not_there_is_unavailable(source: Source) -> None:
    refused(
        replace(source, user="noc", password=Secret(env="MAINTSCHED_NO_SUCH_VARIABLE")), "spotware.*NO_SUCH_VARIABLE"
    )


@pytest.mark.servers
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/get/none.ics", "404 Not Found"),
        ("/broken", "500"),
        ("/accepted", "202"),
        ("/unasked", "304"),
        ("/blank", "is empty"),
    ],
)
def test_what_is_no_calendar_is_unavailable_and_not_empty(source: Source, web: Web, path: str, reason: str) -> None:
    refused(at(source, web, path), reason)


@pytest.mark.servers
def test_a_slow_answer_ends_at_the_deadline(source: Source, web: Web) -> None:
    (web.root / "long.ics").write_bytes(CALENDAR * 100)
    begun = time.monotonic()
    refused(at(source, web, "/slow/long.ics"), r"did not finish within 1\.5 s", seconds=1.5)
    assert time.monotonic() - begun < 3


@pytest.mark.servers
def test_a_host_in_our_own_network_needs_to_be_meant(source: Source, web: Web) -> None:
    before = len(web.asked())
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"):
        located = replace(source, private=False, location=web.url("/get/one.ics", host))
        assert "private: true" in refused(located, "no address of the Internet").hint
    assert len(web.asked()) == before


@pytest.mark.servers
def test_an_authority_must_be_known_and_the_name_the_right_one(
    source: Source, stranger: Authority, named: Authority
) -> None:
    refused(replace(source, ca=None), "certificate is not trusted: .*local issuer")
    refused(replace(source, ca=stranger.ca), "certificate is not trusted")
    refused(replace(source, ca="/nonexistent.pem"), "cannot be read: No such file")
    refused(replace(source, ca=__file__), "cannot be read: it is no PEM file")
    with scripted(named, sends(length(2), b"ok")) as port:
        located = replace(source, ca=named.ca, location=f"https://127.0.0.1:{port}/")
        refused(located, "certificate is not trusted: IP address mismatch")
        assert fetch(replace(located, location=f"https://localhost:{port}/")).messages


def length(count: int, rest: bytes = b"") -> bytes:
    return OK + b"Content-Length: %d\r\n%b\r\n" % (count, rest)


MISBEHAVING: dict[str, tuple[Script, str]] = {
    "half of an answer": (sends(length(100), CALENDAR), r"RemoteProtocolError|broke off"),
    "an answer without its length that breaks off": (sends(OK + b"\r\n", CALENDAR), "broke off"),
    "nothing": (sends(), "broke off|disconnected"),
    "no HTTP": (sends(b"220 mail.example ESMTP\r\n"), "RemoteProtocolError|broke off"),
    "an empty answer": (sends(length(0)), "is empty"),
    "a header without end": (drips(OK + b"X: ", b"x" * 16384), "RemoteProtocolError"),
    "escapes for a terminal": (sends(b"HTTP/1.1 500 \x1b[2J\x1b[31mPWNED\r\n\r\n"), r"500|RemoteProtocolError"),
    "a redirect to nowhere": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: https://[::\r\nContent-Length: 0\r\n\r\n"),
        "redirect",
    ),
}


@pytest.mark.parametrize(("script", "reason"), MISBEHAVING.values(), ids=MISBEHAVING)
def test_whatever_a_server_sends_it_is_only_unavailable(authority: Authority, script: Script, reason: str) -> None:
    with scripted(authority, script) as port:
        failure = refused(Source("s", f"https://127.0.0.1:{port}/a?key=hidden", private=True, ca=authority.ca), reason)
    assert failure.message.isprintable()
    assert "hidden" not in failure.message


DRIPPING: dict[str, Script] = {
    "headers": drips(OK, b"X-A: b\r\n"[:1]),
    "a body with its length": drips(length(10_000_000), b"."),
    "a body in chunks": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n"),
    "nothing at all": drips(b"", b""),
}


@pytest.mark.parametrize("script", DRIPPING.values(), ids=DRIPPING)
def test_a_server_that_drips_ends_at_the_deadline(authority: Authority, script: Script) -> None:
    with scripted(authority, script) as port:
        begun = time.monotonic()
        located = Source("s", f"https://127.0.0.1:{port}/", private=True, ca=authority.ca)
        refused(located, "did not finish within 0.5 s", seconds=0.5)
        assert time.monotonic() - begun < 2


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word of TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def test_a_handshake_that_does_not_come_ends_at_the_deadline(silent: int) -> None:
    refused(Source("s", f"https://127.0.0.1:{silent}/", private=True), "did not finish within 0.5 s", seconds=0.5)


def test_a_dead_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        refused(Source("s", f"https://127.0.0.1:{taken.getsockname()[1]}/", private=True), "Connection refused")


@pytest.mark.parametrize("url", ["https://", "https://a:b@c.example/", "https://[::/"])
def test_what_is_no_address_is_told(url: str) -> None:
    assert "b@c" not in refused(Source("s", url, private=True), "address|host").message
