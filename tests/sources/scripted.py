"""A TLS server that sends what a test wants, however wrong."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from .authorities import Authority

Script = Callable[[ssl.SSLSocket, Event], None]


@contextmanager
def scripted(authority: Authority, script: Script) -> Iterator[int]:
    """Runs `script` for each connection, one after the other; gives the port. The event says that the test is over."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    over = Event()

    def serve() -> None:
        while not over.is_set():
            try:
                plain, _ = listening.accept()
            except TimeoutError:
                continue
            with contextlib.suppress(OSError), plain:
                plain.settimeout(5)
                with context.wrap_socket(plain, server_side=True) as connection:
                    script(connection, over)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        thread = Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            over.set()
            thread.join()


def sends(*parts: bytes, reads: bool = True) -> Script:
    """A script that waits for a request, where it `reads`, sends the parts, and breaks off without a goodbye."""

    def script(connection: ssl.SSLSocket, over: Event) -> None:
        if reads:
            connection.recv(65536)
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def drips(first: bytes, drop: bytes) -> Script:
    """A script that goes on sending a little, without end."""

    def script(connection: ssl.SSLSocket, over: Event) -> None:
        connection.sendall(first)
        while not over.wait(0.02):
            connection.sendall(drop)

    return script
