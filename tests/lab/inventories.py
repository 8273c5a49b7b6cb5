"""Inventories for the lab's tests. As a program it builds a lab, so that a test can kill it in the middle."""

from __future__ import annotations

import sys
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from maintsched import lab
from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Router, Session, Site


def circuit(name: str, router: str, interface: str, network: str, neighbor: str) -> Circuit:
    return Circuit(
        name,
        CircuitKind.CROSS_CONNECT,
        name[3:].upper(),
        "Equinix",
        router=router,
        interface=interface,
        network=ip_network(network),
        sessions=(Session(ip_address(neighbor), 64620, 64710, bfd=True),),
    )


def pair(directory: Path, second: str = "frr") -> Inventory:
    """Two edge routers with a circuit each, and an interconnect that the lab makes up."""
    key, pins = str(directory / "keys" / "drill"), str(directory / "known_hosts")
    routers = {
        "edge1": Router("edge1", "LD4", "frr", "10.210.0.1", "drill", key=key, known_hosts=pins),
        "edge2": Router("edge2", "LD7", second, "10.210.0.2", "drill", key=key, known_hosts=pins),
    }
    circuits = {
        "uk-ld4": circuit("uk-ld4", "edge1", "eth1", "10.210.4.0/30", "10.210.4.2"),
        "uk-ld7": circuit("uk-ld7", "edge2", "eth1", "10.210.7.0/30", "10.210.7.2"),
        "ld4-ld7": Circuit("ld4-ld7", CircuitKind.INTERCONNECT, "LD4", "Equinix"),
    }
    group = Group(
        "uk-direct",
        "Spotware",
        ("uk-ld4", "uk-ld7"),
        "uk-ld4",
        needs=("ld4-ld7",),
        announced=(ip_network("10.210.16.0/28"),),
        service=(ip_network("10.200.0.0/24"),),
    )
    sites = {name: Site(name, "Equinix", "Europe/London", metro="London") for name in ("LD4", "LD7")}
    return Inventory("Northgate", "sqlite:///x.db", "Europe/London", sites, routers, circuits, {"uk-direct": group})


def pair_with_bird(directory: Path) -> Inventory:
    """As `pair`, the standby's edge on BIRD."""
    return pair(directory, "bird")


def single(directory: Path) -> Inventory:
    """One edge router with both circuits."""
    two = pair(directory)
    second = circuit("uk-ld7", "edge1", "eth2", "10.210.7.0/30", "10.210.7.2")
    group = replace(two.groups["uk-direct"], needs=())
    return replace(
        two,
        routers={"edge1": two.routers["edge1"]},
        circuits={"uk-ld4": two.circuits["uk-ld4"], "uk-ld7": second},
        groups={"uk-direct": group},
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    lab.up(pair(place), place, name=sys.argv[2], say=_print)
