"""The lab as its routers see it: BGP sessions, BFD, paths; and waiting for them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maintsched.errors import LabFailed
from maintsched.lab import bird, holders
from maintsched.lab.layout import CORE, Layout
from maintsched.lab.record import Record

PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class SessionState:
    """A BGP session as one of its routers sees it; `state` as the router says it, `unknown` when it does not answer."""

    router: str
    neighbor: str
    circuit: str | None
    state: str

    @property
    def up(self) -> bool:
        return self.state == "Established"


def sessions(record: Record) -> tuple[SessionState, ...]:
    """Every session of the edges and of the provider's core."""
    layout = record.layout
    found: list[SessionState] = []
    for edge in layout.edges:
        wanted: list[tuple[str, str | None, str]] = [
            (access.neighbor, access.circuit, bird.protocol(access.circuit))
            for access in layout.accesses
            if access.edge == edge.name
        ]
        wanted += [
            (other.interconnect or "", None, f"i{bird.protocol(other.name)}")
            for other in layout.edges
            if other.name != edge.name
        ]
        said = _bird_states(record, edge.name) if edge.platform == "bird" else _frr_states(record, edge.name)
        for neighbor, circuit, protocol in wanted:
            key = protocol if edge.platform == "bird" else neighbor
            found.append(SessionState(edge.name, neighbor, circuit, said.get(key, "unknown")))
    said = _frr_states(record, CORE)
    found += [
        SessionState(CORE, each.provider_address, None, said.get(each.provider_address, "unknown"))
        for each in layout.accesses
    ]
    return tuple(found)


def missing(record: Record) -> list[str]:
    """What keeps the lab from being up: sessions, BFD, the standby's path at the primary's edge, the way back."""
    absent = [
        f"{each.router}: session with {each.neighbor} is {each.state}" for each in sessions(record) if not each.up
    ]
    if absent:
        return absent
    layout = record.layout
    primary = layout.primary
    seen = paths(record, primary.edge, layout.services[0])
    if seen < len(layout.accesses):
        absent.append(f"{primary.edge}: {seen} paths to {layout.services[0]}, not {len(layout.accesses)}")
    best = best_neighbor(record, CORE, layout.announced[0])
    if best not in {access.provider_address for access in layout.accesses if access.preferred}:
        absent.append(
            f"{CORE}: the way back to {layout.announced[0]} is {best or 'nowhere'}, not {primary.provider_address}"
        )
    return absent + _bfd_missing(record)


def await_up(record: Record, seconds: float) -> None:
    """Poll until nothing is missing; LabFailed names what is."""
    deadline = time.monotonic() + seconds
    while absent := missing(record):
        if time.monotonic() > deadline:
            raise LabFailed("the lab is not up: " + "; ".join(absent), "the nodes' logs lie in the lab's directory")
        time.sleep(PAUSE)


def await_that(holds: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition; whether it held in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def ask(record: Record, node: str, *argv: str) -> str:
    """What a router prints; empty when it does not answer."""
    try:
        return holders.run(record.node(node), record.mark, argv, wait=10.0)
    except LabFailed:
        return ""


def _ask_frr(record: Record, node: str, command: str) -> Any:
    try:
        return json.loads(ask(record, node, "vtysh", "-c", command) or "{}")
    except ValueError:
        return {}


def _frr_states(record: Record, node: str) -> dict[str, str]:
    summary = _ask_frr(record, node, "show bgp ipv4 unicast summary json")
    return {address: str(peer.get("state", "unknown")) for address, peer in summary.get("peers", {}).items()}


def _bird_states(record: Record, node: str) -> dict[str, str]:
    """BIRD's columns are name, proto, table, state, since, info; `info` is the BGP state."""
    states = {}
    for line in ask(record, node, "birdc", "show protocols").splitlines():
        columns = line.split()
        if len(columns) >= 5 and columns[1] == "BGP":
            states[columns[0]] = columns[5] if columns[3] != "down" and len(columns) > 5 else columns[3]
    return states


def paths(record: Record, node: str, prefix: str) -> int:
    """How many valid BGP paths a router knows to a prefix."""
    if _platform(record.layout, node) == "bird":
        said = ask(record, node, "birdc", f"show route for {prefix} all")
        return len(re.findall(r"^\s+BGP\.next_hop:", said, re.MULTILINE))
    known = _ask_frr(record, node, f"show bgp ipv4 unicast {prefix} json").get("paths", [])
    return sum(1 for path in known if path.get("valid"))


def best_neighbor(record: Record, node: str, prefix: str) -> str | None:
    """The neighbour from which an FRR router has its best path to a prefix; None when it has none."""
    for path in _ask_frr(record, node, f"show bgp ipv4 unicast {prefix} json").get("paths", []):
        if path.get("bestpath", {}).get("overall"):
            return str(path.get("peer", {}).get("peerId"))
    return None


def _bfd_missing(record: Record) -> list[str]:
    absent = []
    for access in record.layout.accesses:
        if access.bfd:
            said = _ask_frr(record, access.provider, "show bfd peers json")
            up = any(peer.get("peer") == access.address and peer.get("status") == "up" for peer in said)
            if not up:
                absent.append(f"{access.provider}: BFD with {access.address} is not up")
    return absent


def _platform(layout: Layout, node: str) -> str:
    return next((edge.platform for edge in layout.edges if edge.name == node), "frr")
