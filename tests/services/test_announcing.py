"""What a partner is told: read back by our own reader, understood by a person, mailed and audited."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from maintsched.domain.interval import Interval
from maintsched.domain.notice import Impact, Notice, Status
from maintsched.domain.window import WindowState
from maintsched.readers import Origin, read
from maintsched.services.announcing import partners_of
from maintsched.services.publishing import STATUSES
from tests.cli.driving import Answer, Desk, at, maintnote, typed
from tests.services.living import approved
from tests.services.test_mailing import Postbox
from tests.sources.daemons import free_port

OURS = "  Northgate Markets: {noc: '+44 20 7946 0002', mail: change@northgate.example}\n"


ORIGIN = Origin("northgate", Interval(at(-1000), at(10_000)))


@pytest.fixture
def known(desk: Desk) -> Desk:
    """A project whose own address is in the config."""
    desk.edit("contacts:\n", f"contacts:\n{OURS}")
    desk.apply()
    return desk


def booked(desk: Desk, *more: str, circuit: str = "uk-ld4") -> str:
    when = ("--start", typed(at(23)), "--duration", "5h", "--title", "line card; edge1, by the vendor")
    answer = desk.run("window", "book", "--circuit", circuit, *when, "--rollback", "old card back", *more, "--json")
    assert answer.code == 0, answer
    return str(answer.json["id"])


def told(desk: Desk, window: str, *more: str) -> dict[str, Any]:
    [found] = desk.json("window", "announce", window, *more)["announcements"]
    return dict(found)


def read_back(calendar: str) -> Notice:
    [notice] = read(calendar.encode(), ORIGIN)
    return notice


def test_our_own_reader_reads_the_same_facts(known: Desk) -> None:
    found = told(known, booked(known, "--change-id", "CHG77"))
    notice = read_back(found["calendar"])
    assert notice.problems == ()
    assert (notice.provider, notice.account, notice.maintenance_id) == ("northgate.example", "Spotware", "W-1")
    assert notice.interval is not None
    assert (notice.interval.start, notice.interval.end) == (at(23), at(28))
    assert (notice.status, notice.impact, notice.sequence) == (Status.TENTATIVE, Impact.OUTAGE, found["sequence"])
    assert [each.object_id for each in notice.objects] == ["20931177-A", "PP:0101:1100001"]
    assert notice.title == "Northgate Markets W-1: line card; edge1, by the vendor"
    assert (notice.uid, notice.sender) == ("window-1@northgate-markets.maintsched", "change@northgate.example")
    assert "METHOD" not in found["calendar"]


def test_the_standard_s_properties_are_each_there_once(known: Desk) -> None:
    calendar = told(known, booked(known))["calendar"]
    ours = ("PROVIDER", "ACCOUNT", "MAINTENANCE-ID", "IMPACT", "STATUS")
    plain = ("DTSTAMP", "DTSTART", "DTEND", "UID", "SUMMARY", "ORGANIZER", "SEQUENCE")
    for name in (*plain, *(f"X-MAINTNOTE-{each}" for each in ours)):
        assert len(re.findall(rf"(?m)^{name}[;:]", calendar)) == 1, name


def test_the_same_window_gives_the_same_bytes_whatever_else_is_planned(known: Desk) -> None:
    window = booked(known, "--impact", "REDUCED-REDUNDANCY")
    before = told(known, window)
    known.carrier("1", maintnote("WO-9", at(23), objects=("20931178-A",), impact="NO-IMPACT"))
    known.ok("calendar", "import")
    assert told(known, window)["calendar"] == before["calendar"]


def test_a_later_state_has_the_same_id_and_a_higher_sequence(known: Desk) -> None:
    window = booked(known)
    first = read_back(told(known, window)["calendar"])
    known.ok("window", "cancel", window)
    found = told(known, window)
    last = read_back(found["calendar"])
    assert (last.uid, last.maintenance_id, last.status) == (first.uid, first.maintenance_id, Status.CANCELLED)
    assert first.sequence is not None
    assert last.sequence is not None
    assert last.sequence > first.sequence
    assert "STATUS:CANCELLED" in found["calendar"]
    assert "is CANCELLED and will not take place" in found["text"]
    assert "Please close what you have opened for W-1" in " ".join(found["text"].split())
    assert "What stays up" not in found["text"]


def test_every_state_of_a_window_has_a_status() -> None:
    assert set(STATUSES) == set(WindowState)
    gone = {state for state, status in STATUSES.items() if status is Status.CANCELLED}
    assert gone == {WindowState.REJECTED, WindowState.CANCELLED, WindowState.EXPIRED}
    assert all(STATUSES[state].counts for state in WindowState if state.counts)


def test_a_person_finds_everything_in_the_text(known: Desk) -> None:
    known.carrier("1", maintnote("WO-9", at(30), objects=("20931178-A",)))
    known.ok("calendar", "import")
    text = told(known, booked(known, "--change-id", "CHG77"))["text"]
    assert max(map(len, text.splitlines())) <= 78
    flat = " ".join(text.split())
    begin, end = at(23), at(28)
    for words in (
        "Reference: W-1, change CHG77 (revision ",
        "Status: TENTATIVE: planned, not approved yet",
        "What: line card; edge1, by the vendor",
        "Where: site Equinix LD4, London",
        "uk-ld4 (20931177-A, PP:0101:1100001): cross connect of Equinix at LD4",
        f"When: {begin:%Y-%m-%d %H:%M}Z–{end:%Y-%m-%d %H:%M}Z (UTC), 5 h",
        "local time of LD4",
        "server time (New York plus 7 hours)",
        "Impact: OUTAGE: the circuits are down",
        "What stays up: uk-direct: 1 of 2 circuits (uk-ld7)",
        "Rollback: old card back",
        "Contact: Northgate Markets NOC, +44 20 7946 0002 change@northgate.example",
        "We ask Spotware to acknowledge this work: please answer with your reference for W-1.",
    ):
        assert words in flat, words


def test_an_emergency_is_told_as_one_and_does_not_wait(known: Desk) -> None:
    flat = " ".join(told(known, booked(known, "--emergency", "--reason", "light is low"))["text"].split())
    assert "Northgate Markets: announcement of an EMERGENCY repair" in flat
    assert "The repair does not wait for it" in flat


def test_who_has_acknowledged_is_not_asked_again(known: Desk) -> None:
    window = booked(known)
    approved(known, window)
    known.ok("window", "ack", window, "--ref", "SPW-4711")
    found = told(known, window)
    assert found["status"] == "CONFIRMED"
    assert "You have acknowledged this as SPW-4711" in " ".join(found["text"].split())
    assert "STATUS:CONFIRMED" in found["calendar"]


# A day of northern winter and one of summer; on 2027-03-20 New York has summer time already, London has not.
CLOCKS = {
    "winter": ("2027-01-13T23:00Z", "2027-01-13 23:00–2027-01-14 01:00 GMT", "2027-01-14 01:00–03:00 server"),
    "summer": ("2027-07-14T23:00Z", "2027-07-15 00:00–02:00 BST", "2027-07-15 02:00–04:00 server"),
    "between": ("2027-03-20T23:00Z", "2027-03-20 23:00–2027-03-21 01:00 GMT", "2027-03-21 02:00–04:00 server"),
    "over the change": ("2027-03-28T00:00Z", "2027-03-28 00:00–03:00 GMT/BST", "2027-03-28 03:00–05:00 server"),
}


@pytest.mark.parametrize(("start", "local", "server"), CLOCKS.values(), ids=CLOCKS.keys())
def test_times_are_told_in_the_site_s_zone_and_in_server_time(known: Desk, start: str, local: str, server: str) -> None:
    when = ("--start", start, "--duration", "2h", "--title", "x", "--rollback", "y")
    known.ok("window", "book", "--circuit", "uk-ld4", *when, "--impact", "NO-IMPACT")
    flat = " ".join(told(known, "W-1")["text"].split())
    assert f"{local}, local time of LD4" in flat
    assert f"{server} time (New York plus 7 hours)" in flat


def test_work_on_what_a_group_needs_concerns_its_partner(known: Desk) -> None:
    with known.project() as project:
        assert partners_of(project.inventory, ("ld4-ld7",)) == ("Spotware",)
        assert partners_of(project.inventory, ()) == ()
    notice = read_back(told(known, booked(known, circuit="ld4-ld7"))["calendar"])
    assert [each.object_id for each in notice.objects] == ["20931190-A"]


def test_a_circuit_of_no_group_has_no_partner_to_tell(known: Desk) -> None:
    known.edit("    needs: [ld4-ld7]\n", "")
    known.apply()
    answer = known.run("window", "announce", booked(known, circuit="ld4-ld7"))
    assert (answer.code, "there is no partner to tell" in answer.err) == (3, True), answer


def two_partners(desk: Desk) -> str:
    desk.edit("calendars:", "  uk-second: {partner: Bridge, circuits: [uk-ld7, uk-ld4], primary: uk-ld7}\ncalendars:")
    desk.apply()
    return booked(desk)


def test_each_partner_is_told_by_itself(known: Desk) -> None:
    window = two_partners(known)
    found = known.json("window", "announce", window)["announcements"]
    assert [(each["partner"], read_back(each["calendar"]).account) for each in found] == [
        ("Spotware", "Spotware"),
        ("Bridge", "Bridge"),
    ]
    assert "uk-second" in found[1]["text"]
    assert "uk-second" not in found[0]["text"]
    assert told(known, window, "--partner", "Bridge")["partner"] == "Bridge"
    answer = known.run("window", "announce", window, "--partner", "Nobody")
    assert (answer.code, "partners: Spotware, Bridge" in answer.err) == (2, True)
    answer = known.run("window", "announce", window, "-o", str(known.root / "x.ics"))
    assert (answer.code, "--partner" in answer.err) == (2, True)


def test_the_calendar_goes_into_a_file_and_the_text_to_the_terminal(known: Desk) -> None:
    window, file = booked(known), known.root / "w.ics"
    answer = known.run("window", "announce", window, "-o", str(file))
    assert answer.code == 0
    assert answer.out == told(known, window)["text"]
    assert file.read_bytes().decode() == told(known, window)["calendar"]
    assert f"maintsched window ack {window} --ref REF" in answer.err
    assert known.run("window", "announce", window, "-o", str(known.root / "no" / "w.ics")).code == 2


def test_without_an_address_of_ours_the_calendar_is_not_whole_and_that_is_said(desk: Desk) -> None:
    answer = desk.run("window", "announce", booked(desk))
    assert (answer.code, "no ORGANIZER" in answer.err) == (0, True)


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, int]]:
    box, port = Postbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def with_mail(desk: Desk, port: int) -> Desk:
    section = f"mail: {{host: 127.0.0.1, port: {port}, sender: noc@northgate.example, security: none}}\n"
    desk.edit("policy:\n", f"{section}policy:\n")
    desk.apply()
    return desk


def audited(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(desk.root / "maintsched.db")) as database:
        rows = database.execute("SELECT action, body FROM audit WHERE action LIKE 'window.announce%' ORDER BY seq")
        return [(action, json.loads(body)["payload"]) for action, body in rows]


def test_text_and_calendar_are_mailed_to_the_partner(known: Desk, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    window = booked(with_mail(known, port))
    found = told(known, window, "--send")
    [envelope] = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("noc@northgate.example", ["noc@example.net"])
    data = envelope.original_content
    assert data is not None
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["From"], mail["To"], mail["Subject"]) == ("noc@northgate.example", "noc@example.net", found["subject"])
    assert mail["Subject"].startswith("[Northgate Markets W-1] TENTATIVE OUTAGE: uk-ld4, ")
    assert mail["Date"]
    assert mail["Message-ID"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == found["text"]
    [attached] = mail.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("text/calendar", "W-1.ics")
    assert "method" not in str(attached["Content-Type"])
    assert read_back(attached.get_content()) == read_back(found["calendar"])
    assert (found["sent"], found["sha256"]) == (True, hashlib.sha256(data).hexdigest())


def test_our_own_import_takes_the_mail_as_a_notice(known: Desk, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    told(known, booked(with_mail(known, port)), "--send")
    data = box.taken[0].original_content
    assert data is not None
    [notice] = read(data, ORIGIN)
    assert (notice.maintenance_id, notice.account) == ("W-1", "Spotware")


def test_what_is_sent_is_audited_before_and_after(known: Desk, postbox: tuple[Postbox, int]) -> None:
    _, port = postbox
    found = told(known, booked(with_mail(known, port)), "--send")
    [(before, facts), (after, answer)] = audited(known)
    assert (before, after) == ("window.announce", "window.announce.sent")
    assert (facts["to"], facts["partner"], facts["status"]) == ("noc@example.net", "Spotware", "TENTATIVE")
    assert facts["sha256"] == answer["sha256"] == found["sha256"]
    assert facts["calendar_sha256"] == hashlib.sha256(found["calendar"].encode()).hexdigest()
    known.ok("audit", "verify")


def test_what_could_not_be_sent_is_audited_as_that(known: Desk) -> None:
    window = booked(with_mail(known, free_port()))
    answer = known.run("window", "announce", window, "--send")
    assert answer.code == 5
    assert answer.err.splitlines()[-2].startswith("error: the mail server 127.0.0.1:"), answer.err
    assert [action for action, _ in audited(known)] == ["window.announce", "window.announce.failed"]


def test_printing_sends_and_audits_nothing(known: Desk, postbox: tuple[Postbox, int]) -> None:
    box, port = postbox
    told(known, booked(with_mail(known, port)))
    assert (box.taken, audited(known)) == ([], [])


REFUSED = {
    "no mail server": (None, "", "no mail server is configured", "mail: {host"),
    "no address of the partner": (
        25,
        '  Spotware: {noc: "+44 20 7946 0001"}',
        "Spotware cannot be told: it has no mail address",
        "contacts: {Spotware: {mail: noc@example.net}}",
    ),
    "two addresses": (
        25,
        '  Spotware: {mail: "a@example.net, b@example.net"}',
        "is no single mail address",
        "contacts: {Spotware",
    ),
}


@pytest.mark.parametrize(("port", "contact", "why", "next_"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_missing_is_refused_with_what_to_do(
    known: Desk, port: int | None, contact: str, why: str, next_: str
) -> None:
    if contact:
        text = known.config.read_text()
        known.config.write_text(re.sub(r"(?m)^  Spotware: +\{.*$", contact, text))
    answer = sent(with_mail(known, port) if port else known)
    assert (answer.code, answer.out) == (3, "")
    assert why in answer.err
    assert next_ in answer.err
    assert audited(known) == []


def sent(desk: Desk) -> Answer:
    desk.apply()
    return desk.run("window", "announce", booked(desk), "--send")


def test_a_file_that_is_not_in_force_announces_nothing(known: Desk) -> None:
    window = booked(known)
    known.edit("noc@example.net", "other@example.net")
    assert known.run("window", "announce", window).code == 3
