"""Shells that stand in at the seam: one answers from a table, one is this machine's; and answers in FRR 8.4's shape."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maintsched.domain.inventory import Router
from maintsched.domain.platform import AllowList, fill
from maintsched.errors import ShellLost
from maintsched.routers.device import Device
from maintsched.routers.ssh import COMMAND_SECONDS, Output, Shell
from tests.services.planned import frr

ROUTER = Router("edge1", "LD4", "frr", "192.0.2.1", "drill")
NEIGHBOR = "192.0.2.9"
VALUES = {
    "neighbor": NEIGHBOR,
    "prefix": "198.51.100.0/24",
    "address": "198.51.100.7",
    "interface": "eth4",
    "local_as": "64500",
    "run": "R-1",
}

ESTABLISHED = {
    NEIGHBOR: {
        "remoteAs": 64501,
        "localAs": 64500,
        "nbrExternalLink": True,
        "bgpState": "Established",
        "bgpTimerUpMsec": 912000,
        "addressFamilyInfo": {"ipv4Unicast": {"updateGroupId": 3, "acceptedPrefixCounter": 4, "sentPrefixCounter": 2}},
        "lastResetDueTo": "No AFI/SAFI activated for peer",
        "peerBfdInfo": {"type": "single hop", "detectMultiplier": 3, "status": "Up"},
    }
}
TWO_FAMILIES = {
    NEIGHBOR: {
        "bgpState": "Established",
        "addressFamilyInfo": {
            "ipv4Unicast": {"acceptedPrefixCounter": 4, "sentPrefixCounter": 2},
            "ipv6Unicast": {"acceptedPrefixCounter": 1, "sentPrefixCounter": 1},
        },
    }
}
SHUT = {
    NEIGHBOR: {
        "remoteAs": 64501,
        "localAs": 64500,
        "adminShutDown": True,
        "bgpState": "Idle",
        "addressFamilyInfo": {"ipv4Unicast": {"acceptedPrefixCounter": 0}},
        "lastResetDueTo": "Admin. shutdown",
    }
}
NO_NEIGHBOR = {"bgpNoSuchNeighbor": True}
PATHS = {
    "prefix": "198.51.100.0/24",
    "paths": [
        {"locPrf": 100, "valid": True, "nexthops": [{"ip": "192.0.2.33", "afi": "ipv4", "used": True}]},
        {
            "locPrf": 200,
            "valid": True,
            "bestpath": {"overall": True, "selectionReason": "Local Pref"},
            "nexthops": [{"ip": NEIGHBOR, "afi": "ipv4", "used": True}],
        },
    ],
}

Answer = str | Output | Exception


@dataclass
class StandIn:
    """Answers each command from `answers`; what is not there, the router does not know. `asked` is what reached it."""

    answers: Mapping[str, Answer]
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    router: str = "edge1"
    local_address: str = "192.0.2.254"

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Output:
        assert not self.closed
        self.asked.append(command)
        answer = self.answers.get(command, Output(127, "", f"sh: {command}: not found\n"))
        if isinstance(answer, Exception):
            raise answer
        return Output(0, answer, "") if isinstance(answer, str) else answer

    def close(self) -> None:
        self.closed = True


@dataclass
class LocalShell:
    """The commands run in this machine's /bin/sh; `programs` stand in for the router's own, by name."""

    folder: Path
    programs: Mapping[str, str]
    router: str = "edge1"
    local_address: str = "192.0.2.254"

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Output:
        for name, script in self.programs.items():
            program = self.folder / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": f"{self.folder}:/usr/bin:/bin"}, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        return Output(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """Nothing is open."""


def command_of(intent: str) -> str:
    """The command of a read of FRR's platform file, filled in."""
    return fill(frr().reads[intent].command, VALUES)


def text(answer: Any) -> str:
    return json.dumps(answer, indent=2) + "\n"


def device(*shells: Shell, allow: frozenset[str] | None = None) -> Device:
    """A Device on edge1 that logs in to each of `shells` in turn, then to none; by default every read is allowed."""
    waiting = list(shells)
    platform = frr()
    reads = frozenset(command_of(intent) for intent in platform.reads)

    def connect() -> Shell:
        if not waiting:
            raise ShellLost("edge1: no SSH login: no answer in time")
        return waiting.pop(0)

    return Device(ROUTER, platform, AllowList(allow if allow is not None else reads, platform.deny), connect)
