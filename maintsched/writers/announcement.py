"""What a partner is told about a window of ours, as plain text: what, where, when, what stands, and what we ask."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, Status
from maintsched.domain.wording import length, span

_WIDTH = 78

_IMPACTS = {
    Impact.NO_IMPACT: "no loss of service is expected",
    Impact.REDUCED_REDUNDANCY: "the circuits stay up, without their usual redundancy",
    Impact.DEGRADED: "the circuits may lose packets or go down for short times",
    Impact.OUTAGE: "the circuits are down",
}
_STATUSES = {
    Status.TENTATIVE: "planned, not approved yet",
    Status.CONFIRMED: "approved",
    Status.IN_PROCESS: "the work is under way",
    Status.COMPLETED: "the work is done",
    Status.CANCELLED: "the work is CANCELLED and will not take place",
}


@dataclass(frozen=True, slots=True)
class AnnouncedCircuit:
    """A circuit as the partner may know it."""

    name: str
    what: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announcement:
    """The facts. `clocks` are (whose, from – to) in other zones, `standing` one line for each group of the partner,
    `contacts` one for each way to reach us, `partner_ref` its reference where it has acknowledged. An `emergency` does
    not wait for that.
    """

    broker: str
    partner: str
    reference: str
    title: str
    status: Status
    impact: Impact
    interval: Interval
    clocks: tuple[tuple[str, str], ...]
    circuits: tuple[AnnouncedCircuit, ...]
    sites: tuple[str, ...]
    standing: tuple[str, ...]
    revision: int
    change_id: str = ""
    rollback: str = ""
    contacts: tuple[str, ...] = ()
    partner_ref: str = ""
    emergency: bool = False

    @property
    def subject(self) -> str:
        """One line: reference, status, what and when. The dash is a plain one: mail headers are folded about others."""
        names = ", ".join(circuit.name for circuit in self.circuits)
        when = span(self.interval).replace("–", " - ")
        return f"[{self.broker} {self.reference}] {self.status} {self.impact}: {names}, {when}"


def announcement_text(facts: Announcement) -> str:
    """The announcement, in lines of at most 78 columns."""
    kind = "an EMERGENCY repair" if facts.emergency else "planned work"
    lines: list[str] = [f"{facts.broker}: announcement of {kind}", ""]
    for label, texts in _sections(facts):
        for number, text in enumerate(texts):
            lines += _told(f"{label}:" if number == 0 else "", text)
    lines += ["", *textwrap.wrap(_asked(facts), _WIDTH)]
    return "\n".join(lines) + "\n"


def _sections(facts: Announcement) -> Iterator[tuple[str, list[str]]]:
    change = f", change {facts.change_id}" if facts.change_id else ""
    yield "Reference", [f"{facts.reference}{change} (revision {facts.revision})"]
    yield "Status", [f"{facts.status}: {_STATUSES[facts.status]}"]
    yield "What", [facts.title]
    yield "Where", [f"site {site}" for site in facts.sites]
    yield "Circuits", [_circuit(circuit) for circuit in facts.circuits]
    utc = f"{span(facts.interval)} (UTC), {length(facts.interval.duration)}"
    yield "When", [utc, *(f"{when}  {whose}" for whose, when in facts.clocks)]
    yield "Impact", [f"{facts.impact}: {_IMPACTS[facts.impact]}"]
    if facts.standing:
        yield "What stays up", list(facts.standing)
    if facts.rollback:
        yield "Rollback", [facts.rollback]
    yield "Contact", list(facts.contacts) or ["reply to this message"]


def _circuit(circuit: AnnouncedCircuit) -> str:
    known = f" ({', '.join(circuit.aliases)})" if circuit.aliases else ""
    return f"{circuit.name}{known}: {circuit.what}"


def _told(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"{label:<15}{text}", _WIDTH, subsequent_indent=" " * 15, break_on_hyphens=False, drop_whitespace=True
    )


def _asked(facts: Announcement) -> str:
    if facts.status is Status.CANCELLED:
        return f"Please close what you have opened for {facts.reference}; nothing else is asked of you."
    if facts.status is Status.COMPLETED:
        return f"Please tell us if anything on your side is not as before; {facts.reference} is closed otherwise."
    if facts.partner_ref:
        return f"You have acknowledged this as {facts.partner_ref}; please tell us if the revision changes that."
    waits = (
        "The repair does not wait for it; please call us at once if it must not go on. "
        if facts.emergency
        else "Please tell us at once if the time does not suit you. "
    )
    return (
        f"We ask {facts.partner} to acknowledge this work: please answer with your reference for {facts.reference}. "
        f"{waits}The attached calendar (MAINTNOTE, NANOG BCOP) says the same to machines."
    )
