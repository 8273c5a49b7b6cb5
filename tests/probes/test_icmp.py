"""ICMP probes with real packets on loopback, sent by the real process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event

import pytest

from maintsched.domain.inventory import ProbeConfig
from maintsched.domain.measure import describe, outage
from maintsched.errors import ProbeFailed
from maintsched.probes import icmp_sender, open_probe
from maintsched.probes.icmp import IcmpProbe, burst

ECHO = "127.0.0.1"


@pytest.fixture(autouse=True)
def _icmp_is_allowed() -> None:
    try:
        icmp_sender.Echo(ECHO, 56).sock.close()
    except icmp_sender.CannotRun as refusal:
        if os.environ.get("MAINTSCHED_REQUIRE_ALL") == "1":
            raise
        pytest.skip(str(refusal))


def config(target: str | None = ECHO, rate: int = 100, critical: bool = False) -> ProbeConfig:
    return ProbeConfig("path", "icmp", target=target, rate=rate, critical=critical)


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        Event().wait(0.01)


@pytest.fixture
def probe() -> Iterator[IcmpProbe]:
    with IcmpProbe(config()) as running:
        yield running


def test_a_burst_is_sent_in_full_and_counted() -> None:
    assert burst(ECHO, 50, 500) == (50, 50)


def test_a_burst_over_ipv6_is_counted_too() -> None:
    echo = icmp_sender.Echo("::1", 56)
    try:
        echo.send(0)
    except icmp_sender.CannotRun as refusal:
        pytest.skip(f"no IPv6 loopback: {refusal}")
    finally:
        echo.sock.close()
    assert burst("::1", 10, 200) == (10, 10)


def test_every_sample_has_its_time_and_nothing_is_lost_on_loopback(probe: IcmpProbe) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    until(lambda: len(probe.samples()) >= 20, "20 samples")
    assert probe.lost_in_a_row() == 0
    samples = probe.stop()
    assert all(each.rtt_ms is not None and 0 < each.rtt_ms < 1000 and each.ok for each in samples)
    assert all(earlier.at < later.at for earlier, later in pairwise(samples))
    assert before < samples[0].at < samples[-1].at < datetime.now(UTC) + timedelta(seconds=1)
    assert describe(outage(samples, probe.rate, probe.method, "loopback")).endswith(f"(0 of {len(samples)} lost)")


def test_the_rate_is_kept_by_absolute_deadlines() -> None:
    with IcmpProbe(config(rate=200)) as probe:
        until(lambda: len(probe.samples()) >= 101, "101 samples")
        samples = probe.stop()
    # 100 intervals of 5 ms; what one packet is late, the next is early
    span = samples[100].at - samples[0].at
    assert abs(span - timedelta(milliseconds=500)) < timedelta(milliseconds=60)


def test_stopping_waits_for_what_is_outstanding() -> None:
    with IcmpProbe(config(rate=1000)) as probe:
        until(lambda: len(probe.kept()) >= 200, "200 samples")
        samples = probe.stop()
    assert all(each.rtt_ms is not None for each in samples)


def test_a_sender_that_dies_is_a_failure_and_not_0_lost(probe: IcmpProbe) -> None:
    until(lambda: len(probe.samples()) >= 5, "5 samples")
    process = probe._stream._process
    assert process is not None
    process.send_signal(signal.SIGKILL)
    until(lambda: probe._stream._ended, "the end of the sender is seen")
    for reading in (probe.samples, probe.lost_in_a_row, probe.stop):
        with pytest.raises(ProbeFailed, match="the ICMP sender died") as failure:
            reading()
        assert "unknown" in failure.value.hint
    assert len(probe.kept()) >= 5


def test_a_stopped_probe_keeps_its_samples(probe: IcmpProbe) -> None:
    until(lambda: len(probe.samples()) >= 5, "5 samples")
    samples = probe.stop()
    assert probe.samples() == samples == probe.kept()


def test_ctrl_c_on_the_terminal_does_not_reach_the_sender(probe: IcmpProbe) -> None:
    process = probe._stream._process
    assert process is not None
    assert os.getsid(process.pid) != os.getsid(0)
    process.send_signal(signal.SIGINT)
    so_far = len(probe.samples())
    until(lambda: len(probe.samples()) >= so_far + 20, "it goes on")
    probe.stop()


def test_leaving_the_context_ends_the_process() -> None:
    with IcmpProbe(config()) as probe:
        process = probe._stream._process
    assert process is not None
    assert process.poll() is not None


def test_a_probe_that_was_not_started_has_no_reading() -> None:
    with pytest.raises(ProbeFailed, match="was not started"):
        IcmpProbe(config()).samples()


def test_a_probe_is_started_once(probe: IcmpProbe) -> None:
    with pytest.raises(ProbeFailed, match="started before"):
        probe.start()


@pytest.mark.parametrize("target", [None, "", "service.example.net", "10.0.0.1:8443", "10.0.0.256"])
def test_a_target_must_be_an_address(target: str | None) -> None:
    with pytest.raises(ProbeFailed, match="not an IP address"):
        IcmpProbe(config(target))


@pytest.mark.parametrize("rate", [0, -1, 1001])
def test_a_rate_must_be_possible(rate: int) -> None:
    with pytest.raises(ProbeFailed, match="out of range"):
        IcmpProbe(config(rate=rate))


def test_a_target_that_cannot_be_sent_to_says_why() -> None:
    with IcmpProbe(config("255.255.255.255")) as probe:
        until(lambda: probe._stream._ended, "the sender gives up")
        with pytest.raises(ProbeFailed, match=r"cannot send to 255\.255\.255\.255"):
            probe.stop()


IN_A_NAMESPACE = """
import time
from pathlib import Path
from threading import Event
from maintsched.domain.inventory import ProbeConfig
from maintsched.domain.measure import describe, outage
from maintsched.probes.icmp import IcmpProbe, burst

