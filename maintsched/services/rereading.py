"""Reading messages; and those that were taken before: are they believed now, what do they say of a later time?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from maintsched import readers
from maintsched.domain.inventory import Source
from maintsched.domain.maintenance import belongs_to, merge
from maintsched.domain.notice import Notice, Status
from maintsched.errors import NoticeUnreadable, Unavailable
from maintsched.services.fetching import Message
from maintsched.store import notices
from maintsched.store.engine import Transaction
from maintsched.store.notices import SourceState


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message with the notices in it, or why it could not be read. `later`: it was taken before, but not so far."""

    message: Message
    notices: tuple[Notice, ...]
    error: str = ""
    later: bool = False


def read_message(message: Message, origin: readers.Origin) -> ReadMessage:
    """Never raises: what cannot be read is told in `error`."""
    try:
        return ReadMessage(message, readers.read(message.data, origin))
    except NoticeUnreadable as error:
        return ReadMessage(message, (), error.message)
    except Exception as error:  # noqa: BLE001  # one file that trips a reader must not keep the others out
        return ReadMessage(message, (), f"it could not be read, by a bug: {type(error).__name__}: {error}"[:300])


def later_notices(
    messages: Iterable[Message], fresh: Sequence[Message], origin: readers.Origin, after: datetime
) -> list[ReadMessage]:
    """What messages that were taken before say of the time from `after` on, up to which they were expanded then."""
    read = [read_message(message, origin) for message in messages if message not in fresh]
    beyond = [
        replace(each, notices=tuple(n for n in each.notices if n.interval and n.interval.start >= after), later=True)
        for each in read
    ]
    return [each for each in beyond if each.notices]


def doubtful(
    tx: Transaction, source: Source, before: SourceState, messages: Sequence[Message], origin: readers.Origin
) -> Unavailable | None:
    """Why a source that brings no new message is not believed; None where it is."""
    if not messages:
        suddenly = "it is suddenly empty; what was known is kept"
        return Unavailable(suddenly, f"is {source.location} the right place?") if before.last_content else None
    if len(messages) > 1 or messages[0].origin != source.location or digest(messages) == before.content_sha256:
        return None
    # A file that is replaced, not a folder that grows: it holds again what a newer version of it had changed.
    keys = notices.KnownKeys(tx)
    for notice in read_message(messages[0], origin).notices:
        known = keys.like(notice)
        for key in belongs_to(notice, known):
            kept = merge(notices.revisions_of(tx, known[key])) if key in known else None
            says = (notice.interval, notice.status or Status.CONFIRMED, notice.impact)
            if kept is not None and says != (kept.interval, kept.status, kept.impact):
                return Unavailable(
                    f"it is an older version again; what the newer one said of {notice.title!r} is kept",
                    "where it is right now: raise SEQUENCE or DTSTAMP of that entry",
                )
    return None


def digest(messages: Iterable[Message]) -> str:
    """SHA-256 over all of a source's messages."""
    return sha256("".join(sorted(message.sha256 for message in messages)).encode()).hexdigest()
