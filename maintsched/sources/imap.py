"""Mails of an IMAP mailbox (RFC 3501) over TLS: read without a trace, the newest first, each once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError, LoginError

from maintsched.domain.inventory import Source
from maintsched.errors import Unavailable
from maintsched.sources.addresses import resolve
from maintsched.sources.connecting import CONNECT_S, Budget, context, first_that_answers, in_words, plain
from maintsched.sources.message import INPUT_LIMIT, RUN_LIMIT, RUN_MESSAGES, Fetched, Message
from maintsched.sources.taken import Range, Taken, read_taken

_PORT = 993
_TRAFFIC = RUN_LIMIT + 2 * INPUT_LIMIT
_SEARCH_SPAN = 80_000  # UIDs: the answer is one line, which the client library reads up to 1,000,000 bytes of
_BATCH = 50
_BATCH_BYTES = 4 * 1024 * 1024
_HEADER_LIMIT = 64 * 1024
_TOO_LARGE = f"the mail has more than {INPUT_LIMIT} bytes, so only its head is here"
_NO_BODY = "the server gave nothing of this mail's body"
_SPARE = 0.15  # share of the deadline that is kept back, so that what was taken is handed over
T = TypeVar("T")


class _Place:
    """A mailbox's URL, taken apart: imaps://HOST[:PORT]/FOLDER."""

    def __init__(self, source: Source) -> None:
        parts = urlsplit(source.location)
        try:
            self.port = parts.port or _PORT
        except ValueError as error:
            raise Unavailable(f"{source.location}: {error}", "imaps://HOST[:PORT]/FOLDER") from error
        self.host = parts.hostname or ""
        self.folder = unquote(parts.path.removeprefix("/"), errors="strict") or "INBOX"
        # The folder is written into a line of the protocol.
        if not self.host or parts.query or parts.fragment or not self.folder.isprintable():
            raise Unavailable(f"{plain(source.location)} names no mailbox", "imaps://HOST[:PORT]/FOLDER")
        shown = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORT else f":{self.port}"
        self.shown = f"imaps://{shown}{port}/{self.folder}"


def fetch(source: Source, validators: str, login: tuple[str, str] | None, seconds: float) -> Fetched:
    r"""The mails that were not taken before, at most RUN_MESSAGES and RUN_LIMIT bytes. Raises Unavailable.

    The mailbox is opened with EXAMINE, so nothing in it changes, not even \Seen.
    """

    def read(client: IMAPClient, place: _Place, budget: Budget) -> Fetched:
        state = client.select_folder(place.folder, readonly=True)
        uidvalidity = _number(state, b"UIDVALIDITY", place)
        return _Run(client, place, budget, read_taken(validators, f"{source.user}@{place.shown}", uidvalidity)).result(
            _last(client, state), int(state[b"EXISTS"])
        )

    return _with_mailbox(source, login, seconds, read)


def mark_seen(source: Source, fetched: Fetched, login: tuple[str, str] | None, seconds: float) -> None:
    r"""Set \Seen on the mails of `fetched` that were taken whole. Raises Unavailable."""

    def mark(client: IMAPClient, place: _Place, budget: Budget) -> None:
        try:
            state = client.select_folder(place.folder, readonly=False)
        except IMAPClientReadOnlyError as error:
            hint = "`mark_seen: false`, or a login that may write there"
            raise Unavailable(f"{place.shown} may only be read: no mail can be marked as seen", hint) from error
        beginning = _origin(place, _number(state, b"UIDVALIDITY", place))
        uids = [
            int(message.origin.removeprefix(beginning))
            for message in fetched.messages
            if message.origin.startswith(beginning) and not message.problem
        ]
        for start in range(0, len(uids), _BATCH):
            client.add_flags(uids[start : start + _BATCH], [b"\\Seen"], silent=True)

    _with_mailbox(source, login, seconds, mark)


