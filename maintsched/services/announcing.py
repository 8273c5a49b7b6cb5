"""A window as its partner is told of it: a calendar for machines, a text for people, and the mail with both."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from zoneinfo import ZoneInfo

from maintsched.domain.interval import Interval
from maintsched.domain.inventory import Circuit, Inventory, Mail
from maintsched.domain.notice import Impact, ObjectImpact, Status
from maintsched.domain.redundancy import members_taken
from maintsched.errors import InvalidInput, MaintschedError, NotFound, Refused
from maintsched.readers.zones import zone_named
from maintsched.services.mailing import deliver, wire
from maintsched.services.project import Project, require_in_force
from maintsched.services.publishing import STATUSES
from maintsched.services.situation import situation
from maintsched.services.timeline import fewest
from maintsched.store import windows
from maintsched.store.engine import Transaction
from maintsched.store.windows import StoredWindow
from maintsched.writers.announcement import AnnouncedCircuit, Announcement, announcement_text
from maintsched.writers.ics import FeedEntry, message

SERVER_TIME = "NY+7"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Announced:
    """What one partner is told. `to` is its address, empty where the config has none."""

    window: str
    partner: str
    to: str
    status: Status
    sequence: int
    subject: str
    text: str
    calendar: bytes


def announcements(project: Project, window_id: str, partner: str | None = None) -> tuple[Announced, ...]:
    """One for each partner of the groups that the window touches. Raises NotFound, Refused without any partner."""
    with project.store.read(project.now()) as tx:
        require_in_force(project, tx)
        stored = windows.get_window(tx, window_id)
        if stored is None:
            raise NotFound(f"there is no window {window_id}", "`maintsched window list --all` shows them")
        partners = partners_of(project.inventory, stored.window.circuits)
        if partner is not None and partner not in partners:
            raise InvalidInput(f"{stored.window.id} does not concern {partner!r}", f"partners: {', '.join(partners)}")
        if not partners:
            names = ", ".join(stored.window.circuits)
            raise Refused(f"{names} belongs to no group: there is no partner to tell", "`groups:` of the config")
        chosen = partners if partner is None else (partner,)
        return tuple(_announced(tx, project, stored, each) for each in chosen)


def partners_of(inventory: Inventory, circuits: tuple[str, ...]) -> tuple[str, ...]:
    """The partners of the groups that work on these circuits touches, also by what a group needs."""
    groups = (group for group in inventory.groups.values() if members_taken(group, circuits, inventory))
    return tuple(dict.fromkeys(group.partner for group in groups))


def _announced(tx: Transaction, project: Project, stored: StoredWindow, partner: str) -> Announced:
    inventory, window = project.inventory, stored.window
    circuits = _of_partner(inventory, window.circuits, partner)
    facts = Announcement(
        broker=inventory.broker,
        partner=partner,
        reference=window.id,
        title=window.title,
        status=STATUSES[window.state],
        impact=window.impact,
        interval=window.interval,
        clocks=_clocks(inventory, circuits, window.interval),
        circuits=tuple(AnnouncedCircuit(each.name, _words(each), each.all_aliases[1:]) for each in circuits),
        sites=tuple(dict.fromkeys(_site(inventory, each.site) for each in circuits)),
        standing=_standing(tx, project, stored, partner),
        revision=stored.sequence,
        change_id=window.change_id or "",
        rollback=window.rollback or "",
        contacts=_contacts(inventory),
        partner_ref=window.partner_ref or "",
        emergency=window.emergency,
    )
    contact = inventory.contacts.get(partner)
    calendar = message(_entry(inventory, stored, facts, circuits))
    return Announced(
        window=window.id,
        partner=partner,
        to=contact.mail if contact else "",
        status=facts.status,
        sequence=stored.sequence,
        subject=facts.subject,
        text=announcement_text(facts),
        calendar=calendar,
    )


def _of_partner(inventory: Inventory, circuits: tuple[str, ...], partner: str) -> tuple[Circuit, ...]:
    """Those of the circuits that touch a group of the partner, in the window's order."""
    groups = [group for group in inventory.groups.values() if group.partner == partner]
    return tuple(
        inventory.circuits[name]
        for name in circuits
        if name in inventory.circuits and any(members_taken(group, (name,), inventory) for group in groups)
    )


