"""The whole config file, and its parts beside the network: calendars, freezes, policy, probes, drills."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from maintsched.config.shapes import (
    CircuitShape,
    ContactShape,
    GroupShape,
    RouterShape,
    SiteShape,
    located,
    located_secret,
)
from maintsched.config.typed import (
    Affects,
    Approvals,
    CalendarZone,
    Count,
    Cron,
    Database,
    Day,
    Duration,
    Endpoint,
    FilePath,
    Flag,
    Host,
    Https,
    ImpactName,
    Location,
    Name,
    Paragraph,
    Port,
    ProbeKind,
    Rate,
    Requirement,
    Rule,
    SecretReference,
    Security,
    Sender,
    Severity,
    Shape,
    SomeTime,
    Tentative,
    Text,
    Trust,
    Zone,
)
from maintsched.config.urls import absolute_location
from maintsched.config.values import absolute
from maintsched.domain.inventory import (
    DrillConfig,
    Emergency,
    FreezeCalendar,
    GateLimits,
    Mail,
    Policy,
    ProbeConfig,
    Source,
    TitleRule,
    Waiver,
)
from maintsched.domain.notice import Impact

MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}  # RFC 6409, RFC 8314, RFC 5321


class TitleShape(Shape):
    match: Text = Field(description="a pattern for the whole title, any case: *New York*")
    groups: tuple[Name, ...] = ()
    sites: tuple[Name, ...] = ()
    impact: ImpactName | None = None
    ignore: Flag = False


class CalendarShape(Shape):
    name: Name = Field(description="a name for the source")
    location: Location = Field(alias="from")
    provider: Text | None = None
    timezone: CalendarZone | None = None
    affects: Affects | None = None
    groups: tuple[Name, ...] = ()
    sites: tuple[Name, ...] = ()
    senders: tuple[Sender, ...] = ()
    authserv: Host | None = None
    trust: Trust | None = None
    not_ours: tuple[Text, ...] = ()
    user: Text | None = None
    password: SecretReference | None = None
    every: SomeTime = timedelta(minutes=15)
    stale_after: SomeTime = timedelta(hours=24)
    quiet_after: SomeTime | None = None
    impact: ImpactName = Impact.OUTAGE
    titles: tuple[TitleShape, ...] = ()
    private: Flag = False
    ca: FilePath | None = None
    mark_seen: Flag = False

    def domain(self, _name: str, base: Path) -> Source:
        places = {
            "location": absolute_location(base, self.location),
            "password": located_secret(base, self.password),
            "titles": tuple(TitleRule(**dict(title)) for title in self.titles),
            "ca": located(base, self.ca),
        }
        return Source(**(dict(self) | places))


class FreezeShape(Shape):
    name: Name = Field(description="a name for the freeze")
    location: Location = Field(alias="from")
    known_until: Day | None = None

    def domain(self, _name: str, base: Path) -> FreezeCalendar:
        return FreezeCalendar(self.name, absolute_location(base, self.location), self.known_until)


class WaiverShape(Shape):
    requirement: Requirement
    circuit: Name = Field(description="a circuit of `circuits`")
    reason: Text = Field(description="why the requirement may wait")
    by: Text = Field(description="who decided")
    until: Day


class GatesShape(Shape):
    established_for: Duration = GateLimits().established_for
    clock: Duration = GateLimits().clock
    cool_down: Duration = GateLimits().cool_down


class PolicyShape(Shape):
    guard: Duration = Policy().guard
    lead_time: Duration = Policy().lead_time
    max_window: SomeTime = Policy().max_window
    drill_every: SomeTime = Policy().drill_every
    approvals: Approvals = Policy().approvals
    severity: dict[Rule, Severity] = Field(default_factory=dict)
    tentative: Tentative = "confirmed"
    gates: GatesShape = GatesShape()
    waivers: tuple[WaiverShape, ...] = ()
    signers: FilePath | None = None

    def domain(self, base: Path) -> Policy:
        parts = {
            "signers": located(base, self.signers),
            "gates": GateLimits(**dict(self.gates)),
            "waivers": tuple(Waiver(**dict(waiver)) for waiver in self.waivers),
        }
        return Policy(**(dict(self) | parts))


class ProbeShape(Shape):
    kind: ProbeKind
    target: Endpoint | None = None
    url: Https | None = None
    base: Https | None = None
    profile: Name | None = None
    rate: Rate = 20
    ca: FilePath | None = None
    p95: SomeTime | None = None
    max: SomeTime | None = None
    critical: Flag = False

    def domain(self, name: str, base: Path) -> ProbeConfig:
        return ProbeConfig(name, **(dict(self) | {"ca": located(base, self.ca)}))


class DrillShape(Shape):
    name: Name = Field(description="a name for the drill")
    playbook: FilePath = Field(description="the playbook's file: playbooks/shut-primary.yaml")
    group: Name = Field(description="a group of `groups`")
    cron: Cron | None = None
    timezone: Zone = "UTC"
    misfire: SomeTime = timedelta(minutes=30)

    def domain(self, _name: str, base: Path) -> DrillConfig:
        return DrillConfig(**(dict(self) | {"playbook": absolute(base, self.playbook)}))


class EmergencyShape(Shape):
    reviewed: Day | None = None
    steps: tuple[Paragraph, ...] = ()

    def domain(self) -> Emergency:
        return Emergency(self.steps, self.reviewed)


class MailShape(Shape):
    host: Host
    sender: Sender = Field(description="the address that mail comes from: noc@example.net")
    port: Port | None = None
    security: Security = "starttls"
    user: Text | None = None
    password: SecretReference | None = None
    ca: FilePath | None = None

    def domain(self, base: Path) -> Mail:
        places = {
            "port": self.port or MAIL_PORTS[self.security],
            "password": located_secret(base, self.password),
            "ca": located(base, self.ca),
        }
        return Mail(**(dict(self) | places))


def _nothing_yet(empty: Any) -> BeforeValidator:
    # A section whose entries are all commented out is an empty one.
    return BeforeValidator(lambda value: empty if value == "" else value)


_MAPPING = _nothing_yet({})
_LIST = _nothing_yet([])


class Root(Shape):
    """maintsched.yaml. Every scalar is text until one of these types reads it."""

    broker: Text = Field(description="the broker's name")
    concurrent_users: Count | None = None
    database: Database = "sqlite:///maintsched.db"
    timezone: Zone = "UTC"
    state_dir: FilePath | None = None
    sites: Annotated[dict[Name, SiteShape], Field(min_length=1), _MAPPING] = Field(description="sites by name")
    contacts: Annotated[dict[Text, ContactShape], _MAPPING] = Field(default_factory=dict)
    routers: Annotated[dict[Name, RouterShape], _MAPPING] = Field(default_factory=dict)
    circuits: Annotated[dict[Name, CircuitShape], Field(min_length=1), _MAPPING] = Field(description="circuits by name")
    groups: Annotated[dict[Name, GroupShape], Field(min_length=1), _MAPPING] = Field(description="groups by name")
    calendars: Annotated[tuple[CalendarShape, ...], _LIST] = ()
    freezes: Annotated[tuple[FreezeShape, ...], _LIST] = ()
    policy: Annotated[PolicyShape, _MAPPING] = PolicyShape()
    probes: Annotated[dict[Name, ProbeShape], _MAPPING] = Field(default_factory=dict)
    drills: Annotated[tuple[DrillShape, ...], _LIST] = ()
    emergency: Annotated[EmergencyShape, _MAPPING] = EmergencyShape()
    mail: Annotated[MailShape | None, _nothing_yet(None)] = None


ENTRIES: dict[str, Any] = {
    "sites": SiteShape,
    "contacts": ContactShape,
    "routers": RouterShape,
    "circuits": CircuitShape,
    "groups": GroupShape,
    "calendars": CalendarShape,
    "freezes": FreezeShape,
    "probes": ProbeShape,
    "drills": DrillShape,
}
