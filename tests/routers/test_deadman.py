"""The dead-man of FRR's platform file for real: its scripts in /bin/sh, on a /tmp of their own."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintsched.config.platform import load_platform
from maintsched.domain.platform import DeadMan, fill


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


@dataclass
class Host:
    """A place with its own processes and its own /tmp; what it runs dies with it."""

    enter: list[str]
    tmp: Path
    timer: DeadMan

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        """As sshd starts a command: the call ends when nothing holds its output any more."""
        return subprocess.run([*self.enter, "/bin/sh", "-c", script], capture_output=True, text=True, timeout=20)

    def arm(self, token: str, seconds: int, restore: str = "") -> subprocess.CompletedProcess[str]:
        return self.sh(self.armed(token, seconds, restore))

    def armed(self, token: str, seconds: int, restore: str = "") -> str:
        values = {"token": token, "seconds": str(seconds)}
        return fill(self.timer.arm, values, raw={"restore": restore or f"echo {token} >> /tmp/restored"})

    def cancelled(self, token: str) -> str:
        return fill(self.timer.cancel, {"token": token})

    def cancel(self, token: str) -> int:
        return self.sh(self.cancelled(token)).returncode

    def status(self, token: str) -> str:
        done = self.sh(fill(self.timer.status, {"token": token}))
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def restored(self) -> list[str]:
        """The tokens whose restoring ran, in order, as often as it ran."""
        path = self.tmp / "restored"
        return path.read_text().split() if path.exists() else []

    def folder(self) -> Path:
        return next(self.tmp.glob("maintsched-*"))

    def processes(self, token: str) -> list[str]:
        """Processes of the timer's own session."""
        session = (self.folder() / f"{token}.pid").read_text().strip()
        return self.sh(f"pgrep -s {session}").stdout.split()


def _place(flags: list[str]) -> subprocess.Popen[str]:
    # SIGCHLD ignored, so that orphans are reaped as an init does it.
    begin = "mount -t tmpfs tmpfs /tmp && echo ready && trap '' CHLD && exec sleep 600"
    argv = ["unshare", *flags, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", begin]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def place() -> Iterator[list[str]]:
    """The words that enter namespaces made for these tests."""
    rooted = os.geteuid() == 0
    holder = _place([] if rooted else ["--user", "--map-root-user"])
    try:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"no namespaces here: {holder.stderr.read().strip()}")
        init = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0]
        flags = ["--mount", "--pid"] if rooted else ["--user", "--preserve-credentials", "--mount", "--pid"]
        yield ["nsenter", "-t", init, *flags]
    finally:
        holder.kill()
        holder.communicate(timeout=10)


@pytest.fixture
def host(place: list[str]) -> Iterator[Host]:
    """With an empty /tmp, and no timer left running from the test before."""
    timer = load_platform("frr").deadman
    assert timer is not None
    yield Host(place, Path(f"/proc/{place[2]}/root/tmp"), timer)
    subprocess.run([*place, "pkill", "-9", "-f", "maintsched"], check=False, timeout=10)
    subprocess.run([*place, "sh", "-c", "rm -rf /tmp/*"], check=True, timeout=10)


def left(state: str) -> int:
    found = re.fullmatch(r"armed (-?\d+)", state)
    assert found, state
    return int(found[1])


def test_an_armed_timer_says_how_long_it_has_and_outlives_the_login_that_armed_it(host: Host) -> None:
    assert host.status("T-1") == "none"
    done = host.arm("T-1", 300)  # returns at once: nothing of the timer holds the login's output
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert 298 <= left(host.status("T-1")) <= 300
    assert eventually(lambda: len(host.processes("T-1")) == 2)
    assert host.folder().stat().st_mode & 0o777 == 0o700


def test_a_cancelled_timer_restores_nothing_and_leaves_no_process(host: Host) -> None:
    host.arm("T-1", 1)
    assert host.cancel("T-1") == 0
    assert host.status("T-1") == "cancelled"
    assert eventually(lambda: host.processes("T-1") == [])
    host.arm("T-2", 1)  # armed later for as long: when it has fired, the first would have
    assert eventually(lambda: host.restored() != [])
    assert host.restored() == ["T-2"]
    assert host.status("T-1") == "cancelled"


def test_a_timer_that_is_left_alone_fires_once_and_is_then_too_late_to_cancel(host: Host) -> None:
    began = time.monotonic()
    host.arm("T-1", 1)
    assert eventually(lambda: host.status("T-1") == "fired")
    assert 1.0 <= time.monotonic() - began < 3.0
    assert eventually(lambda: host.processes("T-1") == [])
    assert host.restored() == ["T-1"]
    assert host.cancel("T-1") == 3
    assert (host.status("T-1"), host.restored()) == ("fired", ["T-1"])


