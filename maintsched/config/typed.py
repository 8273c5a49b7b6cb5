"""The scalar types of the shapes: read from text, and described for editors as an editor's own YAML sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from maintsched.config import cron as cron_fields
from maintsched.config import urls, values
from maintsched.domain.inventory import Address, Network, Secret
from maintsched.domain.notice import Impact


class Shape(BaseModel):
    """Part of the config file: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _text(description: str, pattern: str = "") -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "description": description}
    return WithJsonSchema(schema | ({"pattern": f"^(?:{pattern})$"} if pattern else {}))


def _words(*words: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(values.one_of(*words)), WithJsonSchema({"type": "string", "enum": list(words)})


def _integer(low: int, high: int) -> tuple[PlainValidator, WithJsonSchema]:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return PlainValidator(values.integer(low, high)), WithJsonSchema(schema)


def _fits(pattern: str, allowed: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(values.matching(pattern, allowed)), _text(allowed, pattern)


# A severity for a rule that does not exist would never count, so the names are checked.
RULES = (
    *("REDUNDANCY", "INSIDE-OUTAGE", "CAPACITY", "SHARED-FATE", "CLASH", "FREEZE", "HOURS", "REVIEW", "STALE"),
    *("LENGTH", "HORIZON", "LEAD-TIME"),
)

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_DURATION = values.DURATION.pattern

# An editor sees 0912345 or 1.10 as a number; here it is the text that it looks like.
_ANY_SCALAR = WithJsonSchema({"type": ["string", "number", "boolean"], "description": "text on one line"})

Text = Annotated[str, PlainValidator(values.plain), _ANY_SCALAR]
Name = Annotated[str, *_fits(_NAME, "a name in letters, digits, . _ and -, at most 64")]
Interface = Annotated[
    str, *_fits(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}", "an interface as the router names it: eth1, ae0.10")
]
User = Annotated[str, *_fits(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", "a login name")]
Jump = Annotated[
    str,
    *_fits(
        r"([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?", "a router, or [USER@]HOST[:PORT]"
    ),
]
Rule = Annotated[str, *_words(*RULES)]
Requirement = Annotated[str, *_fits(r"[A-Z]+-[0-9]+", "the id of a requirement: ADR-2")]
Account = Annotated[str, PlainValidator(values.matching(r"[0-9]{12}", "twelve digits")), _ANY_SCALAR]
Connection = Annotated[str, *_fits(r"dx(con|lag)-[a-z0-9]+", "dxcon-… or dxlag-…")]
VirtualInterface = Annotated[str, *_fits(r"dxvif-[a-z0-9]+", "dxvif-…")]
Community = Annotated[
    str,
    *_fits(
        r"[0-9]{1,5}:[0-9]{1,5}|[0-9]{1,10}(:[0-9]{1,10}){2}", "a BGP community: 64620:80, or a large one: 64620:1:80"
    ),
]
Sender = Annotated[str, *_fits(r"[^@\s<>,;]+@[^@\s<>,;]+", "a mail address: no-reply@equinix.com")]

Flag = Annotated[bool, PlainValidator(values.boolean), WithJsonSchema({"type": "boolean"})]
Port = Annotated[int, *_integer(1, 65535)]
Autonomous = Annotated[int, *_integer(1, 2**32 - 1)]
Unsigned = Annotated[int, *_integer(0, 2**32 - 1)]
Prepend = Annotated[int, *_integer(1, 16)]
Count = Annotated[int, *_integer(1, 10**9)]
Approvals = Annotated[int, *_integer(1, 9)]
Rate = Annotated[int, *_integer(1, 1000)]

Duration = Annotated[timedelta, PlainValidator(values.duration), _text("a duration: 50ms, 5s, 90m, 2h, 14d", _DURATION)]
SomeTime = Annotated[
    timedelta, PlainValidator(values.some_time), _text("a duration, not zero: 50ms, 5s, 90m, 2h, 14d", _DURATION)
]
Speed = Annotated[int, PlainValidator(values.speed), _text("bit/s: 200M, 1G, 10G", values.SPEED.pattern)]
IpAddress = Annotated[Address, PlainValidator(values.address), _text("an IPv4 or IPv6 address")]
IpNetwork = Annotated[
    Network, PlainValidator(values.network), _text("a network: 10.210.4.0/30", r"[0-9A-Fa-f.:]+/[0-9]{1,3}")
]
Zone = Annotated[str, PlainValidator(values.timezone), _text("an IANA time zone: Europe/London, UTC")]
CalendarZone = Annotated[
    str, PlainValidator(values.calendar_timezone), _text("an IANA time zone, or NY+7 (New York plus seven hours)")
]
Hours = Annotated[str, PlainValidator(values.hours), _text('"22:00-06:00", local time', values.HOURS.pattern)]
Day = Annotated[str, PlainValidator(values.day), _text("a date: YYYY-MM-DD", r"[0-9]{4}-[0-9]{2}-[0-9]{2}")]
Cron = Annotated[
    str, PlainValidator(cron_fields.cron), _text('minute hour day month weekday: "0 6 * * SUN"; weekdays by name')
]
FilePath = Annotated[str, PlainValidator(values.path), _text("a path, relative to this file, or absolute, or ~/…")]
Host = Annotated[str, PlainValidator(urls.hostname), _text("a host name or an address")]
Endpoint = Annotated[str, PlainValidator(urls.endpoint), _text("HOST or HOST:PORT")]
Https = Annotated[str, PlainValidator(urls.https), _text("https://HOST[:PORT]/…", "https://.*")]
Location = Annotated[str, PlainValidator(urls.location), _text("a file, a folder, https://… or imaps://…")]
Database = Annotated[str, PlainValidator(urls.database), _text("sqlite:///PATH or postgresql://USER@HOST/NAME")]
SecretReference = Annotated[
    Secret,
    PlainValidator(values.secret),
    WithJsonSchema(
        {
            "description": "{env: NAME} or {file: PATH}, never the secret itself",
            "type": "object",
            "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
    ),
]

Kind = Annotated[str, *_words("cross_connect", "direct_connect", "interconnect")]
Transport = Annotated[str, *_words("paramiko", "openssh")]
Mode = Annotated[str, *_words("active_standby", "active_active")]
Nat = Annotated[str, *_words("shared", "per_edge")]
Proof = Annotated[str, *_words("canary", "l2", "first-move")]
Affects = Annotated[str, *_words("service")]
IMPACTS = tuple(impact.value for impact in Impact)
ImpactName = Annotated[
    Impact, PlainValidator(values.impact(*IMPACTS)), WithJsonSchema({"type": "string", "enum": list(IMPACTS)})
]
Trust = Annotated[str, *_words("senders")]
Security = Annotated[str, *_words("starttls", "tls", "none")]
Severity = Annotated[str, *_words("block", "warn")]
Tentative = Annotated[str, *_words("confirmed", "warn")]
ProbeKind = Annotated[str, *_words("icmp", "udp", "tcp", "https", "oauth", "connection")]

Version = Annotated[int, *_integer(1, 1)]
Target = Annotated[str, *_words("primary")]
Survivor = Annotated[str, *_words("survivor")]
Paragraph = Annotated[str, PlainValidator(values.paragraph), _ANY_SCALAR]
