"""The sections `emergency:` and `mail:`: what they mean, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from maintsched import config
from maintsched.domain.inventory import Emergency, Mail, Secret

from .inputs import SMALL, loaded, problems

MAIL = "mail: {host: mail.example.net, sender: noc@example.net}\n"
LINE = SMALL.count("\n") + 1

READ = {
    "the submission port": (MAIL, Mail("mail.example.net", "noc@example.net", 587, "starttls")),
    "TLS from the start": (
        "mail: {host: mail.example.net, sender: noc@example.net, security: tls}\n",
        Mail("mail.example.net", "noc@example.net", 465, "tls"),
    ),
    "a port of its own": (
        "mail: {host: mail.example.net, sender: noc@example.net, port: 2525, user: noc, password: {env: P}}\n",
        Mail("mail.example.net", "noc@example.net", 2525, "starttls", "noc", Secret(env="P")),
    ),
    "in the clear to the loopback": (
        "mail: {host: 127.0.0.1, sender: noc@example.net, security: none}\n",
        Mail("127.0.0.1", "noc@example.net", 25, "none"),
    ),
    "in the clear to the IPv6 loopback": (
        'mail: {host: "::1", sender: noc@example.net, security: none}\n',
        Mail("::1", "noc@example.net", 25, "none"),
    ),
    "a section whose lines are all commented out": ("mail:\n", None),
    "no section": ("", None),
}


@pytest.mark.parametrize(("text", "meant"), READ.values(), ids=READ.keys())
def test_what_a_mail_section_means(tmp_path: Path, text: str, meant: Mail | None) -> None:
    assert loaded(tmp_path, SMALL + text).mail == meant


def test_the_authority_and_the_password_lie_beside_the_file(tmp_path: Path) -> None:
    section = "mail: {host: h.example, sender: a@b.c, user: noc, password: {file: lab/smtp}, ca: lab/ca.pem}\n"
    mail = loaded(tmp_path, SMALL + section).mail
    assert mail is not None
    assert mail.ca == str(tmp_path / "lab/ca.pem")
    assert mail.password == Secret(file=str(tmp_path / "lab/smtp"))


def test_the_steps_of_an_emergency_keep_their_order_and_their_words(tmp_path: Path) -> None:
    steps = "    - call the NOC\n    - >\n      open the bridge,\n      then wait\n"
    text = f"emergency:\n  reviewed: 2026-11-01\n  steps:\n{steps}"
    found = loaded(tmp_path, SMALL + text).emergency
    assert found == Emergency(("call the NOC", "open the bridge, then wait"), "2026-11-01")
    assert loaded(tmp_path / "without").emergency == Emergency((), None)
    assert loaded(tmp_path / "empty", SMALL + "emergency:\n").emergency == Emergency((), None)


# the section, the line and key of the only problem, and words that follow
WRONG = {
    "a mail server without a sender": ("mail: {host: mail.example.net}", "mail.sender: is missing", "the address"),
    "no mail server": ("mail: {sender: noc@example.net}", "mail.host: is missing", "a host name"),
    "a sender that is no address": (
        "mail: {host: h.example, sender: noc}",
        "mail.sender: 'noc' does not fit",
        "a mail address",
    ),
    "in the clear over the network": (
        "mail: {host: mail.example.net, sender: a@b.c, security: none}",
        "mail.security: mail to mail.example.net would go over the network in the clear",
        "starttls, tls",
    ),
    "a protection that nobody knows": (
        "mail: {host: h.example, sender: a@b.c, security: ssl}",
        "mail.security: 'ssl' is not known",
        "starttls, tls, none",
    ),
    "an authority with nothing to verify": (
        "mail: {host: localhost, sender: a@b.c, security: none, ca: ca.pem}",
        "mail.ca: does not belong there",
        "starttls or tls",
    ),
    "a login without its password": (
        "mail: {host: h.example, sender: a@b.c, user: noc}",
        "mail.password: is missing: a login is both",
        "or neither",
    ),
    "a password without its login": (
        "mail: {host: h.example, sender: a@b.c, password: {env: P}}",
        "mail.user: is missing: a login is both",
        "or neither",
    ),
    "a password in the file": (
        "mail: {host: h.example, sender: a@b.c, user: noc, password: hunter2}",
        "mail.password: a secret itself does not belong in this file",
        "{env: NAME}",
    ),
    "an address with a port": ("mail: {host: 'h.example:25', sender: a@b.c}", "mail.host:", "a host name"),
    "an unknown key": (
        "mail: {host: h.example, sender: a@b.c, from: a@b.c}",
        "mail.from: unknown key",
        "host, sender, port",
    ),
    "a review of nothing": (
        "emergency: {reviewed: 2026-11-01}",
        "emergency.steps: is missing: what was reviewed?",
        "in order",
    ),
    "a day that is none": (
        "emergency: {reviewed: 2026-02-30, steps: [x]}",
        "emergency.reviewed: '2026-02-30' is not a date",
        "YYYY-MM-DD",
    ),
    "steps that are no list": ("emergency: {steps: call the NOC}", "emergency.steps: is a single value", "a list"),
    "an empty step": ('emergency: {steps: [x, ""]}', "emergency.steps[1]: is empty", "a value"),
}


@pytest.mark.parametrize(("section", "start", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_once_with_its_line(tmp_path: Path, section: str, start: str, words: str) -> None:
    [problem] = problems(tmp_path, f"{SMALL}{section}\n")
    assert problem.startswith(f"{LINE}: {start}"), problem
    assert words in problem


def test_a_password_never_stands_in_a_message(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, SMALL + "mail: {host: h.example, sender: a@b.c, user: noc, password: hunter2}\n")
    assert "hunter2" not in problem


def test_a_change_of_the_runbook_is_a_difference_and_its_absence_is_none(tmp_path: Path) -> None:
    """A database that was filled before there was such a section stays in force."""
    before = loaded(tmp_path)
    stored = config.canonical(before, tmp_path).decode()
    older = stored.replace('"emergency":{"reviewed":null,"steps":[]},', "").replace('"mail":null,', "")
    assert older != stored
    assert config.differences(config.from_canonical(older.encode(), tmp_path), before) == ()
    after = loaded(tmp_path, SMALL + MAIL + "emergency: {steps: [call]}\n")
    assert config.differences(before, after) == ("emergency.steps: [] → [call]", "mail: added")