def test_every_line_of_restoring_is_tried_though_one_before_it_fails(host: Host) -> None:
    host.arm("T-1", 0, "false\nno-such-program\necho second >> /tmp/restored")
    assert eventually(lambda: host.restored() == ["second"])


def test_what_is_restored_stands_in_the_timer_word_for_word(host: Host) -> None:
    words = (
        """vtysh -c 'configure terminal' -c 'router bgp 64500' -c 'no neighbor 192.0.2.9 shutdown' $HOME `id` "x" """
    )
    host.arm("T-1", 300, words)
    assert words in (host.folder() / "T-1.sh").read_text().splitlines()


def test_a_timer_whose_process_was_killed_is_dead_and_says_so(host: Host) -> None:
    host.arm("T-1", 300)
    assert eventually(lambda: len(host.processes("T-1")) == 2)
    session = (host.folder() / "T-1.pid").read_text().strip()
    host.sh(f"kill -s KILL -- -{session}")
    assert eventually(lambda: host.status("T-1") == "dead")
    assert host.cancel("T-1") == 0
    assert (host.status("T-1"), host.restored()) == ("cancelled", [])


def test_a_token_that_was_never_armed_is_none_and_cannot_be_cancelled(host: Host) -> None:
    host.arm("T-10", 300)
    assert (host.status("T-1"), host.cancel("T-1")) == ("none", 3)
    assert left(host.status("T-10")) > 290


@pytest.mark.parametrize("state", ["armed", "cancelled", "fired"])
def test_a_token_is_armed_once(host: Host, state: str) -> None:
    host.arm("T-1", 0 if state == "fired" else 300)
    if state == "cancelled":
        host.cancel("T-1")
    assert eventually(lambda: host.status("T-1").startswith(state))
    before = (host.folder() / "T-1.pid").read_text()
    assert host.arm("T-1", 1).returncode != 0
    assert host.status("T-1").startswith(state)
    assert (host.folder() / "T-1.pid").read_text() == before
    if state == "armed":
        assert left(host.status("T-1")) > 290


def test_two_timers_do_not_touch_each_other(host: Host) -> None:
    host.arm("T-1", 300)
    host.arm("T-12", 1)
    assert eventually(lambda: host.status("T-12") == "fired")
    assert left(host.status("T-1")) > 290
    assert host.cancel("T-1") == 0
    assert (host.status("T-1"), host.status("T-12"), host.restored()) == ("cancelled", "fired", ["T-12"])


@pytest.mark.parametrize("prepared", ["mkdir {0}; chown 65534 {0}; chmod 777 {0}", "mkdir /tmp/own; ln -s /tmp/own {0}",
                                      "ln -s /tmp/nowhere {0}", ": > {0}"],
                         ids=["somebody else's", "a link", "a link to nothing", "a file"])  # fmt: skip
def test_a_directory_that_is_not_our_own_is_refused(host: Host, prepared: str) -> None:
    made = host.sh("set -e; " + prepared.format("/tmp/maintsched-$(id -un)"))
    if made.returncode != 0:
        pytest.skip(f"only root can give a directory away: {made.stderr.strip()}")
    assert host.arm("T-1", 0).returncode != 0
    assert [path.name for path in host.tmp.rglob("*T-1*")] == []
    assert host.restored() == []


RACES = 60
# Seconds of the timer, and until it is cancelled: the first is won by cancelling, the last lost, the rest are races
ODDS = ((5, 0), (0, 0), (0, 0.001), (0, 0.002), (0, 0.003), (0, 0.005), (0, 0.01), (0, 0.3))


def test_of_firing_and_cancelling_exactly_one_wins_every_time(host: Host) -> None:
    """The timer fires at once; cancelling follows sooner or later."""
    tokens = [f"T-{number}" for number in range(RACES)]
    script = "".join(
        f"( {host.armed(token, timer)}\n)\nsleep {delay}\n( {host.cancelled(token)}\n)\necho $?\n"
        for token, (timer, delay) in zip(tokens, itertools.cycle(ODDS), strict=False)
    )
    codes = [int(word) for word in host.sh(script).stdout.split()]
    assert set(codes) == {0, 3}, "the race was never won, or never lost, by cancelling"
    fired = [token for token, code in zip(tokens, codes, strict=True) if code == 3]
    assert eventually(lambda: len(host.restored()) >= len(fired))
    assert sorted(host.restored()) == sorted(fired)
    names = {path.name for path in host.folder().iterdir()}
    for token, code in zip(tokens, codes, strict=True):
        states = {state for state in ("", ".fired", ".cancelled") if token + state in names}
        assert states == ({".fired"} if code == 3 else {".cancelled"})
