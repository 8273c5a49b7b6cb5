"""Mailboxes: from Dovecot, and from servers that misbehave."""

from __future__ import annotations

import logging
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from imapclient import IMAPClient

from maintsched.domain.inventory import Secret, Source
from maintsched.errors import Unavailable
from maintsched.sources import INPUT_LIMIT, RUN_MESSAGES, Fetched, confirm, fetch

from .authorities import Authority
from .daemons import Mailboxes
from .scripted import Script, drips, scripted, sends


@pytest.fixture
def password(tmp_path: Path) -> Secret:
    (tmp_path / "password").write_text("secret\n")
    return Secret(file=str(tmp_path / "password"))


@pytest.fixture
def user() -> str:
    return f"u{uuid4().hex[:8]}"


@pytest.fixture
def source(mailboxes: Mailboxes, authority: Authority, password: Secret, user: str) -> Source:
    """A mailbox of its own for each test."""
    return Source("noc-box", mailboxes.url(), user=user, password=password, private=True, ca=authority.ca)


@pytest.fixture
def client(mailboxes: Mailboxes, authority: Authority, user: str) -> Iterator[IMAPClient]:
    """Whoever else reads and sorts the mailbox."""
    context = ssl.create_default_context(cafile=authority.ca)
    with IMAPClient("127.0.0.1", port=mailboxes.port, ssl_context=context) as other:
        other.login(user, "secret")
        other.select_folder("INBOX")
        yield other


def mail(number: int, size: int = 0) -> bytes:
    return f"From: a@b.example\r\nSubject: work {number}\r\n\r\nhello\r\n".encode() + b"x" * size


def subjects(found: Fetched) -> list[bytes]:
    return [message.data.split(b"Subject: ")[1].split(b"\r\n")[0] for message in found.messages]


def laid(mailboxes: Mailboxes, user: str, count: int) -> None:
    """Mails in the Maildir without the server, in order."""
    for number in range(count):
        path = mailboxes.maildir(user) / "new" / f"{1_700_000_000 + number}.M{number}.box"
        path.write_bytes(mail(number))
        mailboxes.give(path)


def refused(source: Source, reason: str, seconds: float = 10) -> Unavailable:
    with pytest.raises(Unavailable, match=reason) as failure:
        fetch(source, seconds=seconds)
    assert failure.value.hint
    assert failure.value.message.isprintable()
    return failure.value


@pytest.mark.servers
def test_each_mail_is_taken_once_and_says_where_it_lay(source: Source, client: IMAPClient) -> None:
    for number in range(3):
        client.append("INBOX", mail(number))
    first = fetch(source)
    uidvalidity = client.folder_status("INBOX")[b"UIDVALIDITY"]
    assert [(message.origin, message.data, message.problem) for message in first.messages] == [
        (f"{source.location}INBOX;UIDVALIDITY={uidvalidity};UID={number + 1}", mail(number), "") for number in range(3)
    ]
    assert (first.grows, first.unchanged, first.more, first.emptied) == (True, False, False, False)
    again = fetch(source, first.validators)
    assert again == Fetched((), grows=True, unchanged=True, validators=first.validators)
    client.append("INBOX", mail(3))
    assert subjects(fetch(source, again.validators)) == [b"work 3"]


@pytest.mark.servers
def test_an_empty_mailbox_and_one_whose_mails_were_archived_are_no_news(source: Source, client: IMAPClient) -> None:
    assert fetch(source).unchanged
    client.append("INBOX", mail(0))
    first = fetch(source)
    client.add_flags(1, [b"\\Deleted"])
    client.expunge()
    emptied = fetch(source, first.validators)
    assert (emptied.unchanged, emptied.emptied, emptied.messages) == (True, False, ())
    client.append("INBOX", mail(1))
    assert subjects(fetch(source, emptied.validators)) == [b"work 1"]


@pytest.mark.servers
def test_reading_leaves_no_trace(source: Source, client: IMAPClient) -> None:
    client.append("INBOX", mail(0))
    found = fetch(source)
    confirm(source, found)
    assert client.fetch(1, ["FLAGS"])[1][b"FLAGS"] in ((), (b"\\Recent",))


