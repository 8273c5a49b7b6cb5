"""What our own mail server found out about a mail's sender: Authentication-Results (RFC 8601).

Only the header of the host that is trusted counts, and of several only the topmost, which is the newest; the others may
confirm it. Whatever cannot be read with certainty is no authentication.
"""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass

from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import clean
from maintsched.readers.mail import read_mail

_KEYWORD = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_METHOD = re.compile(rf"({_KEYWORD})(?:\s*/\s*(\d+))?\s*=\s*({_KEYWORD})(?![^\s])")
_PROPERTY = re.compile(rf"\s+({_KEYWORD}(?:\s*\.\s*[A-Za-z0-9_-]+)?)\s*=\s*([^\s]+)")
_HOST = re.compile(r"([^\s=]+)(?:\s+(\d+))?")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# A quoted string within a comment, as rspamd writes them, must not hold what would end the comment.
_BREAKS_OUT = re.compile(r"[()\\;]")
_QUOTED = re.compile(r"\x00(\d+)\x00")
# Labels under which a country's registry gives out names: example.co.uk belongs to somebody else than co.uk.
_REGISTRY = re.compile(r"(ac|co|com|edu|gen|go|gob|gouv|gov|govt|gv|id|ltd|me|mil|ne|net|nom|or|org|plc|sch)\.[a-z]{2}")
# A domain without a policy says nothing against its signature; every other result of DMARC does.
_NO_POLICY = ("none", "bestguesspass")


@dataclass(frozen=True, slots=True)
class _Result:
    """`dkim=pass header.d=example.net`: a method, what it gave, and what about, each property once."""

    method: str
    value: str
    about: dict[str, str]

    @property
    def domain(self) -> str:
        """The domain that the result is about; empty where it names none, or contradicts itself."""
        if self.method == "dmarc":
            return _domain(self.about.get("header.from", ""))
        if self.method == "spf":
            return _domain(self.about.get("smtp.mailfrom", ""))
        signer, identity = (_domain(self.about.get(name, "")) for name in ("header.d", "header.i"))
        if signer and identity and not _within(identity, signer):
            return ""
        return signer or identity


def authenticated(data: bytes, authserv: str) -> tuple[bool, str]:
    """Whether the mail is from the domain of its From address, as the host `authserv` says; and why, in one line."""
    headers = _headers(data)
    try:
        sender = _sender(data, headers)
        found = [_results(text, authserv) for name, text in headers if name.lower() == "authentication-results"]
    except ValueError as error:
        return False, clean(str(error))
    ours = [results for results in found if results is not None]
    if not ours:
        return False, f"no Authentication-Results of {authserv}"
    domain = sender.rpartition("@")[2]
    against = _against(ours, domain)
    if against:
        return False, f"{authserv}: {against}"
    for result in ours[0]:
        if result.value == "pass" and result.method == "dmarc":
            return True, f"{authserv}: dmarc=pass for {domain}"
    for result in ours[0]:
        if result.value == "pass" and result.method in ("dkim", "spf") and _aligned(result.domain, domain):
            return True, f"{authserv}: {result.method}=pass for {result.domain}, aligned with {domain}"
    said = ", ".join(f"{result.method}={result.value}" for result in ours[0]) or "no result"
    return False, f"{authserv}: nothing that passed is of {domain} ({clean(said)[:120]})"


def _against(headers: list[tuple[_Result, ...]], domain: str) -> str:
    """What speaks against the sender in any of the host's headers; empty where nothing does."""
    for results in headers:
        policies = [result for result in results if result.method == "dmarc"]
        if len(policies) > 1:
            return "several results of dmarc in one header"
        for result in policies:
            if result.value == "pass" and result.domain != domain:
                return f"dmarc=pass is for {result.domain or 'no domain'}, not for {domain}"
            if result.value != "pass" and result.value not in _NO_POLICY:
                return f"dmarc={result.value}"
    passed: dict[tuple[str, str], bool] = {}
    for results in headers:
        for key, value in _outcomes(results).items():
            if passed.setdefault(key, value) is not value:
                return f"its headers disagree about {' of '.join(part for part in key if part)}"
    return ""


def _outcomes(results: tuple[_Result, ...]) -> dict[tuple[str, str], bool]:
    """Whether each method passed, by domain: of several signatures of one domain, one will do."""
    found: dict[tuple[str, str], bool] = {}
    for result in results:
        key = (result.method, "" if result.method == "dmarc" else result.domain)
        found[key] = found.get(key, False) or result.value == "pass"
    return found


def _headers(data: bytes) -> list[tuple[str, str]]:
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    return [(name, str(value)) for name, value in message.raw_items()]


