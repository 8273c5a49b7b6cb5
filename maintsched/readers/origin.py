"""What a reader must be told about where bytes came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact


@dataclass(frozen=True, slots=True)
class Origin:
    """The source as the config declares it, in plain values.

    `timezone` is an IANA name or `NY+7`, for times without a zone; `site_zones` maps site codes to IANA names;
    `horizon` bounds the expansion of recurring entries; `impact` is what a calendar without impacts stands for.
    """

    source: str
    horizon: Interval
    provider: str | None = None
    timezone: str | None = None
    site_zones: Mapping[str, str] = field(default_factory=dict)
    impact: Impact = Impact.OUTAGE
