"""Calendars over HTTPS: asked only whether they have changed, from the very addresses that were checked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

import httpx2

from maintsched.domain.inventory import Source
from maintsched.errors import Unavailable
from maintsched.sources.addresses import resolve
from maintsched.sources.connecting import CONNECT_S, Budget, Context, context, first_that_answers, in_words, plain
from maintsched.sources.message import INPUT_LIMIT, Fetched, Message

_REDIRECTS = 5
_OVERHEAD = 1024 * 1024  # headers, TLS' own, redirects
_MARK_LENGTH = 2000
_GZIP = 31  # zlib's name for a gzip header


def fetch(source: Source, validators: str, login: tuple[str, str] | None, seconds: float) -> Fetched:
    """The calendar at `source.location`, unless it is unchanged. Raises Unavailable.

    Redirects are followed on the same host and port. Proxies of the environment are ignored: the address is checked
    here.
    """
    budget = Budget(seconds, INPUT_LIMIT + _OVERHEAD)
    url = _read_url(source.location)
    host, port = url.raw_host.decode("ascii"), url.port or 443
    addresses = resolve(host, port, source.private, budget.left())
    trusting = context(host, source.ca, budget)
    known = _known(validators, source.location)

    def ask(address: str) -> Fetched:
        return _Asking(source, url, address, login, known).over(trusting)

    try:
        return first_that_answers(addresses, ask)
    except Unavailable:
        raise
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise in_words(error, _shown(url), budget) from error


class _Asking:
    """One address of the host, asked with conditions, through its redirects."""

    def __init__(
        self, source: Source, url: httpx2.URL, address: str, login: tuple[str, str] | None, known: dict[str, str]
    ) -> None:
        self.source = source
        self.url = url
        self.address = address
        self.login = login
        self.known = known

    def over(self, trusting: Context) -> Fetched:
        left = trusting.budget.left_or_late()  # each step may take it; the context ends all of them together
        timeout = httpx2.Timeout(left, connect=min(CONNECT_S, left))
        with httpx2.Client(verify=trusting, trust_env=False, timeout=timeout) as client:
            url = self.url
            for _ in range(_REDIRECTS + 1):
                auth = httpx2.BasicAuth(*self.login) if self.login else None
                answer = client.send(self._request(client, url), stream=True, auth=auth, follow_redirects=False)
                try:
                    if not answer.has_redirect_location:
                        return self._result(answer, url)
                    url = self._redirected(url, answer.headers["Location"])
                finally:
                    answer.close()
        raise Unavailable(f"{_shown(self.url)} redirects more than {_REDIRECTS} times", "correct `from:` of the source")

    def _request(self, client: httpx2.Client, url: httpx2.URL) -> httpx2.Request:
        headers = {"Host": url.netloc.decode("ascii"), "Accept": "text/calendar, */*;q=0.5", "Accept-Encoding": "gzip"}
        if "etag" in self.known:
            headers["If-None-Match"] = self.known["etag"]
        if "modified" in self.known:
            headers["If-Modified-Since"] = self.known["modified"]
        return client.build_request("GET", url.copy_with(host=self.address), headers=headers)

    def _redirected(self, url: httpx2.URL, location: str) -> httpx2.URL:
        try:
            to = url.join(location)
        except httpx2.InvalidURL:
            raise Unavailable(f"{_shown(url)} redirects to no address", "ask whoever runs it") from None
        same = (to.scheme, to.raw_host.lower(), to.port or 443) == ("https", url.raw_host.lower(), url.port or 443)
        if not same:
            raise Unavailable(
                f"{_shown(url)} redirects to {_shown(to)}, which is another place",
                "name that in `from:`, if it is meant; user and password would go there",
            )
        return to

    def _result(self, answer: httpx2.Response, url: httpx2.URL) -> Fetched:
        status = answer.status_code
        if status == 304 and self.known:
            return Fetched((), grows=False, unchanged=True, validators=json.dumps(self.known))
        if status != 200:
            hint = "check `user:` and `password:`" if status in (401, 403) else "what was known is kept; try again"
            said = plain(f"{status} {answer.reason_phrase}", 80)
            raise Unavailable(f"{_shown(url)} answers {said}", hint)
        data = _body(answer, _shown(url))
        if not data.strip():
            raise Unavailable(f"{_shown(url)} is empty", "what was known is kept; a calendar without entries says so")
        marks = {"url": self.source.location}
        for name, header in (("etag", "ETag"), ("modified", "Last-Modified")):
            if 0 < len(answer.headers.get(header, "")) <= _MARK_LENGTH:
                marks[name] = answer.headers[header]
        kept = json.dumps(marks) if len(marks) > 1 else ""
        return Fetched((Message(self.source.location, data),), grows=False, validators=kept)


def _body(answer: httpx2.Response, place: str) -> bytes:
    """The whole content, of which no more is unpacked than may be read."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise Unavailable(f"{place} is packed as {plain(coding, 40)}, which was not asked for", "ask whoever runs it")
    chunks = _unpacked(answer.iter_raw(), place) if coding.endswith("gzip") else answer.iter_raw()
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > INPUT_LIMIT:
            raise Unavailable(
                f"{place} has more than {INPUT_LIMIT} bytes, which are not read", "is it the right place?"
            )
    return bytes(data)


def _unpacked(chunks: Iterator[bytes], place: str) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if unpacking.eof:  # a gzip file may be several, one behind the other
                    unpacking = zlib.decompressobj(_GZIP)
                yield unpacking.decompress(rest, INPUT_LIMIT + 1)
                rest = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    except zlib.error as error:
        raise Unavailable(f"{place}: its packed content is broken", "try again") from error
    if not unpacking.eof:
        raise Unavailable(f"{place}: its packed content ends in the middle", "try again")


def _read_url(location: str) -> httpx2.URL:
    try:
        url = httpx2.URL(location)
    except httpx2.InvalidURL as error:
        raise Unavailable(f"{plain(location)} is no address: {error}", "correct `from:` of the source") from error
    if not url.host or url.userinfo:
        raise Unavailable("`from:` needs a host, and no user or password", "https://HOST[:PORT]/…")
    return url.copy_with(fragment=None)


def _shown(url: httpx2.URL) -> str:
    """Without the query, which often holds a key."""
    return plain(str(url.copy_with(query=None, fragment=None, username="", password="")), 300)


def _known(validators: str, location: str) -> dict[str, str]:
    """ETag and Last-Modified of this very URL; nothing where they are of another, or unreadable."""
    try:
        found = json.loads(validators or "{}")
        if found.get("url") != location:
            return {}
        return {str(name): str(value) for name, value in found.items() if name in ("url", "etag", "modified")}
    except (ValueError, AttributeError):
        return {}
