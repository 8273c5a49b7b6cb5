"""`inventory check --live`: what the routers say, beside what the config says. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from maintsched.domain.inventory import Circuit, Inventory
from maintsched.domain.platform import AllowList, Platform, fill
from maintsched.errors import MaintschedError
from maintsched.routers.device import Device
from maintsched.services.devices import make_devices, platforms_of


def compare(inventory: Inventory) -> tuple[str, ...]:
    """One line for each difference, and for each router that cannot be asked."""
    platforms = platforms_of(inventory)
    problems: list[str] = []
    for name, router in inventory.routers.items():
        circuits = [inventory.circuits[each] for each in inventory.circuits_of_router(name)]
        platform = platforms[router.platform]
        if not {"counters", "session"} <= set(platform.reads):
            problems.append(f"{name}: platform {platform.name} cannot be asked yet")
            continue
        allowed = {name: AllowList(frozenset(_texts(platform, circuits)), platform.deny)}
        device = make_devices(inventory, [name], allowed)[name]
        try:
            device.open(1)
            for circuit in circuits:
                problems += _circuit_problems(device, circuit)
        except MaintschedError as error:
            problems.append(f"{name}: {error.message}")
        finally:
            device.close()
    return tuple(problems)


def _texts(platform: Platform, circuits: list[Circuit]) -> Iterator[str]:
    for circuit in circuits:
        yield fill(platform.reads["counters"].command, {"interface": str(circuit.interface)})
        for session in circuit.sessions:
            yield fill(platform.reads["session"].command, {"neighbor": str(session.neighbor)})


def _circuit_problems(device: Device, circuit: Circuit) -> Iterator[str]:
    where = f"{device.router.name}: {circuit.name}"
    try:
        counters = device.read("counters", interface=str(circuit.interface))
        if counters["received"] is None:
            yield f"{where}: interface {circuit.interface} has no counters"
    except MaintschedError:
        yield f"{where}: there is no interface {circuit.interface}"
    for session in circuit.sessions:
        said = device.read("session", neighbor=str(session.neighbor))
        if said["state"] is None:
            yield f"{where}: the router has no BGP neighbor {session.neighbor}"
            continue
        if said["state"] != "Established":
            yield f"{where}: session {session.neighbor} is {said['state']}"
        for field, wanted in (("local_as", session.local_as), ("peer_as", session.peer_as)):
            if said[field] not in (None, wanted):
                yield f"{where}: {field} of {session.neighbor} is {said[field]}, the config says {wanted}"
        if session.bfd and said["bfd"] is None:
            yield f"{where}: the config says BFD with {session.neighbor}; the router runs none"
