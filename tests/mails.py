"""Equinix network-maintenance mails of our own wording, at any date: what must lie ahead does so next year, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo


def equinix_mail(
    *,
    change: str,
    start: datetime,
    hours: int,
    site: str = "LD7",
    serial: str = "20931178-A",
    zone: str = "Europe/London",
    prefix: str = "",
    sent: datetime | None = None,
) -> bytes:
    """A mail about `serial` at `site`, from `start` (UTC) for `hours`; `prefix` as in `CANCELLED - `."""
    end = start + timedelta(hours=hours)
    local = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    message = EmailMessage()
    message["From"] = "Equinix Network Maintenance [NO-REPLY] <no-reply@equinix.com>"
    message["To"] = "noc@northgate.example"
    message["Date"] = format_datetime(sent or datetime.now(UTC))
    message["Subject"] = f"{prefix}Scheduled Switch Replacement - Network Maintenance - {_date(local[0])} [{change}]"
    message.set_content(
        f"""<html><body>
<p><b>DATE:</b> {_date(local[0])} - {_date(local[1])}<br>
<b>SPAN:</b> {_date(local[0])} - {_date(local[1])}<br>
<b>LOCAL:</b> {_moment(local[0])} - {_moment(local[1])}<br>
<b>UTC:</b> {_moment(start)} - {_moment(end)}<br>
<b>IBX(s):</b> {site}</p>
<p><b>DESCRIPTION:</b> An access switch is replaced; what is patched to it goes dark meanwhile.</p>
<p><b>IMPACT:</b> There will be service interruptions</p>
<table>
<tr><th>Account #</th><th>Product</th><th>IBX</th><th>Service Serial #</th></tr>
<tr><td>700100</td><td>Cross Connect</td><td>{site}</td><td>{serial}</td></tr>
</table></body></html>""",
        subtype="html",
    )
    return message.as_bytes()


def _date(moment: datetime) -> str:
    return f"{moment:%d-%b-%Y}".upper()


def _moment(moment: datetime) -> str:
    return f"{moment:%A, %d %b %H:%M}".upper()
