"""What the routers say of a group, in the domain's words: sessions, best paths, counters, our lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from maintsched.domain.drill import Plan
from maintsched.domain.inventory import Circuit, Inventory
from maintsched.errors import CommandFailed
from maintsched.routers.device import Device
from maintsched.services.planning import service_addresses

ESTABLISHED = "Established"


@dataclass(frozen=True, slots=True)
class SessionState:
    """A BGP session as its router sees it. What the router did not say is None."""

    neighbor: str
    state: str | None
    admin_down: bool
    established_for: timedelta | None
    received: int | None
    sent: int | None
    bfd: str | None

    @property
    def established(self) -> bool:
        return self.state == ESTABLISHED


@dataclass(frozen=True, slots=True)
class Counters:
    """Packets received and sent on a circuit's interface, and when they were read (monotonic time of the caller's)."""

    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Route:
    """Where an edge router sends a service address: the FIB's next hop and interface."""

    address: str
    gateway: str | None
    interface: str | None

    def __str__(self) -> str:
        return f"{self.address} via {self.gateway or '?'} dev {self.interface or '?'}"


@dataclass(frozen=True, slots=True)
class Path:
    next_hop: str
    valid: bool
    best: bool


@dataclass
class Readings:
    """Reads of one run. Every method raises CommandFailed or ShellLost when the router did not answer."""

    inventory: Inventory
    plan: Plan
    devices: Mapping[str, Device]
    run_id: str
    addresses: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.addresses = service_addresses(self.inventory, self.inventory.groups[self.plan.group])

    @property
    def primary(self) -> Circuit:
        return self.inventory.circuits[self.plan.primary]

    @property
    def survivor(self) -> Circuit:
        return self.inventory.circuits[self.plan.survivor]

    def device(self, circuit: Circuit) -> Device:
        return self.devices[str(circuit.router)]

    def sessions(self, circuit: Circuit) -> tuple[SessionState, ...]:
        return tuple(self._session(circuit, str(session.neighbor)) for session in circuit.sessions)

    def _session(self, circuit: Circuit, neighbor: str) -> SessionState:
        said = self.device(circuit).read("session", neighbor=neighbor)
        uptime = said["established_ms"]
        return SessionState(
            neighbor=neighbor,
            state=said["state"],
            admin_down=bool(said["admin_down"]),
            established_for=None if uptime is None else timedelta(milliseconds=uptime),
            received=said["received"],
            sent=said["sent"],
            bfd=said["bfd"],
        )

    def counters(self, circuit: Circuit) -> Counters:
        device = self.device(circuit)
        said = device.read("counters", interface=str(circuit.interface))
        if said["received"] is None or said["sent"] is None:
            raise CommandFailed(f"{device.router.name}: no packet counters for interface {circuit.interface}")
        return Counters(said["received"], said["sent"])

    def routes(self, circuit: Circuit) -> tuple[Route, ...]:
        """The FIB's routes to the service addresses on the circuit's own router."""
        device = self.device(circuit)
        answers = ((address, device.read("fib", address=address)) for address in self.addresses)
        return tuple(Route(address, said["gateway"], said["interface"]) for address, said in answers)

    def paths(self, circuit: Circuit, prefix: str) -> tuple[Path, ...]:
        said = self.device(circuit).read("paths", prefix=prefix)
        found = said["paths"] or []
        return tuple(Path(str(p["next_hop"]), bool(p["valid"]), bool(p["best"])) for p in found)

    def shutdown_lines(self, circuit: Circuit) -> tuple[int, int]:
        """Shutdown lines in the running configuration for the circuit's sessions: this run's own, and all."""
        device = self.device(circuit)
        ours = total = 0
        for session in circuit.sessions:
            said = device.read("our_lines", neighbor=str(session.neighbor), run=self.run_id)
            if said["ours"] is None or said["all"] is None:
                raise CommandFailed(f"{device.router.name}: its running configuration cannot be read")
            ours, total = ours + said["ours"], total + said["all"]
        return ours, total

    def clock_offset(self, circuit: Circuit) -> timedelta:
        """Router's clock minus ours; the router tells whole seconds, so it is known to a second."""
        epoch = self.device(circuit).read("clock")["epoch"]
        if epoch is None:
            raise CommandFailed(f"{circuit.router}: it does not tell the time")
        return datetime.fromtimestamp(epoch, UTC) - datetime.now(UTC)

    def leaves_over(self, circuit: Circuit) -> tuple[bool, str]:
        """Whether the circuit's own router sends all service addresses over it; and the routes as evidence."""
        neighbors = {str(session.neighbor) for session in circuit.sessions}
        routes = self.routes(circuit)
        right = all(route.gateway in neighbors and route.interface == circuit.interface for route in routes)
        return right, f"{circuit.router}: " + ", ".join(str(route) for route in routes)

    def avoids(self, circuit: Circuit) -> tuple[bool, str]:
        """Whether the circuit's own router has another best path to every service prefix, and forwards by it."""
        neighbors = {str(session.neighbor) for session in circuit.sessions}
        routes = self.routes(circuit)
        elsewhere = all(route.gateway is not None and route.gateway not in neighbors for route in routes)
        best = [
            [path.next_hop for path in self.paths(circuit, str(prefix)) if path.best and path.valid]
            for prefix in self.inventory.groups[self.plan.group].service
        ]
        known = all(hops and not neighbors.intersection(hops) for hops in best)
        hops = ", ".join(hop for found in best for hop in found) or "none"
        return elsewhere and known, f"{circuit.router}: {', '.join(map(str, routes))}, best next hop {hops}"
