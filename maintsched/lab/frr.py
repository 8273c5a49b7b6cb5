"""FRR configuration of a Layout's routers (https://docs.frrouting.org/en/latest/bgp.html). Pure."""

from __future__ import annotations

from maintsched.lab.layout import Access, Edge, Layout

PREFERRED, STANDBY = 200, 100
PREPENDS = 3
GRACEFUL_SHUTDOWN = "65535:0"  # RFC 8326


def edge_config(layout: Layout, edge: Edge) -> str:
    """A broker's edge: its own route-maps per neighbour, the preferred circuit preferred both ways."""
    accesses = [access for access in layout.accesses if access.edge == edge.name]
    peers = [other for other in layout.edges if other.name != edge.name]
    lines = [*_head(edge.name), *_lists(layout)]
    for access in accesses:
        lines += [
            f"route-map IN-{access.circuit} permit 10",
            " match ip address prefix-list SERVICE",
            f" set local-preference {PREFERRED if access.preferred else STANDBY}",
            "exit",
            f"route-map OUT-{access.circuit} permit 10",
            " match ip address prefix-list ANNOUNCED",
        ]
        if not access.preferred:
            lines.append(f" set as-path prepend {' '.join([str(layout.local_as)] * PREPENDS)}")
        lines.append("exit")
    lines += _bgp(layout.local_as, edge.management)
    for access in accesses:
        lines += _neighbor(access.neighbor, layout.peer_as, access.circuit, bfd=access.bfd)
    for other in peers:
        lines += _neighbor(other.interconnect or "", layout.local_as, other.name)
    lines.append(" address-family ipv4 unicast")
    lines += [f"  network {network}" for network in layout.announced]
    for access in accesses:
        lines += [f"  neighbor {access.neighbor} route-map IN-{access.circuit} in"]
        lines += [f"  neighbor {access.neighbor} route-map OUT-{access.circuit} out"]
        lines += [f"  neighbor {access.neighbor} soft-reconfiguration inbound"]
    for other in peers:
        # the standby's own path is not its best one, so only add-path (RFC 7911) lets the primary's edge know it
        lines += [
            f"  neighbor {other.interconnect} next-hop-self",
            f"  neighbor {other.interconnect} addpath-tx-all-paths",
        ]
    return _finish(lines)


def provider_config(layout: Layout, access: Access) -> str:
    """A provider edge: takes what the broker may announce, and honours GRACEFUL_SHUTDOWN (RFC 8326)."""
    lines = [*_head(access.provider), *_lists(layout), f"bgp community-list standard GSHUT permit {GRACEFUL_SHUTDOWN}"]
    lines += ["route-map FROM-BROKER permit 10", " match community GSHUT", " match ip address prefix-list ANNOUNCED"]
    lines += [" set local-preference 0", "exit"]
    lines += ["route-map FROM-BROKER permit 20", " match ip address prefix-list ANNOUNCED", "exit"]
    lines += ["route-map TO-BROKER permit 10", " match ip address prefix-list SERVICE", "exit"]
    lines += _bgp(layout.peer_as, access.provider_address)
    lines += _neighbor(access.address, layout.local_as, access.circuit, bfd=access.bfd)
    lines += _neighbor(access.core_address, layout.peer_as, "core")
    lines += [" address-family ipv4 unicast", f"  neighbor {access.address} route-map FROM-BROKER in"]
    lines += [f"  neighbor {access.address} route-map TO-BROKER out", f"  neighbor {access.core_address} next-hop-self"]
    return _finish(lines)


def core_config(layout: Layout) -> str:
    """The provider's core: route reflector (RFC 4456) for its edges, origin of the service networks."""
    lines = [*_head("core"), *_bgp(layout.peer_as, layout.accesses[0].core_address)]
    for access in layout.accesses:
        lines += _neighbor(access.provider_address, layout.peer_as, access.provider)
    lines.append(" address-family ipv4 unicast")
    lines += [f"  network {network}" for network in layout.services]
    for access in layout.accesses:
        lines.append(f"  neighbor {access.provider_address} route-reflector-client")
        lines.append(f"  neighbor {access.provider_address} next-hop-self force")
    return _finish(lines)


def _head(name: str) -> list[str]:
    return [
        "frr defaults traditional",
        f"hostname {name}",
        "service integrated-vtysh-config",
        "log file /var/log/frr/frr.log informational",
        "bgp route-map delay-timer 1",
        *(
            "bfd",
            " profile lab",
            "  detect-multiplier 3",
            "  receive-interval 300",
            "  transmit-interval 300",
            " exit",
            "exit",
        ),
    ]


def _lists(layout: Layout) -> list[str]:
    lines = []
    for name, networks in (("ANNOUNCED", layout.announced), ("SERVICE", layout.services)):
        lines += [f"ip prefix-list {name} seq {5 * n} permit {network}" for n, network in enumerate(networks, 1)]
    return lines


def _bgp(number: int, router_id: str) -> list[str]:
    return [f"router bgp {number}", f" bgp router-id {router_id}", " bgp log-neighbor-changes", " timers bgp 3 9"]


def _neighbor(address: str, remote: int, description: str, *, bfd: bool = False) -> list[str]:
    lines = [
        f" neighbor {address} remote-as {remote}",
        f" neighbor {address} description {description}",
        f" neighbor {address} timers connect 1",
    ]
    return [*lines, f" neighbor {address} bfd profile lab"] if bfd else lines


def _finish(lines: list[str]) -> str:
    return "\n".join([*lines, " exit-address-family", "exit", ""])
