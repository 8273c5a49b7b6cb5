"""Mails (RFC 5322, MIME): headers, what a person sees as lines, tables, and calendars inside."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime

from bs4 import BeautifulSoup, Tag

from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import clean, decode, looks_like_calendar

MAX_BYTES = 8 * 1024 * 1024
_HEADER = re.compile(r"(?im)^(from|to|subject|date|received|return-path|message-id|mime-version|delivered-to)[ \t]*:")
_BLOCKS = (
    "p",
    "div",
    "tr",
    "td",
    "th",
    "table",
    "li",
    "ul",
    "ol",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an HTML part: its rows of cells, and the number of the line that follows its text."""

    rows: tuple[tuple[str, ...], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Part:
    """One alternative of the body as lines; blank ones are kept, as they end a paragraph."""

    lines: tuple[str, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail taken apart. `date` is None where it has none or an unreadable one."""

    sender: str
    subject: str
    date: datetime | None
    message_id: str
    html: tuple[Part, ...]
    text: tuple[Part, ...]
    calendars: tuple[bytes, ...]


def looks_like_mail(data: bytes) -> bool:
    """Whether the bytes begin with at least two headers of a mail."""
    head = re.split(rb"\r?\n\r?\n", data.lstrip()[:65536], maxsplit=1)[0]
    return len({name.lower() for name in _HEADER.findall(decode(head))}) >= 2


def read_mail(data: bytes) -> Mail:
    """The mail of these bytes. Raises NoticeUnreadable where they cannot be taken apart."""
    if len(data) > MAX_BYTES:
        raise NoticeUnreadable(f"the mail has {len(data)} bytes, more than {MAX_BYTES} are not read")
    try:
        message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return _taken_apart(message)
    except NoticeUnreadable:
        raise
    except Exception as error:  # noqa: BLE001 (the standard library's parser fails in many ways on broken mails)
        raise NoticeUnreadable(f"the mail cannot be taken apart: {type(error).__name__} {error}"[:200]) from None


def _taken_apart(message: EmailMessage) -> Mail:
    html: list[Part] = []
    text: list[Part] = []
    calendars: list[bytes] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        payload = part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
        if kind in ("text/calendar", "application/ics") or (part.get_filename() or "").lower().endswith(".ics"):
            calendars.append(body)
        elif kind == "text/html":
            html.append(html_part(_decoded(body, part)))
        elif kind == "text/plain":
            if looks_like_calendar(body):
                calendars.append(body)
            else:
                text.append(Part(tuple(_decoded(body, part).splitlines())))
    return Mail(
        sender=_address([str(value) for name, value in message.raw_items() if name.lower() == "from"]),
        subject=clean(str(message.get("Subject", ""))),
        date=_date(str(message.get("Date", ""))),
        message_id=clean(str(message.get("Message-ID", ""))),
        html=tuple(html),
        text=tuple(text),
        calendars=tuple(calendars),
    )


def _decoded(body: bytes, part: EmailMessage | email.message.Message) -> str:
    try:
        return body.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError, ValueError):
        return decode(body)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" comes without zone and means UTC (RFC 5322 section 3.3).
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def html_part(markup: str) -> Part:
    """HTML as a person sees it: one line for each block or `<br>`, and the innermost tables cell by cell."""
    soup = BeautifulSoup(markup, "html.parser")
    for hidden in soup(["script", "style", "head", "title"]):
        hidden.decompose()
    tables = [table for table in soup.find_all("table") if isinstance(table, Tag) and table.find("table") is None]
    rows = [_rows(table) for table in tables]
    for number, table in enumerate(tables):
        table.append(f"\x1d{number}\x1d")
    for line_break in soup("br"):
        line_break.replace_with("\x1e")
    for block in soup(list(_BLOCKS)):
        block.insert(0, "\x1e")
        block.append("\x1e")
    return _lines_and_tables(soup.get_text(), rows)


def _rows(table: Tag) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(clean(cell.get_text(" ")) for cell in row.find_all(["td", "th"]) if isinstance(cell, Tag))
        for row in table.find_all("tr")
        if isinstance(row, Tag)
    )


def _lines_and_tables(text: str, rows: list[tuple[tuple[str, ...], ...]]) -> Part:
    lines: list[str] = []
    tables: list[Table] = []
    for chunk in text.split("\x1e"):
        pieces = re.split(r"\x1d(\d+)\x1d", chunk)
        line = clean(" ".join(pieces[::2]))
        if line or (lines and lines[-1]):
            lines.append(line)
        tables += [Table(rows[int(number)], len(lines)) for number in pieces[1::2] if int(number) < len(rows)]
    return Part(tuple(lines), tuple(tables))


def _address(headers: list[str]) -> str:
    """The one address of the raw From header, in lower case; where there is none, or several, text that equals none.

    Equinix writes brackets into the display name unquoted: the standard library's header object loses the address then.
    """
    header = clean(" ".join(headers))
    angled = re.findall(r"<([^<>]*)>", header)
    found = angled[0] if len(angled) == 1 else "" if angled or "," in header else parseaddr(header)[1]
    plain = found.strip().lower()
    if len(headers) == 1 and re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", plain):
        return plain
    return f"(no single address: {header or 'no From'})"
