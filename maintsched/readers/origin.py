"""What a reader must be told about where bytes came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact


@dataclass(frozen=True, slots=True)
class Origin:
    """The source as the config declares it, in plain values.

    `timezone` is an IANA name or `NY+7`, for times without a zone; `site_zones` maps site codes to IANA names;
    `horizon` bounds the expansion of recurring entries; `impact` is what a calendar without impacts stands for, unless
    a pattern of `impacts` fits the whole title (shell pattern, any case; the first one decides). `place_zone` is the
    IANA zone of the sites that the source is about, where they share one: whole days are days there.
    """

    source: str
    horizon: Interval
    provider: str | None = None
    timezone: str | None = None
    site_zones: Mapping[str, str] = field(default_factory=dict)
    impact: Impact = Impact.OUTAGE
    impacts: tuple[tuple[str, Impact], ...] = ()
    place_zone: str | None = None

    def impact_of(self, title: str) -> Impact:
        """The impact of an entry that names none itself."""
        fitting = (impact for pattern, impact in self.impacts if fnmatchcase(title.casefold(), pattern.casefold()))
        return next(fitting, self.impact)
