"""TLS connections that end in time, bring no more than agreed, and verify the name while they go to a checked address.

Both clients (HTTP and IMAP) take an SSLContext; all limits are in ours, so no library can forget them.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from maintsched.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CONNECT_S = 10.0  # for one address, where there are several
T = TypeVar("T")


class TooMuch(OSError):
    """The far end sends more than agreed."""


class Budget:
    """What is left of a run: seconds, and bytes that may come in over TLS."""

    def __init__(self, seconds: float, limit: int) -> None:
        self.seconds = seconds
        self.limit = limit
        self.spent = 0
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the deadline, 0 when it has passed."""
        return max(0.0, self._end - time.monotonic())

    def left_or_late(self) -> float:
        """Seconds until the deadline. Raises TimeoutError when it has passed."""
        left = self.left()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def spend(self, count: int) -> None:
        """Count bytes that came in. Raises TooMuch beyond the limit."""
        self.spent += count
        if self.spent > self.limit:
            raise TooMuch(f"more than {self.limit} bytes")


class _Socket(ssl.SSLSocket):
    """Every call gets what is left of the whole run, however many calls a far end that drips makes of it."""

    def _budget(self) -> Budget:
        return cast(Context, self.context).budget

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(self._budget().left_or_late())
        super().do_handshake(block)

    def read(self, len: int = 1024, buffer: bytearray | WriteableBuffer | None = None) -> bytes:
        self.settimeout(self._budget().left_or_late())
        found = super().read(len, cast(bytearray, buffer))
        # typeshed does not know it: with a buffer to read into, it is a number of bytes
        self._budget().spend(found if isinstance(found, int) else found.__len__())
        return found

    def send(self, data: object, flags: int = 0) -> int:
        self.settimeout(self._budget().left_or_late())
        return super().send(cast(bytes, data), flags)


class Context(ssl.SSLContext):
    """Verifies chain and `name`, whatever address the connection goes to."""

    sslsocket_class = _Socket
    name: str
    budget: Budget

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """A connection that breaks off in the middle is an error, never the end of the content."""
        return super().wrap_socket(sock, suppress_ragged_eofs=False, server_hostname=self.name)


def context(name: str, ca: str | None, budget: Budget) -> Context:
    """A context that trusts the system's authorities, and those of the PEM file `ca`. Raises Unavailable."""
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.name, made.budget = name, budget
    made.load_default_certs()
    if ca is not None:
        try:
            made.load_verify_locations(cafile=ca)
        except OSError as error:  # SSLError is one
            why = "it is no PEM file" if isinstance(error, ssl.SSLError) else error.strerror
            raise Unavailable(
                f"the authorities in {ca} cannot be read: {why}", "correct `ca:` of the source"
            ) from error
    return made


def first_that_answers(addresses: tuple[str, ...], attempt: Callable[[str], T]) -> T:
    """The result of the first address that lets itself be connected to; the error of the last where none does."""
    for address in addresses[:-1]:
        try:
            return attempt(address)
        except Exception as error:
            if not _not_connected(error):
                raise
    return attempt(addresses[-1])


def _not_connected(error: BaseException) -> bool:
    """Whether no connection came about, so that another address may; what TLS refuses is refused everywhere."""
    causes = _causes(error)
    return not any(isinstance(each, ssl.SSLError | TooMuch) for each in causes) and any(
        isinstance(each, OSError) for each in causes
    )


def in_words(error: BaseException, place: str, budget: Budget) -> Unavailable:
    """What a broken connection means to a person."""
    if budget.left() <= 0:
        return Unavailable(f"{place} did not finish within {budget.seconds:g} s", "what was known is kept; try again")
    for each in _causes(error):
        if isinstance(each, Unavailable):
            return each
        if isinstance(each, TooMuch):
            return Unavailable(f"{place} sends {each}, which are not read", "is it the right place?")
        if isinstance(each, ssl.SSLCertVerificationError):
            hint = "a private authority is named with `ca:`; the name must be the certificate's"
            return Unavailable(f"{place}: the certificate is not trusted: {each.verify_message}", hint)
        if isinstance(each, ssl.SSLEOFError):
            return Unavailable(f"{place}: the connection broke off", "try again")
        if isinstance(each, ssl.SSLError):
            reason = (each.reason or str(each)).replace("_", " ").lower()
            return Unavailable(f"{place} does not speak TLS 1.2 or newer with us: {reason}", "is the port right?")
        if isinstance(each, TimeoutError):
            return Unavailable(f"{place} does not answer", "is it reachable from here? what was known is kept")
        if isinstance(each, OSError):
            why = each.strerror or str(each) or type(each).__name__
            return Unavailable(f"{place} cannot be reached: {why}", "is it reachable from here? what was known is kept")
    return Unavailable(f"{place}: {type(error).__name__}: {plain(str(error))}", "what was known is kept; try again")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it, the innermost first."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.insert(0, at)
        at = at.__cause__ or at.__context__
    return found


def plain(text: str, limit: int = 200) -> str:
    """What a far end wrote, as one short line that a terminal can be shown."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
