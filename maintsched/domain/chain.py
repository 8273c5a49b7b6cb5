"""The audit chain: canonical JSON, and hashes in which every row seals all before it.

It detects edits. It cannot detect that the newest rows were cut off: that needs a checkpoint kept elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

GENESIS = "0" * 64
_PREFIX = b"maintsched-audit-v1\0"

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def canonical_json(value: object) -> str:
    """JSON in one spelling (sorted keys, no spaces, no floats; after RFC 8785). Raises TypeError for anything else."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"canonical JSON takes no float: {value!r}")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"canonical JSON takes text keys: {key!r}")
            _refuse_floats(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_floats(inner)


def chain_hash(previous: str, body: str) -> str:
    """SHA-256 over the previous row's hash and this row's exact text."""
    return sha256(_PREFIX + bytes.fromhex(previous) + body.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """A row of the chain as stored: `body` is the exact text that was hashed."""

    seq: int
    body: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    seq: int
    reason: str


def first_break(links: Iterable[Link]) -> Break | None:
    """The first row that does not follow from the one before it, or None where the chain holds."""
    previous, expected_seq = GENESIS, 1
    for link in links:
        if link.seq != expected_seq:
            return Break(expected_seq, f"row {expected_seq} is missing; the next one is {link.seq}")
        if link.previous != previous:
            return Break(link.seq, f"row {link.seq} does not follow row {link.seq - 1}")
        if chain_hash(previous, link.body) != link.hash:
            return Break(link.seq, f"row {link.seq} was changed after it was written")
        previous, expected_seq = link.hash, expected_seq + 1
    return None
