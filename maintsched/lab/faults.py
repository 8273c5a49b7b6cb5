"""Faults of the lab: each says what it breaks, and heals exactly that."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maintsched.errors import InvalidInput, LabFailed, Refused
from maintsched.lab import holders, nodes, record, watch
from maintsched.lab.layout import HTTPS_PORT, SERVICE, Access
from maintsched.lab.record import Fault, Record
from maintsched.lab.wiring import CUSTOMER_PORT, UPLINK_PORT

Say = Callable[[str], None]
Undo = dict[str, str]
_NOBODY = "02:00:00:00:de:ad"
_ICMP_KEYS = {"icmp_ratemask": "1", "icmp_ratelimit": "1000"}  # one echo reply a second after a burst of six, icmp(7)


class _Bench:
    """A lab under the hand: runs commands in its nodes."""

    def __init__(self, found: Record, directory: Path) -> None:
        self.record, self.directory = found, directory

    def run(self, node: str, *argv: str) -> str:
        return holders.run(self.record.node(node), self.record.mark, argv)

    def configure(self, node: str, *lines: str) -> None:
        """Type configuration into FRR; vtysh prints `%` where it did not understand."""
        said = self.run(node, "vtysh", "-c", "configure terminal", *(word for line in lines for word in ("-c", line)))
        if "% " in said:
            raise LabFailed(f"node {node}: FRR says {said.strip().splitlines()[0]}")

    def read(self, node: str, path: str) -> str:
        return self.run(node, "cat", path).strip()

    def write(self, node: str, path: str, value: str) -> None:
        self.run(node, "sh", "-c", 'echo "$1" > "$2"', "sh", value, path)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A fault: what it does, in words; whether it is about a circuit; how it is done and undone."""

    says: str
    targeted: bool
    before: Callable[[_Bench, Access], Undo]
    apply: Callable[[_Bench, Access], None]
    undo: Callable[[_Bench, Access, Undo], None]
    in_routing: bool = False


def break_(directory: Path, fault: str, target: str | None, say: Say) -> None:
    """Put a fault in force; its target is a circuit (default: the primary). InvalidInput lists what there is."""
    directory = directory.resolve()
    kind = _kind(fault)
    with record.changing(directory):
        found = _standing(directory)
        access = _access(found, fault, kind, target)
        new = Fault(fault, access.circuit if kind.targeted else None)
        if _in_force(found, new):
            say(f"{_name(new)} is already in force")
            return
        dead = Fault("far-side", access.circuit)
        if kind.in_routing and _in_force(found, dead):
            raise Refused(
                f"{_name(new)}: the provider's router is dead already", f"heal far-side of {access.circuit} first"
            )
        bench = _Bench(found, directory)
        new = Fault(new.fault, new.circuit, kind.before(bench, access))
        record.write(directory, found.with_fault(new))
        kind.apply(bench, access)
    say(f"{_name(new)}: {kind.says.format(circuit=access.circuit, provider=access.provider, edge=access.edge)}")


def heal(directory: Path, fault: str | None, target: str | None, say: Say) -> None:
    """Undo a fault, all of its kind, or everything; then wait up to 15 s for what no other fault holds down."""
    directory = directory.resolve()
    if fault is not None:
        kind = _kind(fault)
    with record.changing(directory):
        found = _standing(directory)
        if target is not None:
            _access(found, fault or "session", kind if fault else _KINDS["session"], target)
        chosen = [each for each in found.faults if fault in (None, each.fault) and target in (None, each.circuit)]
        # a dead router comes back first, because the other faults' undo is typed into it
        for each in sorted(chosen, key=lambda one: one.fault != "far-side"):
            _heal_one(_Bench(found, directory), each)
            found = found.without(each)
            record.write(directory, found)
            say(f"healed {_name(each)}")
    if not chosen:
        say("nothing to heal")
        return
    held = {each.circuit for each in found.faults}
    if not watch.await_that(lambda: not _waiting(found, held), 15.0):
        say("not as it was yet: " + "; ".join(_waiting(found, held)))


def _heal_one(bench: _Bench, fault: Fault) -> None:
    layout = bench.record.layout
    access = layout.access(fault.circuit) if fault.circuit else layout.primary
    _KINDS[fault.fault].undo(bench, access, fault.undo)


