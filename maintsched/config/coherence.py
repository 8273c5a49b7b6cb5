"""What must fit together within and between entries: addresses, networks, aliases, interfaces, keys of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_address
from itertools import combinations

from maintsched.config.document import Document
from maintsched.config.problems import Key, Problem, listed
from maintsched.config.urls import scheme
from maintsched.domain.inventory import Circuit, CircuitKind, Inventory, Mail, ProbeConfig, Source

# What a circuit of each kind must have, and what only one kind may have.
_NEEDED = {CircuitKind.CROSS_CONNECT: ("router", "interface", "network", "sessions")}
_ONLY_DIRECT_CONNECT = ("account", "zone", "region", "connection", "virtual_interface")

# Keys of a probe by kind: those it needs, and those it may have beside `kind`, `max`, `p95`, `critical`.
_PROBES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "icmp": (("target",), ("rate",)),
    "udp": (("target",), ("rate",)),
    "tcp": (("target",), ("rate",)),
    "https": (("url",), ("rate", "ca")),
    "oauth": (("base", "profile"), ("ca",)),
    "connection": (("target",), ("ca",)),
}
_OF_SOME_PROBES = ("target", "url", "base", "profile", "rate", "ca")


def coherence(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """Problems of entries that were read one by one, and do not fit together."""
    circuits = tuple(inventory.circuits.values())
    for circuit in circuits:
        yield from _kind(document, circuit)
        yield from _sessions(document, circuit)
        yield from _drain_and_canary(document, circuit)
    yield from _networks(document, circuits)
    yield from _twice(document, _interfaces(document, circuits), "the interface", "each interface on one circuit")
    yield from _twice(document, _aliases(document, circuits), "the alias", "each alias on one circuit")
    yield from _twice(document, _neighbors(circuits), "the neighbour", "each neighbour in one session")
    for probe in inventory.probes.values():
        yield from _probe(document, probe)
    for section in ("calendars", "freezes", "drills"):
        yield from _twice(document, _item_names(document, section), "the name", "each name once")
    yield from _calendars(document, inventory)
    yield from _mail(document, inventory.mail)
    if inventory.emergency.reviewed and not inventory.emergency.steps:
        what = "is missing: what was reviewed?"
        yield document.problem(("emergency", "steps"), what, 'the steps in order: ["call the NOC", …]')


def _kind(document: Document, circuit: Circuit) -> Iterator[Problem]:
    key: Key = ("circuits", circuit.name)
    for name in _NEEDED.get(circuit.kind, ()):
        if not getattr(circuit, name):
            yield document.problem((*key, name), f"is missing: a {circuit.kind} needs it", _example(name, document))
    if circuit.kind is not CircuitKind.DIRECT_CONNECT:
        for name in _ONLY_DIRECT_CONNECT:
            if getattr(circuit, name) is not None:
                yield document.problem(
                    (*key, name), f"does not belong to a {circuit.kind}", "with kind: direct_connect"
                )
    if circuit.interface and not circuit.router and circuit.kind is not CircuitKind.CROSS_CONNECT:
        yield document.problem((*key, "router"), "is missing: the interface is on one", _example("router", document))
    if circuit.sessions and circuit.network is None and circuit.kind is not CircuitKind.CROSS_CONNECT:
        yield document.problem((*key, "network"), "is missing: the sessions need it", _example("network", document))


def _example(name: str, document: Document) -> str:
    routers = document.tree.get("routers")
    return {
        "router": f"a router of `routers`: {listed(routers if isinstance(routers, dict) else ())}",
        "interface": "the interface as the router names it: eth1",
        "network": "the transfer network: 10.210.4.0/30",
        "sessions": "[{neighbor: ADDRESS, local_as: N, peer_as: N}]",
    }[name]


def _sessions(document: Document, circuit: Circuit) -> Iterator[Problem]:
    network = circuit.network
    if network is None:
        return
    if network.num_addresses == 1:
        what = f"{network} holds one address: there is no room for a neighbour"
        yield document.problem(("circuits", circuit.name, "network"), what, "/31 or larger, /127 or larger for IPv6")
        return
    ends = isinstance(network, IPv4Network) and network.prefixlen < 31
    first, last = network[0], network[-1]
    allowed = f"{network[1]} to {network[-2]}" if ends else f"{first} to {last}"
    for index, session in enumerate(circuit.sessions):
        key: Key = ("circuits", circuit.name, "sessions", index, "neighbor")
        if session.neighbor.version != network.version:
            continue  # `network` holds one family; the other's addresses cannot be judged by it
        if session.neighbor not in network:
            yield document.problem(key, f"{session.neighbor} is outside the circuit's network {network}", allowed)
        elif ends and session.neighbor in (first, last):
            which = "network" if session.neighbor == first else "broadcast"
            yield document.problem(key, f"{session.neighbor} is the {which} address of {network}", allowed)


def _drain_and_canary(document: Document, circuit: Circuit) -> Iterator[Problem]:
    drain, canary = circuit.drain, circuit.canary
    if drain:
        signals = (
            drain.gshut or drain.prepend or drain.med is not None or drain.community or drain.local_pref is not None
        )
        allowed = "gshut: true, prepend, med, community, local_pref; or hook alone; or none"
        key: Key = ("circuits", circuit.name, "drain")
        if drain.hook and signals:
            yield document.problem(key, "a hook stands alone: it knows its own way of draining", allowed)
        if not drain.hook and not signals:
            yield document.problem(key, "names nothing that would drain the circuit", allowed)
    if canary and (canary.source == canary.target or canary.source.version != canary.target.version):
        what = f"{canary.source} and {canary.target} are not a pair"
        yield document.problem(("circuits", circuit.name, "canary"), what, "two different addresses of one family")


def _networks(document: Document, circuits: Iterable[Circuit]) -> Iterator[Problem]:
    addressed = [(circuit, circuit.network) for circuit in circuits if circuit.network is not None]
    for (first, one), (second, other) in combinations(addressed, 2):
        if one.version == other.version and one.overlaps(other):
            line = document.line(("circuits", first.name, "network"))
            what = f"{other} overlaps {one} of {first.name} (line {line})"
            yield document.problem(("circuits", second.name, "network"), what, "a network of its own for each circuit")


Place = tuple[str, str, Key]


def _interfaces(document: Document, circuits: Iterable[Circuit]) -> Iterator[Place]:
    for circuit in circuits:
        if circuit.router and circuit.interface:
            shown = f"{circuit.interface} of {circuit.router}"
            yield f"{circuit.router} {circuit.interface}", shown, ("circuits", circuit.name, "interface")


def _aliases(document: Document, circuits: Iterable[Circuit]) -> Iterator[Place]:
    for circuit in circuits:
        key: Key = ("circuits", circuit.name)
        seen: set[str] = set()
        places: list[tuple[str | None, Key]] = [(circuit.name, key)]
        places += [(alias, (*key, "aliases", index)) for index, alias in enumerate(circuit.aliases)]
        places += [(circuit.connection, (*key, "connection")), (circuit.virtual_interface, (*key, "virtual_interface"))]
        for alias, place in places:
            # Providers change case and spacing between notices; within one circuit a repetition is harmless.
            if alias and (folded := "".join(alias.casefold().split())) not in seen:
                seen.add(folded)
                yield folded, repr(alias), place


def _neighbors(circuits: Iterable[Circuit]) -> Iterator[Place]:
    for circuit in circuits:
        for index, session in enumerate(circuit.sessions):
            scope = circuit.name if session.neighbor.is_link_local and session.neighbor.version == 6 else ""
            key: Key = ("circuits", circuit.name, "sessions", index, "neighbor")
            yield f"{session.neighbor} {scope}", str(session.neighbor), key


def _item_names(document: Document, section: str) -> Iterator[Place]:
    entries = document.tree.get(section)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            yield name, repr(name), (section, index, "name")


def _twice(document: Document, places: Iterable[Place], what: str, allowed: str) -> Iterator[Problem]:
    """Both places are named: the problem stands at the second, with the line of the first."""
    first: dict[str, Key] = {}
    for same, shown, key in places:
        if same in first:
            before = first[same]
            owner = document.label(before[:2])
            line = document.line(before)
            yield document.problem(key, f"{what} {shown} is already that of {owner} (line {line})", allowed)
        else:
            first[same] = key


def _probe(document: Document, probe: ProbeConfig) -> Iterator[Problem]:
    needed, possible = _PROBES[probe.kind]
    key: Key = ("probes", probe.name)
    for name in needed:
        if getattr(probe, name) is None:
            yield document.problem(
                (*key, name), f"is missing: {probe.kind} needs it", f"keys of {probe.kind}: {', '.join(needed)}"
            )
    for name in _OF_SOME_PROBES:
        if document.has(*key, name) and name not in needed + possible:
            allowed = f"{', '.join(needed + possible)}, p95, max, critical"
            yield document.problem((*key, name), f"does not belong to {probe.kind}", allowed)
    if probe.target and probe.kind in ("udp", "tcp", "connection") and not probe.target.rpartition(":")[2].isdigit():
        yield document.problem((*key, "target"), f"{probe.kind} needs a port", "HOST:PORT")
    if probe.target and probe.kind == "icmp" and ":" in probe.target and probe.target.count(":") == 1:
        yield document.problem((*key, "target"), "ICMP has no ports", "HOST")
    if probe.p95 and probe.max and probe.p95 > probe.max:
        yield document.problem((*key, "p95"), "is above `max`", "a duration up to `max`")


def _calendars(document: Document, inventory: Inventory) -> Iterator[Problem]:
    entries = document.tree.get("calendars")
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        source = inventory.sources.get(name) if isinstance(name, str) else None
        if source is None:
            continue
        key: Key = ("calendars", index)
        kind = scheme(source.location)
        for needed in ("user", "password", "senders") if kind == "imaps" else ():
            if not getattr(source, needed):
                yield document.problem((*key, needed), "is missing: a mailbox needs it", _OF_MAILBOX[needed])
        yield from _reaching(document, key, source, kind)
        if source.affects == "service" and not source.groups:
            yield document.problem((*key, "groups"), "is missing: which service is affected?", listed(inventory.groups))
        if source.stale_after <= source.every:
            what = "is not longer than `every`: the source would always count as stale"
            yield document.problem((*key, "stale_after"), what, "a duration longer than `every`")
        for place, pattern in enumerate(source.not_ours):
            if not pattern.strip("*?"):
                what = f"{pattern!r} would hide every notice"
                yield document.problem((*key, "not_ours", place), what, "a pattern of serials: 2077*")


def _reaching(document: Document, key: Key, source: Source, kind: str) -> Iterator[Problem]:
    """Keys of how a source is reached, beside those that a mailbox needs."""
    for login in ("user", "password") if not kind else ():
        if getattr(source, login) is not None:
            yield document.problem((*key, login), "a file or folder has no login", "with https://… and imaps://…")
    if kind == "https" and (source.user is None) != (source.password is None):
        lacking = "user" if source.user is None else "password"
        yield document.problem((*key, lacking), "is missing: a login is both", "user and password, or neither")
    for network, given in (("private", source.private), ("ca", source.ca is not None)):
        if given and not kind:
            yield document.problem(
                (*key, network), "a file or folder is not reached over a network", "with https://… and imaps://…"
            )
    if source.mark_seen and kind != "imaps":
        yield document.problem((*key, "mark_seen"), "only mails of a mailbox can be marked as seen", "with imaps://…")


def _mail(document: Document, mail: Mail | None) -> Iterator[Problem]:
    if mail is None:
        return
    if mail.security == "none" and not _is_loopback(mail.host):
        what = f"mail to {mail.host} would go over the network in the clear"
        yield document.problem(("mail", "security"), what, "starttls, tls; none only with host: 127.0.0.1 or ::1")
    if mail.security == "none" and mail.ca is not None:
        yield document.problem(("mail", "ca"), "does not belong there: nothing is verified", "with starttls or tls")
    if (mail.user is None) != (mail.password is None):
        lacking = "user" if mail.user is None else "password"
        yield document.problem(("mail", lacking), "is missing: a login is both", "user and password, or neither")


def _is_loopback(host: str) -> bool:
    """An address of it, or `localhost`; what another name leads to is somebody else's to say."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


_OF_MAILBOX = {
    "user": "the mailbox's login name",
    "password": "{env: NAME} or {file: PATH}",
    "senders": 'the addresses that notices come from: ["no-reply@equinix.com"]',
}