@pytest.mark.servers
def test_mails_are_marked_as_seen_once_they_were_kept_and_only_those(source: Source, client: IMAPClient) -> None:
    marking = replace(source, mark_seen=True)
    client.append("INBOX", mail(0))
    client.append("INBOX", mail(1, INPUT_LIMIT))
    found = fetch(marking)
    client.append("INBOX", mail(2))
    assert not client.search("SEEN")
    confirm(marking, found)
    client.noop()
    assert client.search("SEEN") == [1]  # what was too large is for a person to see
    confirm(marking, fetch(marking, found.validators))
    client.noop()
    assert client.search("SEEN") == [1, 3]


@pytest.mark.servers
def test_mails_of_a_mailbox_that_was_numbered_anew_are_not_marked(source: Source, client: IMAPClient) -> None:
    client.create_folder("Notices")
    client.append("Notices", mail(0))
    place = replace(source, mark_seen=True, location=f"{source.location}Notices")
    found = fetch(place)
    before = client.folder_status("Notices")[b"UIDVALIDITY"]
    deadline = time.monotonic() + 20
    while client.folder_status("Notices")[b"UIDVALIDITY"] == before:  # the server numbers by the second
        assert time.monotonic() < deadline
        Event().wait(0.1)
        client.delete_folder("Notices")
        client.create_folder("Notices")
    client.append("Notices", mail(1))
    confirm(place, found)
    client.select_folder("Notices")
    assert not client.search("SEEN")
    assert subjects(fetch(place, found.validators)) == [b"work 1"]


@pytest.mark.servers
def test_a_mailbox_is_named_in_the_url(source: Source, client: IMAPClient) -> None:
    client.create_folder("Wartung & Störung")
    client.append("Wartung & Störung", mail(7))
    for written in ("Wartung%20%26%20St%C3%B6rung", "Wartung & Störung"):
        found = fetch(replace(source, location=f"{source.location}{written}"))
        assert subjects(found) == [b"work 7"]
    assert "/Wartung & Störung;UIDVALIDITY=" in found.messages[0].origin
    refused(replace(source, location=f"{source.location}Nowhere"), "Nowhere")


@pytest.mark.servers
@pytest.mark.parametrize("folder", ["INBOX?x=y", "INBOX#x", "IN%0D%0ABOX", "IN%00BOX"])
def test_what_names_no_mailbox_is_refused(source: Source, folder: str) -> None:
    refused(replace(source, location=f"{source.location}{folder}"), "names no mailbox")


@pytest.mark.servers
def test_a_mail_too_large_does_not_hold_up_the_others_and_does_not_vanish(source: Source, client: IMAPClient) -> None:
    for number, size in ((0, 0), (1, INPUT_LIMIT), (2, 0)):
        client.append("INBOX", mail(number, size))
    found = fetch(source)
    assert subjects(found) == [b"work 0", b"work 1", b"work 2"]
    large = found.messages[1]
    assert "more than 20971520 bytes" in large.problem
    assert large.data.startswith(b"From: a@b.example\r\nSubject: work 1\r\n\r\n[the mail has more than")
    assert len(large.data) < 1000
    assert fetch(source, found.validators).unchanged


@pytest.mark.servers
def test_a_mail_that_the_server_cannot_give_does_not_hold_up_the_others(
    source: Source, client: IMAPClient, mailboxes: Mailboxes, user: str
) -> None:
    laid(mailboxes, user, 3)
    client.noop()
    assert len(client.search()) == 3
    (broken,) = (mailboxes.maildir(user) / "cur").glob("1700000001.*")
    broken.write_bytes(b"")
    found = fetch(source)
    assert [bool(message.problem) for message in found.messages] == [False, True, False]
    assert found.messages[1].data.endswith(b";UID=2]\r\n")


@pytest.mark.servers
def test_a_large_mailbox_is_taken_from_the_newest_down_over_several_runs(
    source: Source, client: IMAPClient, mailboxes: Mailboxes, user: str
) -> None:
    more = RUN_MESSAGES + 70
    laid(mailboxes, user, more)
    first = fetch(source)
    assert len(first.messages) == RUN_MESSAGES
    assert (subjects(first)[0], subjects(first)[-1]) == (b"work 70", b"work %d" % (more - 1))
    assert (first.more, first.unchanged) == (True, False)
    assert "older ones wait for the next run" in first.note
    client.noop()
    client.append("INBOX", mail(5000))
    last = fetch(source, first.validators)
    assert subjects(last) == [b"work %d" % number for number in range(70)] + [b"work 5000"]
    assert (last.more, last.note) == (False, "")
    assert fetch(source, last.validators).unchanged


