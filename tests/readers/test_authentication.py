"""Who a mail is from, as the operator's own mail server found out (RFC 8601)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintsched.readers.authentication import authenticated

HOST = "mx.northgate.example"
FROM = "From: Equinix Network Maintenance [NO-REPLY] <no-reply@equinix.com>"
DMARC = "dmarc=pass header.from=equinix.com"


def mail(*headers: str) -> bytes:
    lines = (*headers, "To: noc@northgate.example", "Subject: Network Maintenance")
    return ("\r\n".join(lines) + "\r\n\r\nhello\r\n").encode()


def said(*results: str, sender: str = FROM, host: str = HOST) -> bytes:
    """A mail with one header for each of `results`, the newest first."""
    return mail(*(f"Authentication-Results: {host}; {result}" for result in results), sender)


PASSES = {
    "DMARC": DMARC,
    "DMARC with comments, and what Exchange adds": "dmarc=pass (p=reject sp=none) action=none header.from=equinix.com;",
    "no space before the comment": "dmarc=pass(p=reject,dis=none) header.from=equinix.com",
    "other methods that failed": f"spf=fail smtp.mailfrom=x@relay.example; dkim=fail header.d=relay.example; {DMARC}",
    "case": "DMARC=Pass Header.From=EQUINIX.com",
    "folded lines": "dkim=none;\r\n\tdmarc=pass\r\n\t header.from=equinix.com",
    "method with its version, and space wherever it may be": "dmarc / 1 = pass header . from = equinix.com",
    "a comment in every gap": "dmarc(a)=(b)pass(c(d)e\\)f)header(g).(h)from(i)=(j)equinix.com(k)",
    "a reason in quotes that looks like a result": 'dmarc=pass reason="a; dmarc=fail (\\" b" header.from=equinix.com',
    "rspamd, which quotes within comments": (
        'spf=pass (mx: domain of "a@b.example" designates 192.0.2.1) smtp.mailfrom="a@b.example";'
        f' arc=pass ("b.example:s=arc:i=1"); {DMARC}'
    ),
    "DKIM by d=": "dkim=pass (2048-bit key) header.d=equinix.com header.b=a1b2/c=",
    "DKIM by i=": "dkim=pass header.i=@equinix.com",
    "DKIM of both, i= under d=": "dkim=pass header.d=equinix.com header.i=x@mail.equinix.com",
    "DKIM of a subdomain": "dkim=pass header.d=em1.equinix.com",
    "two signatures, ours the second": "dkim=fail header.d=sendgrid.example; dkim=pass header.d=equinix.com",
    "two signatures of one domain, one not understood": (
        "dkim=neutral header.d=equinix.com header.s=ed; dkim=pass header.d=equinix.com header.s=rsa"
    ),
    "DKIM where DMARC has no policy": "dmarc=none header.from=equinix.com; dkim=pass header.d=equinix.com",
    "SPF of an address": "spf=pass smtp.mailfrom=bounce-1@bounces.equinix.com",
    "SPF of a domain": "spf=pass smtp.mailfrom=equinix.com",
}


@pytest.mark.parametrize("result", PASSES.values(), ids=PASSES)
def test_a_mail_is_from_the_domain_that_passed(result: str) -> None:
    ok, why = authenticated(said(result), HOST)
    assert (ok, why.count("\n"), HOST in why) == (True, 0, True), why


FAILS = {
    "nothing was checked": ("none", "nothing that passed"),
    "no result": ("", "nothing that passed"),
    "DMARC failed, though DKIM passed": (
        "dkim=pass header.d=equinix.com; dmarc=fail header.from=equinix.com",
        "dmarc=fail",
    ),
    "DMARC could not be had": ("dkim=pass header.d=equinix.com; dmarc=temperror header.from=equinix.com", "temperror"),
    "DMARC of another domain": ("dmarc=pass header.from=equinix.example", "not for equinix.com"),
    "DMARC of a parent": ("dmarc=pass header.from=com", "not for equinix.com"),
    "DMARC of nobody": ("dmarc=pass", "no domain"),
    "two results of DMARC": (f"{DMARC}; {DMARC}", "several results of dmarc"),
    "DMARC within a comment": (f"dkim=none ({DMARC})", "nothing that passed"),
    "DMARC within quotes": (f'dkim=none reason="; {DMARC}"', "nothing that passed"),
    "DMARC as a property": ("dkim=none x.dmarc=pass header.from=equinix.com", "nothing that passed"),
    "DKIM of another domain": ("dkim=pass header.d=sendgrid.example", "nothing that passed"),
    "DKIM of a domain that only ends alike": ("dkim=pass header.d=notequinix.com", "nothing that passed"),
    "DKIM of the top-level domain": ("dkim=pass header.d=com", "nothing that passed"),
    "DKIM whose d= and i= contradict": (
        "dkim=pass header.d=relay.example header.i=@equinix.com",
        "nothing that passed",
    ),
    "DKIM whose i= is elsewhere": ("dkim=pass header.d=equinix.com header.i=@relay.example", "nothing that passed"),
    "DKIM of nobody": ("dkim=pass", "nothing that passed"),
    "DKIM that failed": ("dkim=fail header.d=equinix.com", "nothing that passed"),
    "DKIM by its selector": ("dkim=pass header.s=equinix.com", "nothing that passed"),
    "SPF of the greeting alone": ("spf=pass smtp.helo=mail.equinix.com", "nothing that passed"),
    "SPF of another sender": ("spf=pass smtp.mailfrom=bounce@relay.example", "nothing that passed"),
    "SPF soft": ("spf=softfail smtp.mailfrom=equinix.com", "nothing that passed"),
    "a method that is no proof of the sender": ("iprev=pass header.from=equinix.com", "nothing that passed"),
    "a bracket too many": (f"dkim=none); {DMARC}", "bracket"),
    "brackets the wrong way round": (f"dkim=none ) dkim=fail ( ; {DMARC}", "bracket"),
    "a bracket too few": (f"dkim=none (; {DMARC}", "bracket"),
    "a quotation mark too few": (f'dkim=none reason="; {DMARC}', "quotation mark"),
    "a sender's quotation marks that break out of a comment": (
        f'spf=none (mx: domain of "a) ; {DMARC}; x=none ("@evil.example is none)',
        "quotation mark",
    ),
    "a word that belongs to nothing": ("dmarc=pass pass header.from=equinix.com", "cannot be read"),
    "a property twice": ("dmarc=pass header.from=evil.example header.from=equinix.com", "cannot be read"),
    "a later version of a method": ("dmarc/2=pass header.from=equinix.com", "cannot be read"),
}


@pytest.mark.parametrize(("result", "reason"), FAILS.values(), ids=FAILS)
def test_what_does_not_pass_for_the_senders_domain_is_no_authentication(result: str, reason: str) -> None:
    ok, why = authenticated(said(result), HOST)
    assert not ok
    assert reason in why
    assert "\n" not in why


@pytest.mark.parametrize(
    ("sender", "signer", "aligned"),
    [
        ("equinix.com", "mail.equinix.com", True),
        ("notices.mail.equinix.com", "equinix.com", True),
        ("a.equinix.com", "b.equinix.com", False),  # cannot be told from a.co.example and b.co.example
        ("northgate.co.uk", "co.uk", False),
        ("com", "equinix.com", False),
        ("northgate.com.au", "com.au", False),
        ("mail.northgate.co.uk", "northgate.co.uk", True),
        ("me.com", "mail.me.com", True),
        ("bücher.example", "xn--bcher-kva.example", False),  # nothing is guessed of what is not ASCII
        ("equinix.com", "equinix.com.", True),
    ],
)
def test_a_signer_is_the_senders_domain_or_above_or_below_it(sender: str, signer: str, aligned: bool) -> None:
    assert authenticated(said(f"dkim=pass header.d={signer}", sender=f"From: a@{sender}"), HOST)[0] is aligned


@pytest.mark.parametrize("host", ["MX.Northgate.Example", f"{HOST} 1", f"(ours) {HOST}", f'"{HOST}"'])
def test_the_hosts_name_is_read_as_the_standard_writes_it(host: str) -> None:
    assert authenticated(said(DMARC, host=host), HOST)[0]


@pytest.mark.parametrize(
    "header",
    [
        f"Authentication-Results: mx.evil.example; {DMARC}",
        f"Authentication-Results: x{HOST}; {DMARC}",
        f"Authentication-Results: {HOST}.evil.example; {DMARC}",
        f"Authentication-Results: mx.evil.example ({HOST}); {DMARC}",
        f"Authentication-Results: {HOST} 2; {DMARC}",
        f"Authentication-Results: {DMARC}",
        f"X-Original-Authentication-Results: {HOST}; {DMARC}",
        f"ARC-Authentication-Results: i=1; {HOST}; {DMARC}",
        f"Old-Authentication-Results: {HOST}; {DMARC}",
        f"Subject: a\r\n Authentication-Results: {HOST}; {DMARC}",
        f"X-Last: a\r\n\r\nAuthentication-Results: {HOST}; {DMARC}",
    ],
)
def test_only_the_trusted_hosts_own_header_counts(header: str) -> None:
    assert authenticated(mail(FROM, header), HOST) == (False, f"no Authentication-Results of {HOST}")


def test_another_hosts_header_says_nothing_against_it_either() -> None:
    others = (
        "Authentication-Results: mx.relay.example; dmarc=fail header.from=equinix.com",
        'Authentication-Results: mx.broken.example; dkim=fail reason="',
    )
    assert authenticated(mail(others[0], f"Authentication-Results: {HOST}; {DMARC}", others[1], FROM), HOST)[0]


AGREEMENT = {
    "one filter for each method, as with milters": ([DMARC, "dkim=pass header.d=equinix.com"], True),
    "the same twice": ([DMARC, DMARC], True),
    "a forged one below: DMARC": (["dmarc=fail header.from=equinix.com", DMARC], False),
    "a forged one below: DMARC where ours found no policy": (["dmarc=none header.from=equinix.com", DMARC], False),
    "a forged one below: DKIM": (["dkim=fail header.d=equinix.com", "dkim=pass header.d=equinix.com"], False),
    "a forged one below: a method that ours did not try": (["spf=none smtp.mailfrom=x@evil.example", DMARC], False),
    "a forged one below: ours tried nothing": (["none", DMARC], False),
    "two signatures of one domain, told in another order": (
        [
            "dkim=pass header.d=equinix.com header.s=a; dkim=neutral header.d=equinix.com header.s=b",
            "dkim=neutral header.d=equinix.com header.s=b; dkim=pass header.d=equinix.com header.s=a",
        ],
        True,
    ),
    "an older one whose signature failed": (
        ["dkim=pass header.d=equinix.com", "dkim=fail header.d=equinix.com"],
        False,
    ),
    "an older one that failed": ([DMARC, "dmarc=fail header.from=equinix.com"], False),
    "an older one for another domain": ([DMARC, "dmarc=pass header.from=evil.example"], False),
    "an older one that cannot be read": ([DMARC, "dmarc=pass ("], False),
}


@pytest.mark.parametrize(("results", "ok"), AGREEMENT.values(), ids=AGREEMENT)
def test_several_headers_of_the_host_must_agree_and_the_newest_decides(results: list[str], ok: bool) -> None:
    assert authenticated(said(*results), HOST)[0] is ok


SENDERS = {
    "none": [],
    "two headers": [FROM, "From: a@evil.example"],
    "two headers, the same": [FROM, FROM],
    "two addresses": ["From: a@evil.example, Equinix <no-reply@equinix.com>"],
    "two addresses in brackets": ["From: <a@evil.example> <no-reply@equinix.com>"],
    "an address beside the brackets": ["From: a@evil.example <no-reply@equinix.com>"],
    "brackets in a comment": ["From: a@evil.example (<no-reply@equinix.com>)"],
    "brackets in quotes": ['From: "<no-reply@equinix.com>" <a@equinix.com>'],
    "a group": ["From: us: no-reply@equinix.com;"],
    "no address": ["From: Equinix"],
    "an address in quotes": ['From: "no-reply@equinix.com"'],
    "a bracket that is not closed": ["From: Equinix (NOC <no-reply@equinix.com>"],
    "a NUL": ["From: a\x00@equinix.com"],
}


@pytest.mark.parametrize("senders", SENDERS.values(), ids=SENDERS)
def test_a_mail_whose_sender_is_not_one_address_is_not_authenticated(senders: list[str]) -> None:
    ok, why = authenticated(mail(f"Authentication-Results: {HOST}; {DMARC}", *senders), HOST)
    assert not ok
    assert ("it has 2 From headers" if len(senders) == 2 else "From header") in why


@pytest.mark.parametrize(
    "sender",
    [
        "From: no-reply@equinix.com",
        "from: <no-reply@equinix.com>",
        "From: =?utf-8?q?Equinix=2C_Inc=2E_=3Ca=40b=2Ec=3E?= <No-Reply@Equinix.com>",
        'From: "Equinix, Inc. (NOC)"\r\n <no-reply@equinix.com>',
        "From: Equinix (a comment) <no-reply@equinix.com> (another)",
    ],
)
def test_one_address_may_be_written_in_many_ways(sender: str) -> None:
    assert authenticated(said(DMARC, sender=sender), HOST)[0]


def test_lines_may_end_as_they_do_in_files() -> None:
    assert authenticated(said(DMARC).replace(b"\r\n", b"\n"), HOST)[0]


@given(
    st.text(alphabet='dmarc=pass;header.from=equinix.com ()"\\\r\n\t@<>,\x00/1é', max_size=80), st.binary(max_size=40)
)
def test_whatever_stands_there_gives_an_answer_in_one_line(text: str, rest: bytes) -> None:
    for data in (said(text), said(DMARC, sender=f"From: {text}"), said(text) + rest, rest):
        ok, why = authenticated(data, HOST)
        assert isinstance(ok, bool)
        assert why
        assert "\n" not in why