def _sender(data: bytes, headers: list[tuple[str, str]]) -> str:
    """The one address of the one From header. Raises ValueError.

    It must be the one that the reader of mails takes as the sender, which is compared with the source's `senders`.
    """
    fields = [text for name, text in headers if name.lower() == "from"]
    if len(fields) != 1:
        raise ValueError(f"it has {len(fields) or 'no'} From header{'s' if len(fields) > 1 else ''}")
    bare, _ = _without_comments(fields[0], "From")
    angled = re.findall(r"<([^<>]*)>", bare)
    rest = re.sub(r"<[^<>]*>", " ", bare) if angled else ""
    address = (angled[0] if angled else bare).strip().lower()
    if (
        len(angled) > 1
        or re.search(r"[@,;:<>]", rest)
        or not re.fullmatch(r"[^\s@,;:<>\x00]+@[^\s@,;:<>\x00]+", address)
    ):
        raise ValueError("its From header does not name one address")
    try:
        taken = read_mail(re.split(rb"\r?\n\r?\n", data.lstrip(), maxsplit=1)[0] + b"\r\n\r\n").sender
    except NoticeUnreadable as error:
        raise ValueError(error.message) from error
    if taken != address:
        raise ValueError("its From header can be read in two ways")
    return address


def _results(text: str, authserv: str) -> tuple[_Result, ...] | None:
    """What a header says; None where it is another host's, or of a version that is not known. Raises ValueError."""
    try:
        bare, quoted = _without_comments(text, "Authentication-Results")
    except ValueError:
        # Broken as it is, whose it is can still be seen; another host's is nothing to us.
        if authserv.casefold() in text.casefold():
            raise
        return None
    first, *segments = bare.split(";")
    host = _HOST.fullmatch(first.strip())
    if host is None or _unquoted(host[1], quoted).casefold() != authserv.casefold() or host[2] not in (None, "1"):
        return None
    said = [segment.strip() for segment in segments if segment.strip()]
    return () if said == ["none"] else tuple(_result(segment, quoted) for segment in said)


def _result(segment: str, quoted: list[str]) -> _Result:
    head = _METHOD.match(segment)
    if head is None or head[2] not in (None, "1"):
        raise ValueError(f"an Authentication-Results header cannot be read at {_unquoted(segment, quoted)[:60]!r}")
    about: dict[str, str] = {}
    at = head.end()
    while at < len(segment):
        found = _PROPERTY.match(segment, at)
        name = "".join(found[1].split()).lower() if found else ""
        if found is None or name in about:
            raise ValueError(
                f"an Authentication-Results header cannot be read at {_unquoted(segment[at:], quoted)[:60]!r}"
            )
        about[name] = _unquoted(found[2], quoted)
        at = found.end()
    return _Result(head[1].lower(), head[3].lower(), about)


def _without_comments(text: str, where: str) -> tuple[str, list[str]]:
    """A header unfolded, without comments (RFC 5322 section 3.2.2), and its quoted strings, numbered in it.

    Raises ValueError where it cannot be read with certainty: what a stranger sent is quoted in comments, too.
    """
    if "\x00" in text:
        raise ValueError(f"its {where} header has a NUL in it")
    bare: list[str] = []
    quoted: list[str] = []
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == '"':
            found = _STRING.match(text, at)
            if found is None or (depth and _BREAKS_OUT.search(found[1])):
                raise ValueError(f"its {where} header has a quotation mark that cannot be trusted")
            if not depth:
                bare.append(f"\x00{len(quoted)}\x00")
                quoted.append(re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL))
            at = found.end() - 1
        elif char == "\\" and depth:
            at += 1
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            bare.append(" ")
            if depth < 0:
                raise ValueError(f"its {where} header has a bracket that nothing opens")
        elif not depth:
            bare.append(" " if char in "\r\n\t" else char)
        at += 1
    if depth:
        raise ValueError(f"its {where} header has a bracket that is not closed")
    return "".join(bare), quoted


def _unquoted(text: str, quoted: list[str]) -> str:
    return _QUOTED.sub(lambda found: quoted[int(found[1])], text)


def _domain(value: str) -> str:
    """The domain of `user@domain`, `@domain`, `domain`; empty where it is none."""
    text = value.strip().removeprefix("<").removesuffix(">").rpartition("@")[2].lower().rstrip(".")
    return text if re.fullmatch(r"[^\s@<>;,:()\[\]\"]+\.[^\s@<>;,:()\[\]\".]+", text) else ""


def _within(inner: str, outer: str) -> bool:
    return inner == outer or (bool(outer) and inner.endswith("." + outer))


def _aligned(one: str, other: str) -> bool:
    """Whether both belong to one organisation, as far as can be said without the list of public suffixes."""
    if one == other:
        return True
    parent = one if _within(other, one) else other if _within(one, other) else ""
    return "." in parent and _REGISTRY.fullmatch(parent) is None
