"""Where notices come from: files, folders, https:// and imaps://. Nothing here reads what a message says.

What cannot be had is Unavailable, never "no maintenance"; a slow source ends at its deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from threading import Lock, Thread
from typing import TypeVar

from maintsched.domain.inventory import Secret, Source
from maintsched.errors import MaintschedError, Unavailable
from maintsched.sources import files, https, imap
from maintsched.sources.connecting import plain
from maintsched.sources.message import INPUT_LIMIT, RUN_LIMIT, RUN_MESSAGES, Fetched, Message
from maintsched.state import redact, reveal

__all__ = ["DEADLINE_S", "INPUT_LIMIT", "RUN_LIMIT", "RUN_MESSAGES", "Fetched", "Message", "confirm", "fetch"]

DEADLINE_S = 60.0
_GRACE_S = 1.0  # so that the one who knows what was slow can say it
T = TypeVar("T")
_hanging: dict[str, Thread] = {}
_lock = Lock()


def fetch(
    source: Source,
    validators: str = "",
    *,
    resolve_secret: Callable[[Secret, str], str] = reveal,
    seconds: float = DEADLINE_S,
) -> Fetched:
    """What `source` holds that is new since `validators`; all of it where they are empty.

    Raises Unavailable, whatever the far end does, and at the latest after `seconds`.
    """

    def read() -> Fetched:
        login = _login(source, resolve_secret)
        if source.location.lower().startswith("https://"):
            return https.fetch(source, validators, login, seconds)
        if source.location.lower().startswith("imaps://"):
            return imap.fetch(source, validators, login, seconds)
        return files.fetch(source.location, validators, seconds)

    return _in_time(source, read, seconds)


def confirm(
    source: Source,
    fetched: Fetched,
    *,
    resolve_secret: Callable[[Secret, str], str] = reveal,
    seconds: float = DEADLINE_S,
) -> None:
    r"""To be called once the messages are kept: with `mark_seen`, mails that were taken whole become \Seen.

    Raises Unavailable; the messages are taken all the same.
    """
    if source.mark_seen and fetched.messages and source.location.lower().startswith("imaps://"):
        _in_time(source, lambda: imap.mark_seen(source, fetched, _login(source, resolve_secret), seconds), seconds)


def _login(source: Source, resolve_secret: Callable[[Secret, str], str]) -> tuple[str, str] | None:
    if source.user is None or source.password is None:
        return None
    return source.user, resolve_secret(source.password, f"the password of the source {source.name}")


def _in_time(source: Source, read: Callable[[], T], seconds: float) -> T:
    """`read` in a thread of its own: a dead network file system holds whoever touches it, without end."""
    answers: Queue[T | Exception] = Queue()

    def run() -> None:
        try:
            answers.put(read())
        except Exception as error:  # noqa: BLE001  # a library that trips over the far end's bytes must not end the import
            answers.put(error)

    thread = Thread(target=run, name=f"source {source.name}", daemon=True)
    with _lock:
        earlier = _hanging.get(source.location)
        if earlier is not None and earlier.is_alive():
            raise Unavailable(f"{source.name}: an earlier attempt still hangs in it", "is its file system there?")
    thread.start()
    try:
        answer = answers.get(timeout=seconds + _GRACE_S)
    except Empty:
        with _lock:
            _hanging[source.location] = thread
        raise Unavailable(f"{source.name} did not finish within {seconds:g} s", "what was known is kept") from None
    if isinstance(answer, MaintschedError):
        raise Unavailable(redact(answer.message), redact(answer.hint)) from answer
    if isinstance(answer, Exception):
        what = f"{source.name} could not be read: {type(answer).__name__}: {plain(str(answer))}"
        raise Unavailable(redact(what), "what was known is kept") from answer
    return answer
