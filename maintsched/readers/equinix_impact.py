"""Impacts in Equinix's words, of mails and of both JSON interfaces."""

from __future__ import annotations

import re

from maintsched.domain.notice import Impact

_PHRASES = {
    Impact.NO_IMPACT: r"no impact|non[\s-]*service[\s-](impacting|affecting)|geen impact|影響はございません",
    Impact.REDUCED_REDUNDANCY: r"(loss|lack|reduction) of redundancy|reduced redundancy"
    r"|redundancy (will be )?(lost|loss)"
    r"|verlies van redundantie",
    Impact.DEGRADED: r"degrad",
    Impact.OUTAGE: r"interruption|outage|downtime|onderbreking|(?<!non[\s-])(?<!non)service[\s-](impacting|affecting)",
}


def impact_of_phrase(text: str) -> Impact | None:
    """The worst impact that a phrase or word (`NON_SERVICE_IMPACTING`) says; None where it says none in known words."""
    plain = text.replace("_", " ")
    found = [impact for impact, pattern in _PHRASES.items() if re.search(pattern, plain, re.IGNORECASE)]
    return max(found, key=lambda one: one.rank) if found else None