def _with_mailbox(
    source: Source,
    login: tuple[str, str] | None,
    seconds: float,
    act: Callable[[IMAPClient, _Place, Budget], T],
) -> T:
    place = _Place(source)
    if login is None:
        raise Unavailable(f"{place.shown} needs a login", "`user:` and `password:` of the source")
    budget = Budget(seconds, _TRAFFIC)
    addresses = resolve(place.host, place.port, source.private, budget.left())
    trusting = context(place.host, source.ca, budget)

    def connect(address: str) -> IMAPClient:
        left = budget.left_or_late()
        timeout = SocketTimeout(connect=min(CONNECT_S, left), read=left)
        return IMAPClient(address, port=place.port, ssl=True, ssl_context=trusting, timeout=timeout)

    try:
        with first_that_answers(addresses, connect) as client:
            _log_in(client, place, login)
            return act(client, place, budget)
    except (OSError, IMAPClientError) as error:
        raise _in_words(error, place, budget) from error


def _in_words(error: OSError | IMAPClientError, place: _Place, budget: Budget) -> Unavailable:
    if isinstance(error, OSError) or isinstance(error.__context__, OSError) or budget.left() <= 0:
        return in_words(error, place.shown, budget)
    return Unavailable(f"{place.shown}: {_said(error)}", "what was known is kept; try again")


def _said(error: IMAPClientError) -> str:
    """The server's words, of which the client library shows the bytes."""
    text = str(error)
    bare = re.fullmatch(r"b(['\"])(?:\* )?(.*)\1", text, re.DOTALL)
    return plain(bare[2] if bare else text)


def _log_in(client: IMAPClient, place: _Place, login: tuple[str, str]) -> None:
    try:
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(*login)  # the only one of the two that takes a password beyond ASCII
        else:
            client.login(*login)
    except LoginError as error:
        hint = "check `user:` and `password:`; some providers want a password made for this program"
        raise Unavailable(f"{place.shown} refuses the login: {_said(error)}", hint) from error


