"""ICMP echo at a constant rate, sent by a process of its own (`icmp_sender`) and read here."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from maintsched.domain.drill import Sample
from maintsched.domain.inventory import ProbeConfig
from maintsched.errors import ProbeFailed
from maintsched.probes import icmp_sender

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READY_S = 10.0
TIMEOUT_S = 1.0
TAIL_S = 10.0
"""How long the sender may take to end after its last answer or time-out."""


class IcmpProbe:
    """Echo requests to `config.target`, `config.rate` a second. Usable as a context manager, once."""

    def __init__(self, config: ProbeConfig) -> None:
        """Raises ProbeFailed when the target is no IP address or the rate is out of range."""
        self.name = config.name
        self.critical = config.critical
        self.rate = float(config.rate)
        self.method = f"icmp {config.rate}/s"
        self._stream = EchoStream(config.name, config.target, config.rate)

    def start(self) -> None:
        """Begin to send; returns when the sender has its socket. Raises ProbeFailed with the reason when it cannot."""
        self._stream.start()

    def samples(self) -> tuple[Sample, ...]:
        """Settled samples in the order of sending. Raises ProbeFailed once the sender has died."""
        self._stream.check()
        return self._stream.samples()

    def lost_in_a_row(self) -> int:
        """Lost samples at the end of what has settled; a loss settles one second after sending."""
        self._stream.check()
        return self._stream.lost_in_a_row()

    def kept(self) -> tuple[Sample, ...]:
        """Settled samples, also after a failure."""
        return self._stream.samples()

    def stop(self) -> tuple[Sample, ...]:
        """Stop sending, wait for what is outstanding. Raises ProbeFailed when the sender did not end well."""
        self._stream.close()
        self._stream.finish(TIMEOUT_S + TAIL_S)
        return self._stream.samples()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.kill()


def burst(target: str, count: int, rate: int) -> tuple[int, int]:
    """Send exactly `count` echo requests; (sent, received). Raises ProbeFailed when fewer could be sent."""
    stream = EchoStream(f"burst to {target}", target, rate, count)
    try:
        stream.start()
        stream.finish(count / rate + TIMEOUT_S + TAIL_S)
    finally:
        stream.kill()
    samples = stream.samples()
    if len(samples) != count:
        raise ProbeFailed(f"burst to {target}: {len(samples)} of {count} requests settled", "try it again")
    return len(samples), sum(sample.rtt_ms is not None for sample in samples)


class EchoStream:
    """One sender process and what it has said so far; a thread reads its pipe."""

    def __init__(self, name: str, target: str | None, rate: int, count: int | None = None) -> None:
        self.name = name
        try:
            self.target = str(ip_address(target or ""))
        except ValueError:
            raise ProbeFailed(
                f"probe {name}: target {target!r} is not an IP address", "give an IPv4 or IPv6 address as `target`"
            ) from None
        if not 1 <= rate <= 1000:
            raise ProbeFailed(f"probe {name}: rate {rate} is out of range", "give 1 to 1000 per second")
        self.rate, self.count = rate, count
        self._process: subprocess.Popen[str] | None = None
        self._changed = Condition()
        self._samples: dict[int, Sample] = {}
        self._ready = self._ended = self._closing = False
        self._done: int | None = None
        self._complaint = ""

    def start(self) -> None:
        if self._process is not None:
            raise ProbeFailed(f"probe {self.name} was started before", "open a new one")
        command = [sys.executable, "-I", "-S", str(icmp_sender.__file__), "--target", self.target]
        command += ["--rate", str(self.rate), "--timeout", str(TIMEOUT_S)]
        if self.count is not None:
            command += ["--count", str(self.count)]
        pipe = subprocess.PIPE
        # a session of its own: a Ctrl-C on the terminal must not reach it
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        Thread(target=self._read, args=(self._process,), name=f"probe {self.name}", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended, READY_S)
            ready = self._ready
        if not ready:
            self.kill()
            raise self._failure(f"did not start within {READY_S:.0f} s")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        complaint = ""
        try:
            for line in process.stdout:
                self._heard(json.loads(line))
            complaint = process.stderr.read().strip()
        except (ValueError, KeyError) as error:  # half a line of a killed sender, or a pipe closed under us
            complaint = f"its output broke off ({error})"
        finally:
            process.wait()
            process.stdout.close()
            process.stderr.close()
            if process.stdin is not None:
                process.stdin.close()
            with self._changed:
                self._ended, self._complaint = True, complaint
                self._changed.notify_all()

    def _heard(self, fact: dict[str, int | float | str | None]) -> None:
        with self._changed:
            if "ready" in fact:
                self._ready = True
            elif "done" in fact:
                self._done = int(fact["done"] or 0)
            else:
                at = EPOCH + timedelta(microseconds=int(fact["sent_ns"] or 0) // 1000)
                rtt = fact["rtt_ms"]
                self._samples[int(fact["seq"] or 0)] = Sample(at, None if rtt is None else float(rtt), rtt is not None)
            self._changed.notify_all()

    def samples(self) -> tuple[Sample, ...]:
        with self._changed:
            return tuple(self._samples[seq] for seq in sorted(self._samples))

    def lost_in_a_row(self) -> int:
        with self._changed:
            for lost, seq in enumerate(sorted(self._samples, reverse=True)):
                if self._samples[seq].rtt_ms is not None:
                    return lost
            return len(self._samples)

    def check(self) -> None:
        """Raises ProbeFailed when the sender was never started, or ended and was not asked to."""
        with self._changed:
            if self._process is None:
                raise ProbeFailed(f"probe {self.name} was not started", "start it first")
            if self._ended and (self._done is None or (self.count is None and not self._closing)):
                raise self._failure("died")

    def close(self) -> None:
        """Let the sender finish: it stops sending when its standard input closes."""
        self.check()
        self._closing = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def finish(self, seconds: float) -> None:
        with self._changed:
            ended = self._changed.wait_for(lambda: self._ended, seconds)
            settled = len(self._samples)
        if not ended:
            self.kill()
            raise self._failure(f"did not end within {seconds:.0f} s")
        if self._done is None or self._done != settled:
            raise self._failure("died")

    def kill(self) -> None:
        """End the process, if it still runs; nothing it had outstanding is counted."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        with self._changed:
            ended = self._ended
        if not ended:
            process.kill()
            with self._changed:
                self._changed.wait_for(lambda: self._ended, TAIL_S)

    def _failure(self, what: str) -> ProbeFailed:
        code = self._process.poll() if self._process else None
        why = self._complaint or (f"exit {code}" if code is not None else "no reason given")
        return ProbeFailed(
            f"probe {self.name} to {self.target}: the ICMP sender {what}: {why}",
            "its reading is unknown, not 0 lost; `maintsched probe run` tries it alone",
        )