def _words(circuit: Circuit) -> str:
    return f"{circuit.kind.replace('_', ' ')} of {circuit.provider} at {circuit.site}"


def _site(inventory: Inventory, name: str) -> str:
    site = inventory.sites[name]
    return ", ".join(part for part in (f"{site.operator} {name}", site.metro) if part)


def _clocks(inventory: Inventory, circuits: tuple[Circuit, ...], interval: Interval) -> tuple[tuple[str, str], ...]:
    """Local time of every site, and the platform's server time."""
    sites: dict[str, list[str]] = {}
    for circuit in circuits:
        sites.setdefault(inventory.sites[circuit.site].timezone, []).append(circuit.site)
    found = []
    for zone, names in sites.items():
        start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (interval.start, interval.end))
        abbreviations = dict.fromkeys((f"{start:%Z}", f"{end:%Z}"))
        label = f"{'/'.join(abbreviations)}, local time of {', '.join(dict.fromkeys(names))}"
        found.append((label, _from_to(start.replace(tzinfo=None), end.replace(tzinfo=None))))
    server = zone_named(SERVER_TIME)
    assert server is not None  # a constant that it knows
    walls = server.wall(interval.start), server.wall(interval.end)
    return (*found, ("server time (New York plus 7 hours)", _from_to(*walls)))


def _from_to(start: datetime, end: datetime) -> str:
    seconds = ":%S" if start.second or end.second else ""
    until = "" if start.date() == end.date() else "%Y-%m-%d "
    return f"{start:%Y-%m-%d %H:%M{seconds}}–{end:{until}%H:%M{seconds}}"


def _standing(tx: Transaction, project: Project, stored: StoredWindow, partner: str) -> tuple[str, ...]:
    """What is left of the partner's groups at the worst instant of the window, whoever takes the rest."""
    inventory, window = project.inventory, stored.window
    status = STATUSES[window.state]
    if not status.counts or window.impact is Impact.NO_IMPACT:
        return ()
    known = situation(tx, inventory, project.now(), window.interval)
    lines = []
    for group in inventory.groups.values():
        if group.partner == partner and members_taken(group, window.circuits, inventory):
            names = fewest(inventory, known.occupations, group.name, window.interval)
            lines.append(f"{group.name}: {len(names)} of {len(group.circuits)} circuits ({', '.join(names) or 'none'})")
    return tuple(lines)


def _contacts(inventory: Inventory) -> tuple[str, ...]:
    own = inventory.contacts.get(inventory.broker)
    lines = [f"{inventory.broker} NOC, {own.noc}"] if own and own.noc else []
    address = sender_of(inventory)
    return (*lines, *((address,) if address else ()))


def sender_of(inventory: Inventory) -> str:
    """Our own address: that mail is sent from, else the one under `contacts:` by the broker's name."""
    own = inventory.contacts.get(inventory.broker)
    return inventory.mail.sender if inventory.mail else own.mail if own else ""


