"""What proves that traffic flows. One module per kind; a probe that cannot run says so and never reports 0 lost.

The kinds are imported when they are opened: the sender's own process starts in milliseconds, and needs none of them.
"""

from __future__ import annotations

from typing import Protocol

from maintsched.domain.drill import Sample
from maintsched.domain.inventory import ProbeConfig
from maintsched.errors import ProbeFailed

KINDS = ("icmp", "https")


class Probe(Protocol):
    """A probe that runs beside a drill, from `start` to `stop`.

    Every method raises ProbeFailed when the probe itself did not run: its reading is then unknown. `kept` never raises.
    """

    @property
    def name(self) -> str: ...

    @property
    def critical(self) -> bool: ...

    @property
    def method(self) -> str:
        """The means, for a report: `icmp 20/s`."""

    @property
    def rate(self) -> float:
        """Samples per second."""

    def start(self) -> None:
        """Begin; returns when the probe is able to run."""

    def samples(self) -> tuple[Sample, ...]:
        """What has settled so far, in the order of sending."""

    def lost_in_a_row(self) -> int:
        """How many of the latest settled samples had no good answer."""

    def kept(self) -> tuple[Sample, ...]:
        """What has settled so far, also of a probe that failed: evidence, not a reading."""

    def stop(self) -> tuple[Sample, ...]:
        """End, wait for outstanding answers, and give all samples."""


def open_probe(config: ProbeConfig) -> Probe:
    """The probe that `config` describes, not started. Raises ProbeFailed for a kind that cannot run."""
    if config.kind == "icmp":
        from maintsched.probes.icmp import IcmpProbe

        return IcmpProbe(config)
    if config.kind == "https":
        from maintsched.probes.https import HttpsProbe

        return HttpsProbe(config)
    raise ProbeFailed(
        f"probe {config.name}: this version cannot run a probe of kind {config.kind}",
        f"use one of: {', '.join(KINDS)}",
    )
