"""From the inventory to what the lab builds: routers, addresses, ends of links. Pure; refuses with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address

from maintsched.domain.inventory import Circuit, CircuitKind, Group, Inventory, Router, Session
from maintsched.errors import InvalidInput, NotFound, Refused

OPS, CORE, SERVICE = "ops", "core", "service"
LAN_PORT, MANAGEMENT_PORT, INTERCONNECT_PORT = "lan0", "mgmt0", "ic0"
PLATFORMS = ("frr", "bird")
HTTPS_PORT, REFLECTOR_PORT = 8443, 8862
ROOM = 28  # the longest prefix that still holds .10, and two edges beside an operations host
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_OWN = IPv4Network("100.64.0.0/16")  # links that the inventory does not name, out of RFC 6598's shared space
_TAKEN = (LAN_PORT, MANAGEMENT_PORT, INTERCONNECT_PORT, "lo", "all", "default")


@dataclass(frozen=True, slots=True)
class Edge:
    """One of our edge routers. `management` is where its sshd listens, `interconnect` its end of the own link."""

    name: str
    platform: str
    user: str
    port: int
    management: str
    lan: str
    interconnect: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A circuit of the group with both ends: the edge's interface and address, the provider edge that answers it."""

    circuit: str
    edge: str
    interface: str
    address: str
    provider: str
    neighbor: str
    length: int
    bfd: bool
    preferred: bool
    provider_address: str
    core_address: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The lab of one group. Networks and addresses are IPv4, as text; the first of `announced` is the LAN."""

    group: str
    local_as: int
    peer_as: int
    edges: tuple[Edge, ...]
    accesses: tuple[Access, ...]
    management: str
    lan: str
    announced: tuple[str, ...]
    services: tuple[str, ...]
    ops_management: str
    ops_lan: str

    @property
    def kind(self) -> str:
        return "single" if len(self.edges) == 1 else "pair"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node, the operations host first: its namespace holds the bridges."""
        edges = tuple(edge.name for edge in self.edges)
        return (OPS, *edges, *(access.provider for access in self.accesses), CORE, SERVICE)

    @property
    def primary(self) -> Access:
        return next(access for access in self.accesses if access.preferred)

    @property
    def service_address(self) -> str:
        return self.service_addresses[0]

    @property
    def service_addresses(self) -> tuple[str, ...]:
        """The service host's addresses, one in each service network with room for it."""
        networks = (IPv4Network(network) for network in self.services)
        return tuple(str(network[10]) for network in networks if network.prefixlen <= ROOM)

    def edge(self, name: str) -> Edge:
        return next(edge for edge in self.edges if edge.name == name)

    def access(self, circuit: str) -> Access:
        return next(access for access in self.accesses if access.circuit == circuit)


def lay_out(inventory: Inventory, group_name: str | None, say: Callable[[str], None]) -> Layout:
    """The Layout for a group of the inventory (default: its only one). Refused says what does not fit."""
    group = _choose_group(inventory, group_name)
    usable = _usable(inventory, group, say)
    local_as, peer_as = _one_as(group, usable)
    names = tuple(dict.fromkeys(circuit.router or "" for circuit, _ in usable))
    if len(names) > 2:
        raise Refused(
            f"group {group.name} has {len(names)} edge routers: {', '.join(names)}", "the lab builds one or two"
        )
    announced, services = _networks(group, "announced", say), _networks(group, "service", say)
    lan, routers = announced[0], [inventory.routers[name] for name in names]
    management = _management(routers)
    accesses = tuple(_access(index, circuit, session, group) for index, (circuit, session) in enumerate(usable))
    _check_names(names, accesses)
    _check_networks(accesses, management, [*announced, *services])
    edges = tuple(_edge(index, router, lan, len(routers)) for index, router in enumerate(routers))
    return Layout(
        group=group.name,
        local_as=local_as,
        peer_as=peer_as,
        edges=edges,
        accesses=accesses,
        management=str(management),
        lan=str(lan),
        announced=tuple(map(str, announced)),
        services=tuple(map(str, services)),
        ops_management=str(management[254]),
        ops_lan=str(lan[-2]),
    )


