"""Sends ICMP echo requests (RFC 792, RFC 4443) at a constant rate: a program of its own, so that nothing delays it.

`python -m maintsched.probes.icmp_sender --target IP --rate N [--count N] [--size BYTES]` prints one JSON line per fact:
`{"ready": "dgram"}` (the kind of socket), then per request `{"seq", "sent_ns", "rtt_ms"}` as it settles, `rtt_ms` null
when no answer came within the time-out, and at the end `{"done": SENT}`. Without that last line it did not end well.
It stops sending when its standard input closes, or after `--count`. Exit 5 with one line on stderr when it cannot run.
Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; Python's socket module has no name for it
TIMESPEC = struct.Struct("@ll")
HEADER = struct.Struct("!BBHHH")
MARK = struct.Struct("!8sI")  # which sender, which request: tells our replies from anybody else's, also after 65,536
NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
SECOND = 1_000_000_000


class CannotRun(Exception):
    """The sender cannot measure; the message is for the user."""


@dataclass
class Echo:
    """An ICMP socket to one target. `kind` dgram (the kernel owns the id) or raw."""

    target: str
    size: int
    version: int = field(init=False)
    kind: str = field(init=False)
    sock: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.version = ipaddress.ip_address(self.target).version
        self.token = os.urandom(8)
        self.ident = int.from_bytes(os.urandom(2), "big")
        self.sock, self.kind = self._opened()
        self.sock.setblocking(False)
        with contextlib.suppress(OSError):  # without the kernel's stamps the times are read here, a little later
            self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def _opened(self) -> tuple[socket.socket, str]:
        family = socket.AF_INET if self.version == 4 else socket.AF_INET6
        protocol = socket.IPPROTO_ICMP if self.version == 4 else socket.IPPROTO_ICMPV6
        reasons = []
        for kind, name in ((socket.SOCK_DGRAM, "dgram"), (socket.SOCK_RAW, "raw")):
            try:
                return socket.socket(family, kind, protocol), name
            except OSError as error:
                reasons.append(f"{name}: {error.strerror}")
        raise CannotRun(
            f"no ICMP socket is allowed here ({'; '.join(reasons)}): allow the group in net.ipv4.ping_group_range, "
            "or run as root or with CAP_NET_RAW"
        )

    def send(self, seq: int) -> bool:
        """Whether the request left; False where there is no way to the target."""
        body = MARK.pack(self.token, seq).ljust(self.size, b"\0")
        kind = 8 if self.version == 4 else 128
        packet = HEADER.pack(kind, 0, 0, self.ident, seq & 0xFFFF) + body
        if self.version == 4:  # the kernel fills in the checksum of ICMPv6, and of ping sockets
            packet = HEADER.pack(kind, 0, checksum(packet), self.ident, seq & 0xFFFF) + body
        try:
            self.sock.sendto(packet, (self.target, 0))
        except OSError as error:
            if error.errno in NO_WAY:
                return False
            raise CannotRun(f"cannot send to {self.target}: {error.strerror}") from error
        return True

    def receive(self) -> tuple[int, int | None] | None:
        """Sequence number and kernel's wall-clock stamp (ns) of one of our replies; None for anything else."""
        packet, ancillary, _flags, sender = self.sock.recvmsg(65535, socket.CMSG_SPACE(TIMESPEC.size))
        if self.kind == "raw" and self.version == 4:
            packet = packet[(packet[0] & 0x0F) * 4 :]
        if len(packet) < HEADER.size + MARK.size or packet[0] != (0 if self.version == 4 else 129):
            return None
        token: bytes
        seq: int
        token, seq = MARK.unpack_from(packet, HEADER.size)
        same = ipaddress.ip_address(sender[0].partition("%")[0]) == ipaddress.ip_address(self.target.partition("%")[0])
        if token != self.token or not same:
            return None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= TIMESPEC.size:
                seconds, nanoseconds = TIMESPEC.unpack_from(data)
                return seq, int(seconds) * SECOND + int(nanoseconds)
        return seq, None


def checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = packet + b"\0" * (len(packet) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF) & 0xFFFF