class _Run:
    """One look into an open mailbox."""

    def __init__(self, client: IMAPClient, place: _Place, budget: Budget, taken: Taken) -> None:
        self.client = client
        self.place = place
        self.budget = budget
        self.taken = taken
        self.messages: dict[int, Message] = {}
        self.size = 0

    def result(self, last: int, exists: int) -> Fetched:
        """Take what is new up to the UID `last`, then what is left of the backlog."""
        broken = ""
        try:
            complete = exists == 0 or all(self._gap(gap, exists) for gap in tuple(self.taken.gaps(last)))
        except (OSError, IMAPClientError) as error:
            if not self.messages:
                raise
            # A slow mailbox would never be read if each run threw away what it had.
            complete, broken = False, f"; then: {_in_words(error, self.place, self.budget).message}"
        if complete and last:
            self.taken = self.taken.adding(1, last)
        taken = tuple(self.messages[uid] for uid in sorted(self.messages))
        note = f"{len(taken)} mails taken, the newest first; older ones wait for the next run{broken}"
        return Fetched(
            taken,
            grows=True,
            unchanged=not taken,
            validators=self.taken.written(),
            more=not complete,
            note="" if complete else note,
        )

    def _gap(self, gap: Range, exists: int) -> bool:
        """Take what is in a gap from the top; False where the run ended before its bottom."""
        low, top = gap
        while top >= low:
            bottom = low if exists <= _SEARCH_SPAN else max(low, top - _SEARCH_SPAN + 1)
            uids = sorted(uid for uid in self.client.search(f"UID {bottom}:{top}") if bottom <= uid <= top)
            for batch in self._batches(uids):
                if self._is_over(len(batch)):
                    return False
                self._take(batch)
                # Between the mails of a batch there are none, and above the highest were those taken before.
                self.taken = self.taken.adding(min(batch), top)
            self.taken = self.taken.adding(bottom, top)
            top = bottom - 1
            if top >= low and self._is_over(0):
                return False
        return True

    def _is_over(self, coming: int) -> bool:
        full = len(self.messages) + coming > RUN_MESSAGES or self.size >= RUN_LIMIT
        late = self.budget.left() < self.budget.seconds * _SPARE
        return bool(self.messages) and (full or late)

    def _batches(self, uids: list[int]) -> Iterator[dict[int, int]]:
        """UIDs with their sizes, the newest first, as much as is fetched at once."""
        for start in range(len(uids), 0, -RUN_MESSAGES):
            part = uids[max(0, start - RUN_MESSAGES) : start]
            found = self.client.fetch(part, [b"RFC822.SIZE"])
            batch: dict[int, int] = {}
            for uid in reversed(part):
                size = int(found.get(uid, {}).get(b"RFC822.SIZE", 0))
                if batch and (len(batch) == _BATCH or sum(batch.values()) + size > _BATCH_BYTES):
                    yield batch
                    batch = {}
                batch[uid] = size if size <= INPUT_LIMIT else INPUT_LIMIT + 1
            if batch:
                yield batch

    def _take(self, batch: dict[int, int]) -> None:
        whole = [uid for uid, size in batch.items() if size <= INPUT_LIMIT]
        bodies = self._bodies(whole)
        for uid in batch:
            if uid not in whole:
                self._note(
                    uid, self._header(uid), f"the mail has more than {INPUT_LIMIT} bytes, so only its head is here"
                )
            elif uid in bodies:
                data = bodies[uid]
                self._note(uid, data or self._header(uid), "" if data else _NO_BODY)

    def _bodies(self, uids: list[int]) -> dict[int, bytes]:
        """The mails as they were received; one that the server cannot give does not take the others with it."""
        if not uids:
            return {}
        try:
            return _content(self.client.fetch(uids, [b"BODY.PEEK[]"]), uids, b"BODY[]")
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            if len(uids) == 1:
                return {uids[0]: b""}
            return {uid: data for each in uids for uid, data in self._bodies([each]).items()}

    def _header(self, uid: int) -> bytes:
        head = f"BODY.PEEK[HEADER]<0.{_HEADER_LIMIT}>".encode()
        with contextlib.suppress(IMAPClientError):
            return _content(self.client.fetch([uid], [head]), [uid], b"BODY[HEADER]<0>").get(uid, b"")
        return b""

    def _note(self, uid: int, data: bytes, problem: str) -> None:
        if len(data) > INPUT_LIMIT:
            data, problem = (
                data[:_HEADER_LIMIT],
                f"the mail has more than {INPUT_LIMIT} bytes, so only its head is here",
            )
        origin = f"{_origin(self.place, self.taken.uidvalidity)}{uid}"
        if problem:
            # The line makes it a message of its own, also where the server gave no header at all.
            data = data.rstrip(b"\r\n") + f"\r\n\r\n[{problem}: {origin}]\r\n".encode()
        self.messages[uid] = Message(origin, data, problem)
        self.size += len(data)


def _content(found: dict[int, dict[bytes, Any]], wanted: list[int], key: bytes) -> dict[int, bytes]:
    """What a FETCH brought of the UIDs that were asked for; a mail that was deleted meanwhile is not among them."""
    return {uid: found[uid][key] or b"" for uid in wanted if key in found.get(uid, {})}


def _origin(place: _Place, uidvalidity: int) -> str:
    return f"{place.shown};UIDVALIDITY={uidvalidity};UID="


def _number(state: dict[bytes, Any], key: bytes, place: _Place) -> int:
    if not isinstance(state.get(key), int):
        hint = "save its mails into a folder, and name that in `from:`"
        raise Unavailable(f"{place.shown} has no {key.decode()}: its mails cannot be told apart", hint)
    return int(state[key])


def _last(client: IMAPClient, state: dict[bytes, Any]) -> int:
    """The highest UID there can be now; older servers do not tell the next one."""
    if isinstance(state.get(b"UIDNEXT"), int):
        return int(state[b"UIDNEXT"]) - 1
    return max((int(uid) for uid in client.search("UID *")), default=0)