def _choose_group(inventory: Inventory, name: str | None) -> Group:
    if name is not None:
        if name not in inventory.groups:
            raise NotFound(f"no group is called {name}", f"groups: {', '.join(inventory.groups) or 'none'}")
        return inventory.groups[name]
    if len(inventory.groups) != 1:
        raise InvalidInput(
            f"the inventory has {len(inventory.groups)} groups, a lab is built for one",
            f"name one with --group: {', '.join(inventory.groups) or 'there is none'}",
        )
    return next(iter(inventory.groups.values()))


def _usable(inventory: Inventory, group: Group, say: Callable[[str], None]) -> list[tuple[Circuit, Session]]:
    found: list[tuple[Circuit, Session]] = []
    for name in group.circuits:
        circuit = inventory.circuits[name]
        session = next((each for each in circuit.sessions if isinstance(each.neighbor, IPv4Address)), None)
        absent = [word for word in ("router", "interface", "network") if getattr(circuit, word) is None]
        if session is None:
            absent.append("IPv4 session")
        if circuit.network is not None and not isinstance(circuit.network, IPv4Network):
            absent.append("IPv4 network")
        if absent or session is None or circuit.kind is CircuitKind.INTERCONNECT:
            reason = f"it has no {' and no '.join(absent)}" if absent else "it is an interconnect"
            say(f"circuit {name} is left out of the lab: {reason}")
            continue
        if len(circuit.sessions) > 1:
            say(f"circuit {name}: the lab builds the session with {session.neighbor} only")
        found.append((circuit, session))
    names = [circuit.name for circuit, _ in found]
    if len(names) < 2 or group.primary not in names:
        raise Refused(
            f"group {group.name} has too little for a lab: usable circuits are {', '.join(names) or 'none'}",
            f"it needs the primary {group.primary} and one more, with router, interface, IPv4 network and session",
        )
    return found


def _one_as(group: Group, usable: list[tuple[Circuit, Session]]) -> tuple[int, int]:
    for side in ("local_as", "peer_as"):
        numbers = {circuit.name: getattr(session, side) for circuit, session in usable}
        if len(set(numbers.values())) > 1:
            listed = ", ".join(f"{name} {number}" for name, number in numbers.items())
            raise Refused(
                f"group {group.name}: the circuits have different {side}: {listed}",
                "the lab builds one broker and one provider network; choose a group whose sessions agree",
            )
    first = usable[0][1]
    if first.local_as == first.peer_as:
        raise Refused(
            f"group {group.name}: local_as and peer_as are both {first.local_as}", "circuits carry eBGP in the lab"
        )
    return first.local_as, first.peer_as


def _networks(group: Group, key: str, say: Callable[[str], None]) -> list[IPv4Network]:
    every = getattr(group, key)
    found = [network for network in every if isinstance(network, IPv4Network)]
    if len(found) < len(every):
        say(f"group {group.name}: the lab leaves the IPv6 networks of `{key}` out")
    if not found or found[0].prefixlen > ROOM:
        raise Refused(
            f"group {group.name}: `{key}` has no IPv4 network with room for hosts as its first",
            f"give an IPv4 network of /{ROOM} or larger first in `{key}`",
        )
    return found


def _management(routers: list[Router]) -> IPv4Network:
    try:
        hosts = {router.name: ip_address(router.host) for router in routers}
    except ValueError as wrong:
        raise Refused(
            f"the lab needs addresses, not names, in `host`: {wrong}", "give the router's `host` as IPv4"
        ) from wrong
    networks = {IPv4Network(f"{host}/24", strict=False) for host in hosts.values() if isinstance(host, IPv4Address)}
    network = next(iter(networks), None)
    free = network is not None and all(host not in (network[0], network[254], network[255]) for host in hosts.values())
    if network is None or len(networks) != 1 or len(set(hosts.values())) != len(hosts) or not free:
        listed = ", ".join(f"{name} {host}" for name, host in hosts.items())
        raise Refused(
            f"the routers' `host` addresses do not fit one management network: {listed}",
            "give different IPv4 addresses out of one /24; .254 belongs to the operations host",
        )
    return network