@pytest.mark.servers
def test_what_a_run_took_before_its_deadline_is_handed_over(
    source: Source, mailboxes: Mailboxes, user: str, client: IMAPClient
) -> None:
    laid(mailboxes, user, 1200)
    client.noop()
    found, rounds, numbers = fetch(source, seconds=0.3), 1, list[bytes]()
    numbers += subjects(found)
    while found.more:
        found = fetch(source, found.validators, seconds=0.3)
        numbers += subjects(found)
        rounds += 1
        assert rounds < 100
    assert sorted(numbers) == sorted(b"work %d" % number for number in range(1200))


@pytest.mark.servers
def test_a_wrong_password_is_told_and_not_shown(source: Source, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("pässword-1")
    failure = refused(replace(source, password=Secret(file=str(tmp_path / "wrong"))), "refuses the login")
    assert "pässword-1" not in failure.message + failure.hint
    refused(replace(source, password=None), "needs a login")


@pytest.mark.servers
def test_a_password_is_not_logged(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        fetch(source)
    assert "secret" not in caplog.text
    assert b64encode(f"\0{source.user}\0secret".encode()).decode() not in caplog.text
    assert caplog.records


@pytest.mark.servers
def test_addresses_authorities_and_names_are_checked_as_everywhere(source: Source, stranger: Authority) -> None:
    refused(replace(source, private=False), "no address of the Internet")
    refused(replace(source, ca=None), "certificate is not trusted")
    refused(replace(source, ca=stranger.ca), "certificate is not trusted")
    assert fetch(replace(source, location=source.location.replace("127.0.0.1", "localhost"))).unchanged


HELLO = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"


def answering(over_all: bytes = b"", asked: list[bytes] | None = None, **answers: bytes) -> Script:
    """A server that logs everybody in, and answers each command with its own lines before `OK`."""

    def script(connection: ssl.SSLSocket, over: Event) -> None:
        connection.sendall(HELLO)
        for line in connection.makefile("rb"):
            if asked is not None:
                asked.append(line)
            tag, command, *rest = line.split()
            name = (rest[0] if command.upper() == b"UID" else command).decode().lower()
            told = b"* CAPABILITY IMAP4rev1\r\n" if name == "capability" else answers.get(name, b"")
            outcome = b" OK done" if name == "capability" else over_all or b" OK done"
            connection.sendall(told + tag + outcome + b"\r\n")

    return script


def served(authority: Authority, password: Secret, port: int) -> Source:
    return Source("s", f"imaps://127.0.0.1:{port}/", user="noc", password=password, private=True, ca=authority.ca)


BOX = b"* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n"
ENDLESS = b"* 1 FETCH (UID 1 RFC822.SIZE 10 BODY[] {4000000000}\r\n"

MISBEHAVING: dict[str, tuple[Script, str]] = {
    "nothing": (sends(reads=False), "broke off"),
    "no IMAP": (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False), "unexpected response"),
    "goodbye": (sends(b"* BYE too many connections\r\n", reads=False), r"INBOX: BYE too many connections$"),
    "a greeting without end": (drips(b"* OK ", b"x" * 16384), "1000000 bytes"),
    "no to everything": (answering(b" NO \x1b[2J[UNAVAILABLE] later"), r"refuses the login: \S+UNAVAILABLE\] later$"),
    "no UIDVALIDITY": (answering(examine=b"* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n"), "UIDVALIDITY"),
    "numbers that are none": (answering(examine=BOX, search=b"* SEARCH one two\r\n"), "unexpected message list"),
    "an answer that is no FETCH": (
        answering(examine=BOX, search=b"* SEARCH 1\r\n", fetch=b"* 1 FETCH ((\r\n"),
        "incomplete",
    ),
    "a mail that is announced far too large": (
        answering(examine=BOX, search=b"* SEARCH 1\r\n", fetch=ENDLESS),
        "did not finish|MemoryError",
    ),
}


@pytest.mark.parametrize(("script", "reason"), MISBEHAVING.values(), ids=MISBEHAVING)
def test_whatever_a_server_sends_it_is_only_unavailable(
    authority: Authority, password: Secret, script: Script, reason: str
) -> None:
    with scripted(authority, script) as port:
        refused(served(authority, password, port), reason, seconds=2)


def test_a_password_that_a_server_repeats_is_blotted_out(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter-2-hunter")
    with scripted(authority, answering(b" NO wrong: hunter-2-hunter")) as port:
        failure = refused(served(authority, Secret(file=str(tmp_path / "password")), port), "refuses the login: ")
    assert "hunter" not in failure.message


def test_a_mail_larger_than_the_server_said_is_cut(authority: Authority, password: Secret) -> None:
    body = mail(1, INPUT_LIMIT)
    answer = b"* 1 FETCH (UID 1 RFC822.SIZE 10 BODY[] {%d}\r\n%b)\r\n" % (len(body), body)
    with scripted(authority, answering(examine=BOX, search=b"* SEARCH 1\r\n", fetch=answer)) as port:
        found = fetch(served(authority, password, port))
    assert "more than" in found.messages[0].problem
    assert len(found.messages[0].data) < 70_000


def test_a_server_without_uidnext_is_asked_for_its_last_mail(authority: Authority, password: Secret) -> None:
    box = BOX.replace(b"* OK [UIDNEXT 2] ok\r\n", b"")
    answer = b"* 1 FETCH (UID 1 RFC822.SIZE 10 BODY[] {%d}\r\n%b)\r\n" % (len(mail(1)), mail(1))
    with scripted(authority, answering(examine=box, search=b"* SEARCH 1\r\n", fetch=answer)) as port:
        found = fetch(served(authority, password, port))
        assert subjects(found) == [b"work 1"]
        assert fetch(served(authority, password, port), found.validators).unchanged


def test_a_mailbox_beyond_what_one_answer_can_list_is_searched_piece_by_piece(
    authority: Authority, password: Secret
) -> None:
    box = BOX.replace(b"* 1 EXISTS", b"* 100000 EXISTS").replace(b"UIDNEXT 2]", b"UIDNEXT 200001]")
    asked: list[bytes] = []
    with scripted(authority, answering(examine=box, asked=asked)) as port:
        found = fetch(served(authority, password, port))
    spans = [line.split()[-1] for line in asked if b" SEARCH " in line]
    assert spans == [b"120001:200000", b"40001:120000", b"1:40000"]
    assert found.unchanged


def test_a_mail_that_is_not_asked_for_is_not_taken(authority: Authority, password: Secret) -> None:
    answer = b"* 9 FETCH (UID 9 RFC822.SIZE 4 BODY[] {4}\r\nevil)\r\n"
    with scripted(authority, answering(examine=BOX, search=b"* SEARCH 1 9\r\n", fetch=answer)) as port:
        assert fetch(served(authority, password, port)).messages == ()


def breaking_off(connection: ssl.SSLSocket, over: Event) -> None:
    """Sixty mails, of which the first fifty that are asked for come, and then nothing more."""
    connection.sendall(HELLO)
    box = BOX.replace(b"* 1 EXISTS", b"* 60 EXISTS").replace(b"UIDNEXT 2]", b"UIDNEXT 61]")
    given = 0
    for line in connection.makefile("rb"):
        tag, *words = line.split()
        answer = {b"EXAMINE": box, b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n"}.get(words[0].upper(), b"")
        if words[:2] == [b"UID", b"SEARCH"]:
            answer = b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(1, 61)) + b"\r\n"
        if words[:2] == [b"UID", b"FETCH"]:
            if given == 50:
                return
            for uid in map(int, words[2].split(b",")):
                body = mail(uid)
                if b"SIZE" in words[3]:
                    answer += b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, len(body))
                else:
                    answer += b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, uid, len(body), body)
                    given += 1
        connection.sendall(answer + tag + b" OK done\r\n")


def test_what_came_before_a_connection_broke_is_not_lost_and_the_rest_comes_with_the_next(
    authority: Authority, password: Secret
) -> None:
    with scripted(authority, breaking_off) as port:
        first = fetch(served(authority, password, port))
        last = fetch(served(authority, password, port), first.validators)
    assert subjects(first) == [b"work %d" % uid for uid in range(11, 61)]
    assert first.more
    assert "older ones wait for the next run; then: " in first.note
    assert (subjects(last), last.more) == ([b"work %d" % uid for uid in range(1, 11)], False)


@pytest.mark.parametrize("first", [b"", b"* OK ", HELLO])
def test_a_server_that_drips_ends_at_the_deadline(authority: Authority, password: Secret, first: bytes) -> None:
    with scripted(authority, drips(first, b".")) as port:
        begun = time.monotonic()
        refused(served(authority, password, port), r"did not finish within 0\.5 s", seconds=0.5)
        assert time.monotonic() - begun < 2