def _waiting(found: Record, held: set[str | None]) -> list[str]:
    """What is not back yet. A session that somebody shut on purpose is not waited for, nor then the paths behind it."""
    states = watch.sessions(found)
    if not held and all(each.up for each in states):
        return watch.missing(found)
    spared = {access.provider_address for access in found.layout.accesses if access.circuit in held}
    return [
        f"{each.router}: session with {each.neighbor} is {each.state}"
        for each in states
        if not each.up
        and each.state not in ("Idle (Admin)", "down")
        and (each.circuit is None or each.circuit not in held)
        and each.neighbor not in spared
    ]


def _kind(fault: str) -> _Kind:
    if fault not in _KINDS:
        raise InvalidInput(f"there is no fault {fault!r}", f"faults: {', '.join(_KINDS)}{_meant(fault, list(_KINDS))}")
    return _KINDS[fault]


def _access(found: Record, fault: str, kind: _Kind, target: str | None) -> Access:
    if target is None:
        return found.layout.primary
    circuits = [access.circuit for access in found.layout.accesses]
    if not kind.targeted:
        raise InvalidInput(
            f"fault {fault} is not about a circuit, so it takes no target", f"maintsched lab break {fault}"
        )
    if target not in circuits:
        raise InvalidInput(
            f"the lab has no circuit {target!r}", f"circuits: {', '.join(circuits)}{_meant(target, circuits)}"
        )
    return found.layout.access(target)


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _standing(directory: Path) -> Record:
    found = record.read(directory)
    dead = [held.node for held in found.held if not holders.alive(held)]
    if dead or found.stage != "up":
        raise LabFailed(
            f"lab {found.name} is not whole: {', '.join(dead) or found.stage}", "`maintsched lab down`, then `lab up`"
        )
    return found


def _in_force(found: Record, fault: Fault) -> bool:
    return any((each.fault, each.circuit) == (fault.fault, fault.circuit) for each in found.faults)


def _name(fault: Fault) -> str:
    return f"{fault.fault} {fault.circuit}" if fault.circuit else fault.fault


def _nothing(bench: _Bench, access: Access) -> Undo:
    return {}


def _router(bench: _Bench) -> str:
    return f"router bgp {bench.record.layout.peer_as}"


def _shut(bench: _Bench, access: Access) -> None:
    bench.configure(access.provider, _router(bench), f"neighbor {access.address} shutdown")


def _unshut(bench: _Bench, access: Access, undo: Undo) -> None:
    bench.configure(access.provider, _router(bench), f"no neighbor {access.address} shutdown")


def _blacken(bench: _Bench, access: Access) -> None:
    for node, port, far in _ends(access):
        bench.run(node, "ip", "neigh", "replace", far, "lladdr", _NOBODY, "dev", port, "nud", "permanent")


def _unblacken(bench: _Bench, access: Access, undo: Undo) -> None:
    for node, port, far in _ends(access):
        if _NOBODY in bench.run(node, "ip", "neigh", "show", far, "dev", port):
            bench.run(node, "ip", "neigh", "del", far, "dev", port)


def _ends(access: Access) -> tuple[tuple[str, str, str], ...]:
    return ((access.edge, access.interface, access.neighbor), (access.provider, CUSTOMER_PORT, access.address))


def _forwarding_files() -> list[str]:
    return [f"/proc/sys/net/ipv4/conf/{port}/forwarding" for port in (CUSTOMER_PORT, UPLINK_PORT)]


def _forwarding_before(bench: _Bench, access: Access) -> Undo:
    return {path: bench.read(access.provider, path) for path in _forwarding_files()}


def _stop_forwarding(bench: _Bench, access: Access) -> None:
    for path in _forwarding_files():
        bench.write(access.provider, path, "0")


def _restore_forwarding(bench: _Bench, access: Access, undo: Undo) -> None:
    for path, value in undo.items():
        bench.write(access.provider, path, value)


def _pin_way_back(bench: _Bench, access: Access) -> None:
    network = bench.record.layout.announced[0]
    bench.run(
        access.provider,
        *("ip", "route", "replace", network, "via", access.address, "dev", CUSTOMER_PORT, "proto", "static"),
    )
    bench.configure(
        access.provider,
        "route-map WAY-BACK permit 10",
        "set local-preference 500",
        "exit",
        _router(bench),
        *_pinned(network),
    )


def _pinned(network: str, no: str = "") -> tuple[str, str]:
    return "address-family ipv4 unicast", f"{no}network {network}{'' if no else ' route-map WAY-BACK'}"


