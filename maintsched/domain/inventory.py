"""The inventory: sites, routers, circuits with their BGP sessions, redundancy groups, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from maintsched.domain.notice import Impact

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class CircuitKind(StrEnum):
    CROSS_CONNECT = "cross_connect"
    DIRECT_CONNECT = "direct_connect"
    INTERCONNECT = "interconnect"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret lies, never the secret: `{env: NAME}` or `{file: PATH}`."""

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """An Equinix IBX or another data centre; `timezone` is an IANA name."""

    name: str
    operator: str
    timezone: str
    metro: str = ""
    campus: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class Router:
    """One of our edge routers, and how a Shell on it is opened. Paths are absolute."""

    name: str
    site: str
    platform: str
    host: str
    user: str
    port: int = 22
    key: str | None = None
    known_hosts: str | None = None
    password: Secret | None = None
    enable: Secret | None = None
    jump: str | None = None
    transport: str = "paramiko"
    vrf: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A BGP session over a circuit (RFC 4271)."""

    neighbor: Address
    local_as: int
    peer_as: int
    bfd: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """How a circuit is drained before it is shut; `none` where it is not."""

    gshut: bool = False
    prepend: int = 0
    med: int | None = None
    community: str | None = None
    local_pref: int | None = None
    hook: str | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """An address pair that is always steered over its circuit."""

    source: Address
    target: Address


@dataclass(frozen=True, slots=True)
class Circuit:
    """A cross-connect, Direct Connect connection or own interconnect. `speed` in bit/s; `aliases` as notices say it."""

    name: str
    kind: CircuitKind
    site: str
    provider: str
    speed: int | None = None
    media: str = ""
    router: str | None = None
    interface: str | None = None
    network: Network | None = None
    sessions: tuple[Session, ...] = ()
    drain: Drain | None = None
    canary: Canary | None = None
    aliases: tuple[str, ...] = ()
    account: str | None = None
    zone: str | None = None
    region: str | None = None
    connection: str | None = None
    virtual_interface: str | None = None

    @property
    def all_aliases(self) -> tuple[str, ...]:
        """Every name that a notice may use: the circuit's own, its aliases, connection and virtual interface."""
        names = (self.name, *self.aliases, self.connection, self.virtual_interface)
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class Group:
    """A redundancy group: at least `min_up` of `circuits` must stay clean at every instant."""

    name: str
    partner: str
    circuits: tuple[str, ...]
    primary: str
    min_up: int = 1
    mode: str = "active_standby"
    needs: tuple[str, ...] = ()
    nat: str = "shared"
    announced: tuple[Network, ...] = ()
    service: tuple[Network, ...] = ()
    proof: str = "first-move"
    concurrent_users: int | None = None


@dataclass(frozen=True, slots=True)
class TitleRule:
    """What entries with a title like `match` (shell pattern, any case) are about; the first rule that fits decides.

    None and () leave what the source says; `ignore`: they are no maintenance at all.
    """

    match: str
    groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    impact: Impact | None = None
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A calendar source (`calendars:` of the config). `location` is what `from:` says, relative paths made absolute."""

    name: str
    location: str
    provider: str | None = None
    timezone: str | None = None
    affects: str | None = None
    groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    authserv: str | None = None
    trust: str | None = None
    not_ours: tuple[str, ...] = ()
    user: str | None = None
    password: Secret | None = None
    every: timedelta = timedelta(minutes=15)
    stale_after: timedelta = timedelta(hours=24)
    quiet_after: timedelta | None = None
    impact: Impact = Impact.OUTAGE
    titles: tuple[TitleRule, ...] = ()
    private: bool = False
    ca: str | None = None
    mark_seen: bool = False


@dataclass(frozen=True, slots=True)
class FreezeCalendar:
    """`known_until`: a day (YYYY-MM-DD) up to which a person says that the list is complete."""

    name: str
    location: str
    known_until: str | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    requirement: str
    circuit: str
    reason: str
    by: str
    until: str


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Numbers of the drill gates; the lab sets its own, and the value used is printed."""

    established_for: timedelta = timedelta(minutes=15)
    clock: timedelta = timedelta(seconds=5)
    cool_down: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed when. `signers`: the SSH allowed-signers file that signed approvals are checked against."""

    guard: timedelta = timedelta(minutes=30)
    lead_time: timedelta = timedelta(days=14)
    max_window: timedelta = timedelta(hours=24)
    drill_every: timedelta = timedelta(days=90)
    approvals: int = 1
    severity: Mapping[str, str] = field(default_factory=dict)
    tentative: str = "confirmed"
    gates: GateLimits = GateLimits()
    waivers: tuple[Waiver, ...] = ()
    signers: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """A probe of the config: `kind` udp, icmp, tcp, https, oauth or connection; `rate` per second."""

    name: str
    kind: str
    target: str | None = None
    url: str | None = None
    base: str | None = None
    profile: str | None = None
    rate: int = 20
    ca: str | None = None
    p95: timedelta | None = None
    max: timedelta | None = None
    critical: bool = False


@dataclass(frozen=True, slots=True)
class DrillConfig:
    """A drill of the config; `playbook` is an absolute path."""

    name: str
    playbook: str
    group: str
    cron: str | None = None
    timezone: str = "UTC"
    misfire: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Contact:
    noc: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Emergency:
    """The steps of the emergency runbook, and the day (YYYY-MM-DD) on which a person last went through them."""

    steps: tuple[str, ...] = ()
    reviewed: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The server that takes our mail. `security` is starttls, tls or none (the last to the loopback only)."""

    host: str
    sender: str
    port: int = 587
    security: str = "starttls"
    user: str | None = None
    password: Secret | None = None
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The whole config, typed. Mappings are keyed by name and keep the file's order."""

    broker: str
    database: str
    timezone: str
    sites: Mapping[str, Site]
    routers: Mapping[str, Router]
    circuits: Mapping[str, Circuit]
    groups: Mapping[str, Group]
    sources: Mapping[str, Source] = field(default_factory=dict)
    freezes: Mapping[str, FreezeCalendar] = field(default_factory=dict)
    policy: Policy = Policy()
    probes: Mapping[str, ProbeConfig] = field(default_factory=dict)
    drills: Mapping[str, DrillConfig] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    concurrent_users: int | None = None
    state_dir: str | None = None
    emergency: Emergency = Emergency()
    mail: Mail | None = None

    def circuits_at(self, site: str) -> tuple[str, ...]:
        return tuple(name for name, circuit in self.circuits.items() if circuit.site == site)

    def circuits_of_router(self, router: str) -> tuple[str, ...]:
        return tuple(name for name, circuit in self.circuits.items() if circuit.router == router)

    def groups_of(self, circuit: str) -> tuple[Group, ...]:
        return tuple(group for group in self.groups.values() if circuit in group.circuits)
