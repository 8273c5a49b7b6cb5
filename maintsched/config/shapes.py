"""The network part of the config file: sites, contacts, routers, circuits, groups; each becomes its domain value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from maintsched.config.problems import Wrong
from maintsched.config.typed import (
    Account,
    Autonomous,
    Community,
    Connection,
    Count,
    FilePath,
    Flag,
    Host,
    Hours,
    Interface,
    IpAddress,
    IpNetwork,
    Jump,
    Kind,
    Mode,
    Name,
    Nat,
    Port,
    Prepend,
    Proof,
    SecretReference,
    Shape,
    Speed,
    Text,
    Transport,
    Unsigned,
    User,
    VirtualInterface,
    Zone,
)
from maintsched.config.values import absolute
from maintsched.domain.inventory import (
    Canary,
    Circuit,
    CircuitKind,
    Contact,
    Drain,
    Group,
    Router,
    Secret,
    Session,
    Site,
)


def located(base: Path, written: str | None) -> str | None:
    return None if written is None else absolute(base, written)


def located_secret(base: Path, secret: Secret | None) -> Secret | None:
    return Secret(file=absolute(base, secret.file)) if secret and secret.file else secret


class SiteShape(Shape):
    operator: Text = Field(description="who runs the data centre: Equinix")
    timezone: Zone
    metro: Text = ""
    campus: Text = ""
    hours: Hours = ""

    def domain(self, name: str, _base: Path) -> Site:
        return Site(name, **dict(self))


class ContactShape(Shape):
    noc: Text = ""
    mail: Text = ""

    def domain(self, _name: str, _base: Path) -> Contact:
        return Contact(**dict(self))


class RouterShape(Shape):
    site: Name = Field(description="a site of `sites`")
    platform: Name = Field(description="the network OS: frr, bird")
    host: Host
    user: User
    port: Port = 22
    key: FilePath | None = None
    known_hosts: FilePath | None = None
    password: SecretReference | None = None
    enable: SecretReference | None = None
    jump: Jump | None = None
    transport: Transport = "paramiko"
    vrf: Name | None = None

    def domain(self, name: str, base: Path) -> Router:
        places = {
            "key": located(base, self.key),
            "known_hosts": located(base, self.known_hosts),
            "password": located_secret(base, self.password),
            "enable": located_secret(base, self.enable),
        }
        return Router(name, **(dict(self) | places))


class SessionShape(Shape):
    neighbor: IpAddress
    local_as: Autonomous = Field(description="our AS number")
    peer_as: Autonomous = Field(description="the neighbour's AS number")
    bfd: Flag = False


class DrainShape(Shape):
    """How it is drained: `gshut`, `prepend`, `med` or `community`, `local_pref` for the way out; or `hook` alone."""

    gshut: Flag = False
    prepend: Prepend = 0
    med: Unsigned | None = None
    community: Community | None = None
    local_pref: Unsigned | None = None
    hook: Name | None = None


class CanaryShape(Shape):
    source: IpAddress
    target: IpAddress


def _drain(value: Any) -> Any:
    if isinstance(value, str):
        if value == "none":
            return None
        raise Wrong(
            f"{value!r} is not a way of draining", "none, or a mapping: {gshut: true, local_pref: 0}, {hook: NAME}"
        )
    return value


class CircuitShape(Shape):
    kind: Kind = Field(description="cross_connect, direct_connect, interconnect")
    site: Name = Field(description="a site of `sites`")
    provider: Text = Field(description="who maintains it: Equinix, AWS")
    speed: Speed | None = None
    media: Text = ""
    router: Name | None = None
    interface: Interface | None = None
    network: IpNetwork | None = None
    sessions: tuple[SessionShape, ...] = ()
    drain: Annotated[DrainShape | None, BeforeValidator(_drain)] = None
    canary: CanaryShape | None = None
    aliases: tuple[Text, ...] = ()
    account: Account | None = None
    zone: Name | None = None
    region: Name | None = None
    connection: Connection | None = None
    virtual_interface: VirtualInterface | None = None

    def domain(self, name: str, _base: Path) -> Circuit:
        parts = {
            "kind": CircuitKind(self.kind),
            "sessions": tuple(Session(**dict(session)) for session in self.sessions),
            "drain": Drain(**dict(self.drain)) if self.drain else None,
            "canary": Canary(**dict(self.canary)) if self.canary else None,
        }
        return Circuit(name, **(dict(self) | parts))


class GroupShape(Shape):
    partner: Text = Field(description="who is at the far end: Spotware")
    circuits: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(description="circuits of `circuits`")
    primary: Name = Field(description="one of the group's circuits")
    min_up: Count = 1
    mode: Mode = "active_standby"
    needs: tuple[Name, ...] = ()
    nat: Nat = "shared"
    announced: tuple[IpNetwork, ...] = ()
    service: tuple[IpNetwork, ...] = ()
    proof: Proof = "first-move"
    concurrent_users: Count | None = None

    def domain(self, name: str, _base: Path) -> Group:
        return Group(name, **dict(self))
