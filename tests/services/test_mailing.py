"""Mail to a real SMTP server: what arrives, and what is said when it does not."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from maintsched.domain.inventory import Mail, Secret
from maintsched.errors import InvalidInput, MaintschedError, Unavailable
from maintsched.services.mailing import deliver
from tests.sources.authorities import Authority, made
from tests.sources.daemons import free_port

MESSAGE = b"From: noc@northgate.example\r\nTo: noc@partner.example\r\nSubject: x\r\n\r\n.a line with a dot\r\n"
TO = "noc@partner.example"


@dataclass
class Postbox:
    """What a server took, and with whom it speaks."""

    taken: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  # the name that the server calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # the name that the server calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.taken.append(envelope)
        self.encrypted.append(
            server.transport is not None and server.transport.get_extra_info("sslcontext") is not None
        )
        if b"spam" in (envelope.original_content or b""):
            return "554 5.7.1 this looks like spam"
        return "250 2.0.0 queued as 4711"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        if isinstance(given, LoginPassword) and (given.login, given.password) == (b"noc", b"correct horse"):
            self.logins.append("noc")
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("smtp") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("smtp") / "strange")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("smtp") / "elsewhere", "DNS:mail.other.example")


@contextmanager
def serving(authority: Authority | None, security: str, *, login: bool = False) -> Iterator[tuple[Postbox, int]]:
    """A running SMTP server of the loopback."""
    box, port, options = Postbox(), free_port(), dict[str, Any]()
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.certificate, authority.key)
        options |= {"tls": {"ssl_context": context}, "starttls": {"tls_context": context}}[security]
    if login:
        options |= {"authenticator": box.authenticate, "auth_required": True, "require_starttls": True}
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def server(port: int, authority: Authority | None, security: str = "starttls", **more: Any) -> Mail:
    mail = Mail("127.0.0.1", "noc@northgate.example", port, security, ca=authority.ca if authority else None)
    return replace(mail, **more)


def refused(mail: Mail, to: str = TO, data: bytes = MESSAGE, seconds: float = 10) -> MaintschedError:
    """Why the mail was not sent: one line, and what to do."""
    with pytest.raises(MaintschedError) as caught:
        deliver(mail, to, data, seconds)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_arrives_whole_over_tls(authority: Authority, security: str) -> None:
    with serving(authority, security) as (box, port):
        assert deliver(server(port, authority, security), TO, MESSAGE) == "2.0.0 queued as 4711"
    [envelope] = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("noc@northgate.example", [TO])
    assert envelope.content == MESSAGE
    assert box.encrypted == [True]


def test_in_the_clear_to_the_loopback() -> None:
    with serving(None, "none") as (box, port):
        deliver(server(port, None, "none"), TO, MESSAGE)
    assert [envelope.content for envelope in box.taken] == [MESSAGE]


def test_a_login_is_given_inside_of_tls(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    with serving(authority, "starttls", login=True) as (box, port):
        deliver(server(port, authority, user="noc", password=Secret(file=str(tmp_path / "secret"))), TO, MESSAGE)
    assert (box.logins, len(box.taken)) == (["noc"], 1)


def test_a_wrong_password_is_told_without_it(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("battery staple")
    with serving(authority, "starttls", login=True) as (box, port):
        error = refused(server(port, authority, user="noc", password=Secret(file=str(tmp_path / "secret"))))
    assert "refuses the login" in error.message
    assert "battery staple" not in f"{error.message} {error.hint}"
    assert box.taken == []


def test_a_password_that_is_not_there_is_told_before_anything_is_sent(authority: Authority) -> None:
    error = refused(server(1, authority, user="noc", password=Secret(file="/nonexistent/secret")))
    assert isinstance(error, InvalidInput)
    assert "mail.password: the file /nonexistent/secret cannot be read" in error.message


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_another_authority_s_certificate_is_not_trusted(
    authority: Authority, stranger: Authority, security: str
) -> None:
    with serving(stranger, security) as (box, port):
        error = refused(server(port, authority, security))
    assert "the certificate is not trusted" in error.message
    assert "`ca:`" in error.hint
    assert box.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_name_must_be_the_certificate_s(elsewhere: Authority, security: str) -> None:
    with serving(elsewhere, security) as (box, port):
        error = refused(server(port, elsewhere, security))
    assert "the certificate is not trusted" in error.message
    assert box.taken == []


def test_without_starttls_nothing_is_sent(authority: Authority) -> None:
    with serving(None, "none") as (box, port):
        error = refused(server(port, authority, "starttls"))
    assert "STARTTLS extension not supported" in error.message
    assert "without TLS nothing is sent" in error.hint
    assert box.taken == []


def test_tls_to_a_server_that_speaks_it_only_after_a_greeting(authority: Authority) -> None:
    with serving(authority, "starttls") as (box, port):
        error = refused(server(port, authority, "tls"))
    assert "does not speak TLS" in error.message or "broke off" in error.message
    assert box.taken == []


def test_a_login_that_nobody_asks_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse")
    with serving(None, "none") as (_, port):
        error = refused(server(port, None, "none", user="noc", password=Secret(file=str(tmp_path / "secret"))))
    assert "AUTH" in error.message


REFUSALS = {
    "the recipient": ({"to": "nobody@partner.example"}, "refuses mail to nobody@partner.example: 550 5.1.1 no such"),
    "the content": ({"data": MESSAGE + b"spam\r\n"}, "refuses the mail: 554 5.7.1 this looks like spam"),
}


@pytest.mark.parametrize(("given", "told"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_the_server_refuses_is_told_in_its_words(authority: Authority, given: dict[str, Any], told: str) -> None:
    with serving(authority, "starttls") as (_, port):
        assert told in refused(server(port, authority), **given).message


@contextmanager
def speaking(script: Callable[[socket.socket, Event], None]) -> Iterator[int]:
    """A server that does what `script` does with its first connection, and closes it; gives the port."""
    over = Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(10)
                script(connection, over)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            over.set()
            thread.join()


def answers(*lines: bytes) -> Callable[[socket.socket, Event], None]:
    """Greets, then says one of the lines to each line that it gets, and hangs up."""

    def script(connection: socket.socket, over: Event) -> None:
        with connection.makefile("rb") as heard:
            for line in lines:
                connection.sendall(line + b"\r\n")
                heard.readline()

    return script


def silent(connection: socket.socket, over: Event) -> None:
    over.wait(10)


def drips(connection: socket.socket, over: Event) -> None:
    while not over.wait(0.02):
        connection.sendall(b"2")


def takes_and_falls_silent(connection: socket.socket, over: Event) -> None:
    answers(b"220 hello", b"250 hello", b"250 fine", b"250 fine")(connection, over)
    connection.sendall(b"354 go on\r\n")
    over.wait(10)


ENDS = {
    "a greeting that is none": (answers(b"554 go away"), "does not greet: 554 go away"),
    "hanging up at once": (answers(), "the connection broke off"),
    "hanging up in the middle": (answers(b"220 hello", b"250 hello"), "the connection broke off"),
    "a busy server": (
        answers(b"220 hello", b"250 hello", b"451 later"),
        "refuses mail from noc@northgate.example: 4",
    ),
    "silence": (silent, "did not finish within 0.5 s"),
    "a server that drips": (drips, "did not finish within 0.5 s"),
}


@pytest.mark.parametrize(("script", "told"), ENDS.values(), ids=ENDS.keys())
def test_every_way_to_fail_ends_in_time_with_one_line(
    script: Callable[[socket.socket, Event], None], told: str
) -> None:
    with speaking(script) as port:
        error = refused(server(port, None, "none"), seconds=0.5)
    assert isinstance(error, Unavailable)
    assert told in error.message


def test_who_hangs_up_after_the_mail_may_have_it() -> None:
    with speaking(takes_and_falls_silent) as port:
        error = refused(server(port, None, "none"), seconds=0.5)
    assert "before it said that it has the mail" in error.message
    assert "ask the partner before it is sent again" in error.hint


def test_nobody_listens(authority: Authority) -> None:
    error = refused(server(free_port(), authority))
    assert "cannot be reached: Connection refused" in error.message
    assert "what was known" not in error.hint


def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name, why in (("ca.pem", "it is no PEM file"), ("gone.pem", "No such file")):
        error = refused(server(free_port(), None, ca=str(tmp_path / name)))
        assert why in error.message
        assert error.hint == "correct `ca:` of `mail:`"
