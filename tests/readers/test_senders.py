"""Who sent a mail: one address, or none at all."""

from __future__ import annotations

import pytest

from maintsched.readers.mail import read_mail

ADDRESS = "no-reply@equinix.com"
ONE = [
    "no-reply@equinix.com",
    "<No-Reply@Equinix.com>",
    "Equinix Network Maintenance <no-reply@equinix.com>",
    "Equinix Network Maintenance [NO-REPLY] <no-reply@equinix.com>",
    '"Maintenance, Equinix" <no-reply@equinix.com>',
    "Equinix Network Maintenance [NO-REPLY]\r\n <no-reply@equinix.com>",
    "=?utf-8?q?W=C3=A4rter?= <no-reply@equinix.com>",
    "no-reply@equinix.com (Equinix)",
]
NONE = [
    "",
    "Equinix",
    "no-reply@equinix.com, else@example.net",
    "<no-reply@equinix.com>, <else@example.net>",
    '"<no-reply@equinix.com>" <else@example.net>',
    "no-reply@equinix.com\r\nFrom: else@example.net",
    "else@example.net\r\nFrom: no-reply@equinix.com",
]


def sender(header: str) -> str:
    return read_mail(f"From: {header}\r\nSubject: x\r\n\r\nbody\r\n".encode()).sender


@pytest.mark.parametrize("header", ONE)
def test_the_address_is_found_whatever_stands_around_it(header: str) -> None:
    assert sender(header) == ADDRESS


@pytest.mark.parametrize("header", NONE)
def test_none_or_several_are_no_address(header: str) -> None:
    assert sender(header).startswith("(no single address")


def test_a_name_that_looks_like_the_address_does_not_count() -> None:
    assert sender("=?utf-8?q?no-reply=40equinix=2Ecom?= <else@example.net>") == "else@example.net"