def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        Event().wait(0.01)

deaf = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
with IcmpProbe(ProbeConfig("path", "icmp", target="127.0.0.1", rate=100)) as probe:
    until(lambda: len(probe.samples()) >= 20)
    deaf.write_text("1")
    until(lambda: probe.lost_in_a_row() >= 10)
    deaf.write_text("0")
    until(lambda: probe.lost_in_a_row() == 0)
    samples = probe.stop()
result = outage(samples, probe.rate, probe.method, "deafness")
marks = "".join("-" if each.rtt_ms is None else "+" for each in samples)
assert {each.ok for each in samples if each.rtt_ms is None} == {False}
assert set(marks.strip("+")) == {"-"}, marks
assert result.lost == marks.count("-") >= 10
assert result.round_trip_ms == result.lost * 10
assert abs(result.longest_gap_ms - result.round_trip_ms) < 25, result
deaf.write_text("1")
print(burst("127.0.0.1", 5, 100), Path("/proc/sys/net/ipv4/ping_group_range").read_text().split())
"""


@pytest.mark.lab
@pytest.mark.parametrize(("groups", "kind"), [("0 2147483647", "dgram"), ("1 0", "raw")])
def test_losses_and_the_way_back_are_seen_over_either_kind_of_socket(groups: str, kind: str) -> None:
    """A network namespace of its own, whose loopback is made deaf to echo requests and back."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        if os.environ.get("MAINTSCHED_REQUIRE_ALL") == "1":
            pytest.fail("needs root, unshare and ip")
        pytest.skip("needs root, unshare and ip, for a network namespace")
    set_up = f'ip link set lo up && echo "{groups}" > /proc/sys/net/ipv4/ping_group_range && exec "$@"'
    inside = ["unshare", "--net", "sh", "-ec", set_up, "sh", sys.executable, "-c"]
    result = subprocess.run([*inside, IN_A_NAMESPACE], capture_output=True, text=True, timeout=90, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == f"(5, 0) {groups.split()}"
    which = "from maintsched.probes.icmp_sender import Echo; echo = Echo('127.0.0.1', 56); print(echo.kind)"
    opened = subprocess.run([*inside, which], capture_output=True, text=True, timeout=90, check=True)
    assert opened.stdout.strip() == kind


@pytest.fixture
def sender() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        program = [sys.executable, "-m", "maintsched.probes.icmp_sender", "--target", ECHO, "--rate", "100"]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([*program, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_sender_prints_a_line_per_request_and_ends_after_its_count(
    sender: Callable[..., subprocess.Popen[str]],
) -> None:
    process = sender("--count", "7")
    assert process.stdout is not None
    facts = [json.loads(line) for line in process.stdout]
    assert facts[0]["ready"] in ("dgram", "raw")
    assert sorted(each["seq"] for each in facts[1:-1]) == list(range(7))
    assert facts[-1] == {"done": 7}
    assert process.wait(20) == 0


def test_the_sender_ends_well_when_its_input_closes(sender: Callable[..., subprocess.Popen[str]]) -> None:
    process = sender()
    output, complaint = process.communicate(timeout=20)
    facts = [json.loads(line) for line in output.splitlines()]
    assert facts[-1] == {"done": len(facts) - 2}
    assert (process.returncode, complaint) == (0, "")


def test_the_sender_ends_when_nobody_reads(sender: Callable[..., subprocess.Popen[str]]) -> None:
    process = sender()
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--target", "example.net", "--rate", "1"], "--target must be an IP address"),
        (["--target", ECHO, "--rate", "0"], "--rate must be 1 to 1000"),
        (["--target", ECHO, "--rate", "1", "--size", "4"], "--size must be 12 to 1400"),
        (["--target", ECHO, "--rate", "1", "--count", "0"], "--count must be at least 1"),
        (["--target", ECHO, "--rate", "1", "--timeout", "0"], "--timeout must be more than 0"),
    ],
)
def test_the_sender_refuses_wrong_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        icmp_sender.main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("packet", "expected"),
    [(b"", 0xFFFF), (b"\x08\x00\x00\x00\x00\x01\x00\x02", 0xF7FC), (b"\xff", 0x00FF)],
)
def test_the_checksum_is_that_of_rfc_1071(packet: bytes, expected: int) -> None:
    assert icmp_sender.checksum(packet) == expected


@pytest.mark.parametrize("kind", ["udp", "tcp", "oauth", "connection"])
def test_a_kind_that_is_not_built_says_what_is(kind: str) -> None:
    with pytest.raises(ProbeFailed, match=kind) as refusal:
        open_probe(ProbeConfig("fix", kind))
    assert refusal.value.hint == "use one of: icmp, https"


def test_a_probe_is_opened_by_its_kind() -> None:
    probe = open_probe(config(critical=True))
    assert (probe.name, probe.critical, probe.rate, probe.method) == ("path", True, 100.0, "icmp 100/s")