@dataclass
class Sender:
    """The loop: sends at absolute deadlines of the monotonic clock, and settles each request exactly once.

    Wall times are the monotonic ones plus one anchor, so a clock that is set in between moves none of them.
    """

    echo: Echo
    rate: int
    count: int | None
    timeout_ns: int
    outstanding: dict[int, tuple[int, int]] = field(default_factory=dict)
    sent: int = 0
    ending: bool = False

    def run(self) -> None:
        interval = SECOND // self.rate
        start = time.monotonic_ns()
        self.anchor = time.time_ns() - start
        due = start
        say({"ready": self.echo.kind})
        while True:
            now = time.monotonic_ns()
            self._expire(now)
            if self.count is not None and self.sent >= self.count:
                self.ending = True
            if self.ending and not self.outstanding:
                break
            if not self.ending and now >= due:
                self._send()
                due += interval
                if now - due > SECOND:  # asleep for long (suspended machine): no flood to catch up
                    due = now
                continue
            self._wait(None if self.ending else due, now)
        say({"done": self.sent})

    def _send(self) -> None:
        seq, self.sent = self.sent, self.sent + 1
        at, wall = time.monotonic_ns(), time.time_ns()
        if self.echo.send(seq):
            self.outstanding[seq] = (at, wall)
        else:
            self._settle(seq, at, None)

    def _wait(self, due: int | None, now: int) -> None:
        oldest = next(iter(self.outstanding.values()), None)
        until = [moment for moment in (due, oldest[0] + self.timeout_ns if oldest else None) if moment is not None]
        seconds = max(0, min(until) - now) / SECOND if until else None
        replies, pipe = self.echo.sock.fileno(), sys.stdin.fileno()
        ready, _, _ = select.select([replies] if self.ending else [replies, pipe], [], [], seconds)
        if replies in ready:
            self._receive()
        if pipe in ready and not os.read(pipe, 4096):
            self.ending = True

    def _receive(self) -> None:
        while True:
            try:
                reply = self.echo.receive()
            except BlockingIOError:
                return
            except OSError as error:
                raise CannotRun(f"cannot receive from {self.echo.target}: {error.strerror}") from error
            now = time.monotonic_ns()
            if reply is None or reply[0] not in self.outstanding:  # somebody else's, a duplicate, or too late
                continue
            at, wall = self.outstanding.pop(reply[0])
            rtt = now - at
            # the kernel's stamp is earlier and better than ours, unless the clock was set in between
            if reply[1] is not None and 0 < reply[1] - wall <= rtt:
                rtt = reply[1] - wall
            self._settle(reply[0], at, rtt)

    def _expire(self, now: int) -> None:
        while self.outstanding:
            seq, (at, _wall) = next(iter(self.outstanding.items()))
            if now - at < self.timeout_ns:
                return
            del self.outstanding[seq]
            self._settle(seq, at, None)

    def _settle(self, seq: int, at: int, rtt: int | None) -> None:
        say({"seq": seq, "sent_ns": self.anchor + at, "rtt_ms": None if rtt is None else round(rtt / 1e6, 4)})


def say(fact: dict[str, object]) -> None:
    """One line of JSON, at once."""
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="icmp_sender", description="Constant-rate ICMP echo; JSON lines on stdout.")
    parser.add_argument("--target", required=True, help="an IPv4 or IPv6 address")
    parser.add_argument("--rate", type=int, required=True, help="requests per second, 1 to 1000")
    parser.add_argument("--count", type=int, help="stop after this many requests")
    parser.add_argument("--size", type=int, default=56, help="bytes after the ICMP header, 12 to 1400")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds to wait for an answer")
    options = parser.parse_args(arguments)
    try:
        ipaddress.ip_address(options.target)
    except ValueError:
        parser.error(f"--target must be an IP address, not {options.target!r}")
    for name, low, high in (("rate", 1, 1000), ("size", MARK.size, 1400)):
        if not low <= getattr(options, name) <= high:
            parser.error(f"--{name} must be {low} to {high}")
    if options.count is not None and options.count < 1:
        parser.error("--count must be at least 1")
    if not 0 < options.timeout <= 60:
        parser.error("--timeout must be more than 0 and at most 60 seconds")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parsed(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which restores while we go on measuring
    try:
        echo = Echo(options.target, options.size)
        Sender(echo, options.rate, options.count, round(options.timeout * SECOND)).run()
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return 5
    except BrokenPipeError:  # nobody reads any more; keep the interpreter from flushing into the closed pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
