"""Signals while a drill runs: noted, not thrown; restoring is not cut short by any of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from maintsched.services.interruption import Aborted, Interruption, interruptible

DRILL = r"""
import os, sys
from maintsched.services.interruption import Aborted, interruptible

def tell(text):  # not print: a signal in the middle of a print cannot print itself
    os.write(1, f"{text}\n".encode())

def say(text):
    tell(f"says {text}")
    if sys.argv[1] == "gone":
        raise OSError(5, "Input/output error")  # the terminal hung up
    if sys.argv[1] == "inside":
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

with interruptible(say) as interruption:
    try:
        tell("running")
        interruption.wait(30)
        tell("not interrupted")
    except Aborted as error:
        tell(f"aborted {error}")
        interruption.shielded = True
        tell("restoring")
        sys.stdin.readline()
        interruption.check()
        interruption.wait(0.1)
        tell("restored")
"""


def drill(mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRILL, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("mode", ["told", "gone", "inside"])
def test_a_signal_ends_the_waiting_and_a_second_one_does_not_end_the_restoring(
    number: signal.Signals, mode: str
) -> None:
    process = drill(mode)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    sent = time.monotonic()
    process.send_signal(number)
    assert process.stdout.readline() == "says restoring; please wait\n"
    assert process.stdout.readline() == f"aborted {number.name} received\n"
    assert time.monotonic() - sent < 1.0
    assert process.stdout.readline() == "restoring\n"
    for again in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        process.send_signal(again)
        assert process.stdout.readline() == "says already restoring; please wait\n"
    out, errors = process.communicate("\n", timeout=10)
    assert (process.returncode, out, errors) == (0, "restored\n", "")


def test_the_ways_of_before_come_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible(lambda _: None):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(ZeroDivisionError), interruptible(lambda _: None):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_first_reason_stays() -> None:
    interruption = Interruption()
    interruption.check()
    interruption.set("SIGINT received")
    interruption.set("SIGTERM received")
    with pytest.raises(Aborted, match="SIGINT received"):
        interruption.check()


def test_a_wait_is_as_long_as_was_asked_where_nobody_aborts() -> None:
    began = time.monotonic()
    Interruption().wait(0.12)
    assert 0.12 <= time.monotonic() - began < 1.0


def test_beside_the_main_thread_signals_are_left_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def body() -> None:
        with interruptible(lambda _: None) as interruption:
            seen.append(signal.getsignal(signal.SIGINT))
            interruption.wait(0)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [before]
