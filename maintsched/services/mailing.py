"""One mail through the configured server (RFC 6409): TLS that verifies, everything within a time, one clear error."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP as WIRE

from maintsched.domain.inventory import Mail
from maintsched.errors import Unavailable
from maintsched.sources.connecting import CONNECT_S, Budget, context, in_words, plain
from maintsched.state import reveal

SECONDS = 60.0
_ANSWERS = 1024 * 1024  # bytes that a server may answer with over TLS


class _Timed(socket.socket):
    """In the clear, too, every call gets what is left of the whole run: a server that drips ends as well."""

    budget: Budget

    def recv_into(self, *given: object, **named: object) -> int:
        self.settimeout(self.budget.left_or_late())
        return super().recv_into(*given, **named)  # type: ignore[arg-type]  # handed on as it came

    def sendall(self, *given: object) -> None:
        self.settimeout(self.budget.left_or_late())
        super().sendall(*given)  # type: ignore[arg-type]  # handed on as it came


class _Client(smtplib.SMTP):
    def __init__(self, mail: Mail, budget: Budget) -> None:
        name = socket.gethostname()  # said as it is: to ask a name server for the rest of it would cost time
        super().__init__(local_hostname=name if "." in name else "[127.0.0.1]")
        self.wanted, self.budget = mail.security, budget
        self.trusted = _trusted(mail, budget) if mail.security != "none" else None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain_one = socket.create_connection((host, port), min(CONNECT_S, self.budget.left_or_late()))
        timed = _Timed(fileno=plain_one.detach())
        timed.budget = self.budget
        timed.settimeout(self.budget.left_or_late())
        if self.trusted is None or self.wanted != "tls":
            return timed
        try:
            return self.trusted.wrap_socket(timed)
        except BaseException:
            timed.close()
            raise


def _trusted(mail: Mail, budget: Budget) -> ssl.SSLContext:
    try:
        return context(mail.host, mail.ca, budget)
    except Unavailable as error:
        raise Unavailable(error.message, "correct `ca:` of `mail:`") from error


def wire(message: EmailMessage) -> bytes:
    """The bytes that are sent, and whose hash is kept."""
    return message.as_bytes(policy=WIRE)


def deliver(mail: Mail, recipient: str, data: bytes, seconds: float = SECONDS) -> str:
    """Hand one mail over; returns the server's last word. Raises Unavailable, or InvalidInput without the password."""
    password = reveal(mail.password, "mail.password") if mail.password else None
    budget = Budget(seconds, _ANSWERS)
    place = f"the mail server {mail.host}:{mail.port}"
    client = _Client(mail, budget)
    handed_over = False
    try:
        _accepted(client.connect(mail.host, mail.port), place, "does not greet", "try again", 220)
        if mail.security == "starttls":
            assert client.trusted is not None  # made for every security but none
            client.starttls(context=client.trusted)
            client.ehlo()
        if mail.user is not None and password is not None:
            client.login(mail.user, password)
        client.ehlo_or_helo_if_needed()
        _accepted(client.mail(mail.sender), place, f"refuses mail from {mail.sender}", "correct `mail: {sender: …}`")
        _accepted(client.rcpt(recipient), place, f"refuses mail to {recipient}", "correct the partner's `contacts:`")
        handed_over = True
        code, said = client.data(data)
        _accepted((code, said), place, "refuses the mail", "nothing was sent")
        return plain(said.decode("utf-8", "replace"))
    except (OSError, smtplib.SMTPException) as error:
        raise _told(error, place, budget, handed_over) from error
    finally:
        client.close()


def _accepted(answer: tuple[int, bytes], place: str, what: str, hint: str, *wanted: int) -> None:
    code, said = answer
    if code not in (wanted or (250, 251)):
        raise Unavailable(f"{place} {what}: {code} {plain(said.decode('utf-8', 'replace'))}", hint)


def _told(error: OSError | smtplib.SMTPException, place: str, budget: Budget, handed_over: bool) -> Unavailable:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Unavailable(f"{place} refuses the login", "correct `user:` and `password:` of `mail:`")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        without = "`security: tls` where the server speaks TLS from the start; without TLS nothing is sent"
        hint = without if "STARTTLS" in str(error) else "leave out `user:` and `password:` of `mail:`"
        return Unavailable(f"{place}: {plain(str(error))}", hint)
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
        return Unavailable(f"{place} answers {error.smtp_code} {plain(answer)}", "nothing was sent; try again")
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return Unavailable(f"{place}: {plain(str(error))}", "correct `mail:`")
    broke_off = isinstance(error, smtplib.SMTPServerDisconnected) and error.__context__ is None and budget.left() > 0
    said = Unavailable(f"{place}: the connection broke off", "try again")
    reason = said if broke_off else in_words(error, place, budget)
    if handed_over:
        hint = "ask the partner before it is sent again: the server may have taken the mail, and may not"
        return Unavailable(f"{reason.message}, before it said that it has the mail", hint)
    hint = reason.hint.replace("what was known is kept; ", "").replace("; what was known is kept", "")
    return Unavailable(reason.message, hint.replace("what was known is kept", "try again"))