def _entry(inventory: Inventory, stored: StoredWindow, facts: Announcement, circuits: tuple[Circuit, ...]) -> FeedEntry:
    """The MAINTNOTE. Its account is the partner's with us, its objects what notices call the circuits. What other work
    leaves standing is not in it: the bytes of one sequence stay the same."""
    sender = sender_of(inventory)
    number = stored.window.id.removeprefix("W-")
    aliases = [alias for circuit in circuits for alias in circuit.all_aliases[1:] or (circuit.name,)]
    change = f"Change {facts.change_id}" if facts.change_id else ""
    rollback = f"Rollback: {facts.rollback}" if facts.rollback else ""
    return FeedEntry(
        uid=f"window-{number}@{_label(inventory.broker)}.maintsched",
        sequence=stored.sequence,
        changed=stored.changed_at,
        interval=facts.interval,
        title=f"{facts.broker} {facts.reference}: {facts.title}",
        description="\n".join(filter(None, (change, rollback))),
        status=facts.status,
        provider=sender.rpartition("@")[2] or inventory.broker,
        account=facts.partner,
        maintenance_id=facts.reference,
        objects=tuple(ObjectImpact(alias) for alias in dict.fromkeys(aliases)),
        impact=facts.impact,
        organizer=sender,
    )


def _label(text: str) -> str:
    """A word of letters, digits and hyphens; it must not change with the config's mail section."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "broker"


def composed(mail: Mail, announced: Announced, now: datetime) -> EmailMessage:
    """The mail: the text, and the calendar beside it."""
    found = EmailMessage()
    found["From"], found["To"] = mail.sender, announced.to
    found["Subject"] = announced.subject
    found["Date"] = format_datetime(now.astimezone(UTC).replace(microsecond=0))
    found["Message-ID"] = make_msgid(announced.window, mail.sender.rpartition("@")[2])
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes, please
    found.set_content(announced.text, cte="quoted-printable")
    found.add_attachment(
        announced.calendar.decode(), subtype="calendar", filename=f"{announced.window}.ics", cte="base64"
    )
    return found


def announce(project: Project, announced: Announced) -> str:
    """Mail it to its partner, audited before and after; returns the SHA-256 of the mail as it was sent. Raises Refused
    without a server or an address, Unavailable."""
    mail = _server(project.inventory)
    if not _ADDRESS.fullmatch(announced.to):
        said = f"{announced.to!r} is no single mail address" if announced.to else "it has no mail address"
        raise Refused(
            f"{announced.partner} cannot be told: {said}",
            f"`contacts: {{{announced.partner}: {{mail: noc@example.net}}}}` in the config, then `inventory apply`",
        )
    data = wire(composed(mail, announced, project.now()))
    digest = hashlib.sha256(data).hexdigest()
    facts: dict[str, object] = {
        "partner": announced.partner,
        "to": announced.to,
        "status": announced.status.value,
        "sequence": announced.sequence,
        "sha256": digest,
        "calendar_sha256": hashlib.sha256(announced.calendar).hexdigest(),
    }
    # Nothing leaves without a row; a second one says what became of it.
    _note(project, "window.announce", announced.window, facts)
    try:
        said = deliver(mail, announced.to, data)
    except MaintschedError as error:
        _note(project, "window.announce.failed", announced.window, {"sha256": digest, "reason": error.message})
        raise
    _note(project, "window.announce.sent", announced.window, {"sha256": digest, "answer": said})
    return digest


def _server(inventory: Inventory) -> Mail:
    if inventory.mail is None:
        raise Refused(
            "no mail server is configured",
            "`mail: {host: …, sender: …}` in the config, then `inventory apply`; or send what is printed by hand",
        )
    if not _ADDRESS.fullmatch(inventory.mail.sender):
        raise Refused(f"{inventory.mail.sender!r} is no plain mail address", "correct `mail: {sender: …}`")
    return inventory.mail


def _note(project: Project, action: str, window: str, facts: dict[str, object]) -> None:
    with project.store.write(project.actor) as tx:
        tx.audit(action, window, facts)


def document(announced: Announced, digest: str | None, file: str | None) -> dict[str, object]:
    """One announcement of `window announce --json`."""
    return {
        "window": announced.window,
        "partner": announced.partner,
        "to": announced.to or None,
        "status": announced.status.value,
        "sequence": announced.sequence,
        "subject": announced.subject,
        "text": announced.text,
        "calendar": announced.calendar.decode(),
        "sent": digest is not None,
        "sha256": digest,
        "file": file,
    }
