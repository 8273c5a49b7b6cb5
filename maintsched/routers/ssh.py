"""A Shell over SSH (paramiko): pinned host keys only, every time-out set, keepalive on, nothing interactive."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import paramiko

from maintsched.domain.inventory import Router
from maintsched.errors import InvalidInput, ShellLost, Unavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
KEEPALIVE_SECONDS = 5
POLL_SECONDS = 0.002
OUTPUT_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and its exit status."""

    status: int
    stdout: str
    stderr: str

    @property
    def sha256(self) -> str:
        """Over all that was printed: for the audit trail."""
        return sha256((self.stdout + "\0" + self.stderr).encode()).hexdigest()


class Shell(Protocol):
    """One authenticated connection to one router. Raises ShellLost when the outcome of a command is unknown."""

    @property
    def router(self) -> str: ...

    @property
    def local_address(self) -> str: ...

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Output: ...

    def close(self) -> None: ...


class SshShell:
    """An open SSH connection; commands run one at a time, each in a channel of its own."""

    def __init__(self, router: Router, client: paramiko.SSHClient, jump: paramiko.SSHClient | None = None) -> None:
        self._router = router
        self._client = client
        self._jump = jump

    @property
    def router(self) -> str:
        return self._router.name

    @property
    def local_address(self) -> str:
        """Our own address of this connection: the management path starts there."""
        transport = (self._jump or self._client).get_transport()
        if transport is None:
            raise ShellLost(f"{self.router}: the SSH connection is closed")
        assert not isinstance(transport.sock, paramiko.Channel)  # the outermost connection is a socket
        return str(transport.sock.getsockname()[0])

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Output:
        deadline = time.monotonic() + seconds
        try:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                raise ShellLost(f"{self.router}: the SSH connection is closed")
            channel = transport.open_session(timeout=seconds)
            try:
                channel.settimeout(max(0.1, deadline - time.monotonic()))
                channel.exec_command(command)
                channel.shutdown_write()
                return _collect(channel, deadline, self.router)
            finally:
                channel.close()
        except (TimeoutError, OSError, EOFError, paramiko.SSHException) as error:
            raise ShellLost(
                f"{self.router}: SSH broke during a command: {_reason(error)}", "the outcome of the command is unknown"
            ) from error

    def close(self) -> None:
        for client in (self._client, self._jump):
            if client is not None:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    client.close()


def _collect(channel: paramiko.Channel, deadline: float, router: str) -> Output:
    """Read both streams until the command ends, without letting either fill up."""
    out, err = bytearray(), bytearray()
    while True:
        # Asked before reading: what comes between a last read and this question would be lost.
        ended = channel.exit_status_ready() and (channel.eof_received or channel.closed)
        while channel.recv_ready():
            out += channel.recv(65536)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(65536)
        if len(out) + len(err) > OUTPUT_LIMIT:
            raise ShellLost(f"{router}: a command printed more than {OUTPUT_LIMIT} bytes")
        if ended:
            break
        if time.monotonic() > deadline:
            raise ShellLost(f"{router}: a command did not end in time")
        if channel.status_event.wait(POLL_SECONDS):
            time.sleep(POLL_SECONDS)  # ended, but what it left in the background still holds its output open
    status = channel.recv_exit_status()
    if status < 0:  # paramiko's -1: the channel closed without one (connection broken, or killed by a signal)
        raise ShellLost(f"{router}: the connection closed before the command ended")
    return Output(status, out.decode(errors="replace"), err.decode(errors="replace"))


def open_shell(router: Router, *, password: str | None = None, jump: Router | None = None) -> SshShell:
    """Log in. Raises Unavailable (unknown host key, refused login, no answer), InvalidInput (no such key file)."""
    if router.transport != "paramiko":
        raise InvalidInput(
            f"router {router.name}: transport {router.transport} is not built yet", "use `transport: paramiko`"
        )
    jump_client = _connect(jump, None, None) if jump is not None else None
    try:
        channel = None
        if jump is not None and jump_client is not None:
            channel = _through(jump_client, jump, router)
        return SshShell(router, _connect(router, password, channel), jump_client)
    except BaseException:
        if jump_client is not None:
            jump_client.close()
        raise


def _through(client: paramiko.SSHClient, jump: Router, router: Router) -> paramiko.Channel:
    """A channel from the jump host to the router's SSH port. Raises Unavailable."""
    transport = client.get_transport()
    assert transport is not None  # connected just now
    try:
        return transport.open_channel(
            "direct-tcpip", (router.host, router.port), ("127.0.0.1", 0), timeout=CONNECT_SECONDS
        )
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Unavailable(
            f"{router.name}: {jump.host} opens no way to {router.host} port {router.port}: {_reason(error)}",
            f"check `host:` and `port:` of the router, and that {jump.host} allows TCP forwarding",
        ) from error


def _connect(router: Router, password: str | None, channel: paramiko.Channel | None) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    where = f"{router.name} ({router.user}@{router.host} port {router.port})"
    try:
        if router.known_hosts:
            if not Path(router.known_hosts).is_file():
                raise Unavailable(
                    f"{where}: there is no known_hosts file {router.known_hosts}",
                    f"put the router's host key there: ssh-keyscan -p {router.port} {router.host}, then compare it",
                )
            client.load_host_keys(router.known_hosts)
        else:
            client.load_system_host_keys()
        if router.key and not Path(router.key).is_file():
            raise InvalidInput(f"{where}: there is no key file {router.key}", "correct `key:` of the router")
        client.connect(
            router.host,
            port=router.port,
            username=router.user,
            password=password,
            key_filename=router.key,
            allow_agent=router.key is None and password is None,
            look_for_keys=False,
            timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
            channel_timeout=CONNECT_SECONDS,
            sock=channel,
        )
    except BaseException as error:
        client.close()
        if isinstance(error, OSError | EOFError | paramiko.SSHException):
            raise Unavailable(f"{where}: no SSH login: {_reason(error)}", _next_step(error, router)) from error
        raise
    transport = client.get_transport()
    assert transport is not None  # connected just now
    transport.set_keepalive(KEEPALIVE_SECONDS)
    if isinstance(transport.sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
        # Unanswered data ends the connection; else a path that dies under a command holds it up for minutes.
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(COMMAND_SECONDS * 1000))
    log.debug("logged in to %s", where)
    return client


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "no answer in time"
    return str(error).strip() or type(error).__name__


def _next_step(error: BaseException, router: Router) -> str:
    if isinstance(error, paramiko.BadHostKeyException) or "not found in known_hosts" in str(error):
        return f"compare the router's host key and put it into {router.known_hosts or '~/.ssh/known_hosts'}"
    if isinstance(error, paramiko.AuthenticationException):
        return "check `user:` and `key:` of the router, and the router's authorized keys"
    return "check `host:` and `port:` of the router, and the management path"
