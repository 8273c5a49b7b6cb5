"""What a source gives: messages as received, and how far it was read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

INPUT_LIMIT = 20 * 1024 * 1024  # bytes of one message, after decompression
RUN_LIMIT = 100 * 1024 * 1024  # bytes of messages of one run; what is left comes with the next
RUN_MESSAGES = 2000  # mails of one run, likewise


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received; `origin` is where it lay: a path, a URL, a mail's UID in its mailbox.

    `problem`: why `data` is not the whole message. A person must look at it, whatever can be read.
    """

    origin: str
    data: bytes
    problem: str = ""

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one run brought.

    `grows`: messages are added and each is taken once (a folder, a mailbox), rather than one that is replaced as a
    whole (a file, a URL). `unchanged`: nothing is new since `validators` were given out; there are no messages then.
    `validators` is opaque text, to be given back next time once the messages are kept. `emptied`: a folder that held
    messages before holds none. `more`: not all was taken, and the next run goes on; `note` says so in words.
    """

    messages: tuple[Message, ...]
    grows: bool
    unchanged: bool = False
    validators: str = ""
    emptied: bool = False
    more: bool = False
    note: str = ""