def _access(index: int, circuit: Circuit, session: Session, group: Group) -> Access:
    network, neighbor = circuit.network, session.neighbor
    if (
        not isinstance(network, IPv4Network)
        or not isinstance(neighbor, IPv4Address)
        or network.prefixlen not in (30, 31)
    ):
        raise Refused(
            f"circuit {circuit.name}: network {network} is neither a /30 nor a /31",
            "the lab builds point-to-point links",
        )
    hosts = list(network.hosts())
    if neighbor not in hosts:
        raise Refused(
            f"circuit {circuit.name}: neighbor {neighbor} is no host of {network}", "correct `sessions` or `network`"
        )
    ours = next(host for host in hosts if host != neighbor)
    return Access(
        circuit=circuit.name,
        edge=circuit.router or "",
        interface=circuit.interface or "",
        address=str(ours),
        provider=f"pe-{circuit.name}",
        neighbor=str(neighbor),
        length=network.prefixlen,
        bfd=session.bfd,
        preferred=circuit.name == group.primary or group.mode != "active_standby",
        provider_address=f"100.64.{index}.1",
        core_address=f"100.64.{index}.2",
    )


def _check_networks(accesses: tuple[Access, ...], management: IPv4Network, others: list[IPv4Network]) -> None:
    circuits = [IPv4Network(f"{access.address}/{access.length}", strict=False) for access in accesses]
    every = [*circuits, management, *others, _OWN]
    for index, network in enumerate(every):
        for other in every[index + 1 :]:
            if network.overlaps(other):
                raise Refused(
                    f"the networks {network} and {other} overlap",
                    f"circuits, management, announced and service networks must differ, and from the lab's {_OWN}",
                )


def _edge(index: int, router: Router, lan: IPv4Network, count: int) -> Edge:
    if router.platform not in PLATFORMS:
        raise Refused(
            f"router {router.name} has platform {router.platform}; the lab builds {' and '.join(PLATFORMS)}",
            "give a router of the lab one of these platforms",
        )
    if not _USER.fullmatch(router.user):
        raise Refused(
            f"router {router.name}: {router.user!r} is no login name", "lower-case letters, digits, dash, underscore"
        )
    link = f"100.64.255.{index + 1}" if count == 2 else None
    return Edge(router.name, router.platform, router.user, router.port, router.host, str(lan[index + 1]), link)


def _check_names(edges: tuple[str, ...], accesses: tuple[Access, ...]) -> None:
    nodes = [OPS, CORE, SERVICE, *edges, *(access.provider for access in accesses)]
    for node in nodes:
        if not _NAME.fullmatch(node) or nodes.count(node) > 1:
            raise Refused(
                f"{node} cannot be the name of a node of the lab",
                f"at most 40 letters, digits, dots and dashes, and not twice; {OPS}, {CORE} and {SERVICE} are taken",
            )
    ports = [(access.edge, access.interface) for access in accesses]
    for access in accesses:
        port = (access.edge, access.interface)
        if not _INTERFACE.fullmatch(access.interface) or access.interface in _TAKEN:
            raise Refused(
                f"circuit {access.circuit}: Linux has no interface called {access.interface!r} to give",
                f"at most 15 letters, digits, dots and dashes; {', '.join(_TAKEN)} are taken",
            )
        if ports.count(port) > 1:
            raise Refused(
                f"interface {port[1]} of {port[0]} carries two circuits", "the lab gives each circuit its own interface"
            )
