"""The cables and addresses of a Layout, as lines for `ip -batch`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from maintsched.lab.layout import CORE, INTERCONNECT_PORT, LAN_PORT, MANAGEMENT_PORT, OPS, ROOM, SERVICE, Layout

CUSTOMER_PORT, UPLINK_PORT = "cust0", "core0"
MANAGEMENT_BRIDGE, LAN_BRIDGE = "mgmt", "lan"


def cables(layout: Layout) -> list[tuple[str, str, str, str]]:
    """Every veth pair as (node, interface, node, interface)."""
    pairs = []
    for index, edge in enumerate(layout.edges):
        pairs.append((OPS, f"mgmt-{index}", edge.name, MANAGEMENT_PORT))
        pairs.append((OPS, f"lan-{index}", edge.name, LAN_PORT))
    if layout.kind == "pair":
        pairs.append((layout.edges[0].name, INTERCONNECT_PORT, layout.edges[1].name, INTERCONNECT_PORT))
    for index, access in enumerate(layout.accesses):
        pairs.append((access.edge, access.interface, access.provider, CUSTOMER_PORT))
        pairs.append((access.provider, UPLINK_PORT, CORE, f"pe{index}"))
    return [*pairs, (CORE, "svc0", SERVICE, "eth0")]


def cable_batch(layout: Layout, pids: Mapping[str, int]) -> str:
    """Both ends are born inside their nodes: nothing appears in the caller's namespace."""
    return "".join(
        f"link add name {port} netns {pids[node]} type veth peer name {far_port} netns {pids[far]}\n"
        for node, port, far, far_port in cables(layout)
    )


def address_batch(layout: Layout, node: str) -> str:
    """Addresses, bridges and fixed routes of a node; links come up last, so no address appears late."""
    lines = ["link set lo up", *_bridges(layout, node), *_addresses(layout, node)]
    ends = [(end, port) for a, b, c, d in cables(layout) for end, port in ((a, b), (c, d))]
    lines += [f"link set {port} up" for end, port in ends if end == node]
    return "\n".join([*lines, *_routes(layout, node)]) + "\n"


def _bridges(layout: Layout, node: str) -> list[str]:
    if node != OPS:
        return []
    lines = []
    for bridge in (MANAGEMENT_BRIDGE, LAN_BRIDGE):
        lines += [f"link add name {bridge} type bridge stp_state 0 forward_delay 0", f"link set {bridge} up"]
        lines += [f"link set {bridge}-{index} master {bridge}" for index in range(len(layout.edges))]
    return lines


def _addresses(layout: Layout, node: str) -> list[str]:
    lan, management = IPv4Network(layout.lan), IPv4Network(layout.management)
    found: list[tuple[str, int, str]] = []
    for edge in layout.edges:
        if edge.name == node:
            found += [(edge.management, management.prefixlen, MANAGEMENT_PORT), (edge.lan, lan.prefixlen, LAN_PORT)]
            if edge.interconnect:
                found.append((edge.interconnect, 30, INTERCONNECT_PORT))
    for index, access in enumerate(layout.accesses):
        if access.edge == node:
            found.append((access.address, access.length, access.interface))
        if access.provider == node:
            found += [(access.neighbor, access.length, CUSTOMER_PORT), (access.provider_address, 30, UPLINK_PORT)]
        if node == CORE:
            found.append((access.core_address, 30, f"pe{index}"))
    for network in map(IPv4Network, layout.services):
        if node == CORE and network.prefixlen <= ROOM:
            found.append((str(network[1]), network.prefixlen, "svc0"))
        if node == SERVICE and network.prefixlen <= ROOM:
            found.append((str(network[10]), network.prefixlen, "eth0"))
    if node == OPS:
        found += [
            (layout.ops_management, management.prefixlen, MANAGEMENT_BRIDGE),
            (layout.ops_lan, lan.prefixlen, LAN_BRIDGE),
        ]
    return [f"address add {address}/{length} dev {port}" for address, length, port in found]


def _routes(layout: Layout, node: str) -> list[str]:
    if node == SERVICE:
        return [f"route add default via {IPv4Network(layout.services[0])[1]}"]
    if node == OPS:
        gateway = layout.edge(layout.primary.edge).lan
        return [f"route add {network} via {gateway} dev {LAN_BRIDGE}" for network in layout.services]
    if node in {edge.name for edge in layout.edges}:
        # announced networks without hosts: they exist only to be announced
        return [f"route add blackhole {network} proto static" for network in layout.announced[1:]]
    if node == CORE:
        small = (network for network in layout.services if IPv4Network(network).prefixlen > ROOM)
        return [f"route add blackhole {network} proto static" for network in small]
    return []
