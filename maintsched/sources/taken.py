"""Which UIDs of a mailbox were taken (RFC 3501 section 2.3.1.1): a few ranges, as new mails come before the backlog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

Range = tuple[int, int]  # both ends within


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of one mailbox while it had this UIDVALIDITY."""

    mailbox: str
    uidvalidity: int
    ranges: tuple[Range, ...] = ()

    def adding(self, first: int, last: int) -> Taken:
        """With all from `first` to `last` taken as well; ranges that touch become one."""
        merged: list[Range] = []
        for low, high in sorted([*self.ranges, (first, last)]):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return Taken(self.mailbox, self.uidvalidity, tuple(merged))

    def gaps(self, last: int) -> Iterator[Range]:
        """What is not taken of 1 to `last`, the newest first."""
        top = last
        for low, high in reversed(self.ranges):
            if high < top:
                yield high + 1, top
            top = min(top, low - 1)
        if top >= 1:
            yield 1, top

    def written(self) -> str:
        return json.dumps({"mailbox": self.mailbox, "uidvalidity": self.uidvalidity, "taken": self.ranges})


def read_taken(validators: str, mailbox: str, uidvalidity: int) -> Taken:
    """What was taken of this mailbox; nothing where it was another, or was numbered anew, or cannot be read."""
    nothing = Taken(mailbox, uidvalidity)
    try:
        found = json.loads(validators or "{}")
        if (found.get("mailbox"), found.get("uidvalidity")) != (mailbox, uidvalidity):
            return nothing
        for low, high in found["taken"]:
            nothing = nothing.adding(int(low), int(high))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Taken(mailbox, uidvalidity)
    return nothing
