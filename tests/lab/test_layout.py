"""What an inventory becomes, and what cannot become a lab. Needs no root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from maintsched.domain.inventory import Inventory
from maintsched.errors import InvalidInput, MaintschedError, NotFound, Refused
from maintsched.lab import bird, frr, wiring
from maintsched.lab.layout import Layout, lay_out

from . import inventories
from .bench import quiet


def layout_of(inventory: Inventory) -> Layout:
    return lay_out(inventory, None, quiet)


def circuit(**changes: Any) -> Callable[[Inventory], Inventory]:
    """The pair inventory with another uk-ld7."""

    def changed(inventory: Inventory) -> Inventory:
        other = replace(inventory.circuits["uk-ld7"], **changes)
        return replace(inventory, circuits={**inventory.circuits, "uk-ld7": other})

    return changed


def session(**changes: Any) -> Callable[[Inventory], Inventory]:
    def changed(inventory: Inventory) -> Inventory:
        other = replace(inventory.circuits["uk-ld7"].sessions[0], **changes)
        return circuit(sessions=(other,))(inventory)

    return changed


def router(**changes: Any) -> Callable[[Inventory], Inventory]:
    def changed(inventory: Inventory) -> Inventory:
        return replace(
            inventory, routers={**inventory.routers, "edge2": replace(inventory.routers["edge2"], **changes)}
        )

    return changed


def group(**changes: Any) -> Callable[[Inventory], Inventory]:
    def changed(inventory: Inventory) -> Inventory:
        return replace(inventory, groups={"uk-direct": replace(inventory.groups["uk-direct"], **changes)})

    return changed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (session(peer_as=64711), "different peer_as: uk-ld4 64710, uk-ld7 64711"),
        (session(local_as=64621), "different local_as"),
        (session(neighbor=ip_network("10.210.9.2/32")[0]), "neighbor 10.210.9.2 is no host of 10.210.7.0/30"),
        (circuit(network=ip_network("10.210.7.0/29")), "neither a /30 nor a /31"),
        (circuit(network=ip_network("10.210.0.0/30"), sessions=()), "usable circuits are uk-ld4"),
        (circuit(router=None), "usable circuits are uk-ld4"),
        (circuit(router="edge1"), "interface eth1 of edge1 carries two circuits"),
        (circuit(interface="ge-0/0/1.100"), "no interface called 'ge-0/0/1.100'"),
        (circuit(interface="mgmt0"), "no interface called 'mgmt0'"),
        (router(host="edge2.example.net"), "addresses, not names"),
        (router(host="10.211.0.2"), "do not fit one management network"),
        (router(host="10.210.0.254"), "do not fit one management network"),
        (router(host="10.210.0.1"), "do not fit one management network"),
        (router(platform="junos"), "platform junos; the lab builds frr and bird"),
        (router(user="drill; reboot"), "no login name"),
        (group(announced=()), "`announced` has no IPv4 network"),
        (group(service=(ip_network("10.200.0.0/30"),)), "`service` has no IPv4 network with room"),
        (group(service=(ip_network("10.210.16.0/24"),)), "overlap"),
        (group(announced=(ip_network("100.64.9.0/24"),)), "overlap"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, change: Callable[[Inventory], Inventory], reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        layout_of(change(inventories.pair(tmp_path)))
    assert reason in caught.value.message
    assert caught.value.hint


def test_a_group_is_named_where_there_are_several(tmp_path: Path) -> None:
    one = inventories.pair(tmp_path)
    two = replace(one, groups={**one.groups, "us-direct": replace(one.groups["uk-direct"], name="us-direct")})
    expected: list[tuple[str | None, type[MaintschedError]]] = [(None, InvalidInput), ("eu-direct", NotFound)]
    for name, error in expected:
        with pytest.raises(error) as caught:
            lay_out(two, name, quiet)
        assert "uk-direct, us-direct" in caught.value.hint
    assert lay_out(two, "us-direct", quiet).group == "us-direct"


def test_a_circuit_that_cannot_be_built_is_said_and_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    inventory = inventories.pair(tmp_path)
    third = replace(inventory.circuits["uk-ld7"], name="uk-ld5", interface=None, sessions=())
    inventory = replace(inventory, circuits={**inventory.circuits, "uk-ld5": third})
    inventory = group(circuits=("uk-ld4", "uk-ld7", "uk-ld5"))(inventory)
    layout = lay_out(inventory, None, said.append)
    assert [access.circuit for access in layout.accesses] == ["uk-ld4", "uk-ld7"]
    assert said == ["circuit uk-ld5 is left out of the lab: it has no interface and no IPv4 session"]


@pytest.mark.parametrize(
    ("network", "neighbor", "ours"), [("10.9.0.0/31", 0, "10.9.0.1"), ("10.9.0.0/30", 1, "10.9.0.2")]
)
def test_the_edge_takes_the_other_address(tmp_path: Path, network: str, neighbor: int, ours: str) -> None:
    found = ip_network(network)
    there = replace(inventories.pair(tmp_path).circuits["uk-ld7"].sessions[0], neighbor=found[neighbor])
    layout = layout_of(circuit(network=found, sessions=(there,))(inventories.pair(tmp_path)))
    assert layout.access("uk-ld7").address == ours


def test_the_operations_host_is_dual_homed_and_routes_by_the_primarys_edge(tmp_path: Path) -> None:
    lines = wiring.address_batch(layout_of(inventories.pair(tmp_path)), "ops").splitlines()
    assert "address add 10.210.0.254/24 dev mgmt" in lines
    assert "address add 10.210.16.14/28 dev lan" in lines
    assert "route add 10.200.0.0/24 via 10.210.16.1 dev lan" in lines


def test_the_standby_prepends_and_no_neighbour_shares_a_policy(tmp_path: Path) -> None:
    layout = layout_of(inventories.single(tmp_path))
    config = frr.edge_config(layout, layout.edges[0])
    primary, standby = config.split("route-map OUT-uk-ld7", 1)
    assert "prepend" not in primary
    assert " set as-path prepend 64620 64620 64620\n" in standby
    for neighbor, name in (("10.210.4.2", "uk-ld4"), ("10.210.7.2", "uk-ld7")):
        assert (
            f"  neighbor {neighbor} route-map IN-{name} in\n  neighbor {neighbor} route-map OUT-{name} out\n" in config
        )


def test_active_active_prefers_no_circuit(tmp_path: Path) -> None:
    layout = layout_of(group(mode="active_active")(inventories.pair(tmp_path)))
    for edge in layout.edges:
        assert "prepend" not in frr.edge_config(layout, edge)
        assert "prepend" not in bird.edge_config(layout, edge)
