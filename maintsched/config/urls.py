"""URLs of the config file. A password in one is refused and not repeated: the inventory is stored and shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from maintsched.config.problems import Wrong
from maintsched.config.values import Located, absolute, matching, path, plain

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql", "postgresql+psycopg")

hostname = matching(
    r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?",
    "a host name or an address",
)


def endpoint(value: object) -> str:
    """`HOST` or `HOST:PORT`, `[ADDRESS]:PORT` for IPv6."""
    text = plain(value)
    allowed = "HOST or HOST:PORT, an IPv6 address with a port in [ ]"
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]+)):([0-9]{1,5})", text)
    try:
        hostname((match[1] or match[2]) if match else text)
    except Wrong as wrong:
        raise Wrong(f"{text!r} does not fit", allowed) from wrong
    if match and not 1 <= int(match[3]) <= 65535:
        raise Wrong(f"{match[3]} is not a port", "HOST:PORT with a port from 1 to 65535")
    return text


def scheme(text: str) -> str:
    """The scheme of a URL in lower case; empty for a path."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def location(value: object) -> str:
    """Where a calendar comes from: a file, a folder, https:// or imaps://."""
    text = plain(value)
    allowed = "a file, a folder, https://… or imaps://…"
    kind = scheme(text)
    if not kind:
        return path(text)
    if kind == "webcal":
        raise Wrong("webcal:// is https:// under another name", "https://…")
    if kind not in ("https", "imaps"):
        raise Wrong(f"{kind}:// is not supported: what comes over it cannot be trusted", allowed)
    _checked(text, "give `user:` and `password: {env: NAME}` beside it")
    return text


def https(value: object) -> str:
    text = plain(value)
    if scheme(text) != "https":
        raise Wrong(f"{scheme(text) + '://' if scheme(text) else 'this'} is not https://", "https://HOST[:PORT]/…")
    _checked(text, "a URL without user and password")
    return text


def database(value: object) -> str:
    """`sqlite:///PATH` or `postgresql://…`, as written."""
    text = plain(value)
    allowed = "sqlite:///PATH, postgresql://USER@HOST/NAME"
    if scheme(text) == "sqlite":
        name = text[len(SQLITE) :] if text.startswith(SQLITE) else ""
        if not name or name.startswith((":memory:", "file:")):
            raise Wrong("an SQLite database needs a file: one in memory forgets everything", "sqlite:///PATH")
        return text
    if scheme(text) not in POSTGRESQL:
        raise Wrong(f"{scheme(text) + '://' if scheme(text) else 'this'} is not a database that is supported", allowed)
    parts = _checked(text, "PGPASSWORD or ~/.pgpass, which PostgreSQL's own library reads")
    if re.search(r"(^|&)(password|sslpassword)=", parts.query, re.IGNORECASE):
        raise Wrong("a password does not belong in this file", "PGPASSWORD or ~/.pgpass")
    return text


def _checked(text: str, instead: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise Wrong("is not a URL that can be read", "SCHEME://HOST[:PORT]/…") from error
    if parts.password is not None:
        raise Wrong("a password does not belong in this file", instead)
    if parts.username is not None and parts.scheme not in POSTGRESQL:
        raise Wrong("a user does not belong in this URL", instead)
    if not parts.hostname and parts.scheme not in POSTGRESQL:
        raise Wrong("the URL names no host", "SCHEME://HOST[:PORT]/…")
    return parts


def absolute_database(base: Path, written: str) -> Located:
    """The SQLite URL with its path made absolute; any other URL as it is."""
    if not written.startswith(SQLITE):
        return Located(written)
    name, mark, query = written[len(SQLITE) :].partition("?")
    return Located(f"{SQLITE}{absolute(base, name)}{mark}{query}", written)


def absolute_location(base: Path, written: str) -> Located:
    return Located(written) if scheme(written) else absolute(base, written)
