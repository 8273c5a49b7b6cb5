"""Notices as received, and the Maintenances that they add up to (vocabulary of the MAINTNOTE BCOP)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from maintsched.domain.interval import Interval


class Impact(StrEnum):
    """Ordered from harmless to worst; what is unknown counts as OUTAGE."""

    NO_IMPACT = "NO-IMPACT"
    REDUCED_REDUNDANCY = "REDUCED-REDUNDANCY"
    DEGRADED = "DEGRADED"
    OUTAGE = "OUTAGE"

    @classmethod
    def read(cls, text: str | None) -> Impact:
        """The impact that a provider wrote; anything unknown or absent is OUTAGE (BCOP section 3)."""
        try:
            return cls((text or "").strip().upper())
        except ValueError:
            return cls.OUTAGE

    @property
    def rank(self) -> int:
        return list(Impact).index(self)

    @property
    def takes_down(self) -> bool:
        """A member under this impact is down: it cannot be counted on to carry traffic."""
        return self in (Impact.OUTAGE, Impact.DEGRADED)


class Status(StrEnum):
    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    IN_PROCESS = "IN-PROCESS"
    COMPLETED = "COMPLETED"

    @property
    def counts(self) -> bool:
        """Whether work in this status can still take something down."""
        return self not in (Status.CANCELLED, Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class ObjectImpact:
    """One object (circuit id, serial, dxcon- id) named by a notice, with its own impact where the notice gives one."""

    object_id: str
    impact: Impact | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message as received, read. A reader yields one per VEVENT, or per mail.

    `interval` is None where the message gives no time (a cancellation may not). `status` None means unchanged.
    `problems` is not empty when a cross-check failed: the notice then needs a person and blocks what it may concern.
    `sequence` None means that the sender gives none; then `stamp` orders. Of a message that gives several windows under
    one id each is a Notice with its `part`, from 1. `other_ids` are further ids that the message has for the same work.
    """

    provider: str
    account: str
    maintenance_id: str
    uid: str
    title: str
    stamp: datetime | None
    interval: Interval | None
    status: Status | None
    impact: Impact
    objects: tuple[ObjectImpact, ...] = ()
    sites: tuple[str, ...] = ()
    sequence: int | None = None
    problems: tuple[str, ...] = ()
    extended: bool = False
    rescheduled: bool = False
    sender: str = ""
    part: int = 1
    other_ids: tuple[str, ...] = ()


def order_key(notice: Notice) -> tuple[int, datetime]:
    """Revisions of one maintenance are ordered by SEQUENCE, then DTSTAMP or the mail's Date; absent sorts first."""
    from datetime import UTC

    oldest = datetime.min.replace(tzinfo=UTC)
    return (-1 if notice.sequence is None else notice.sequence, notice.stamp or oldest)
