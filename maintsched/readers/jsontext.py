"""JSON from outside: bounded in size and depth, each key once, numbers as they are written."""

from __future__ import annotations

import json
import re

from maintsched.errors import NoticeUnreadable
from maintsched.readers.contentlines import decode

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
_OPENING = re.compile(rb"^(?:\xef\xbb\xbf)?\s*[\[{]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def looks_like_json(data: bytes) -> bool:
    """Whether the first character opens a JSON object or list."""
    return _OPENING.match(data[:4096]) is not None


def read_json(data: bytes) -> object:
    """The value of a JSON text: dicts, lists, str, bool, None; numbers stay text. Raises NoticeUnreadable."""
    if len(data) > MAX_BYTES:
        raise NoticeUnreadable(f"the JSON text has {len(data)} bytes, more than {MAX_BYTES} are not read")
    text = decode(data)
    if _depth(text) > MAX_DEPTH:
        raise NoticeUnreadable(f"the JSON text is nested deeper than {MAX_DEPTH}")
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NoticeUnreadable(f"the JSON text cannot be read: {error}"[:200]) from None


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Which of two values counts would be a guess."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in {name for name, _ in pairs[:number]})
        raise ValueError(f"the key {twice[:40]!r} is there twice")
    return found