def _unpin_way_back(bench: _Bench, access: Access, undo: Undo) -> None:
    network = bench.record.layout.announced[0]
    bench.configure(access.provider, _router(bench), *_pinned(network, "no "))
    bench.configure(access.provider, "no route-map WAY-BACK")
    if bench.run(access.provider, "ip", "route", "show", "exact", network, "proto", "static").strip():
        bench.run(access.provider, "ip", "route", "del", network, "proto", "static")


def _ignore_drain(bench: _Bench, access: Access) -> None:
    """The community must go too: FRR lowers the preference of what carries it after the policy has run."""
    entry = ("route-map FROM-BROKER permit 1", "match ip address prefix-list ANNOUNCED")
    lines = (*entry, "set local-preference 500", "set comm-list GSHUT delete")
    bench.configure(access.provider, *lines)


def _honour_drain(bench: _Bench, access: Access, undo: Undo) -> None:
    bench.configure(access.provider, "no route-map FROM-BROKER permit 1")


def _icmp_before(bench: _Bench, access: Access) -> Undo:
    return {key: bench.read(SERVICE, f"/proc/sys/net/ipv4/{key}") for key in _ICMP_KEYS}


def _police(bench: _Bench, access: Access) -> None:
    for key, value in _ICMP_KEYS.items():
        bench.write(SERVICE, f"/proc/sys/net/ipv4/{key}", value)


def _unpolice(bench: _Bench, access: Access, undo: Undo) -> None:
    for key, value in undo.items():
        bench.write(SERVICE, f"/proc/sys/net/ipv4/{key}", value)


def _kill_daemons(bench: _Bench, access: Access) -> None:
    bench.run(access.provider, "sh", "-c", nodes.FRR_KILL)


def _revive_daemons(bench: _Bench, access: Access, undo: Undo) -> None:
    """Start the daemons from their file again, then whatever other fault this router still has."""
    bench.run(access.provider, "sh", "-c", nodes.FRR_KILL)
    bench.run(access.provider, "sh", "/run/node/routing.sh")
    for other in bench.record.faults:
        if other.circuit == access.circuit and other.fault != "far-side" and _KINDS[other.fault].in_routing:
            _KINDS[other.fault].apply(bench, access)


def _stop_service(bench: _Bench, access: Access) -> None:
    pid = bench.directory / "nodes" / SERVICE / "https.pid"
    bench.run(SERVICE, "sh", "-c", 'kill -9 "$(cat "$1")" 2>/dev/null || true; rm -f "$1"', "sh", str(pid))


def _start_service(bench: _Bench, access: Access, undo: Undo) -> None:
    _stop_service(bench, access)
    layout = bench.record.layout
    bench.run(SERVICE, "sh", "-c", nodes.https_script(layout, bench.directory))
    wanted = f"{layout.service_address}:{HTTPS_PORT}"
    if not watch.await_that(lambda: wanted in watch.ask(bench.record, SERVICE, "ss", "-Hltn"), 10.0):
        raise LabFailed(
            f"the service does not listen on {wanted} again", "see nodes/service/https.log in the lab's directory"
        )


_KINDS = {
    "session": _Kind("{provider} has shut its BGP session", True, _nothing, _shut, _unshut, in_routing=True),
    "circuit": _Kind(
        "{circuit} swallows everything, both ways; its link stays up", True, _nothing, _blacken, _unblacken
    ),
    "forwarding": _Kind(
        "{provider} drops what passes through; its BGP stays Established",
        True,
        _forwarding_before,
        _stop_forwarding,
        _restore_forwarding,
    ),
    "way-back": _Kind(
        "the way back is pinned to {provider}", True, _nothing, _pin_way_back, _unpin_way_back, in_routing=True
    ),
    "ignore-drain": _Kind(
        "{provider} prefers its path whatever {edge} signals",
        True,
        _nothing,
        _ignore_drain,
        _honour_drain,
        in_routing=True,
    ),
    "icmp": _Kind("the service host polices echo replies to one a second", False, _icmp_before, _police, _unpolice),
    "far-side": _Kind("the routing daemons of {provider} are dead", True, _nothing, _kill_daemons, _revive_daemons),
    "service": _Kind("the HTTPS service is stopped", False, _nothing, _stop_service, _start_service),
}
FAULTS = tuple(_KINDS)
